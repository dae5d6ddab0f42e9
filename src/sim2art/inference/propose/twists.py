"""Numba kernels: one joint carried through the clip from the frame pair that it was seen in (`seed_joints.py`).

Flow is used through its midpoints, where a finite turn is linear in its twist (see `geometry.screws`): a joint is one
unit twist (a, c) shared by all frame pairs, times one number for each pair. All arrays are float32 and normalised.
"""

import numba
import numpy as np

from sim2art.inference.propose.seed_joints import cross


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
