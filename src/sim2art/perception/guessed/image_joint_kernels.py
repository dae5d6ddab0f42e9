"""Residuals of the points that a joint carries, and the equations of its fit; compiled, as all fits spend their time here.

A residual (2,) is in sigmas, see `reprojection.whiten`. In each pair of images a joint is one rigid motion, from the world
frame to the second camera's. What is not near the joint's part has the residual OUTLIER, and no say in the equations.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from sim2art.observation.flow_noise import OUTLIER
from sim2art.perception.guessed.reprojection import EXPLAINED, camera_of, carry, whiten

MAX_RELIEF = 0.5
"""Of the logarithm of depth: more is not taken for a wrong guess."""
DIFFERENCE = 1e-4
"""Of derivatives: rad, lengths, or of the logarithm of depth."""


class PointArrays(NamedTuple):
    """Points of all pairs of images, see `MovingPoints`."""

    spots: np.ndarray
    points: np.ndarray
    rays: np.ndarray
    targets: np.ndarray
    shift: np.ndarray
    slip: np.ndarray
    pair: np.ndarray
    first: np.ndarray
    """(pair,), frame."""
    second: np.ndarray
    intrinsics: np.ndarray


@njit(cache=True, nogil=True)
def pair_motions(
    axis: np.ndarray, pivot: np.ndarray, slides: bool, steps: np.ndarray, to_camera: np.ndarray,  # noqa: FBT001
) -> np.ndarray:  # fmt: skip
    """What carries points of a part into the second camera of each pair, (pair, 3, 4).

    Args:
        axis: (3,), unit, world frame.
        pivot: (3,), of a turn.
        slides: Whether the joint slides.
        steps: (pair,), rad or lengths.
        to_camera: (pair, 4, 4), world frame to the second camera's.
    """
    result = np.empty((len(steps), 3, 4))
    turn, shift = np.zeros((3, 3)), np.zeros(3)
    for pair in range(len(steps)):
        cosine, sine = (1.0, 0.0) if slides else (math.cos(steps[pair]), math.sin(steps[pair]))
        for i in range(3):
            for j in range(3):
                turn[i, j] = (1 - cosine) * axis[i] * axis[j]
            turn[i, i] += cosine
            before, after = (i + 1) % 3, (i + 2) % 3
            turn[i, before] -= sine * axis[after]
            turn[i, after] += sine * axis[before]
        for i in range(3):
            if slides:
                shift[i] = steps[pair] * axis[i]
            else:
                shift[i] = pivot[i] - turn[i, 0] * pivot[0] - turn[i, 1] * pivot[1] - turn[i, 2] * pivot[2]
        for i in range(3):
            own = to_camera[pair, i]
            for j in range(3):
                result[pair, i, j] = own[0] * turn[0, j] + own[1] * turn[1, j] + own[2] * turn[2, j]
            result[pair, i, 3] = own[0] * shift[0] + own[1] * shift[1] + own[2] * shift[2] + own[3]
    return result


@njit(cache=True, nogil=True)
def residuals_at(at: PointArrays, motions: np.ndarray, log_factors: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Residuals (point, 2).

    Args:
        at: Points.
        motions: (pair, 3, 4), see `pair_motions`.
        log_factors: (point,), logarithms by which guessed depths are multiplied.
        near: (point,), what can be of the part.
    """
    result = np.full((len(near), 2), OUTLIER)
    points, rays, targets, shift, slip, pairs = at.points, at.rays, at.targets, at.shift, at.slip, at.pair
    camera = camera_of(at.intrinsics)
    for n in range(len(near)):
        if near[n]:
            factor = math.exp(log_factors[n])
            result[n] = _residual(motions, pairs[n], factor, points, rays, targets, shift, slip, camera, n)
    return result


@njit(cache=True, nogil=True)
def log_factors_of(spots: np.ndarray, frames: np.ndarray, relief: np.ndarray) -> np.ndarray:
    """Logarithms (point,) by which guessed depths at spots (point, 2) of frames (point,) are multiplied, see `ImageJoint.relief`."""
    result = np.empty(len(frames))
    for n in range(len(frames)):
        own = relief[frames[n]]
        log_depth = own[0] + own[1] * spots[n, 0] + own[2] * spots[n, 1]
        result[n] = min(max(log_depth, -MAX_RELIEF), MAX_RELIEF)
    return result


@njit(cache=True, nogil=True)
def step_equations(
    at: PointArrays, motions: np.ndarray, ahead: np.ndarray, log_factors: np.ndarray, near: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Of the step of each pair: slope times residual and squared slope (pair,), Geman-McClure weights; `ahead`: DIFFERENCE on."""
    top, bottom = np.zeros(len(motions)), np.zeros(len(motions))
    points, rays, targets, shift, slip, pairs = at.points, at.rays, at.targets, at.shift, at.slip, at.pair
    camera = camera_of(at.intrinsics)
    for n in range(len(near)):
        if not near[n]:
            continue
        factor, pair = math.exp(log_factors[n]), pairs[n]
        out = _residual(motions, pair, factor, points, rays, targets, shift, slip, camera, n)
        other = _residual(ahead, pair, factor, points, rays, targets, shift, slip, camera, n)
        weight = 1.0 / (1.0 + (out[0] * out[0] + out[1] * out[1]) / EXPLAINED) ** 2
        for k in range(2):
            slope = (other[k] - out[k]) / DIFFERENCE
            top[pair] += weight * out[k] * slope
            bottom[pair] += weight * slope * slope
    return top, bottom


@njit(cache=True, nogil=True)
def joint_equations(
    at: PointArrays, motions: np.ndarray, changed: np.ndarray, log_factors: np.ndarray, near: np.ndarray, cost: np.ndarray, num_frames: int
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Normal matrix and right side of a change of axis and pivot, of the values in the frames and of the relief.

    Args:
        at: Points.
        motions: (pair, 3, 4), see `pair_motions`.
        changed: (change, pair, 3, 4), after a change by DIFFERENCE of axis and pivot, and last of the steps.
        log_factors: (point,), logarithms by which guessed depths are multiplied.
        near: (point,), what can be of the part.
        cost: (point,), of another joint; where that is lower, a point counts less.
        num_frames: That have values and a relief.
    """
    num_axis = len(changed) - 1
    size = num_axis + 4 * num_frames
    normal, right = np.zeros((size, size)), np.zeros(size)
    points, rays, targets, shift, slip, pairs = at.points, at.rays, at.targets, at.shift, at.slip, at.pair
    spots, first, second, camera = at.spots, at.first, at.second, camera_of(at.intrinsics)
    rows, columns = np.empty((2, num_axis + 5)), np.empty(num_axis + 5, np.int64)
    columns[:num_axis] = np.arange(num_axis)
    for n in range(len(near)):
        if not near[n]:
            continue
        factor, pair = math.exp(log_factors[n]), pairs[n]
        out = _residual(motions, pair, factor, points, rays, targets, shift, slip, camera, n)
        for i in range(num_axis + 1):
            other = _residual(changed[i], pair, factor, points, rays, targets, shift, slip, camera, n)
            for k in range(2):
                rows[k, i] = (other[k] - out[k]) / DIFFERENCE
        deeper = math.exp(min(log_factors[n] + DIFFERENCE, MAX_RELIEF))
        other = _residual(motions, pair, deeper, points, rays, targets, shift, slip, camera, n)
        for k in range(2):
            # The step is the value in the second frame less that in the first.
            rows[k, num_axis + 1] = -rows[k, num_axis]
            rows[k, num_axis + 2] = (other[k] - out[k]) / DIFFERENCE
            rows[k, num_axis + 3] = rows[k, num_axis + 2] * spots[n, 0]
            rows[k, num_axis + 4] = rows[k, num_axis + 2] * spots[n, 1]
        columns[num_axis], columns[num_axis + 1] = num_axis + second[pair], num_axis + first[pair]
        for i in range(3):
            columns[num_axis + 2 + i] = num_axis + num_frames + 3 * first[pair] + i
        squared = out[0] * out[0] + out[1] * out[1]
        weight = min(1.0, cost[n] / max(squared, 1e-6)) / (1.0 + squared / EXPLAINED) ** 2
        for i in range(num_axis + 5):
            by_x, by_y = weight * rows[0, i], weight * rows[1, i]
            right[columns[i]] -= by_x * out[0] + by_y * out[1]
            for j in range(num_axis + 5):
                normal[columns[i], columns[j]] += by_x * rows[0, j] + by_y * rows[1, j]
    return normal, right


@njit(cache=True, nogil=True)
def _residual(
    motions: np.ndarray, pair: int, factor: float, points: np.ndarray, rays: np.ndarray, targets: np.ndarray, shift: np.ndarray, slip: np.ndarray,
    camera: tuple[float, float, float, float], n: int,
) -> tuple[float, float]:  # fmt: skip
    """Of point n whose guessed depth is multiplied by `factor`, under the motion of a pair."""
    rx, ry, rz = rays[n, 0], rays[n, 1], rays[n, 2]
    more = factor - 1.0
    carried, _ = carry(motions[pair], points[n, 0] + more * rx, points[n, 1] + more * ry, points[n, 2] + more * rz)
    _, turned = carry(motions[pair], factor * rx, factor * ry, factor * rz)
    own = whiten(carried, turned, (targets[n, 0], targets[n, 1]), shift[n], (slip[n, 0], slip[n, 1]), camera)
    return own[0], own[1]
