"""A clip from a moving part: what is carried stands still, what is seen stays the same."""

import dataclasses

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2art.articulation.kinematics import link_motions
from sim2art.geometry.transforms import apply, inverse
from sim2art.observation.moving_frame import MIN_POINTS, keep_points, seen_from
from tests.point_clips import make_chain_clip
from tests.strategies import transforms


def test_a_part_seen_from_itself_stands_still_and_the_world_moves() -> None:
    clip = make_chain_clip(noise=0.0)
    motions = link_motions(clip.truth, clip.trajectory.values)
    seen = seen_from(clip.video, motions[:, 1])
    door = clip.part_ids == 1
    assert np.abs(seen.flow_world[:, door]).max() < 1e-9
    moves = seen.flow_valid[0] & (clip.part_ids == 0)
    assert np.linalg.norm(seen.flow_world[0][moves], axis=-1).min() > 0.03
    # What hangs on it moves by its own joint alone: the drawer along its rail.
    drawer = seen.flow_valid[0] & (clip.part_ids == 2)
    assert np.abs(seen.flow_world[0][drawer][:, :2]).max() < 1e-9


@settings(max_examples=20, deadline=None)
@given(st.lists(transforms(), min_size=12, max_size=12))
def test_what_a_camera_sees_stays_the_same(motions: list[np.ndarray]) -> None:
    video = make_chain_clip(num_points=30).video
    seen = seen_from(video, np.array(motions))
    before, after = (apply(inverse(x.world_from_camera), x.points_world) for x in (video, seen))
    np.testing.assert_allclose(before, after, atol=1e-8)
    back = seen_from(seen, inverse(np.array(motions)))
    np.testing.assert_allclose(back.points_world, video.points_world, atol=1e-8)
    np.testing.assert_allclose(back.flow_world, video.flow_world, atol=1e-8)


@given(st.integers(0, 2**32 - 1), st.floats(0.05, 1.0))
def test_kept_points_are_those_chosen(seed: int, share: float) -> None:
    video = make_chain_clip(num_points=30).video
    own = np.random.default_rng(seed).random(video.valid.shape) < share
    kept = keep_points(video, own)
    if own.sum(axis=1).max() < MIN_POINTS:
        assert kept is None
        return
    assert kept is not None
    packed, slots = kept
    assert packed.num_points == own.sum(axis=1).max()
    assert packed.valid.sum() == own.sum()
    for frame in range(video.num_frames):
        chosen = slots[frame][packed.valid[frame]]
        assert set(chosen) == set(np.flatnonzero(own[frame]))
        np.testing.assert_array_equal(
            packed.points_world[frame][packed.valid[frame]], video.points_world[frame][chosen]
        )
    assert not packed.flow_valid[:, ~packed.valid].any()


def test_features_of_kept_points_come_along() -> None:
    video = make_chain_clip(num_points=30).video
    features = np.random.default_rng(0).normal(size=(*video.valid.shape, 3))
    own = np.arange(30) % 2 == 0
    kept = keep_points(dataclasses.replace(video, features=features), np.broadcast_to(own, video.valid.shape))
    assert kept is not None and kept[0].features is not None
    np.testing.assert_array_equal(kept[0].features, features[:, ::2])
