"""A joint's axis as an image shows it, against the line that a person drew there.

The image tells the direction of a projected axis and how far a hinge lies from it, not the axis' tilt towards the
camera. For a slide only the direction counts, which perspective makes hang on the place: it is projected at the middle
of the drawn part.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from sim2art.articulation.joint import JointType

_NEAREST_Z = 1e-4
"""Depth from which a point counts as in front of the camera, units of the world."""
_REACHES = np.geomspace(0.02, 3.0, 24)
"""How far to both sides of the pivot the line is drawn, in distances from the camera to the pivot: the farthest of these
that stays in front of the camera."""
_SLIDE_REACH = 0.05
"""The same for a slide, in depths of the part: so near that perspective bends nothing."""


@dataclass(frozen=True, kw_only=True)
class ImageCamera:
    """The camera of one used frame."""

    camera_from_world: Float[np.ndarray, "4 4"]
    intrinsics: Float[np.ndarray, "3 3"]
    """px of the image that `size` speaks of."""
    size: tuple[int, int]
    """Width and height, px."""


@dataclass(frozen=True, kw_only=True)
class AxisLine:
    """A joint's axis in the world."""

    type: JointType
    axis: Float[np.ndarray, "3"]
    pivot: Float[np.ndarray, "3"] | None
    """None for a slide."""


def project_axis(
    line: AxisLine, camera: ImageCamera, size: tuple[int, int], middle: Float[np.ndarray, "2"], depth: float
) -> Float[np.ndarray, "2 2"] | None:
    """Two pixels of an axis in an image of `size`; None where no stretch of it lies in front of the camera.

    Args:
        size: Width and height of the image that the pixels are of, px.
        middle: Pixel of that image at which a slide is shown.
        depth: Of what is seen there, units of the world.
    """
    scale = np.array(size) / np.array(camera.size)
    axis = camera.camera_from_world[:3, :3] @ line.axis
    if line.type is JointType.REVOLUTE:
        assert line.pivot is not None
        ends = _hinge_ends(axis, camera.camera_from_world[:3, :3] @ line.pivot + camera.camera_from_world[:3, 3])
    else:
        point = depth * np.linalg.solve(camera.intrinsics, np.append(middle / scale, 1.0))
        ends = _both_sides(point, axis, _SLIDE_REACH * depth)
    if ends is None:
        return None
    pixels = ends @ camera.intrinsics.T
    return pixels[:, :2] / pixels[:, 2:] * scale


def line_angle_deg(first: Float[np.ndarray, "2 2"], second: Float[np.ndarray, "2 2"]) -> float:
    """Angle between two lines in an image, each given by two pixels, 0..90 deg."""
    one, other = first[1] - first[0], second[1] - second[0]
    length = np.linalg.norm(one) * np.linalg.norm(other) + 1e-9
    return float(np.rad2deg(np.arccos(np.clip(abs(one @ other) / length, 0, 1))))


def mean_distance(ends: Float[np.ndarray, "2 2"], line: Float[np.ndarray, "2 2"]) -> float:
    """Mean distance (px) of two pixels from the line through two others."""
    direction = line[1] - line[0]
    normal = np.array([-direction[1], direction[0]]) / (np.linalg.norm(direction) + 1e-9)
    return float(np.mean(np.abs((ends - line[0]) @ normal)))


def _hinge_ends(axis: Float[np.ndarray, "3"], pivot: Float[np.ndarray, "3"]) -> Float[np.ndarray, "2 3"] | None:
    """Two points of a hinge line in front of the camera, far apart; camera frame."""
    away = max(float(np.linalg.norm(pivot)), 1e-6)
    stretches = [_both_sides(pivot, axis, reach * away) for reach in _REACHES]
    seen = [ends for ends in stretches if ends is not None]
    if seen:
        return seen[-1]
    if abs(axis[2]) <= 1e-6:
        return None  # Behind the camera, and never before it.
    start = pivot + (0.02 * away - pivot[2]) / axis[2] * axis
    return np.stack([start, start + np.sign(axis[2]) * away * axis])


def _both_sides(
    point: Float[np.ndarray, "3"], axis: Float[np.ndarray, "3"], reach: float
) -> Float[np.ndarray, "2 3"] | None:
    ends = np.stack([point + reach * axis, point - reach * axis])
    return ends if ends[:, 2].min() > _NEAREST_Z else None
