"""Each frame's observed points, bucketed so that the nearest one is found at once."""

from typing import NamedTuple

import numba
import numpy as np
from jaxtyping import Bool, Float, Float32, Int

CELL = 0.1
"""Side of a search cell, normalised units: distances up to this are exact."""
FAR = 0.2
"""Distances are cut here."""
EPSILON = 0.004
"""Added before the logarithm of a distance: below the noise, smaller is not better."""


class SurfaceGrid(NamedTuple):
    """The points of each frame in the order of their cells. A plain tuple for compiled code."""

    surface: Float32[np.ndarray, "frame slot 3"]
    valid: Bool[np.ndarray, "frame slot"]
    starts: Int[np.ndarray, "frame cell_and_end"]
    """Where each cell's run of `members` begins."""
    members: Int[np.ndarray, "frame slot"]
    low: Float32[np.ndarray, "3"]
    """Corner of the grid, normalised units."""
    sides: Int[np.ndarray, "3"]
    """Cells along each side."""


def index_surface(
    points: Float[np.ndarray, "frame slot 3"], valid: Bool[np.ndarray, "frame slot"], num_points: int
) -> SurfaceGrid:
    """Bucket the first `num_points` of each frame, normalised coordinates."""
    surface = np.ascontiguousarray(points[:, :num_points], dtype=np.float32)
    valid = np.ascontiguousarray(valid[:, :num_points])
    return SurfaceGrid(surface, valid, *_index(surface, valid))


@numba.njit(cache=True, nogil=True)
def _index(surface, valid):
    """Bucket each frame's points into a grid: start of each cell's run, point indices in cell order, corner, sides."""
    num_frames, count = valid.shape
    low = np.full(3, np.float32(1e9))
    high = np.full(3, np.float32(-1e9))
    for t in range(num_frames):
        for i in range(count):
            if valid[t, i]:
                for k in range(3):
                    # Flying pixels far outside would blow the grid up; the object itself lies within [-1, 1].
                    x = min(max(surface[t, i, k], np.float32(-1.5)), np.float32(1.5))
                    low[k] = min(low[k], x)
                    high[k] = max(high[k], x)
    sides = np.ones(3, np.int64)
    for k in range(3):
        if high[k] > low[k]:
            sides[k] = int((high[k] - low[k]) / np.float32(CELL)) + 1
    cells = sides[0] * sides[1] * sides[2]
    starts = np.zeros((num_frames, cells + 1), np.int32)
    members = np.zeros((num_frames, count), np.int32)
    keys = np.empty(count, np.int64)
    for t in range(num_frames):
        for i in range(count):
            keys[i] = -1
            if not valid[t, i]:
                continue
            key = 0
            for k in range(3):
                index = int((surface[t, i, k] - low[k]) / np.float32(CELL))
                key = key * sides[k] + min(max(index, 0), sides[k] - 1)
            keys[i] = key
            starts[t, key + 1] += 1
        for c in range(cells):
            starts[t, c + 1] += starts[t, c]
        cursor = starts[t, :-1].copy()
        for i in range(count):
            if keys[i] >= 0:
                members[t, cursor[keys[i]]] = i
                cursor[keys[i]] += 1
    return starts, members, low, sides


@numba.njit(cache=True, fastmath=True, nogil=True)
def nearest_sample(x, y, z, surface, starts, members, low, sides):
    """Index and distance of the nearest surface point within about one cell; (-1, FAR) when there is none."""
    ix, iy, iz = (
        int(np.floor((x - low[0]) / np.float32(CELL))),
        int(np.floor((y - low[1]) / np.float32(CELL))),
        int(np.floor((z - low[2]) / np.float32(CELL))),
    )
    best = np.float32(FAR * FAR)
    found = -1
    for a in range(max(ix - 1, 0), min(ix + 2, sides[0])):
        for b in range(max(iy - 1, 0), min(iy + 2, sides[1])):
            base = (a * sides[1] + b) * sides[2]
            c0, c1 = max(iz - 1, 0), min(iz + 2, sides[2])
            if c0 >= c1:
                continue
            # Cells along z are neighbours in memory: one run covers all three.
            for j in range(starts[base + c0], starts[base + c1]):
                i = members[j]
                dx, dy, dz = surface[i, 0] - x, surface[i, 1] - y, surface[i, 2] - z
                d = dx * dx + dy * dy + dz * dz
                if d < best:
                    best = d
                    found = i
    return found, np.sqrt(best)


@numba.njit(cache=True, fastmath=True, nogil=True)
def along_ray(x, y, z, eye, other):
    """Signed distance from a point to a surface point along the viewing ray, over FAR, cut at 1; behind is positive."""
    rx, ry, rz = x - eye[0], y - eye[1], z - eye[2]
    length = np.sqrt(rx * rx + ry * ry + rz * rz) + 1e-6
    d = ((other[0] - x) * rx + (other[1] - y) * ry + (other[2] - z) * rz) / (length * np.float32(FAR))
    return min(max(d, np.float32(-1.0)), np.float32(1.0))
