"""Black bars around an image are found, and nothing else is taken for them."""

import dataclasses

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sim2art.perception.completion import CompleteOptions, complete
from sim2art.perception.components import Choice
from sim2art.perception.frames.letterbox import find_bars
from sim2art.perception.tasks import DepthKind
from tests.perception.sliding_scene import TremblingDepth, colour_of, render_scene


@given(st.integers(0, 30), st.integers(0, 30), st.sampled_from([0, 1]), st.integers(0, 99))
def test_bars_are_found_whole_and_grown_by_little(first: int, last: int, axis: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    grays = rng.integers(40, 255, (3, 100, 100), dtype=np.uint8)
    lines = np.zeros(100, dtype=bool)
    lines[:first] = lines[100 - last :] = True
    grays[:, lines] = rng.integers(0, 16, (3, int(lines.sum()), 100))  # Compression lifts black a little.
    bars = find_bars(np.swapaxes(grays, 1, 1 + axis))
    bars = bars if axis == 0 else bars.T
    assert np.all(bars == bars[:, :1])
    found = np.flatnonzero(bars[:, 0])
    expected = [i for i in range(100) if (first >= 2 and i < first + 2) or (last >= 2 and i >= 100 - last - 2)]
    np.testing.assert_array_equal(found, expected)


def test_a_dark_room_has_no_bars() -> None:
    assert not find_bars(np.zeros((4, 60, 80), np.uint8)).any()
    grays = np.zeros((4, 60, 80), np.uint8)
    grays[2, :, 10:] = 90  # A light goes on: the dark rows of the other frames were no bars.
    assert find_bars(grays)[:, :10].all()
    assert not find_bars(grays)[:, 12:].any()


def test_bars_get_no_depth_and_the_user_is_told() -> None:
    scene = render_scene(num_frames=6)
    images = scene.images.copy()
    images[:, :30] = 0
    images = np.array([cv2.GaussianBlur(image, (3, 3), 0.5) for image in images])
    scene = dataclasses.replace(scene, images=images)
    guess = TremblingDepth(scene, DepthKind.DEPTH)
    found = complete(colour_of(scene), Choice(name="da2"), Choice(name="auto"), CompleteOptions(), estimator=guess)
    assert np.all(found.depths[:, :30] == 0)
    assert np.all(found.depths[:, 40:] > 0)
    assert any("black bars" in warning for warning in found.warnings)
