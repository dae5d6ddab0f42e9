"""Parts by optimisation: a door and a drawer are found, chains are seen as chains, and nothing is made of nothing."""

import dataclasses

import numpy as np
import pytest

from sim2art.articulation.joint import JointType
from sim2art.baselines.part_motions import PartMotionConfig, optimize_parts
from sim2art.baselines.reart_style import ReartStyleConfig, _project_on_tree, reart_style
from sim2art.evaluate.metrics import score_clip
from sim2art.geometry.screws import prismatic_transform, revolute_transform
from sim2art.observation.normalization import fit_normalization, normalize
from tests.point_clips import make_point_clip

FAST = ReartStyleConfig(num_points=192, parts=PartMotionConfig(num_starts=8, num_rounds=20))


@pytest.mark.parametrize("kind", [JointType.REVOLUTE, JointType.PRISMATIC])
def test_one_moving_part_is_found(kind: JointType) -> None:
    clip = make_point_clip(kind, num_frames=8, num_points=320)
    estimate = reart_style(clip.video)
    score = score_clip(clip, estimate)
    (joint,) = score.joints
    assert joint.is_success(max_deg=2, max_cm=2)
    assert score.mean_iou > 0.9
    # The motions are fits, not measurements: no sigma is claimed.
    assert all(found.axis_sigma is None for found in estimate.joints)


def test_the_same_seed_gives_the_same_answer() -> None:
    clip = make_point_clip(JointType.REVOLUTE, num_frames=6, num_points=200)
    first, second = (reart_style(clip.video, FAST) for _ in range(2))
    assert np.array_equal(first.part_probabilities, second.part_probabilities)
    assert np.array_equal(first.trajectory.values, second.trajectory.values)


def test_a_part_on_a_moving_part_hangs_on_it() -> None:
    angles = np.linspace(0, 1.2, 8)
    axis, other = np.array([0, 0, 1.0]), np.array([1.0, 0, 0])
    upper = revolute_transform(axis, np.array([-0.5, 0, 0]), angles)
    lower = upper @ prismatic_transform(other, 0.4 * np.sin(2 * angles))
    cloud = np.random.default_rng(0).uniform(-0.3, 0.3, (40, 3))
    motions = np.stack([np.tile(np.eye(4), (8, 1, 1)), upper, lower])
    first, second = _project_on_tree(motions, [cloud, cloud, cloud], ReartStyleConfig())
    assert (first.parent, second.parent) == (0, 1)
    assert first.joint.is_revolute and not second.joint.is_revolute
    assert abs(second.joint.axis @ other) > 0.999


def test_where_nothing_moves_no_joint_is_claimed() -> None:
    clip = make_point_clip(JointType.REVOLUTE, num_frames=6, num_points=200)
    still = dataclasses.replace(clip.video, flow_world=np.zeros_like(clip.video.flow_world))
    points = np.tile(clip.video.points_world[:1], (6, 1, 1))
    assert reart_style(dataclasses.replace(still, points_world=points), FAST).joints == ()


def test_little_data_is_no_error() -> None:
    clip = make_point_clip(JointType.REVOLUTE, num_frames=6, num_points=200)
    empty = np.zeros_like(clip.video.valid)
    nothing = dataclasses.replace(
        clip.video, valid=empty, flow_valid=np.zeros_like(clip.video.flow_valid),
        points_world=np.zeros_like(clip.video.points_world), flow_world=np.zeros_like(clip.video.flow_world),
    )  # fmt: skip
    assert reart_style(nothing, FAST).joints == ()
    few = make_point_clip(JointType.REVOLUTE, num_frames=2, num_points=9, baselines=(1,))
    assert reart_style(few.video, FAST).part_probabilities.shape[:2] == (2, 9)


def test_part_zero_stands_still_and_weights_sum_to_one() -> None:
    video = make_point_clip(JointType.PRISMATIC, num_frames=6, num_points=200).video
    normalized = normalize(video, fit_normalization(video))
    motions, weights = optimize_parts(normalized, FAST.parts, np.random.default_rng(0))
    assert np.array_equal(motions[0], np.tile(np.eye(4), (6, 1, 1)))
    assert np.allclose(motions[:, 0], np.eye(4))
    assert np.allclose(weights.sum(axis=-1), 1.0)
