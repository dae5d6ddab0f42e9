"""Where a part that slides is hollow from above, such as a drawer: found in what was seen, not in collision pieces."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import ndimage

from sim2art.articulation.kinematics import link_motions
from sim2art.export.collision import NUM_SAMPLES
from sim2art.export.physics import PhysicsModel
from sim2art.geometry.meshes import spread_points
from sim2art.geometry.transforms import apply

_CELLS = 24
"""Along the longer side of the part's footprint."""
_MIN_DEPTH = 0.03
"""m; what is shallower is a tray or a dent."""


@dataclass(frozen=True, kw_only=True)
class Cavity:
    """A ball's place in the hollow of a part that is pulled out."""

    value: float
    """Of the part's joint."""
    center: Float[np.ndarray, "3"]
    """Of the ball, z-up root frame, m."""
    radius: float
    """Of the ball, m."""
    depth: float
    """From the part's rim to the floor below the ball, m."""


def find_cavity(model: PhysicsModel, joint_index: int) -> Cavity | None:
    """The roomiest hollow that a part shows from above with its joint at the end farther from rest; None without one."""
    articulated_object = model.articulated_object
    joint, limits = articulated_object.joints[joint_index], model.joints[joint_index].limits
    child = articulated_object.link_index(joint.child)
    mesh = articulated_object.links[child].mesh
    if mesh is None or len(mesh.faces) == 0:
        return None
    value = max(limits, key=abs)
    values = np.array([np.clip(0.0, *physics.limits) for physics in model.joints])
    values[joint_index] = value
    samples, _ = spread_points(mesh, NUM_SAMPLES, np.random.default_rng(0))
    points = apply(model.root_from_world @ link_motions(articulated_object, values)[child], samples)
    heights, cell, low = height_map(points)
    known = np.isfinite(heights)
    depth = np.where(known, water_level(heights) - np.where(known, heights, 0.0), 0.0)
    hollow = depth > _MIN_DEPTH
    if not hollow.any():
        return None
    room = np.asarray(ndimage.distance_transform_edt(np.pad(hollow, 1)))[1:-1, 1:-1]
    row, column = np.unravel_index(np.argmax(room), room.shape)
    radius = min(0.6 * (float(room[row, column]) - 0.5) * cell, 0.35 * float(depth[row, column]))
    if radius < 5e-3:
        return None
    floor = float(heights[row, column])
    center = np.array([*(low + (np.array([row, column]) + 0.5) * cell), floor + radius + 0.01])
    return Cavity(value=float(value), center=center, radius=radius, depth=float(depth[row, column]))


def height_map(points: Float[np.ndarray, "point 3"]) -> tuple[np.ndarray, float, np.ndarray]:
    """Highest z over a grid of x and y, the side of its cells (m), and its low corner.

    Cells where nothing is have the height of the nearest that has one if they are surrounded, else minus infinity.
    """
    low = points[:, :2].min(axis=0)
    cell = max(float(np.ptp(points[:, :2], axis=0).max()) / _CELLS, 1e-6)
    places = np.floor((points[:, :2] - low) / cell).astype(np.int64)
    heights = np.full(places.max(axis=0) + 1, -np.inf)
    np.maximum.at(heights, tuple(places.T), points[:, 2])
    known = np.isfinite(heights)
    nearest = np.asarray(ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True))
    gaps = ndimage.binary_fill_holes(known) & ~known
    heights[gaps] = heights[tuple(nearest)][gaps]
    return heights, cell, low


def water_level(heights: Float[np.ndarray, "row column"]) -> Float[np.ndarray, "row column"]:
    """How high water would stand over a height map before it runs over its edge: the map with its hollows filled."""
    padded = np.pad(heights, 1, constant_values=-np.inf)
    level = np.full_like(padded, np.inf)
    level[[0, -1]] = level[:, [0, -1]] = -np.inf
    while True:
        lowest = ndimage.minimum_filter(level, footprint=ndimage.generate_binary_structure(2, 1))
        lower = np.maximum(padded, np.minimum(level, lowest))
        if np.array_equal(lower, level):
            return level[1:-1, 1:-1]
        level = lower
