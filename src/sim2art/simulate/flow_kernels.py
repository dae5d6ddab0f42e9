"""The compiled loops of `measured_flow`: readings of images at sub-pixel places, and fields of flow on a coarse grid."""

import numpy as np
from numba import njit

_MAX_FLOW = 200.0  # px; nodes that move farther do not speak for their neighbours.


@njit(cache=True, nogil=True)
def interpolate(nodes, place):
    """Bilinear values of nodes (row column 2) at (column, row) places."""
    values = np.empty((len(place), 2))
    for i in range(len(place)):
        column = min(int(place[i, 0]), nodes.shape[1] - 2)
        row = min(int(place[i, 1]), nodes.shape[0] - 2)
        u, v = place[i, 0] - column, place[i, 1] - row
        for axis in range(2):
            top = nodes[row, column, axis] * (1 - u) + nodes[row, column + 1, axis] * u
            bottom = nodes[row + 1, column, axis] * (1 - u) + nodes[row + 1, column + 1, axis] * u
            values[i, axis] = top * (1 - v) + bottom * v
    return values


@njit(cache=True, nogil=True)
def image_flow(points, pixels, fx, fy, cx, cy):
    """Flow (px) from pixels to camera-frame points; 0 for points behind the camera."""
    flow = np.zeros((len(points), 2))
    for i in range(len(points)):
        x, y, z = points[i]
        if z > 1e-3:
            flow[i, 0] = x / z * fx + cx - pixels[i, 0]
            flow[i, 1] = y / z * fy + cy - pixels[i, 1]
    return flow


@njit(cache=True, nogil=True)
def blankness(points, bodies, body_from_camera, waves, phases, levels):
    """Lack of texture (0..1) of camera-frame points: a sum of three solid waves a body, raised by the body's level."""
    result = np.empty(len(points))
    for i in range(len(points)):
        body = bodies[i]
        m = body_from_camera[body]
        x, y, z = points[i]
        pattern = 0.0
        for k in range(3):
            angle = phases[body, k]
            for axis in range(3):
                rest = m[axis, 0] * x + m[axis, 1] * y + m[axis, 2] * z + m[axis, 3]
                angle += waves[body, k, axis] * rest
            pattern += np.sin(angle)
        value = (pattern / 1.2247 + levels[body]) / 0.4 + 0.5
        result[i] = min(max(value, 0.0), 1.0)
    return result


@njit(cache=True, nogil=True)
def read_depths(depths, targets, step):
    """Depth (m) at sub-pixel targets, and whether there is one.

    Interpolated where the four pixels around agree within the relative `step`. At an edge the nearest pixel speaks, as
    long as it has support: mixing both sides of an edge would invent a surface.
    """
    height, width = depths.shape
    values = np.zeros(len(targets))
    found = np.zeros(len(targets), dtype=np.bool_)
    for i in range(len(targets)):
        x, y = targets[i, 0], targets[i, 1]
        if not (0 <= x <= width - 1 and 0 <= y <= height - 1):
            continue
        column, row = min(int(x), width - 2), min(int(y), height - 2)
        u, v = x - column, y - row
        a, b = depths[row, column], depths[row, column + 1]
        c, d = depths[row + 1, column], depths[row + 1, column + 1]
        low, high = min(a, b, c, d), max(a, b, c, d)
        if low > 0 and high - low <= step * low:
            values[i] = (a * (1 - u) + b * u) * (1 - v) + (c * (1 - u) + d * u) * v
            found[i] = True
            continue
        nearest = depths[int(np.rint(y)), int(np.rint(x))]
        support = 0
        for other in (a, b, c, d):
            if abs(other - nearest) <= step * nearest:
                support += 1
        if nearest > 0 and support >= 3:
            values[i] = nearest
            found[i] = True
    return values, found


@njit(cache=True, nogil=True)
def grid_flow(depths, bodies, later_from_frame, fx, fy, cx, cy, stride):
    """True flow (px) at every `stride`-th pixel; NaN where nothing is seen."""
    height, width = depths.shape
    rows, columns = (height + stride - 1) // stride, (width + stride - 1) // stride
    grid = np.full((rows, columns, 2), np.nan, dtype=np.float32)
    for r in range(rows):
        for c in range(columns):
            y, x = r * stride, c * stride
            z = depths[y, x]
            if z == 0:
                continue
            m = later_from_frame[bodies[y, x]]
            px, py = (x - cx) / fx * z, (y - cy) / fy * z
            qz = m[2, 0] * px + m[2, 1] * py + m[2, 2] * z + m[2, 3]
            if qz < 1e-2:
                continue
            u = (m[0, 0] * px + m[0, 1] * py + m[0, 2] * z + m[0, 3]) / qz * fx + cx - x
            v = (m[1, 0] * px + m[1, 1] * py + m[1, 2] * z + m[1, 3]) / qz * fy + cy - y
            if abs(u) < _MAX_FLOW and abs(v) < _MAX_FLOW:
                grid[r, c, 0], grid[r, c, 1] = u, v
    return grid


@njit(cache=True, nogil=True)
def box_blur(grid, reach):
    """Mean over a square of half side `reach` nodes, leaving out NaN; 0 where all are NaN."""
    rows, columns, _ = grid.shape
    between = np.zeros((rows, columns, 3), dtype=np.float32)
    result = np.zeros((rows, columns, 2), dtype=np.float32)
    for r in range(rows):
        for c in range(columns):
            for k in range(max(0, c - reach), min(columns, c + reach + 1)):
                if not np.isnan(grid[r, k, 0]):
                    between[r, c, 0] += grid[r, k, 0]
                    between[r, c, 1] += grid[r, k, 1]
                    between[r, c, 2] += 1
    for r in range(rows):
        for c in range(columns):
            u, v, weight = np.float32(0), np.float32(0), np.float32(0)
            for k in range(max(0, r - reach), min(rows, r + reach + 1)):
                u += between[k, c, 0]
                v += between[k, c, 1]
                weight += between[k, c, 2]
            if weight > 0:
                result[r, c, 0], result[r, c, 1] = u / weight, v / weight
    return result
