"""Numba kernels: the joint that the flow of one frame pair shows around a seed point, free or along a direction.

Flow is used through its midpoints, where a finite turn is linear in its twist (see `geometry.screws`). All arrays are
float32 and normalised.
"""

import numba
import numpy as np


@numba.njit(cache=True, fastmath=True, nogil=True)
def solve3(matrix, right):
    """Solve a symmetric 3x3 system by Cramer's rule; zeros where it is singular."""
    a, b, c = matrix[0, 0], matrix[0, 1], matrix[0, 2]
    d, e, f = matrix[1, 1], matrix[1, 2], matrix[2, 2]
    c00, c01, c02 = d * f - e * e, c * e - b * f, b * e - c * d
    det = a * c00 + b * c01 + c * c02
    out = np.zeros(3, np.float32)
    if abs(det) < 1e-20:
        return out
    c11, c12, c22 = a * f - c * c, b * c - a * e, a * d - b * b
    out[0] = (c00 * right[0] + c01 * right[1] + c02 * right[2]) / det
    out[1] = (c01 * right[0] + c11 * right[1] + c12 * right[2]) / det
    out[2] = (c02 * right[0] + c12 * right[1] + c22 * right[2]) / det
    return out


@numba.njit(cache=True, fastmath=True, nogil=True)
def cross(a, b):
    """Cross product of two 3-vectors."""
    out = np.empty(3, np.float32)
    out[0] = a[1] * b[2] - a[2] * b[1]
    out[1] = a[2] * b[0] - a[0] * b[2]
    out[2] = a[0] * b[1] - a[1] * b[0]
    return out


@numba.njit(cache=True, fastmath=True, nogil=True)
def fit_patch_twist(midpoints, flows, weights, ridge):
    """Angular part, mean flow and centroid of the twist that best explains a patch: f = mean + w x (m - centroid)."""
    total = np.float32(1e-12)
    center = np.zeros(3, np.float32)
    mean = np.zeros(3, np.float32)
    for i in range(len(weights)):
        total += weights[i]
        center += weights[i] * midpoints[i]
        mean += weights[i] * flows[i]
    center /= total
    mean /= total
    inertia = np.zeros((3, 3), np.float32)
    moment = np.zeros(3, np.float32)
    for i in range(len(weights)):
        x, y, z = midpoints[i, 0] - center[0], midpoints[i, 1] - center[1], midpoints[i, 2] - center[2]
        fx, fy, fz = flows[i, 0] - mean[0], flows[i, 1] - mean[1], flows[i, 2] - mean[2]
        w = weights[i]
        inertia[0, 0] += w * (y * y + z * z)
        inertia[1, 1] += w * (x * x + z * z)
        inertia[2, 2] += w * (x * x + y * y)
        inertia[0, 1] -= w * x * y
        inertia[0, 2] -= w * x * z
        inertia[1, 2] -= w * y * z
        moment[0] += w * (y * fz - z * fy)
        moment[1] += w * (z * fx - x * fz)
        moment[2] += w * (x * fy - y * fx)
    for k in range(3):
        inertia[k, k] += ridge * total
    inertia[1, 0], inertia[2, 0], inertia[2, 1] = inertia[0, 1], inertia[0, 2], inertia[1, 2]
    return solve3(inertia, moment), mean, center


@numba.njit(cache=True, fastmath=True, nogil=True)
def grow_seed(points, flows, valid, seed, radius, floor, revolute):
    """Fit a joint to the flow of one frame pair around a seed point, growing its support twice.

    Returns whether it worked, the unit axis, the pivot, and the support as a mask.
    """
    count = len(points)
    axis = np.zeros(3, np.float32)
    pivot = np.zeros(3, np.float32)
    member = np.zeros(count, np.bool_)
    f0 = flows[seed]
    size0 = np.sqrt(f0[0] ** 2 + f0[1] ** 2 + f0[2] ** 2)
    mids = np.empty((count, 3), np.float32)
    kept = np.empty((count, 3), np.float32)
    weights = np.ones(count, np.float32)
    angular = np.zeros(3, np.float32)
    mean = f0.copy()
    center = points[seed].copy()
    for round_index in range(3):
        reach = radius * (1.0 + round_index)
        n = 0
        for i in range(count):
            member[i] = False
            if not valid[i]:
                continue
            dx, dy, dz = points[i, 0] - points[seed, 0], points[i, 1] - points[seed, 1], points[i, 2] - points[seed, 2]
            if dx * dx + dy * dy + dz * dz > reach * reach:
                continue
            mx = points[i, 0] + 0.5 * flows[i, 0] - center[0]
            my = points[i, 1] + 0.5 * flows[i, 1] - center[1]
            mz = points[i, 2] + 0.5 * flows[i, 2] - center[2]
            if round_index == 0:
                ex, ey, ez = f0[0], f0[1], f0[2]
                slack = 0.5 * size0 + floor
            else:
                ex = mean[0] + angular[1] * mz - angular[2] * my
                ey = mean[1] + angular[2] * mx - angular[0] * mz
                ez = mean[2] + angular[0] * my - angular[1] * mx
                slack = 0.25 * size0 + 0.5 * floor
            rx, ry, rz = flows[i, 0] - ex, flows[i, 1] - ey, flows[i, 2] - ez
            if rx * rx + ry * ry + rz * rz > slack * slack:
                continue
            if flows[i, 0] ** 2 + flows[i, 1] ** 2 + flows[i, 2] ** 2 < 0.25 * floor * floor:
                continue
            member[i] = True
            mids[n, 0], mids[n, 1], mids[n, 2] = mx + center[0], my + center[1], mz + center[2]
            kept[n] = flows[i]
            n += 1
        if n < 6:
            return False, axis, pivot, member
        if revolute:
            angular, mean, center = fit_patch_twist(mids[:n], kept[:n], weights[:n], np.float32(1e-4))
        else:
            for k in range(3):
                mean[k] = kept[:n, k].mean()
                center[k] = mids[:n, k].mean()
    if revolute:
        rate = np.sqrt(angular[0] ** 2 + angular[1] ** 2 + angular[2] ** 2)
        if rate < 0.02:
            return False, axis, pivot, member
        axis = angular / rate
        arm = cross(axis, mean) / rate
        if arm[0] ** 2 + arm[1] ** 2 + arm[2] ** 2 > 16.0:
            return False, axis, pivot, member
        pivot = center + arm
    else:
        length = np.sqrt(mean[0] ** 2 + mean[1] ** 2 + mean[2] ** 2)
        if length < 1e-4:
            return False, axis, pivot, member
        axis = mean / length
    return True, axis, pivot, member


@numba.njit(cache=True, fastmath=True, nogil=True)
def align_seed(points, flows, member, directions, revolute):
    """The joint along one of some directions that best explains the flow of a seed's support.

    Returns whether there is one, the unit axis and the pivot.
    """
    center = np.zeros(3, np.float32)
    mean = np.zeros(3, np.float32)
    total = np.float32(0.0)
    for i in range(len(points)):
        if member[i]:
            total += 1.0
            mean += flows[i]
            center += points[i] + np.float32(0.5) * flows[i]
    axis = np.zeros(3, np.float32)
    pivot = np.zeros(3, np.float32)
    best = np.float32(np.inf)
    found = False
    if total < 6:
        return found, axis, pivot
    mean /= total
    center /= total
    for k in range(len(directions)):
        d = directions[k]
        along = mean[0] * d[0] + mean[1] * d[1] + mean[2] * d[2]
        if revolute:
            top = np.float32(0.0)
            size = np.float32(1e-9)
            for i in range(len(points)):
                if member[i]:
                    turned = cross(d, points[i] + np.float32(0.5) * flows[i] - center)
                    for q in range(3):
                        top += turned[q] * (flows[i, q] - mean[q])
                        size += turned[q] ** 2
            rate = top / size
            if abs(rate) < 0.02:
                continue
            # What is explained beside the mean, less what goes along the axis, which no turn can do.
            cost = total * along * along - top * top / size
            arm = cross(d, mean) / rate
            if arm[0] ** 2 + arm[1] ** 2 + arm[2] ** 2 > 16.0:
                continue
        else:
            rate = along
            arm = np.zeros(3, np.float32)
            cost = -abs(along)
            if abs(rate) < 1e-4:
                continue
        if cost < best:
            best = cost
            found = True
            axis = d * np.sign(rate)
            pivot = center + arm
    return found, axis, pivot
