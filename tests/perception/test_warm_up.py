"""Frames of a camera that was still warming up are left out, and nothing else is."""

import numpy as np
import pytest

from sim2art.perception.frames.warm_up import count_warm_up

TIMES = np.arange(24) / 15.0


def _clip(gains: list[tuple[float, float, float]]) -> np.ndarray:
    rng = np.random.default_rng(0)
    scene = rng.integers(60, 130, (30, 40, 3)).astype(np.float64)
    every = gains + [(1.0, 1.0, 1.0)] * (24 - len(gains))
    return np.array([np.clip(scene * gain, 0, 255) for gain in every]).astype(np.uint8)


@pytest.mark.parametrize(
    ("gains", "count"),
    [
        ([], 0),
        ([(1, 0.9, 0.02)], 1),
        ([(1, 0.9, 0.02), (1, 1, 1), (1, 0.8, 0.6)], 3),
        ([(0.3, 0.3, 0.3)] * 4, 4),
        ([(1.2, 1.2, 1.2)] * 4, 0),
        ([(1, 1, 1)] * 3 + [(0.3, 0.3, 0.3)] * 2, 0),
    ],
)
def test_odd_frames_at_the_start_are_counted(gains: list[tuple[float, float, float]], count: int) -> None:
    assert count_warm_up(_clip(gains), TIMES) == count


def test_a_light_that_stays_wrong_for_long_is_the_scene() -> None:
    assert count_warm_up(_clip([(0.3, 0.3, 0.3)] * 9), TIMES) == 0


def test_two_frames_are_both_kept() -> None:
    assert count_warm_up(_clip([(0.2, 1, 1)])[:2], TIMES[:2]) == 0
