"""Directions of straight edges in a scene, from the vanishing points of line segments in posed images.

Parts turn and slide along the edges of what they belong to, and an edge's direction is seen without any depth.
"""

from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float, UInt8

_MIN_LENGTH = 0.04
"""Of a segment, as a share of the image's longer side."""
_SIGMA = np.radians(1.0)
"""Angle between a segment's plane and its direction."""
_MOST = 6
_MIN_SUPPORT = 0.03
"""Share of all segments' length that is left, below which no more directions are looked for."""
_TRIES, _STEPS = 4000, 5
_SQUARE = np.radians(4.0)
"""Of the strongest directions two this near to a right angle make a third."""
_SAME = np.radians(3.0)


class SceneDirections(NamedTuple):
    """The one along which most edges run first; what two others make comes last."""

    axes: Float[np.ndarray, "direction 3"]
    """Unit, world frame; either sign."""
    support: Float[np.ndarray, "direction"]
    """Share of the segments' length."""


NO_DIRECTIONS = SceneDirections(np.zeros((0, 3)), np.zeros(0))


def find_directions(
    grays: UInt8[np.ndarray, "frame height width"],
    intrinsics: Float[np.ndarray, "3 3"],
    world_from_camera: Float[np.ndarray, "frame 4 4"],
    rng: np.random.Generator,
) -> SceneDirections:
    """Directions along which edges run, of all images together.

    Each is the best of random pairs of segments, fitted to all that agree; these then count no more.
    """
    planes = [_segment_planes(*seen, intrinsics) for seen in zip(grays, world_from_camera, strict=True)]
    normals, lengths = (np.concatenate(rows) for rows in zip(*planes, strict=True))
    if len(normals) < 2:
        return NO_DIRECTIONS
    axes, support = [], []
    left = lengths / lengths.sum()
    while len(axes) < _MOST and left.sum() > _MIN_SUPPORT:
        axis = _strongest(normals, left, rng)
        if axis is None:
            break
        agreeing = _agreement(normals @ axis)
        axes.append(axis)
        support.append(float(left @ agreeing))
        left = left * (1 - agreeing)
    for third in _thirds(axes):
        axes.append(third)
        support.append(0.0)
    return SceneDirections(np.array(axes).reshape(-1, 3), np.array(support))


def _segment_planes(
    gray: np.ndarray, world_from_camera: np.ndarray, intrinsics: np.ndarray
) -> tuple[Float[np.ndarray, "segment 3"], Float[np.ndarray, "segment"]]:
    """Normals (world frame) of the planes through the camera and each segment, and the segments' lengths, px."""
    lines = cv2.createLineSegmentDetector().detect(gray)[0]
    ends = np.zeros((0, 2, 2)) if lines is None else lines.reshape(-1, 2, 2).astype(np.float64)
    lengths = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1)
    long = lengths > _MIN_LENGTH * max(gray.shape)
    ends, lengths = ends[long], lengths[long]
    rays = np.concatenate([ends, np.ones((len(ends), 2, 1))], axis=2) @ np.linalg.inv(intrinsics).T
    rays = rays @ world_from_camera[:3, :3].T
    normals = np.cross(rays[:, 0], rays[:, 1])
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12), lengths


def _agreement(sines: np.ndarray) -> np.ndarray:
    return np.exp(-0.5 * (sines / _SIGMA) ** 2)


def _strongest(normals: np.ndarray, weights: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    share = weights / weights.sum()
    first, second = (normals[rng.choice(len(normals), _TRIES, p=share)] for _ in range(2))
    tried = np.cross(first, second)
    length = np.linalg.norm(tried, axis=1)
    tried = tried[length > 0.05] / length[length > 0.05, None]
    if not len(tried):
        return None
    axis = max(tried, key=lambda one: float(weights @ _agreement(normals @ one)))
    for _ in range(_STEPS):
        own = weights * _agreement(normals @ axis / 1.5)
        axis = np.linalg.eigh((normals * own[:, None]).T @ normals)[1][:, 0]
    return axis


def _thirds(axes: list[np.ndarray]) -> list[np.ndarray]:
    """What is square to two of the three strongest directions that are square to one another, and not there yet."""
    found: list[np.ndarray] = []
    for k, second in enumerate(axes[:3]):
        for first in axes[:k]:
            if abs(first @ second) > np.sin(_SQUARE):
                continue
            third = np.cross(first, second) / np.linalg.norm(np.cross(first, second))
            if all(abs(third @ other) < np.cos(_SAME) for other in [*axes, *found]):
                found.append(third)
    return found
