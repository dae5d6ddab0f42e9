import numpy as np
import pytest

from sim2art.perception.features.keyframe_features import KeyframeFeatures, keyframes
from sim2art.weights import find_weight


class _Place:
    """Pretends that a feature is the colour at the pixel."""

    name = "place-3"

    def __call__(self, image, pixels):
        at = pixels.astype(int)
        return image[at[:, 1], at[:, 0]].astype(np.float32)


def test_keyframes_hold_both_ends():
    assert keyframes(16, 4) == [0, 5, 10, 15]
    assert keyframes(3, 4) == [0, 1, 2]
    assert keyframes(1, 4) == [0]


def test_features_are_those_of_the_pixels_in_spite_of_the_crop():
    rng = np.random.default_rng(0)
    images = rng.integers(1, 255, (6, 40, 60, 3)).astype(np.uint8)
    pixels = rng.integers([30, 20], [50, 35], (6, 12, 2)).astype(np.float64)
    pixels[:, -2:] = 0.0
    found = KeyframeFeatures(extract=_Place(), num_frames=2)(images, pixels)
    at = pixels.astype(int)
    for frame in (0, 5):
        np.testing.assert_array_equal(found[frame, :10], images[frame, at[frame, :10, 1], at[frame, :10, 0]])
    assert not found[1:5].any()
    assert not found[:, 10:].any()


def test_frames_without_points_give_no_features():
    found = KeyframeFeatures(extract=_Place())(np.zeros((3, 8, 8, 3), np.uint8), np.zeros((3, 5, 2)))
    assert found.shape == (3, 5, 1)
    assert not found.any()


@pytest.mark.skipif(find_weight("dinov2-small") is None, reason="run: sim2art weights fetch dinov2-small")
def test_dinov2_comes_from_the_verified_weight_and_tells_halves_of_a_picture_apart():
    from sim2art.perception.features.dino_features import DinoFeatures

    rng = np.random.default_rng(0)
    images = np.full((1, 112, 112, 3), 40, np.uint8)
    images[:, :, 56:] = rng.integers(0, 255, (112, 56, 3))
    pixels = np.array([[[14.0, 30.0], [20.0, 80.0], [90.0, 30.0], [98.0, 80.0]]])
    (rows,) = KeyframeFeatures(extract=DinoFeatures("dinov2", long_side=8))(images, pixels)
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    likeness = rows @ rows.T
    assert likeness[0, 1] > likeness[0, 2] and likeness[2, 3] > likeness[1, 3]
