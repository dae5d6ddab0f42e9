"""Residuals of flow and of surfaces under a kinematic model, with analytic Jacobians; numba.

A row says: what is at `source` in frame `start` is at `target` in frame `stop`. For flow the target is where the flow
ends, for surfaces a place on the part's surface seen in the other frame, and then only the distance along the
surface's normal counts. With M_k(t) the motion of part k and C_t(p) = p + offset_t + stretch_t (p - eye_t) the point
with its frame's error undone, the residual is M_k(stop) M_k(start)^-1 C_start(source) - C_stop(target).
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from jaxtyping import Bool, Float, Int

from sim2art.inference.refine.kinematic_model import BASE, KinematicModel, ModelLayout, axis_basis


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Observed correspondences between frames."""

    part: Int[np.ndarray, "row"]
    """Index of the joint that carries the point, or `BASE`."""
    start: Int[np.ndarray, "row"]
    stop: Int[np.ndarray, "row"]
    source: Float[np.ndarray, "row 3"]
    target: Float[np.ndarray, "row 3"]
    normal: Float[np.ndarray, "row 3"]
    """Unit normal at the target; not used by flow."""
    is_surface: Bool[np.ndarray, "row"]
    """Only the distance along `normal` counts."""
    weight: Float[np.ndarray, "row"]
    """How much the row is trusted, 0..1, before any robust weight."""
    group: Int[np.ndarray, "row"]
    """Rows of one group share a noise scale."""

    def __len__(self) -> int:
        return len(self.part)

    def take(self, kept: np.ndarray) -> "Rows":
        """The chosen rows."""
        return Rows(**{field.name: getattr(self, field.name)[kept] for field in dataclasses.fields(self)})


def join_rows(sets: list[Rows]) -> Rows:
    """All rows of several sets."""
    names = [field.name for field in dataclasses.fields(Rows)]
    return Rows(**{name: np.concatenate([getattr(rows, name) for rows in sets]) for name in names})


def row_residuals(rows: Rows, model: KinematicModel) -> Float[np.ndarray, "row 3"]:
    """Residual vectors; those of surface rows lie along their normal."""
    return _residuals(*_model_arrays(model), *_row_arrays(rows))


def normal_equations(
    rows: Rows, model: KinematicModel, weights: Float[np.ndarray, "row"], layout: ModelLayout
) -> tuple[Float[np.ndarray, "unknown unknown"], Float[np.ndarray, "unknown"]]:
    """J^T W J and -J^T W r over all rows."""
    arguments: tuple[Any, ...] = (
        *_model_arrays(model),
        *_row_arrays(rows),
        np.ascontiguousarray(weights),
        axis_basis(model.axes),
        layout.size,
        layout.nuisance.start,
        layout.has_nuisance,
    )
    return _accumulate(*arguments)


def _model_arrays(model: KinematicModel) -> tuple[Any, ...]:
    return (
        model.is_revolute,
        model.chains(),
        model.axes,
        model.pivots,
        model.values,
        model.offsets,
        model.stretches,
        model.eyes,
    )


def _row_arrays(rows: Rows) -> tuple[Any, ...]:
    return rows.part, rows.start, rows.stop, rows.source, rows.target, rows.normal, rows.is_surface


@numba.njit(cache=True, nogil=True)
def _chain_operations(chains, part, start, stop, values, joints, amounts, from_start, from_stop):
    """List the elementary motions that carry a part's point from one frame to another; returns their number.

    Ancestors' motions at `start` are undone from the outermost in, the part's own joint moves by the difference, and
    the ancestors' motions at `stop` are done from the innermost out.
    """
    depth = 0
    while depth < chains.shape[1] and chains[part, depth] != BASE:
        depth += 1
    n = 0
    for i in range(depth - 1):
        joints[n] = chains[part, i]
        amounts[n] = -values[chains[part, i], start]
        from_start[n], from_stop[n] = -1.0, 0.0
        n += 1
    joints[n] = part
    amounts[n] = values[part, stop] - values[part, start]
    from_start[n], from_stop[n] = -1.0, 1.0
    n += 1
    for i in range(depth - 2, -1, -1):
        joints[n] = chains[part, i]
        amounts[n] = values[chains[part, i], stop]
        from_start[n], from_stop[n] = 0.0, 1.0
        n += 1
    return n


@numba.njit(cache=True, nogil=True)
def _turn(axis, angle, v, out):
    """Rotate v by angle about a unit axis."""
    s, c = np.sin(angle), np.cos(angle)
    along = (axis[0] * v[0] + axis[1] * v[1] + axis[2] * v[2]) * (1.0 - c)
    x = c * v[0] + s * (axis[1] * v[2] - axis[2] * v[1]) + along * axis[0]
    y = c * v[1] + s * (axis[2] * v[0] - axis[0] * v[2]) + along * axis[1]
    z = c * v[2] + s * (axis[0] * v[1] - axis[1] * v[0]) + along * axis[2]
    out[0], out[1], out[2] = x, y, z


@numba.njit(cache=True, nogil=True)
def _carry(is_revolute, axis, pivot, amount, point):
    """Move a point in place by one joint."""
    if is_revolute:
        v = point - pivot
        _turn(axis, amount, v, v)
        point[:] = v + pivot
    else:
        point += amount * axis


@numba.njit(cache=True, nogil=True)
def _residuals(
    is_revolute, chains, axes, pivots, values, offsets, stretches, eyes,
    part, start, stop, source, target, normal, is_surface,
):  # fmt: skip
    out = np.zeros((len(part), 3))
    most = 2 * chains.shape[1] + 1
    joints = np.zeros(most, np.int64)
    amounts, from_start, from_stop = np.zeros(most), np.zeros(most), np.zeros(most)
    for row in range(len(part)):
        t, s = start[row], stop[row]
        point = source[row] + offsets[t] + stretches[t] * (source[row] - eyes[t])
        if part[row] != BASE:
            n = _chain_operations(chains, part[row], t, s, values, joints, amounts, from_start, from_stop)
            for i in range(n):
                _carry(is_revolute[joints[i]], axes[joints[i]], pivots[joints[i]], amounts[i], point)
        rest = point - target[row] - offsets[s] - stretches[s] * (target[row] - eyes[s])
        if is_surface[row]:
            m = normal[row]
            out[row] = (rest[0] * m[0] + rest[1] * m[1] + rest[2] * m[2]) * m
        else:
            out[row] = rest
    return out


@numba.njit(cache=True, nogil=True)
def _local_columns(is_revolute, axis, pivot, basis, amount, before, columns):
    """Derivatives of one elementary motion at the point `before`: axis (2), pivot (2), amount (1), as rows of `columns`."""
    columns[:] = 0.0
    if not is_revolute:
        for k in range(2):
            columns[k] = amount * basis[k]
        columns[4] = axis
        return
    s, c = np.sin(amount), np.cos(amount)
    v = before - pivot
    along = axis[0] * v[0] + axis[1] * v[1] + axis[2] * v[2]
    turned = np.zeros(3)
    for k in range(2):
        # Rodrigues' formula, differentiated by the axis: s d x v + (1 - c) (d (a.v) + a (d.v)).
        d = basis[k]
        dv = d[0] * v[0] + d[1] * v[1] + d[2] * v[2]
        columns[k, 0] = s * (d[1] * v[2] - d[2] * v[1]) + (1.0 - c) * (d[0] * along + axis[0] * dv)
        columns[k, 1] = s * (d[2] * v[0] - d[0] * v[2]) + (1.0 - c) * (d[1] * along + axis[1] * dv)
        columns[k, 2] = s * (d[0] * v[1] - d[1] * v[0]) + (1.0 - c) * (d[2] * along + axis[2] * dv)
        _turn(axis, amount, d, turned)
        columns[2 + k] = d - turned
    _turn(axis, amount, v, turned)
    columns[4, 0] = axis[1] * turned[2] - axis[2] * turned[1]
    columns[4, 1] = axis[2] * turned[0] - axis[0] * turned[2]
    columns[4, 2] = axis[0] * turned[1] - axis[1] * turned[0]


@numba.njit(cache=True, nogil=True)
def _accumulate(
    is_revolute, chains, axes, pivots, values, offsets, stretches, eyes,
    part, start, stop, source, target, normal, is_surface, weights, basis, size, first_nuisance, has_nuisance,
):  # fmt: skip
    num_frames = values.shape[1] if len(values) else len(eyes)
    block = 4 + num_frames
    matrix = np.zeros((size, size))
    right = np.zeros(size)
    most = 2 * chains.shape[1] + 1
    joints = np.zeros(most, np.int64)
    amounts, from_start, from_stop = np.zeros(most), np.zeros(most), np.zeros(most)
    columns = np.zeros((6 * most + 8, 3))
    index = np.zeros(6 * most + 8, np.int64)
    local = np.zeros((5, 3))
    reduced = np.zeros(6 * most + 8)
    for row in range(len(part)):
        w = weights[row]
        if w <= 0.0:
            continue
        t, s = start[row], stop[row]
        point = source[row] + offsets[t] + stretches[t] * (source[row] - eyes[t])
        n = 0
        if has_nuisance:  # The start frame's error, carried along below.
            for k in range(3):
                index[n] = first_nuisance + 4 * t + k
                columns[n] = 0.0
                columns[n, k] = 1.0
                n += 1
            index[n] = first_nuisance + 4 * t + 3
            columns[n] = source[row] - eyes[t]
            n += 1
        if part[row] != BASE:
            count = _chain_operations(chains, part[row], t, s, values, joints, amounts, from_start, from_stop)
            for i in range(count):
                j = joints[i]
                if is_revolute[j]:
                    for k in range(n):
                        _turn(axes[j], amounts[i], columns[k], columns[k])
                _local_columns(is_revolute[j], axes[j], pivots[j], basis[j], amounts[i], point, local)
                for k in range(4):
                    if k >= 2 and not is_revolute[j]:
                        continue
                    index[n] = j * block + k
                    columns[n] = local[k]
                    n += 1
                if from_start[i] != 0.0:
                    index[n] = j * block + 4 + t
                    columns[n] = from_start[i] * local[4]
                    n += 1
                if from_stop[i] != 0.0:
                    index[n] = j * block + 4 + s
                    columns[n] = from_stop[i] * local[4]
                    n += 1
                _carry(is_revolute[j], axes[j], pivots[j], amounts[i], point)
        if has_nuisance:
            for k in range(3):
                index[n] = first_nuisance + 4 * s + k
                columns[n] = 0.0
                columns[n, k] = -1.0
                n += 1
            index[n] = first_nuisance + 4 * s + 3
            columns[n] = eyes[s] - target[row]
            n += 1
        rest = point - target[row] - offsets[s] - stretches[s] * (target[row] - eyes[s])
        if is_surface[row]:
            m = normal[row]
            r = rest[0] * m[0] + rest[1] * m[1] + rest[2] * m[2]
            for i in range(n):
                reduced[i] = columns[i, 0] * m[0] + columns[i, 1] * m[1] + columns[i, 2] * m[2]
            for i in range(n):
                right[index[i]] -= w * reduced[i] * r
                for k in range(n):
                    matrix[index[i], index[k]] += w * reduced[i] * reduced[k]
        else:
            for i in range(n):
                a, b, c = w * columns[i, 0], w * columns[i, 1], w * columns[i, 2]
                right[index[i]] -= a * rest[0] + b * rest[1] + c * rest[2]
                for k in range(n):
                    matrix[index[i], index[k]] += a * columns[k, 0] + b * columns[k, 1] + c * columns[k, 2]
    return matrix, right
