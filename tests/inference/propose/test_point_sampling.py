import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2art.inference.propose.point_sampling import sample_moving
from sim2art.observation.point_video import PointVideo


def make_video(*, num_points: int = 1000, num_moving: int = 30, num_invalid: int = 100) -> PointVideo:
    """A wide plane that stands still with one small patch that moves; the last slots hold no point."""
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.uniform(-1, 1, (4, num_points, 2)), np.zeros((4, num_points, 1))], axis=-1)
    flow = rng.normal(0, 1e-3, (1, 4, num_points, 3))
    points[:, :num_moving] *= 0.1
    flow[:, :, :num_moving, 2] += 0.1
    valid = np.ones((4, num_points), dtype=bool)
    valid[:, num_points - num_invalid :] = False
    flow_valid = valid[None].copy()
    flow_valid[:, -1] = False
    return PointVideo(
        times=np.arange(4.0),
        points_world=points * valid[..., None],
        valid=valid,
        baselines=(1,),
        flow_world=flow * flow_valid[..., None],
        flow_valid=flow_valid,
        world_from_camera=np.tile(np.eye(4), (4, 1, 1)),
        pixels=np.zeros((4, num_points, 2)),
        is_metric=True,
    )


def test_a_small_part_is_drawn_almost_whole() -> None:
    drawn = sample_moving(make_video(), 200, np.random.default_rng(0))
    fair = 200 * 30 / 900
    assert (drawn[:-1] < 30).sum(axis=1).min() > 3 * fair
    assert (drawn[-1] < 30).sum() < 3 * fair  # The last frame has no flow: nothing seems to move there.


def test_what_stands_still_is_drawn_too() -> None:
    drawn = sample_moving(make_video(num_moving=600), 200, np.random.default_rng(0))
    assert (drawn[:-1] >= 600).sum(axis=1).min() > 50


def test_the_same_seed_draws_the_same() -> None:
    video = make_video()
    first, second, other = (sample_moving(video, 100, np.random.default_rng(seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, second)
    assert np.any(first != other)


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 150), st.integers(0, 60), st.integers(0, 60))
def test_slots_differ_and_points_come_first(num_points: int, num_moving: int, num_invalid: int) -> None:
    video = make_video(num_points=100, num_moving=num_moving, num_invalid=num_invalid)
    drawn = sample_moving(video, num_points, np.random.default_rng(0))
    assert drawn.shape == (4, min(num_points, 100))
    assert all(len(np.unique(slots)) == drawn.shape[1] for slots in drawn)
    valid = np.take_along_axis(video.valid, drawn, axis=1)
    assert np.all(valid[:, :-1] >= valid[:, 1:])
    assert valid.sum(axis=1).min() == min(num_points, 100 - num_invalid)


def test_a_video_without_points_or_motion_is_drawn_from() -> None:
    for video in (make_video(num_invalid=1000), make_video(num_moving=0)):
        assert sample_moving(video, 50, np.random.default_rng(0)).shape == (4, 50)


@pytest.mark.parametrize("slots", [np.arange(5), np.array([[4, 3], [1, 0], [9, 2], [5, 6]])])
def test_taken_slots_carry_all_that_belongs_to_them(slots: np.ndarray) -> None:
    video = make_video(num_points=20, num_invalid=3)
    taken = video.take(slots)
    for frame in range(4):
        chosen = np.broadcast_to(slots, (4, slots.shape[-1]))[frame]
        np.testing.assert_array_equal(taken.points_world[frame], video.points_world[frame, chosen])
        np.testing.assert_array_equal(taken.flow_world[0, frame], video.flow_world[0, frame, chosen])
        np.testing.assert_array_equal(taken.flow_valid[0, frame], video.flow_valid[0, frame, chosen])
        np.testing.assert_array_equal(taken.valid[frame], video.valid[frame, chosen])
