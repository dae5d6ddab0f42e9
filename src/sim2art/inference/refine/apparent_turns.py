"""Turns that only seem to be: what is round and blank looks the same from all sides, so its flow goes along with the camera.

A camera that goes around a blank column sees one outline and one shading all the time. Images then tell no motion where
the surface passes by, and in space the column turns, by just as much as the camera goes around its axis. Its shape tells
nothing of that turn: it lies where it lay. A part for which both hold is believed to stand still.
"""

import numpy as np
from jaxtyping import Float

from sim2art.geometry.rotations import any_perpendicular
from sim2art.geometry.screws import revolute_transform
from sim2art.geometry.transforms import apply
from sim2art.inference.refine.kinematic_model import BASE, KinematicModel
from sim2art.inference.refine.sight import Sight

MAX_DEVIATION = 0.25
"""A turn goes along with the camera if it differs from the camera's by no more than this share of itself (root mean square)."""
LEAST_TURN = np.deg2rad(5.0)
"""A camera that goes around less than this makes nothing turn that would be seen."""
MAX_DISTANCE_RATIO = 1.5
"""Points that are left where they were lie on the part's later surface, if they are within its spacing and no farther from it
than this many times the distance of points that are carried along."""


def only_seems_to_turn(sight: Sight, model: KinematicModel, part: int) -> bool:
    """Whether a part on the base turns as the camera goes around its axis, and is so round that its shape does not tell."""
    if not model.is_revolute[part] or model.parents[part] != BASE:
        return False
    azimuths = camera_azimuths(model, part)
    values = model.values[part] - model.values[part].mean()
    if np.ptp(azimuths) < LEAST_TURN:
        return False
    deviation = values - (azimuths - azimuths.mean())
    if np.sqrt(np.mean(deviation**2)) > MAX_DEVIATION * np.sqrt(np.mean(values**2)):
        return False
    return _lies_where_it_lay(sight, model, part)


def camera_azimuths(model: KinematicModel, part: int) -> Float[np.ndarray, "frame"]:
    """How far the camera has gone around the axis of a turn in each frame, rad, in the sense of the turn."""
    axis = model.axes[part]
    across = any_perpendicular(axis)
    arms = model.eyes - model.pivots[part]
    return np.unwrap(np.arctan2(arms @ np.cross(axis, across), arms @ across))


def _lies_where_it_lay(sight: Sight, model: KinematicModel, part: int) -> bool:
    """Whether the part's surface at one end of its turn is at the other end where it was."""
    values, surfaces = model.values[part], sight.surfaces
    seen = np.array([tree is not None for tree in surfaces.trees[part]])
    if seen.sum() < 2:
        return False
    first, last = (int(choose(np.where(seen, values, np.nan))) for choose in (np.nanargmin, np.nanargmax))
    cloud, tree = surfaces.points[part][first], surfaces.trees[part][last]
    assert tree is not None
    carried = apply(revolute_transform(model.axes[part], model.pivots[part], values[last] - values[first]), cloud)
    left, moved = (float(np.median(tree.query(points)[0])) for points in (cloud, carried))
    return left <= min(MAX_DISTANCE_RATIO * moved, surfaces.spacings[part][last])
