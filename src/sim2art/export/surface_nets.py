"""Surface extraction from a sparse signed-distance grid, by naive surface nets.

S. Gibson, "Constrained elastic surface nets" (1998), without the relaxation: one vertex per cell that the surface
crosses, at the mean of its edge crossings; one quad per crossed grid edge. Against marching cubes it needs no case
table, shares all vertices and makes no slivers. Unseen grid points make holes, never invented surface.
"""

import itertools

import numpy as np
from jaxtyping import Float, Int

_CORNERS = np.array(list(itertools.product((0, 1), repeat=3)))
_EDGES = [(a, b) for a in range(8) for b in range(a + 1, 8) if np.abs(_CORNERS[a] - _CORNERS[b]).sum() == 1]


def extract_surface(
    coordinates: Int[np.ndarray, "voxel 3"], distances: Float[np.ndarray, "voxel"]
) -> tuple[Float[np.ndarray, "vertex 3"], Int[np.ndarray, "face 3"]]:
    """Vertices (in grid units) and triangles of the zero level; outside (positive distance) sees them wind ccw.

    Args:
        coordinates: Grid positions of the voxels whose distance is known, each once, not negative.
        distances: Signed distance at each, any unit; positive outside.
    """
    if len(coordinates) == 0:
        return np.zeros((0, 3)), np.zeros((0, 3), dtype=np.int64)
    low = coordinates.min(axis=0)
    local = coordinates - low + 1
    index = np.full(local.max(axis=0) + 2, -1, dtype=np.int32)
    index[tuple(local.T)] = np.arange(len(local), dtype=np.int32)
    inside = distances < 0

    corners = np.stack([index[tuple((local + corner).T)] for corner in _CORNERS], axis=1)
    known = np.all(corners >= 0, axis=1)
    inside_corners = inside[np.maximum(corners, 0)]
    crossed = known & inside_corners.any(axis=1) & ~inside_corners.all(axis=1)
    cells = np.flatnonzero(crossed)
    vertices = _mean_crossings(distances[corners[cells]], inside_corners[cells]) + coordinates[cells]
    # Vertex of the cell whose lowest corner is a given voxel, -1 for none; one more slot so that index -1 finds -1.
    vertex_of_voxel = np.full(len(local) + 1, -1, dtype=np.int64)
    vertex_of_voxel[cells] = np.arange(len(cells))

    quads = []
    for axis in range(3):
        step = np.eye(3, dtype=np.int64)
        ahead = index[tuple((local + step[axis]).T)]
        edges = np.flatnonzero((ahead >= 0) & (inside != inside[ahead]))
        b, c = step[(axis + 1) % 3], step[(axis + 2) % 3]
        ring = [vertex_of_voxel[index[tuple((local[edges] - offset).T)]] for offset in (0 * b, b, b + c, c)]
        quad = np.stack(ring, axis=1)
        # Seen from ahead the ring runs counter-clockwise, which is right when outside is ahead.
        quad = np.where(inside[edges][:, None], quad, quad[:, ::-1])
        quads.append(quad[np.all(quad >= 0, axis=1)])
    quad = np.concatenate(quads)
    return vertices, _split_quads(vertices, quad)


def _mean_crossings(corner_distances: np.ndarray, corner_inside: np.ndarray) -> np.ndarray:
    """Mean position of the zero crossings on the twelve edges of each cell, in cell units (0..1)."""
    total, count = np.zeros((len(corner_distances), 3)), np.zeros((len(corner_distances), 1))
    for a, b in _EDGES:
        crossing = corner_inside[:, a] != corner_inside[:, b]
        difference = np.where(crossing, corner_distances[:, a] - corner_distances[:, b], 1.0)
        fraction = np.where(crossing, corner_distances[:, a] / difference, 0.0)[:, None]
        total += np.where(crossing[:, None], _CORNERS[a] + fraction * (_CORNERS[b] - _CORNERS[a]), 0.0)
        count += crossing[:, None]
    return total / count


def _split_quads(vertices: np.ndarray, quads: np.ndarray) -> np.ndarray:
    """Two triangles a quad, cut along the shorter diagonal."""
    first = np.linalg.norm(vertices[quads[:, 0]] - vertices[quads[:, 2]], axis=1)
    second = np.linalg.norm(vertices[quads[:, 1]] - vertices[quads[:, 3]], axis=1)
    rolled = np.where((first <= second)[:, None], quads, np.roll(quads, -1, axis=1))
    return np.concatenate([rolled[:, [0, 1, 2]], rolled[:, [0, 2, 3]]]).astype(np.int64)
