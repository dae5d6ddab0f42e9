"""Where a part that slides is hollow from above, such as a drawer: found in what was seen, not in collision pieces."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy import ndimage

from sim2art.articulation.kinematics import link_motions
from sim2art.export.physics import PhysicsModel
from sim2art.geometry.meshes import TriangleMesh
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
    points = apply(model.root_from_world @ link_motions(articulated_object, values)[child], sample_surface(mesh)[0])
    heights, cell, low = height_map(points)
    top = float(np.percentile(points[:, 2], 99))
    depth = np.where(np.isfinite(heights), top - heights, 0.0)
    hollow = _enclosed(depth > max(_MIN_DEPTH, 0.3 * float(depth.max())))
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


def sample_surface(
    mesh: TriangleMesh, count: int = 40_000, *, seed: int = 0
) -> tuple[Float[np.ndarray, "sample 3"], Int[np.ndarray, "sample"]]:
    """Points spread evenly over a mesh's faces, and the face of each."""
    rng = np.random.default_rng(seed)
    a, b, c = (mesh.vertices[mesh.faces[:, i]] for i in range(3))
    areas = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    if areas.sum() <= 0:
        return mesh.vertices[mesh.faces[:, 0]], np.arange(len(mesh.faces))
    chosen = rng.choice(len(areas), count, p=areas / areas.sum())
    u, v = rng.random((2, count, 1))
    beyond = u + v > 1
    u, v = np.where(beyond, 1 - u, u), np.where(beyond, 1 - v, v)
    return a[chosen] + u * (b - a)[chosen] + v * (c - a)[chosen], chosen


def height_map(points: Float[np.ndarray, "point 3"]) -> tuple[np.ndarray, float, np.ndarray]:
    """Highest z over a grid of x and y (NaN where nothing is), the side of its cells (m), and its low corner."""
    low = points[:, :2].min(axis=0)
    cell = max(float(np.ptp(points[:, :2], axis=0).max()) / _CELLS, 1e-6)
    places = np.floor((points[:, :2] - low) / cell).astype(np.int64)
    heights = np.full(places.max(axis=0) + 1, -np.inf)
    np.maximum.at(heights, tuple(places.T), points[:, 2])
    return np.where(np.isfinite(heights), heights, np.nan), cell, low


def _enclosed(deep: np.ndarray) -> np.ndarray:
    """Deep cells with shallower ones on all four sides."""
    shallow = ~deep
    before = [np.logical_or.accumulate(shallow, axis=axis) for axis in (0, 1)]
    after = [np.flip(np.logical_or.accumulate(np.flip(shallow, axis), axis=axis), axis) for axis in (0, 1)]
    return deep & before[0] & before[1] & after[0] & after[1]
