"""Clips as their moving parts see them: the truth fits what is seen."""

import dataclasses

import numpy as np
import pytest

from sim2art.articulation.joint import JointType
from sim2art.articulation.kinematics import link_motions
from sim2art.dataset.clip import Clip
from sim2art.evaluate.metrics import score_clip
from sim2art.geometry.transforms import apply, inverse
from sim2art.train import examples, part_views
from sim2art.train.examples import ExampleConfig, make_judge_example
from sim2art.train.part_views import view_from_part
from tests.hand_made import truth_as_estimate
from tests.point_clips import make_chain_clip, make_point_clip


def unexplained(clip: Clip) -> float:
    """Largest flow that the truth leaves over, m."""
    motions = link_motions(clip.truth, clip.trajectory.values)
    video = clip.video
    frames, slots = np.nonzero(video.flow_valid[0])
    parts = clip.part_ids[frames, slots]
    step = motions[frames + 1, parts] @ inverse(motions[frames, parts])
    points = video.points_world[frames, slots]
    left = apply(step, points[:, None])[:, 0] - points - video.flow_world[0, frames, slots]
    return float(np.linalg.norm(left, axis=-1).max())


@pytest.mark.parametrize("smaller", [0.0, 1.0])
def test_the_truth_of_a_view_explains_its_flow(monkeypatch: pytest.MonkeyPatch, smaller: float) -> None:
    """From the door its drawer moves, from the drawer the door."""
    clip = make_chain_clip(noise=0.0)
    monkeypatch.setattr(part_views, "FROM_SMALLER", smaller)
    monkeypatch.setattr(part_views, "_spoilt", lambda motions, clip, rng: motions)
    monkeypatch.setattr(part_views, "_roughly", lambda clip, own, rng: own)
    roots = set()
    for seed in range(8):
        view = view_from_part(clip, np.random.default_rng(seed))
        assert view is not None
        if len(view.truth.joints) == 1:
            roots.add(view.truth.root)
            assert view.truth.joints[0].type is JointType.PRISMATIC
            assert unexplained(view) < 1e-6
            assert score_clip(view, truth_as_estimate(view)).mean_iou == 1.0
    assert roots == ({"door"} if smaller == 0.0 else {"drawer"})


def test_errors_of_the_motion_and_of_the_mask_are_small(monkeypatch: pytest.MonkeyPatch) -> None:
    clip = make_chain_clip(noise=0.0)
    monkeypatch.setattr(part_views, "FROM_SMALLER", 0.0)
    for seed in range(10):
        view = view_from_part(clip, np.random.default_rng(seed))
        assert view is not None and view.truth.root == "door"
        # What leaked in is the base's: only the drawer's points show how wrong the motion is.
        drawer = view.video.flow_valid[0] & (view.part_ids == 1)
        across = np.linalg.norm(view.video.flow_world[0][drawer][:, :2], axis=-1)
        assert 0 < across.max() < 0.15
        # Patches come and go, but most points stay.
        assert 0.3 < view.video.valid.sum() / np.sum(clip.part_ids > 0) < 1.5


def test_a_part_that_carries_nothing_is_seen_standing_still() -> None:
    clip = make_point_clip(JointType.REVOLUTE, noise=0.0)
    views = [view_from_part(clip, np.random.default_rng(seed)) for seed in range(12)]
    alone = [view for view in views if view is not None and not view.truth.joints]
    pieces = [view for view in views if view is not None and view.truth.joints]
    assert alone and pieces
    for view in alone:
        assert not view.part_ids.any()
        assert view.trajectory.values.shape == (clip.video.num_frames, 0)
    for view in pieces:
        assert view.video.valid.sum() < clip.video.valid.sum()
        assert np.mean(view.part_ids[view.video.valid] == 0) >= part_views.MIN_STILL
        assert unexplained(view) < 1e-6


def test_a_still_clip_has_no_part_to_look_from() -> None:
    clip = make_point_clip(JointType.REVOLUTE)
    truth = dataclasses.replace(clip.truth, links=clip.truth.links[:1], joints=())
    trajectory = dataclasses.replace(clip.trajectory, joint_names=(), values=np.zeros((clip.video.num_frames, 0)))
    still = Clip(video=clip.video, truth=truth, part_ids=np.zeros_like(clip.part_ids), trajectory=trajectory)
    assert view_from_part(still, np.random.default_rng(0)) is None
    config = ExampleConfig(num_points=32, num_hypotheses=8, part_view_share=1.0)
    example = make_judge_example(still, config, np.random.default_rng(0))
    assert not example.targets.any()


def test_examples_of_views_have_the_shapes_of_others() -> None:
    clip = make_chain_clip()
    shapes = set()
    for share in (0.0, 1.0):
        config = ExampleConfig(num_points=64, num_hypotheses=8, part_view_share=share)
        example = make_judge_example(clip, config, np.random.default_rng(1))
        shapes.add(tuple(value.shape for value in example))
    assert len(shapes) == 1


def test_without_views_examples_stay_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    """A view that was not taken leaves everything but the draw that decided it; none is even drawn for a share of 0."""
    monkeypatch.setattr(examples, "view_from_part", lambda clip, rng: None)
    clip = make_chain_clip()
    never = ExampleConfig(num_points=32, num_hypotheses=8)
    always = dataclasses.replace(never, part_view_share=1.0)
    drawn = np.random.default_rng(2)
    drawn.random()
    one = make_judge_example(clip, never, drawn)
    other = make_judge_example(clip, always, np.random.default_rng(2))
    np.testing.assert_array_equal(one.evidence, other.evidence)
