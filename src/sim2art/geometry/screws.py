"""One-degree-of-freedom rigid motions: turning about a line, sliding along a direction, and the lines themselves.

Cayley's form is used for fitting: a turn by angle q about the axis (a, c) moves p to p' with
p' - p = 2 tan(q / 2) a x (m - c), m = (p + p') / 2, exactly. So in midpoints a finite turn is linear in its twist.
"""

import numpy as np
from jaxtyping import Float

from sim2art.geometry.rotations import rotation_from_rotvec
from sim2art.geometry.transforms import make_transform


def revolute_transform(
    axis: Float[np.ndarray, "*#batch 3"],
    pivot: Float[np.ndarray, "*#batch 3"],
    angle: Float[np.ndarray, "*#batch"] | float,
) -> Float[np.ndarray, "*#batch 4 4"]:
    """The transform that turns by `angle` (rad, right-hand rule) about the line through `pivot` along unit `axis`."""
    rotation = rotation_from_rotvec(axis * np.asarray(angle)[..., None])
    return make_transform(rotation, pivot - (rotation @ pivot[..., None])[..., 0])


def prismatic_transform(
    axis: Float[np.ndarray, "*#batch 3"], distance: Float[np.ndarray, "*#batch"] | float
) -> Float[np.ndarray, "*#batch 4 4"]:
    """The transform that slides by `distance` (m) along unit `axis`."""
    return make_transform(np.eye(3), axis * np.asarray(distance)[..., None])


def nearest_point_on_line(
    points: Float[np.ndarray, "*batch 3"], axis: Float[np.ndarray, "3"], pivot: Float[np.ndarray, "3"]
) -> Float[np.ndarray, "*batch 3"]:
    """The point of the line (pivot, unit axis) nearest to each point."""
    return pivot + ((points - pivot) @ axis)[..., None] * axis


def line_distance(
    axis_a: Float[np.ndarray, "3"], pivot_a: Float[np.ndarray, "3"],
    axis_b: Float[np.ndarray, "3"], pivot_b: Float[np.ndarray, "3"],
) -> float:  # fmt: skip
    """Shortest distance (m) between two lines; for parallel ones the distance from point to line."""
    normal = np.cross(axis_a, axis_b)
    sine = np.linalg.norm(normal)
    if sine < 1e-6:
        return float(np.linalg.norm(pivot_b - nearest_point_on_line(pivot_b, axis_a, pivot_a)))
    return float(abs((pivot_b - pivot_a) @ normal) / sine)
