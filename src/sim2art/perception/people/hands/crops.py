"""The square, turned crop that the landmark network looks at, and the way of its points back into the image.

A crop is upright in the network's eyes: the fingers point up in it. Sizes and shifts are those that the landmark
network was trained with (Zhang et al., arXiv 2006.10214): from a palm, 2.6 times its box, moved half a box towards the
fingers; from landmarks of the frame before, twice their box, moved by a tenth.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from sim2art.perception.people.hands.palms import MIDDLE_KNUCKLE, WRIST

CROP_SIZE = 224
"""Side of the landmark network's input, px."""
_PALM_SCALE, _PALM_SHIFT = 2.6, 0.5
_LANDMARK_SCALE, _LANDMARK_SHIFT = 2.0, 0.1
_STEADY = (0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18)
"""Landmarks of wrist, thumb and the lower finger bones: fingertips would make the crop jump."""
_KNUCKLES = (5, 9, 9, 13)
"""Index, middle (twice), ring: their mean is where the hand points to from its wrist."""


@dataclass(frozen=True, kw_only=True)
class HandCrop:
    """A square in the image."""

    center: Float[np.ndarray, "2"]
    """px."""
    side: float
    """px."""
    fingers: Float[np.ndarray, "2"]
    """Unit vector in the image that points up in the crop."""

    def crop_from_image(self) -> Float[np.ndarray, "2 3"]:
        """Affine map from image pixels to crop pixels."""
        up = self.fingers
        right = np.array([-up[1], up[0]])
        turn = np.stack([right, -up]) * (CROP_SIZE / self.side)
        return np.concatenate([turn, (CROP_SIZE / 2 - turn @ self.center)[:, None]], axis=1)

    def cut(self, image: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "224 224 3"]:
        """The image in the crop, black outside."""
        return cv2.warpAffine(image, self.crop_from_image(), (CROP_SIZE, CROP_SIZE), flags=cv2.INTER_LINEAR)

    def to_image(self, points: Float[np.ndarray, "*point 2"]) -> Float[np.ndarray, "*point 2"]:
        """Crop pixels as image pixels."""
        matrix = self.crop_from_image()
        return (points - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T


def crop_of_palm(box: Float[np.ndarray, "4"], points: Float[np.ndarray, "7 2"]) -> HandCrop:
    """Where the whole hand is, by its palm (px)."""
    up = _unit(points[MIDDLE_KNUCKLE] - points[WRIST])
    side = float(np.max(box[2:] - box[:2]))
    return HandCrop(center=(box[:2] + box[2:]) / 2 + _PALM_SHIFT * side * up, side=_PALM_SCALE * side, fingers=up)


def crop_of_landmarks(landmarks: Float[np.ndarray, "21 2"]) -> HandCrop:
    """Where a hand is, by its landmarks in a frame nearby (px)."""
    up = _unit(landmarks[list(_KNUCKLES)].mean(axis=0) - landmarks[0])
    right = np.array([-up[1], up[0]])
    steady = landmarks[list(_STEADY)] @ np.stack([right, up], axis=1)
    low, high = steady.min(axis=0), steady.max(axis=0)
    side = float(np.max(high - low))
    middle = (low + high) / 2
    center = middle[0] * right + (middle[1] + _LANDMARK_SHIFT * side) * up
    return HandCrop(center=center, side=_LANDMARK_SCALE * max(side, 1.0), fingers=up)


def crop_of_region(pixels: Float[np.ndarray, "pixel 2"], size: tuple[int, int]) -> HandCrop:
    """Where a hand may be, by the pixels (px) of what reaches into an image of this width and height from its border."""
    low, high = pixels.min(axis=0), pixels.max(axis=0)
    ways = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    fingers = ways[np.argmin(np.concatenate([low, np.array(size) - high]))]  # Away from the nearest border.
    side = float(np.max(high - low))
    return HandCrop(center=(low + high) / 2, side=_LANDMARK_SCALE * max(side, 1.0), fingers=fingers)


def _unit(vector: Float[np.ndarray, "2"]) -> Float[np.ndarray, "2"]:
    length = float(np.linalg.norm(vector))
    return vector / length if length > 1e-9 else np.array([0.0, -1.0])
