"""Numba kernels: a rigid motion from a patch of flow, and one joint carried through the clip from there.

Flow is used through its midpoints, where a finite turn is linear in its twist (see `geometry.screws`): a joint is one
unit twist (a, c) shared by all frame pairs, times one number for each pair. All arrays are float32 and normalised.
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

    Returns whether there is one, its number, the unit axis and the pivot.
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
    chosen = -1
    if total < 6:
        return False, chosen, axis, pivot
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
            chosen = k
            axis = d * np.sign(rate)
            pivot = center + arm
    return chosen >= 0, chosen, axis, pivot


@numba.njit(cache=True, fastmath=True, nogil=True)
def carry(point, axis, pivot, value, revolute, out):
    """Write into `out` where the joint carries `point` at `value`."""
    if revolute:
        s, c = np.sin(value), np.cos(value)
        x, y, z = point[0] - pivot[0], point[1] - pivot[1], point[2] - pivot[2]
        along = (axis[0] * x + axis[1] * y + axis[2] * z) * (1.0 - c)
        out[0] = pivot[0] + c * x + s * (axis[1] * z - axis[2] * y) + along * axis[0]
        out[1] = pivot[1] + c * y + s * (axis[2] * x - axis[0] * z) + along * axis[1]
        out[2] = pivot[2] + c * z + s * (axis[0] * y - axis[1] * x) + along * axis[2]
    else:
        for k in range(3):
            out[k] = point[k] + value * axis[k]


@numba.njit(cache=True, fastmath=True, nogil=True)
def is_near(x, y, z, cloud, center, bound, reach):
    """Whether a place is within `reach` of any point of a small cloud with known bounding ball."""
    dx, dy, dz = x - center[0], y - center[1], z - center[2]
    if dx * dx + dy * dy + dz * dz > (bound + reach) ** 2:
        return False
    limit = reach * reach
    for j in range(len(cloud)):
        dx, dy, dz = x - cloud[j, 0], y - cloud[j, 1], z - cloud[j, 2]
        if dx * dx + dy * dy + dz * dz < limit:
            return True
    return False


@numba.njit(cache=True, fastmath=True, nogil=True)
def step_amount(points, flows, valid, cloud, at_landing, axis, pivot, revolute, reach, floor):
    """How far the joint moves in one frame pair, from the flow of the points near its cloud.

    Args:
        at_landing: Compare the cloud with where points go (true) or where they are (false).

    Returns:
        The amount as the flow's factor on the unit twist (2 tan(q / 2) for a turn), and its weight (0: unknown).
    """
    center = np.zeros(3, np.float32)
    for j in range(len(cloud)):
        center += cloud[j]
    center /= len(cloud)
    bound = np.float32(0.0)
    for j in range(len(cloud)):
        d = (cloud[j, 0] - center[0]) ** 2 + (cloud[j, 1] - center[1]) ** 2 + (cloud[j, 2] - center[2]) ** 2
        bound = max(bound, d)
    bound = np.sqrt(bound)
    count = len(points)
    ratios = np.empty(count, np.float32)
    levers = np.empty(count, np.float32)
    sizes = np.empty(count, np.float32)
    n = 0
    lands = np.float32(1.0 if at_landing else 0.0)
    for i in range(count):
        if not valid[i]:
            continue
        fx, fy, fz = flows[i, 0], flows[i, 1], flows[i, 2]
        px, py, pz = points[i, 0], points[i, 1], points[i, 2]
        if not is_near(px + lands * fx, py + lands * fy, pz + lands * fz, cloud, center, bound, reach):
            continue
        if revolute:
            mx, my, mz = px + 0.5 * fx - pivot[0], py + 0.5 * fy - pivot[1], pz + 0.5 * fz - pivot[2]
            ux, uy, uz = axis[1] * mz - axis[2] * my, axis[2] * mx - axis[0] * mz, axis[0] * my - axis[1] * mx
        else:
            ux, uy, uz = axis[0], axis[1], axis[2]
        lever = ux * ux + uy * uy + uz * uz
        if lever < 1e-4:
            continue
        ratios[n] = (fx * ux + fy * uy + fz * uz) / lever
        levers[n] = lever
        sizes[n] = fx * fx + fy * fy + fz * fz
        n += 1
    if n < 3:
        return np.float32(0.0), np.float32(0.0)
    order = np.argsort(ratios[:n])
    half = 0.5 * levers[:n].sum()
    run = np.float32(0.0)
    amount = np.float32(0.0)
    for j in order:
        run += levers[j]
        if run >= half:
            amount = ratios[j]
            break
    weight = np.float32(0.0)
    for _ in range(3):
        top = np.float32(0.0)
        weight = np.float32(1e-12)
        for j in range(n):
            # |f - amount u|^2 = |f|^2 - 2 amount f.u + amount^2 |u|^2, with f.u = ratio |u|^2.
            rest = sizes[j] - 2 * amount * ratios[j] * levers[j] + amount * amount * levers[j]
            slack = (0.7 * floor) ** 2 + 0.04 * sizes[j]
            w = 1.0 / (1.0 + max(rest, 0.0) / slack) ** 2
            top += w * levers[j] * ratios[j]
            weight += w * levers[j]
        amount = top / weight
    return np.float32(amount), np.float32(weight)


@numba.njit(cache=True, fastmath=True, nogil=True)
def follow_joint(
    points, flows, valid, baselines, axis, pivot, revolute, start, cloud, values, first, last, reach, floor
):
    """Fill `values[first..last]` (0 at `start`) by carrying `cloud` from frame `start` outwards, one frame at a time."""
    moved = np.empty_like(cloud)
    values[start] = 0.0
    for direction in (1, -1):
        frame = start + direction
        while first <= frame <= last:
            total = np.float32(0.0)
            sum_values = np.float32(0.0)
            for b in range(len(baselines)):
                known = frame - direction * baselines[b]
                if (direction == 1 and known < start) or known < first or known > last:
                    continue
                if direction == -1 and known > last:
                    continue
                for j in range(len(cloud)):
                    carry(cloud[j], axis, pivot, values[known], revolute, moved[j])
                source = known if direction == 1 else frame
                amount, weight = step_amount(
                    points[source], flows[b, source], valid[b, source], moved, direction == -1, axis, pivot, revolute,
                    reach, floor,
                )  # fmt: skip
                if weight <= 0:
                    continue
                change = 2 * np.arctan(0.5 * amount) if revolute else amount
                total += weight
                sum_values += weight * (values[known] + direction * change)
            values[frame] = sum_values / total if total > 0 else values[frame - direction]
            frame += direction


@numba.njit(cache=True, fastmath=True, nogil=True)
def refit_joint(
    points, flows, valid, baselines, axis, pivot, revolute, start, cloud, values, first, last, reach, floor, held
):
    """Fit the twist again to all flow near the carried cloud; returns axis, pivot, value scale and the flow explained.

    The direction of the axis is kept where it is `held`.
    """
    normal = np.zeros((6, 6), np.float64)
    right = np.zeros(6, np.float64)
    slide = np.zeros(3, np.float64)
    slide_weight = 1e-12
    explained = 0.0
    seen = 1e-6
    moved = np.empty_like(cloud)
    center = np.zeros(3, np.float32)
    row = np.zeros((3, 6), np.float64)
    for frame in range(first, last + 1):
        for j in range(len(cloud)):
            carry(cloud[j], axis, pivot, values[frame], revolute, moved[j])
        center[:] = 0.0
        for j in range(len(cloud)):
            center += moved[j]
        center /= len(cloud)
        bound = np.float32(0.0)
        for j in range(len(cloud)):
            d = (moved[j, 0] - center[0]) ** 2 + (moved[j, 1] - center[1]) ** 2 + (moved[j, 2] - center[2]) ** 2
            bound = max(bound, d)
        bound = np.sqrt(bound)
        for b in range(len(baselines)):
            to = frame + baselines[b]
            if to > last:
                continue
            change = values[to] - values[frame]
            amount = 2 * np.tan(0.5 * change) if revolute else change
            for i in range(points.shape[1]):
                if not valid[b, frame, i]:
                    continue
                p = points[frame, i]
                if not is_near(p[0], p[1], p[2], moved, center, bound, reach):
                    continue
                f = flows[b, frame, i]
                mx, my, mz = p[0] + 0.5 * f[0], p[1] + 0.5 * f[1], p[2] + 0.5 * f[2]
                if revolute:
                    x, y, z = mx - pivot[0], my - pivot[1], mz - pivot[2]
                    ux = amount * (axis[1] * z - axis[2] * y)
                    uy = amount * (axis[2] * x - axis[0] * z)
                    uz = amount * (axis[0] * y - axis[1] * x)
                else:
                    ux, uy, uz = amount * axis[0], amount * axis[1], amount * axis[2]
                size = f[0] ** 2 + f[1] ** 2 + f[2] ** 2
                rest = (f[0] - ux) ** 2 + (f[1] - uy) ** 2 + (f[2] - uz) ** 2
                slack = (0.7 * floor) ** 2 + 0.04 * size
                w = 1.0 / (1.0 + rest / slack) ** 2
                motion = ux * ux + uy * uy + uz * uz
                if max(size, motion) > floor * floor:
                    explained += max(0.0, size - rest) / (size + floor * floor)
                    seen += 1.0
                if revolute:
                    # f = amount * (w x m + v), unknown (w, v); rows of [-skew(m), I].
                    row[:] = 0.0
                    row[0, 1], row[0, 2] = amount * mz, -amount * my
                    row[1, 0], row[1, 2] = -amount * mz, amount * mx
                    row[2, 0], row[2, 1] = amount * my, -amount * mx
                    for k in range(3):
                        row[k, 3 + k] = amount
                        for q in range(6):
                            if row[k, q] == 0.0:
                                continue
                            right[q] += w * row[k, q] * f[k]
                            for s in range(6):
                                normal[q, s] += w * row[k, q] * row[k, s]
                else:
                    for k in range(3):
                        slide[k] += w * amount * f[k]
                    slide_weight += w * amount * amount
    # Explained flow, discounted when few points moved: a handful of lucky vectors is no part.
    score = explained / (seen + 10.0)
    if revolute:
        # A little trust in the old twist keeps flat or tiny supports solvable.
        old = np.zeros(6, np.float64)
        for k in range(3):
            old[k] = axis[k]
        v = cross(pivot, axis)
        for k in range(3):
            old[3 + k] = v[k]
        trust = 1e-3 * (np.trace(normal) / 6.0) + 1e-9
        if held:
            stiff = 1e3 * (np.trace(normal) / 6.0) + 1e-6
            for k in range(3):
                normal[k, k] += stiff
                for q in range(3):
                    normal[k, q] -= stiff * axis[k] * axis[q]
        for k in range(6):
            normal[k, k] += trust
            right[k] += trust * old[k]
        twist = np.linalg.solve(normal, right)
        rate = np.sqrt(twist[0] ** 2 + twist[1] ** 2 + twist[2] ** 2)
        if rate < 0.2 or rate > 5.0:
            return axis, pivot, np.float32(1.0), np.float32(score)
        new_axis = axis if held else (twist[:3] / rate).astype(np.float32)
        linear = (twist[3:] / rate).astype(np.float32)
        return new_axis, cross(new_axis, linear), np.float32(rate), np.float32(score)
    slide /= slide_weight
    if held:
        along = slide[0] * axis[0] + slide[1] * axis[1] + slide[2] * axis[2]
        for k in range(3):
            slide[k] = along * axis[k]
    rate = np.sqrt(slide[0] ** 2 + slide[1] ** 2 + slide[2] ** 2)
    if rate < 0.2 or rate > 5.0:
        return axis, pivot, np.float32(1.0), np.float32(score)
    return axis if held else (slide / rate).astype(np.float32), pivot, np.float32(rate), np.float32(score)
