"""Evidence over a whole clip: carried to other frames, is the surface there, and would it be had the point stayed?

One frame tells little: its surface is a few points under noise. The mean over the frames to which a hypothesis moves a
point is far sharper, and it needs no flow. Distances are to small discs (a sample, its normal, a radius of about the
spacing of samples), so that what lies between two samples of a panel still lies on the panel.
"""

import numba
import numpy as np
from jaxtyping import Bool, Float32

from sim2art.inference.score.surface_grid import CELL, EPSILON, FAR, SurfaceGrid, nearest_sample

CLIP_FEATURES = 6
"""Gain (log of the distance left still over that carried), distance when carried, share of frames that tell, free
space entered when carried and when left still, distance when left still over all frames; distances in log scale."""
DISC = 0.05
"""Radius of a sample's disc, normalised units: about the spacing of 2048 samples on an object."""
VOXEL = 0.05
"""Side of the voxels that remember the sample nearest to their middle."""
NORMAL_RADIUS = 0.1
"""Neighbours within this shape a sample's normal."""
REACH = 1.2
"""Half the side of the voxel grid: objects lie within [-1, 1]; what is carried out of it is far from everything."""
MIN_TRAVEL = 0.02
"""Frames to which a hypothesis moves a point less than this tell nothing."""
FREE = 0.04
"""Length in front of a seen surface that counts as plainly free space."""
STRIDE = 2
"""Every so many frames a point is carried to; odd frames to odd ones."""
UNSEEN = -2
"""A voxel that was not asked for yet."""


def measure_rest_pose(
    points: Float32[np.ndarray, "frame point 3"],
    valid: Bool[np.ndarray, "frame point"],
    grid: SurfaceGrid,
    normals: Float32[np.ndarray, "frame slot 3"],
    motions: Float32[np.ndarray, "hypothesis frame 4 4"],
    eyes: Float32[np.ndarray, "frame 3"],
) -> Float32[np.ndarray, "hypothesis frame point feature"]:
    """Evidence of every point and hypothesis, 0 for points that are not valid.

    Args:
        points: Points to judge, normalised coordinates.
        grid: All points of each frame.
        normals: Of those points (`disc_normals`).
        motions: From frame 0 to each frame.
        eyes: Camera centre of each frame.
    """
    return _measure(
        points, valid, grid.surface, normals, grid.starts, grid.members, grid.low, grid.sides, motions, eyes
    )


def disc_normals(grid: SurfaceGrid) -> Float32[np.ndarray, "frame slot 3"]:
    """Unit normal of each sample from its neighbours, of either sign; zeros where there are fewer than 4."""
    return _disc_normals(*grid)


@numba.njit(cache=True, fastmath=True, nogil=True)
def _disc_normals(surface, valid, starts, members, low, sides):
    num_frames, count = valid.shape
    normals = np.zeros((num_frames, count, 3), np.float32)
    radius, cell = np.float32(NORMAL_RADIUS * NORMAL_RADIUS), np.float32(CELL)
    for t in range(num_frames):
        for i in range(count):
            if not valid[t, i]:
                continue
            p = surface[t, i]
            ix, iy, iz = int((p[0] - low[0]) / cell), int((p[1] - low[1]) / cell), int((p[2] - low[2]) / cell)
            n = 0
            sx = sy = sz = np.float32(0.0)
            xx = xy = xz = yy = yz = zz = np.float32(0.0)
            for a in range(max(ix - 1, 0), min(ix + 2, sides[0])):
                for b in range(max(iy - 1, 0), min(iy + 2, sides[1])):
                    base = (a * sides[1] + b) * sides[2]
                    c0, c1 = max(iz - 1, 0), min(iz + 2, sides[2])
                    if c0 >= c1:
                        continue
                    for j in range(starts[t, base + c0], starts[t, base + c1]):
                        q = surface[t, members[t, j]]
                        x, y, z = q[0] - p[0], q[1] - p[1], q[2] - p[2]
                        if x * x + y * y + z * z < radius:
                            n += 1
                            sx += x
                            sy += y
                            sz += z
                            xx += x * x
                            xy += x * y
                            xz += x * z
                            yy += y * y
                            yz += y * z
                            zz += z * z
            if n < 4:
                continue
            w = np.float32(1.0 / n)
            xx, xy, xz = xx * w - sx * sx * w * w, xy * w - sx * sy * w * w, xz * w - sx * sz * w * w
            yy, yz, zz = yy * w - sy * sy * w * w, yz * w - sy * sz * w * w, zz * w - sz * sz * w * w
            # Inverse iteration in closed form: the adjugate of (C + tiny I), applied twice, points along the normal.
            tiny = np.float32(1e-7) + np.float32(1e-3) * (xx + yy + zz)
            xx += tiny
            yy += tiny
            zz += tiny
            a00, a01, a02 = yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy
            a11, a12, a22 = xx * zz - xz * xz, xy * xz - xx * yz, xx * yy - xy * xy
            if a00 >= a11 and a00 >= a22:
                x, y, z = a00, a01, a02
            elif a11 >= a22:
                x, y, z = a01, a11, a12
            else:
                x, y, z = a02, a12, a22
            for _ in range(2):
                length = np.sqrt(x * x + y * y + z * z) + np.float32(1e-30)
                x, y, z = x / length, y / length, z / length
                x, y, z = a00 * x + a01 * y + a02 * z, a01 * x + a11 * y + a12 * z, a02 * x + a12 * y + a22 * z
            length = np.sqrt(x * x + y * y + z * z)
            if length > 0:
                normals[t, i, 0] = x / length
                normals[t, i, 1] = y / length
                normals[t, i, 2] = z / length
    return normals


@numba.njit(cache=True, fastmath=True, nogil=True)
def _look(x, y, z, t, eyes, surface, normals, starts, members, low, sides, memory):
    """Distance of a place to the surface of frame t, cut at FAR, and how far it lies in front of it, over FREE."""
    far, side, reach = np.float32(FAR), np.float32(VOXEL), np.float32(REACH)
    ix, iy, iz = int((x + reach) / side), int((y + reach) / side), int((z + reach) / side)
    count = memory.shape[1]
    if x <= -reach or y <= -reach or z <= -reach or ix >= count or iy >= count or iz >= count:
        return far, np.float32(0.0)
    found = memory[t, ix, iy, iz]
    if found == UNSEEN:
        half = np.float32(0.5)
        middle = (ix + half) * side - reach, (iy + half) * side - reach, (iz + half) * side - reach
        found, _ = nearest_sample(middle[0], middle[1], middle[2], surface[t], starts[t], members[t], low, sides)
        memory[t, ix, iy, iz] = found
    if found < 0:
        return far, np.float32(0.0)
    dx, dy, dz = x - surface[t, found, 0], y - surface[t, found, 1], z - surface[t, found, 2]
    nx, ny, nz = normals[t, found, 0], normals[t, found, 1], normals[t, found, 2]
    squared = dx * dx + dy * dy + dz * dz
    off = dx * nx + dy * ny + dz * nz
    beyond = np.sqrt(max(squared - off * off, np.float32(0.0)))
    if nx != 0 or ny != 0 or nz != 0:
        beyond = max(beyond - np.float32(DISC), np.float32(0.0))
    rx, ry, rz = x - eyes[t, 0], y - eyes[t, 1], z - eyes[t, 2]
    front = -(dx * rx + dy * ry + dz * rz) / (
        (np.sqrt(rx * rx + ry * ry + rz * rz) + np.float32(1e-6)) * np.float32(FREE)
    )
    distance = min(np.sqrt(off * off + beyond * beyond), far)
    return distance, min(max(front, np.float32(0.0)), np.float32(1.0))


@numba.njit(cache=True, fastmath=True, nogil=True)
def _measure(points, valid, surface, normals, starts, members, low, sides, motions, eyes):
    num_frames, count = valid.shape
    side = int(2 * REACH / VOXEL)
    memory = np.full((num_frames, side, side, side), np.int16(UNSEEN), np.int16)
    eps = np.float32(EPSILON)
    out = np.zeros((len(motions), num_frames, count, CLIP_FEATURES), np.float32)
    stay = np.zeros((num_frames, num_frames, count), np.float32)
    stay_free = np.zeros((num_frames, num_frames, count), np.float32)
    stay_mean = np.zeros((num_frames, count), np.float32)
    for t in range(num_frames):
        total = 0
        for s in range(t % STRIDE, num_frames, STRIDE):
            if s == t:
                continue
            total += 1
            for i in range(count):
                if not valid[t, i]:
                    continue
                p = points[t, i]
                distance, stay_free[t, s, i] = _look(
                    p[0], p[1], p[2], s, eyes, surface, normals, starts, members, low, sides, memory
                )
                stay[t, s, i] = np.log(distance + eps)
                stay_mean[t, i] += stay[t, s, i]
        stay_mean[t] /= max(total, 1)
    for k in range(len(motions)):
        for t in range(num_frames):
            rows = out[k, t]
            rotation = np.ascontiguousarray(motions[k, t, :3, :3].T)
            shift = motions[k, t, :3, 3].copy()
            total = 0
            for s in range(t % STRIDE, num_frames, STRIDE):
                if s == t:
                    continue
                total += 1
                r = np.ascontiguousarray(motions[k, s, :3, :3]) @ rotation
                along = motions[k, s, :3, 3] - r @ shift
                for i in range(count):
                    if not valid[t, i]:
                        continue
                    p = points[t, i]
                    x = r[0, 0] * p[0] + r[0, 1] * p[1] + r[0, 2] * p[2] + along[0]
                    y = r[1, 0] * p[0] + r[1, 1] * p[1] + r[1, 2] * p[2] + along[1]
                    z = r[2, 0] * p[0] + r[2, 1] * p[1] + r[2, 2] * p[2] + along[2]
                    travel = (x - p[0]) ** 2 + (y - p[1]) ** 2 + (z - p[2]) ** 2
                    if travel < np.float32(MIN_TRAVEL * MIN_TRAVEL):
                        continue
                    distance, front = _look(x, y, z, s, eyes, surface, normals, starts, members, low, sides, memory)
                    log = np.log(distance + eps)
                    rows[i, 0] += stay[t, s, i] - log
                    rows[i, 1] += log
                    rows[i, 2] += 1
                    rows[i, 3] += front
                    rows[i, 4] += stay_free[t, s, i]
            for i in range(count):
                telling = rows[i, 2]
                if telling > 0:
                    for j in (0, 1, 3, 4):
                        rows[i, j] /= telling
                    rows[i, 2] = telling / total
                rows[i, 5] = stay_mean[t, i]
    return out
