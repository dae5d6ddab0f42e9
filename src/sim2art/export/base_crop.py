"""What belongs to the object, of all that stands still around what moves: floor and walls end where the object does.

A plane of the room has everything on the camera's side of it. Of each such plane that part is kept which lies within the outline
of the object on it, and a little more; what is far from all that moves goes too. So a cabinet stands on its patch of floor,
and a door in a wall keeps its frame.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial import ConvexHull, KDTree, QhullError

_SPREAD = 0.012
"""Of the measured points of a plane, as a share of their distance from the cameras."""
_MARGIN = 0.1
"""What is kept around the object's outline, in extents of all that moves."""
_REACH = 1.0
"""What is farther from all that moves goes, in the same."""
_MAX_PLANES = 4
"""Floor and three walls."""
_MIN_SHARE = 0.08
"""Of the points, for a plane of the room."""
_MAX_BEHIND = 0.03
"""Share of the points that may lie behind a plane of the room: strays."""
_TRIALS = 200
_FEW = 4000
_PATCH = 16
"""Neighbours that a first plane is laid through."""


def object_points(
    base: Float[np.ndarray, "point 3"],
    moving: Float[np.ndarray, "place 3"],
    eyes: Sequence[Float[np.ndarray, "3"]],
) -> Bool[np.ndarray, "point"]:
    """Which points of the base to keep.

    Args:
        base: All that stands still, m.
        moving: Places that moving parts go through.
        eyes: Where the cameras were.
    """
    if len(base) == 0 or len(moving) == 0:
        return np.ones(len(base), dtype=bool)
    extent = float(np.linalg.norm(np.ptp(moving, axis=0)))
    distance, _ = KDTree(moving).query(base, distance_upper_bound=_REACH * extent)
    near = np.isfinite(distance)
    eye = np.mean(np.stack(list(eyes)), axis=0)
    planes = room_planes(base, eye)
    thickness = 2 * _SPREAD * np.linalg.norm(base - eye, axis=1)
    on_plane = [np.abs(base @ normal - offset) < thickness for normal, offset in planes]
    room = np.any(on_plane, axis=0) if planes else np.zeros(len(base), dtype=bool)
    body = np.concatenate([moving, base[near & ~room]])
    kept = near & ~room
    for (normal, _), flat in zip(planes, on_plane, strict=True):
        kept |= near & flat & _in_outline(base, body, normal, _MARGIN * extent)
    return kept


def room_planes(
    points: Float[np.ndarray, "point 3"], eye: Float[np.ndarray, "3"]
) -> list[tuple[Float[np.ndarray, "3"], float]]:
    """Planes (normal towards the camera, offset) that hold many points and have nearly all others in front of them."""
    rng = np.random.default_rng(0)
    few = points[rng.permutation(len(points))[:_FEW]]
    if len(few) < 2 * _PATCH:
        return []
    thickness = _SPREAD * np.linalg.norm(few - eye, axis=1)[:, None]
    patch = np.asarray(KDTree(few).query(few, k=_PATCH)[1])
    found: list[tuple[np.ndarray, float]] = []
    left = np.ones(len(few), dtype=bool)
    while len(found) < _MAX_PLANES and left.sum() > 2 * _PATCH:
        tried = [_fitted(few[patch[index]], eye) for index in rng.choice(np.flatnonzero(left), _TRIALS)]
        normals, offsets = np.array([plane[0] for plane in tried]), np.array([plane[1] for plane in tried])
        heights = few @ normals.T - offsets
        counts = ((np.abs(heights) < thickness) & left[:, None]).sum(axis=0)
        counts[(heights < -2 * thickness).mean(axis=0) > _MAX_BEHIND] = 0
        best = int(np.argmax(counts))
        if counts[best] < _MIN_SHARE * len(few):
            break
        plane = _fitted(few[np.abs(heights[:, best]) < thickness[:, 0]], eye)
        found.append(plane)
        left &= np.abs(few @ plane[0] - plane[1]) >= 2 * thickness[:, 0]
    return found


def _fitted(points: np.ndarray, eye: np.ndarray) -> tuple[np.ndarray, float]:
    """The plane through points, its normal towards the camera."""
    middle = points.mean(axis=0)
    normal = np.linalg.eigh(np.cov((points - middle).T))[1][:, 0]
    normal = normal * (1.0 if normal @ (eye - middle) >= 0 else -1.0)
    return normal, float(normal @ middle)


def _in_outline(points: np.ndarray, body: np.ndarray, normal: np.ndarray, margin: float) -> Bool[np.ndarray, "point"]:
    """Which points lie within the body's convex outline on a plane, or within `margin` (m) of it."""
    axes = np.linalg.svd(normal[None])[2][1:]
    low, high = np.percentile(body @ axes.T, [0.5, 99.5], axis=0)
    flat = body @ axes.T
    flat = flat[np.all((flat >= low) & (flat <= high), axis=1)]
    try:
        hull = ConvexHull(flat)
    except QhullError:
        return np.zeros(len(points), dtype=bool)
    return np.all(points @ axes.T @ hull.equations[:, :2].T + hull.equations[:, 2] <= margin, axis=1)
