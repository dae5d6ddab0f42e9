"""Turns of small parts guessed from all flow of a clip: a wheel on a wall is found where single frames show too little."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2art.geometry.screws import turn_transform
from sim2art.geometry.transforms import apply
from sim2art.observation.point_video import PointVideo
from sim2art.proposals.turns_in_place import TurnsInPlaceConfig, guess_turns_in_place

NUM_FRAMES = 16
AXIS = np.array([0.0, 0.0, 1.0])
CENTER = np.array([0.3, 0.2, 0.05])


def wheel_on_wall(
    swing: float, *, noise: float, seed: int = 0, num_wheel: int = 16, measured: float = 0.4
) -> PointVideo:
    """A wall across z and a wheel before it that turns about z; part of the flow is measured, all of it with noise."""
    rng = np.random.default_rng(seed)
    wall = np.column_stack([rng.uniform(-1, 1, (300, 2)), np.zeros(300)])
    angle, radius = rng.uniform(0, 2 * np.pi, num_wheel), rng.uniform(0.06, 0.13, num_wheel)
    rest = CENTER + np.column_stack([radius * np.cos(angle), radius * np.sin(angle), np.zeros(num_wheel)])
    values = swing * 0.5 * (1 - np.cos(np.linspace(0, np.pi, NUM_FRAMES)))
    moved = apply(turn_transform(AXIS, CENTER, values), rest[None])
    points = np.concatenate([np.broadcast_to(wall, (NUM_FRAMES, *wall.shape)), moved], axis=1)
    baselines = (1, 3, 8)
    flow = np.zeros((3, *points.shape))
    valid = np.zeros((3, *points.shape[:2]), dtype=bool)
    for index, baseline in enumerate(baselines):
        flow[index, :-baseline] = points[baseline:] - points[:-baseline]
        valid[index, :-baseline] = rng.random((NUM_FRAMES - baseline, points.shape[1])) < measured
    flow += rng.normal(0, noise, flow.shape)
    return PointVideo(
        times=np.arange(NUM_FRAMES) / 8, points_world=points, valid=np.ones(points.shape[:2], dtype=bool),
        flow_world=np.where(valid[..., None], flow, 0), flow_valid=valid, baselines=baselines, pixels=points[..., :2].copy(),
        world_from_camera=np.tile(np.eye(4), (NUM_FRAMES, 1, 1)), is_metric=True,
    )  # fmt: skip


def truth(swing: float) -> np.ndarray:
    return swing * 0.5 * (1 - np.cos(np.linspace(0, np.pi, NUM_FRAMES)))


@pytest.mark.parametrize("swing", [0.5, -1.2])
def test_a_wheel_of_few_points_is_found(swing: float) -> None:
    guesses = guess_turns_in_place(wheel_on_wall(swing, noise=0.003), np.eye(3), np.random.default_rng(0))
    assert guesses is not None
    best = guesses[0]
    assert best.is_revolute and abs(best.axis @ AXIS) == pytest.approx(1)
    assert np.linalg.norm((best.pivot - CENTER)[:2]) < 0.03
    np.testing.assert_allclose(np.sign(best.axis @ AXIS) * best.values, truth(swing), atol=0.15 * abs(swing))


def test_nothing_is_guessed_without_motion_or_directions() -> None:
    rng = np.random.default_rng(0)
    assert guess_turns_in_place(wheel_on_wall(0.0, noise=0.0), np.eye(3), rng) is None
    assert guess_turns_in_place(wheel_on_wall(1.0, noise=0.003), np.zeros((0, 3)), rng) is None


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), noise=st.floats(0.0, 0.02))
def test_guesses_are_turns_about_directions_that_start_at_zero(seed: int, noise: float) -> None:
    config = TurnsInPlaceConfig(num_guesses=5)
    video = wheel_on_wall(0.8, noise=noise, seed=seed)
    guesses = guess_turns_in_place(video, np.eye(3), np.random.default_rng(seed), config)
    if guesses is None:
        return
    assert len(guesses) <= 5 and np.all(guesses.is_revolute)
    assert np.all(guesses.values[:, 0] == 0) and np.all(np.isfinite(guesses.pivots))
    assert np.all(np.ptp(guesses.values, axis=1) >= config.min_swing)
    assert np.all(np.isclose(np.abs(guesses.axes).max(axis=1), 1))
