"""Guessed depth made steady over time: what was seen to move rigidly is as far as that motion says.

Between two images the ratio of a point's depths follows from its rigid motion (`image_motions`), which the images settle; it
does not hang on how far the point is. So the logarithms of the depths of all used frames are solved for together: each
shall differ from those of its point in other frames by what the motions say, and lie near the guess.
"""

import cv2
import numpy as np
from jaxtyping import Float32

from sim2art.perception.guessed.image_motions import STRIDE, UNKNOWN, ImageMotions

_GUESS_WEIGHT = 0.15
"""Of the guess beside one link to another frame."""
_NUM_ROUNDS = 20
_MAX_CHANGE = 0.5
"""Of the logarithm of depth."""
_SMOOTH = 4.0
"""Half-size pixels over which the correction is averaged: guesses are wrong in the large, edges stay where they were guessed."""


def steady_depths(
    depths: Float32[np.ndarray, "frame height width"],
    motions: dict[tuple[int, int], ImageMotions],
    intrinsics: np.ndarray,
) -> Float32[np.ndarray, "frame height width"]:
    """Depths that agree over time; what is 0 stays 0.

    Args:
        depths: As guessed and brought to one scale.
        motions: Between pairs of frames.
        intrinsics: px.
    """
    small = depths[:, ::STRIDE, ::STRIDE]
    known = small > 0
    guess = np.log(np.where(known, small, 1.0))
    change = np.zeros_like(guess)
    links = [_link(a, b, depths[a], known[b], found, intrinsics) for (a, b), found in motions.items()]
    for _ in range(_NUM_ROUNDS):
        total = np.zeros_like(guess)
        weight = np.full_like(guess, _GUESS_WEIGHT)
        for a, b, x, y, step, there in links:
            image = cv2.remap(guess[b] + change[b], x, y, cv2.INTER_LINEAR)
            wanted = image - step - guess[a]
            used = there & (np.abs(wanted) < _MAX_CHANGE)
            # A link that asks for much more than the others may lead to another surface.
            trust = used / (1.0 + (wanted - change[a]) ** 2 / 0.1**2)
            total[a] += trust * wanted
            weight[a] += trust
        change = np.where(known, total / weight, 0.0).astype(np.float32)
        change = np.array([_smooth(image, mask) for image, mask in zip(change, known, strict=True)])
    height, width = depths.shape[1:]
    factors = np.exp(np.array([cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR) for image in change]))
    return (depths * factors).astype(np.float32)


def _link(
    a: int, b: int, depth: np.ndarray, known_there: np.ndarray, found: ImageMotions, intrinsics: np.ndarray
) -> tuple[int, int, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Where each half-size pixel of frame a lies in frame b, and how its log depth changes on the way."""
    carried = found.carry(intrinsics, depth)
    before = depth[::STRIDE, ::STRIDE]
    there = (found.labels != UNKNOWN) & (before > 0) & (carried[..., 2] > 1e-6)
    with np.errstate(invalid="ignore", divide="ignore"):
        step = np.where(there, np.log(np.where(there, carried[..., 2], 1.0) / np.where(there, before, 1.0)), 0.0)
        pixel = carried[..., :2] / carried[..., 2:] * intrinsics[[0, 1], [0, 1]] + intrinsics[:2, 2]
    grid = np.nan_to_num(pixel / STRIDE, nan=-10.0, posinf=-10.0, neginf=-10.0).astype(np.float32)
    whole = cv2.remap(known_there.astype(np.float32), grid[..., 0], grid[..., 1], cv2.INTER_LINEAR) > 0.99
    there &= whole
    return a, b, grid[..., 0], grid[..., 1], step.astype(np.float32), there


def _smooth(image: np.ndarray, known: np.ndarray) -> np.ndarray:
    weight = cv2.GaussianBlur(known.astype(np.float32), (0, 0), _SMOOTH)
    blurred = cv2.GaussianBlur(np.where(known, image, 0).astype(np.float32), (0, 0), _SMOOTH)
    return np.where(known, blurred / np.maximum(weight, 1e-6), 0.0).astype(np.float32)
