"""Where the second of two images shows carried points, in sigmas: what single motions and joints are judged by.

A guess of depth is wrong by a factor that changes over the image. Along the direction in which that moves a pixel (the
epipolar line of the motion) a residual counts as much less than across it. Flow is less sure along an edge than across it,
too (`measure_slip`).
"""

import math

import numpy as np
from numba import njit

from sim2art.observation.flow_noise import DEPTH_SIGMA, FLOW_SHARE, PIXEL_SIGMA

MIN_SHIFT = 1.2
"""px beyond what the camera does, below which nothing is said to move."""
EXPLAINED = 9.0
"""Squared sigmas up to which flow is explained."""


@njit(cache=True, nogil=True)
def whiten(
    carried: np.ndarray, turned: np.ndarray, target: np.ndarray, shift: float, slip: np.ndarray, intrinsics: np.ndarray,
    out: np.ndarray,
) -> None:  # fmt: skip
    """Residual of one point.

    Args:
        carried: (3,), second camera's frame.
        turned: (3,), how the carried point moves with the logarithm of its depth in the first image.
        target: (2,), where the second image shows it, px.
        shift: How far that is beyond what the camera does, px.
        slip: (2,), by how much the target is less sure along an edge, in its sigmas across.
        intrinsics: (3, 3), px.
        out: (6,), filled with the residual in sigmas, and with the two rows of the whitening, by which an error in px is
            to be multiplied.
    """
    x, y, z = carried[0], carried[1], max(carried[2], 1e-3)
    along_x = DEPTH_SIGMA * intrinsics[0, 0] * (turned[0] - x * turned[2] / z) / z
    along_y = DEPTH_SIGMA * intrinsics[1, 1] * (turned[1] - y * turned[2] / z) / z
    off_x = target[0] - intrinsics[0, 0] * x / z - intrinsics[0, 2]
    off_y = target[1] - intrinsics[1, 1] * y / z - intrinsics[1, 2]
    variance = PIXEL_SIGMA**2 + (FLOW_SHARE * shift) ** 2
    # Cholesky factor of the covariance variance (I + slip slip') + along along', whose inverse whitens.
    turned_slip = slip[0] * along_y - slip[1] * along_x
    determinant = variance * (
        variance * (1.0 + slip[0] * slip[0] + slip[1] * slip[1]) + along_x * along_x + along_y * along_y + turned_slip * turned_slip
    )  # fmt: skip
    first = math.sqrt(variance * (1.0 + slip[0] * slip[0]) + along_x * along_x)
    mixed = (variance * slip[0] * slip[1] + along_x * along_y) / first
    second = math.sqrt(determinant) / first
    out[2], out[3] = 1.0 / first, 0.0
    out[4], out[5] = -mixed / (first * second), 1.0 / second
    out[0] = out[2] * off_x
    out[1] = out[4] * off_x + out[5] * off_y


@njit(cache=True, nogil=True)
def motion_costs(
    motions: np.ndarray,
    points: np.ndarray,
    targets: np.ndarray,
    shift: np.ndarray,
    slip: np.ndarray,
    intrinsics: np.ndarray,
) -> np.ndarray:
    """Squared sigmas of points (point 3) of the first camera's frame under rigid motions (motion 4 4): (motion, point)."""
    result = np.empty((len(motions), len(points)))
    carried, turned, out = np.empty(3), np.empty(3), np.empty(6)
    for m in range(len(motions)):
        motion = motions[m]
        for n in range(len(points)):
            _carry(motion, points[n], carried, turned)
            whiten(carried, turned, targets[n], shift[n], slip[n], intrinsics, out)
            result[m, n] = out[0] * out[0] + out[1] * out[1]
    return result


@njit(cache=True, nogil=True)
def normal_equations(
    motion: np.ndarray, points: np.ndarray, targets: np.ndarray, shift: np.ndarray, slip: np.ndarray, intrinsics: np.ndarray,
    center: np.ndarray, size: float, spread: float,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Normal matrix (6, 6) and right side (6,) of a step of a motion, Geman-McClure weights.

    The step turns the carried points about `center` by a rotation vector, then shifts them by `size` times a vector.
    """
    normal, right = np.zeros((6, 6)), np.zeros(6)
    carried, turned, out, row = np.empty(3), np.empty(3), np.empty(6), np.empty(6)
    for n in range(len(points)):
        _carry(motion, points[n], carried, turned)
        whiten(carried, turned, targets[n], shift[n], slip[n], intrinsics, out)
        weight = 1.0 / (1.0 + (out[0] * out[0] + out[1] * out[1]) / (spread * spread)) ** 2
        x, y, z = carried[0] - center[0], carried[1] - center[1], carried[2] - center[2]
        depth = max(carried[2], 1e-3)
        for k in range(2):
            gx = out[2 + 2 * k] * intrinsics[0, 0] / depth
            gy = out[3 + 2 * k] * intrinsics[1, 1] / depth
            gz = -(gx * carried[0] + gy * carried[1]) / depth
            row[0], row[1], row[2] = y * gz - z * gy, z * gx - x * gz, x * gy - y * gx
            row[3], row[4], row[5] = size * gx, size * gy, size * gz
            for i in range(6):
                right[i] += weight * row[i] * out[k]
                for j in range(i + 1):
                    normal[i, j] += weight * row[i] * row[j]
    for i in range(6):
        for j in range(i):
            normal[j, i] = normal[i, j]
    return normal, right


@njit(cache=True, nogil=True)
def fit_motion(
    start: np.ndarray,
    points: np.ndarray,
    targets: np.ndarray,
    shift: np.ndarray,
    slip: np.ndarray,
    intrinsics: np.ndarray,
    rounds: int,
) -> np.ndarray:
    """Rigid motion (4, 4) that explains where the second image shows points, by robust Gauss-Newton.

    Args:
        start: (4, 4), from the first camera's frame to the second's.
        points: (point, 3), first camera's frame.
        targets: (point, 2), px.
        shift: (point,), px.
        slip: (point, 2).
        intrinsics: (3, 3), px.
        rounds: Steps; the first ones bear with larger residuals.
    """
    motion = start.copy()
    center = np.empty(3)
    for step in range(rounds):
        for i in range(3):
            along = motion[i, 0] * points[:, 0] + motion[i, 1] * points[:, 1] + motion[i, 2] * points[:, 2]
            center[i] = np.median(along) + motion[i, 3]
        size = max(center[2], 1e-3)
        spread = math.sqrt(EXPLAINED) * 2.0 ** max(0, 4 - step)
        normal, right = normal_equations(motion, points, targets, shift, slip, intrinsics, center, size, spread)
        # What the pixels do not settle stays as it is.
        hold = 1e-3 * np.trace(normal) / 6 + 1e-9
        for i in range(6):
            normal[i, i] += hold
        change = np.clip(np.linalg.solve(normal, right), -0.5, 0.5)
        _compose(motion, change, center, size)
    return motion


@njit(cache=True, nogil=True)
def _compose(motion: np.ndarray, change: np.ndarray, center: np.ndarray, size: float) -> None:
    """Turn a motion's result about `center` by the first three numbers of `change` and shift it by `size` times the others."""
    squared = change[0] ** 2 + change[1] ** 2 + change[2] ** 2
    first, second = 1.0 - squared / 6.0, 0.5 - squared / 24.0
    if squared >= 1e-8:
        angle = math.sqrt(squared)
        first, second = math.sin(angle) / angle, (1.0 - math.cos(angle)) / squared
    before = motion.copy()
    for column in range(4):
        x, y, z = before[0, column], before[1, column], before[2, column]
        if column == 3:
            x, y, z = x - center[0], y - center[1], z - center[2]
        ax, ay, az = change[1] * z - change[2] * y, change[2] * x - change[0] * z, change[0] * y - change[1] * x
        motion[0, column] = x + first * ax + second * (change[1] * az - change[2] * ay)
        motion[1, column] = y + first * ay + second * (change[2] * ax - change[0] * az)
        motion[2, column] = z + first * az + second * (change[0] * ay - change[1] * ax)
    for i in range(3):
        motion[i, 3] += center[i] + size * change[3 + i]


@njit(cache=True, nogil=True)
def joint_residuals(
    points: np.ndarray, rays: np.ndarray, targets: np.ndarray, shift: np.ndarray, slip: np.ndarray, to_camera: np.ndarray, intrinsics: np.ndarray,
    axis: np.ndarray, pivot: np.ndarray, slides: bool, steps: np.ndarray,  # noqa: FBT001
) -> np.ndarray:  # fmt: skip
    """Residuals (point, 2) in sigmas of points that a joint carries, each by its own step.

    Args:
        points: (point, 3), world frame.
        rays: (point, 3), from the first camera to the points, world frame.
        targets: (point, 2), px.
        shift: (point,), px.
        slip: (point, 2).
        to_camera: (point, 4, 4), world frame to the second camera's.
        intrinsics: (3, 3), px.
        axis: (3,), unit, world frame.
        pivot: (3,), of a turn.
        slides: Whether the joint slides.
        steps: (point,), rad or lengths.
    """
    result = np.empty((len(points), 2))
    moved, along, carried, turned, out = np.empty(3), np.empty(3), np.empty(3), np.empty(3), np.empty(6)
    for n in range(len(points)):
        if slides:
            for i in range(3):
                moved[i], along[i] = points[n, i] + steps[n] * axis[i], rays[n, i]
        else:
            cosine, sine = math.cos(steps[n]), math.sin(steps[n])
            _turn(points[n, 0] - pivot[0], points[n, 1] - pivot[1], points[n, 2] - pivot[2], axis, cosine, sine, moved)
            for i in range(3):
                moved[i] += pivot[i]
            _turn(rays[n, 0], rays[n, 1], rays[n, 2], axis, cosine, sine, along)
        _carry(to_camera[n], moved, carried, turned)
        for i in range(3):
            turned[i] = to_camera[n, i, 0] * along[0] + to_camera[n, i, 1] * along[1] + to_camera[n, i, 2] * along[2]
        whiten(carried, turned, targets[n], shift[n], slip[n], intrinsics, out)
        result[n, 0], result[n, 1] = out[0], out[1]
    return result


@njit(cache=True, nogil=True)
def _carry(motion: np.ndarray, point: np.ndarray, carried: np.ndarray, turned: np.ndarray) -> None:
    """The point under a rigid motion, and its turned vector alone, which is how it moves with its log depth."""
    for i in range(3):
        turned[i] = motion[i, 0] * point[0] + motion[i, 1] * point[1] + motion[i, 2] * point[2]
        carried[i] = turned[i] + motion[i, 3]


@njit(cache=True, nogil=True)
def _turn(x: float, y: float, z: float, axis: np.ndarray, cosine: float, sine: float, out: np.ndarray) -> None:
    """Rodrigues' formula."""
    along = (x * axis[0] + y * axis[1] + z * axis[2]) * (1 - cosine)
    out[0] = x * cosine + (axis[1] * z - axis[2] * y) * sine + axis[0] * along
    out[1] = y * cosine + (axis[2] * x - axis[0] * z) * sine + axis[1] * along
    out[2] = z * cosine + (axis[0] * y - axis[1] * x) * sine + axis[2] * along
