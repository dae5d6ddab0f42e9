"""A cut is one step in which all is lost; shakes, flashes and slow videos are none."""

import cv2
import numpy as np
import pytest

from sim2art.errors import InvalidFileError
from sim2art.perception.frames.cuts import find_cuts, longest_shot


def _scene(seed: int, count: int, *, speed: float = 3.0, height: int = 120, width: int = 160) -> np.ndarray:
    """Grey frames of a camera that passes over a scene full of corners, px a frame."""
    rng = np.random.default_rng(seed)
    wide = rng.integers(0, 255, (height // 4, (width + round(speed * count)) // 4 + 2)).astype(np.uint8)
    wide = cv2.resize(wide, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    return np.array([wide[:, round(speed * k) : round(speed * k) + width] for k in range(count)])


def _find(frames: np.ndarray, every: int = 1) -> list[tuple[int, int]]:
    indices = np.arange(0, len(frames), every)
    return find_cuts(frames[indices], indices, lambda index: frames[index], len(frames))


@pytest.mark.parametrize("every", [1, 4])
def test_a_cut_is_found_at_its_frame(every: int) -> None:
    frames = np.concatenate([_scene(0, 22), _scene(1, 14)])
    cuts = _find(frames, every)
    assert [first for _, first in cuts] == [22]
    assert [place for place, _ in cuts] == [-(-22 // every)]


def test_two_cuts_are_found() -> None:
    assert [first for _, first in _find(np.concatenate([_scene(k, 9) for k in range(3)]))] == [9, 18]


def test_a_flash_is_no_cut() -> None:
    frames = _scene(0, 20)
    frames[8:] = np.clip(0.35 * frames[8:].astype(float) + 120, 0, 255).astype(np.uint8)
    assert _find(frames) == []


def test_a_shake_and_a_video_of_few_frames_are_no_cuts() -> None:
    frames = _scene(0, 40, speed=1.0)
    frames[15:19] = [cv2.blur(frame, (41, 41)) for frame in _scene(3, 4, speed=90.0)]
    assert _find(frames) == []
    assert _find(_scene(2, 10, speed=150.0)) == []  # Nothing of a frame is in the next one, all along.


def test_without_corners_nothing_is_said() -> None:
    assert _find(np.concatenate([np.full((8, 90, 120), 60, np.uint8), np.full((8, 90, 120), 200, np.uint8)])) == []


def test_damaged_frames_between_are_no_proof() -> None:
    frames = np.concatenate([_scene(0, 12), _scene(1, 12)])

    def broken(index: int) -> np.ndarray:
        raise InvalidFileError("cut off", path=str(index))

    assert find_cuts(frames, np.arange(24), broken, 24) == []


def test_the_longest_shot_is_told_by_time() -> None:
    times = np.concatenate([np.arange(10) * 0.1, 1.0 + np.arange(4) * 1.0])
    assert longest_shot([10], times) == (10, 14)
    assert longest_shot([], times) == (0, 14)
