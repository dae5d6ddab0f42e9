"""Simple completion of parts that were seen from some sides only. What it adds is invented, and kept apart.

The box around a part is cut into small cubes. A cube is empty when it lies in front of seen surface, looked at along
one of the box's six directions; what is left is taken for solid. So a panel seen from its front gets a back, and a
drawer keeps its hollow. `box` closes the solid with its own faces; `symmetry` and `convex` take mirrored faces and those
of the convex hull, where these are not in empty space.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial import ConvexHull, KDTree

from sim2art.export.collision import NUM_SAMPLES, CollisionConfig, convex_hull
from sim2art.geometry.meshes import TriangleMesh, spread_points
from sim2art.geometry.rotations import any_perpendicular

Method = Literal["none", "box", "symmetry", "convex"]

_CELLS = 36
"""Along the longest side of a part's box."""
_BOARD = 0.018
"""A part whose surface is flat counts as a board of this thickness, m."""


@dataclass(frozen=True, kw_only=True)
class Completion:
    """What a part would need to be closed."""

    seen: float
    """Share of the closed part's surface that was seen, 0..1."""
    invented: TriangleMesh | None
    """The rest, grey; None where nothing is missing or nothing was asked for."""


@dataclass(frozen=True, kw_only=True)
class _Grid:
    """A part's box cut into cubes."""

    axes: Float[np.ndarray, "3 3"]
    """Directions of the box, rows, object frame."""
    low: Float[np.ndarray, "3"]
    cell: float
    solid: Bool[np.ndarray, "x y z"]

    def is_solid(self, points: Float[np.ndarray, "point 3"]) -> Bool[np.ndarray, "point"]:
        """Whether points (object frame) lie in solid cubes."""
        places = np.floor((points @ self.axes.T - self.low) / self.cell).astype(np.int64)
        inside = np.all((places >= 0) & (places < self.solid.shape), axis=1)
        return inside & self.solid[tuple(np.where(inside[:, None], places, 0).T)]


class _Seen:
    """The seen surface: near is what lies within a cube or two of it and faces the same way."""

    def __init__(self, samples: np.ndarray, normals: np.ndarray, cell: float) -> None:
        self.samples, self.normals, self.cell = samples, normals, cell
        # Normals as further coordinates: a right angle between them counts as almost three cubes.
        self.tree = KDTree(np.concatenate([samples, 2 * cell * normals], axis=1))

    def is_near(self, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """Whether surface was seen at points with these normals."""
        return self.tree.query(np.concatenate([points, 2 * self.cell * normals], axis=1))[0] < 1.6 * self.cell


def complete_part(mesh: TriangleMesh | None, method: Method) -> Completion | None:
    """How much of a part was seen, and the rest by a method; None for a part without a mesh."""
    if mesh is None or len(mesh.faces) == 0 or not _spans_area(mesh):
        return None
    samples, owners = spread_points(mesh, NUM_SAMPLES, np.random.default_rng(0))
    normals = mesh.face_normals()[0][owners]
    grid = _carve(samples, normals)
    seen_surface = _Seen(samples, normals, grid.cell)
    quads, outward = _boundary(grid)
    missing = ~seen_surface.is_near(quads.mean(axis=1), outward)
    seen = 1.0 - float(missing.mean()) if len(missing) else 1.0
    faces: TriangleMesh | None = None
    match method:
        case "none":
            pass
        case "box":
            faces = _mesh_of_quads(quads[missing], grid)
        case "symmetry":
            faces = _mirrored(mesh, seen_surface, grid)
        case "convex":
            hull = convex_hull(mesh, CollisionConfig())
            faces = _kept(_refined(hull, 2 * grid.cell), seen_surface, grid)
    if faces is None or len(faces.faces) == 0:
        return Completion(seen=seen, invented=None)
    return Completion(seen=seen, invented=faces.painted((150, 150, 150)))


def _spans_area(mesh: TriangleMesh) -> bool:
    spread = np.linalg.svd(mesh.vertices - mesh.vertices.mean(axis=0), compute_uv=False)
    return len(spread) > 1 and bool(spread[1] > 1e-6)


def _carve(samples: np.ndarray, normals: np.ndarray) -> _Grid:
    """The box along the surface's main directions, with all that was seen through taken away."""
    axes = _main_axes(samples, normals)
    local, facing = samples @ axes.T, normals @ axes.T
    low, high = (
        np.array(x) for x in np.percentile(local, [1, 99], axis=0)
    )  # A few stray faces must not make a door a box.
    for axis in range(3):  # A board that was seen from one side has its thickness behind that side.
        bulk_low, bulk_high = np.percentile(local[:, axis], [20, 80])
        flat = np.abs(facing[:, axis]).mean() > 0.7
        if flat and bulk_high - bulk_low < _BOARD:
            if facing[:, axis].mean() > 0:
                low[axis] = min(low[axis], bulk_high - _BOARD)
            else:
                high[axis] = max(high[axis], bulk_low + _BOARD)
    cell = max(float(np.max(high - low)) / _CELLS, 0.5 * _BOARD)
    shape = np.array([max(1, int(np.ceil(side / cell))) for side in high - low])
    places: np.ndarray = np.clip(np.floor((local - low) / cell).astype(np.int64), 0, shape - 1)
    solid = np.ones(shape, dtype=bool)
    index = np.arange(int(np.max(shape)))
    for axis in range(3):
        for sign in (1, -1):
            chosen = np.abs(facing[:, axis]) > 0.5
            depth = places[chosen, axis] if sign < 0 else solid.shape[axis] - 1 - places[chosen, axis]
            section = tuple(np.delete(np.array(solid.shape), axis).tolist())
            columns = np.asarray(np.ravel_multi_index(tuple(np.delete(places[chosen], axis, axis=1).T), section))
            # The surface sample nearest to the box's side, in each column of cubes.
            order = np.lexsort((depth, columns))
            first = order[np.unique(columns[order], return_index=True)[1]]
            front = first[sign * facing[chosen, axis][first] > 0]
            free = np.zeros(int(np.prod(section)), dtype=np.int64)
            free[columns[front]] = depth[front]
            reach = free.reshape(section)
            ahead = index[: solid.shape[axis]] if sign < 0 else index[: solid.shape[axis]][::-1]
            solid &= ~(np.moveaxis(ahead < reach[..., None], -1, axis))
    solid[tuple(places.T)] = True
    return _Grid(axes=axes, low=low, cell=cell, solid=solid)


def _main_axes(samples: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Rows: the commonest normal direction, then the sides of the smallest rectangle square to it."""
    candidates = normals[:: max(1, len(normals) // 200)]
    votes = (np.abs(normals[::7] @ candidates.T) > np.cos(np.deg2rad(8))).sum(axis=0)
    near = normals[np.abs(normals @ candidates[np.argmax(votes)]) > np.cos(np.deg2rad(12))]
    first = np.linalg.eigh(near.T @ near)[1][:, 2]
    u = any_perpendicular(first)
    v = np.cross(first, u)
    flat = samples @ np.stack([u, v], axis=1)
    outline = flat[ConvexHull(flat).vertices]
    angles = np.deg2rad(np.arange(0, 90, 1.0))
    turned = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    along, across = outline @ turned.T, outline @ np.stack([-turned[:, 1], turned[:, 0]], axis=0)
    best = turned[np.argmin(np.ptp(along, axis=0) * np.ptp(across, axis=0))]
    second = best[0] * u + best[1] * v
    return np.stack([first, second, np.cross(first, second)])


def _boundary(grid: _Grid) -> tuple[np.ndarray, np.ndarray]:
    """Corners (quad 4 3, ccw from outside, object frame, m) and normals of all faces between solid and empty."""
    padded = np.pad(grid.solid, 1)
    quads, normals = [], []
    for axis in range(3):
        u, v = (axis + 1) % 3, (axis + 2) % 3
        for sign in (1, -1):
            outside = ~np.roll(padded, -sign, axis=axis)
            cubes = np.argwhere(padded & outside) - 1
            corners = np.zeros((4, 3))
            corners[:, axis] = 1.0 if sign > 0 else 0.0
            corners[:, u], corners[:, v] = (0, 1, 1, 0), (0, 0, 1, 1)
            quads.append(cubes[:, None, :] + (corners if sign > 0 else corners[::-1]))
            normals.append(np.tile(sign * grid.axes[axis], (len(cubes), 1)))
    return (np.concatenate(quads) * grid.cell + grid.low) @ grid.axes, np.concatenate(normals)


def _mesh_of_quads(quads: np.ndarray, grid: _Grid) -> TriangleMesh:
    if len(quads) == 0:
        return TriangleMesh(vertices=np.zeros((0, 3)), faces=np.zeros((0, 3), dtype=np.int64))
    keys = np.round(quads.reshape(-1, 3) / (1e-3 * grid.cell)).astype(np.int64)
    _, kept, renumbered = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    corner = renumbered.reshape(-1, 4)
    flip = np.linalg.det(grid.axes) < 0
    faces = np.concatenate([corner[:, [0, 1, 2]], corner[:, [0, 2, 3]]])
    return TriangleMesh(vertices=quads.reshape(-1, 3)[kept], faces=faces[:, ::-1].copy() if flip else faces)


def _mirrored(mesh: TriangleMesh, seen: _Seen, grid: _Grid) -> TriangleMesh | None:
    """Faces mirrored at the mid plane of the box that maps most of the surface onto itself; None where none does."""
    best: tuple[float, np.ndarray, float] | None = None
    for axis, direction in enumerate(grid.axes):
        offset = float(grid.low[axis] + grid.cell * grid.solid.shape[axis] / 2)
        points, normals = seen.samples[::20], seen.normals[::20]
        image = points - 2 * ((points @ direction) - offset)[:, None] * direction
        turned = normals - 2 * (normals @ direction)[:, None] * direction
        match = float(np.mean(seen.is_near(image, turned)))
        if match > (0.5 if best is None else best[0]):
            best = (match, direction, offset)
    if best is None:
        return None
    _, direction, offset = best
    vertices = mesh.vertices - 2 * (mesh.vertices @ direction - offset)[:, None] * direction
    return _kept(TriangleMesh(vertices=vertices, faces=mesh.faces[:, ::-1].copy()), seen, grid)


def _kept(mesh: TriangleMesh, seen: _Seen, grid: _Grid) -> TriangleMesh:
    """The faces that lie away from what was seen and not in empty space."""
    normals, centers = mesh.face_normals()[0], mesh.vertices[mesh.faces].mean(axis=1)
    return mesh.with_faces(~seen.is_near(centers, normals) & grid.is_solid(centers - 0.5 * grid.cell * normals))


def _refined(mesh: TriangleMesh, longest: float) -> TriangleMesh:
    """The same surface with edges no longer than `longest` (m), within reason."""
    vertices, faces = mesh.vertices, mesh.faces
    for _ in range(7):
        a, b, c = (vertices[faces[:, i]] for i in range(3))
        edges = np.stack([np.linalg.norm(x - y, axis=1) for x, y in ((a, b), (b, c), (c, a))], axis=1)
        long = edges.max(axis=1) > longest
        if not long.any() or len(faces) > 40_000:
            break
        middle = [(x + y) / 2 for x, y in ((a, b), (b, c), (c, a))]
        corners = np.stack([np.stack(x, axis=1) for x in (
            (a, middle[0], middle[2]), (middle[0], b, middle[1]), (middle[2], middle[1], c), tuple(middle)
        )], axis=1)[long]  # fmt: skip
        kept = np.stack([a, b, c], axis=1)[~long]
        vertices = np.concatenate([kept, corners.reshape(-1, 3, 3)]).reshape(-1, 3)
        faces = np.arange(len(vertices)).reshape(-1, 3)
    return TriangleMesh(vertices=vertices, faces=faces)
