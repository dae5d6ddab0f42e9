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
    carried: tuple[float, float, float], turned: tuple[float, float, float], target: tuple[float, float], shift: float,
    slip: tuple[float, float], camera: tuple[float, float, float, float],
) -> tuple[float, float, float, float, float]:  # fmt: skip
    """Residual of one point in sigmas (2), and the lower triangle of the whitening (3), by which an error in px is to be multiplied.

    Args:
        carried: Second camera's frame.
        turned: How the carried point moves with the logarithm of its depth in the first image.
        target: Where the second image shows it, px.
        shift: How far that is beyond what the camera does, px.
        slip: By how much the target is less sure along an edge, in its sigmas across.
        camera: Focal lengths and centre, px.
    """
    x, y, z = carried[0], carried[1], max(carried[2], 1e-3)
    fx, fy, cx, cy = camera
    along_x = DEPTH_SIGMA * fx * (turned[0] - x * turned[2] / z) / z
    along_y = DEPTH_SIGMA * fy * (turned[1] - y * turned[2] / z) / z
    off_x = target[0] - fx * x / z - cx
    off_y = target[1] - fy * y / z - cy
    variance = PIXEL_SIGMA**2 + (FLOW_SHARE * shift) ** 2
    # Cholesky factor of the covariance variance (I + slip slip') + along along', whose inverse whitens.
    turned_slip = slip[0] * along_y - slip[1] * along_x
    determinant = variance * (
        variance * (1.0 + slip[0] * slip[0] + slip[1] * slip[1]) + along_x * along_x + along_y * along_y + turned_slip * turned_slip
    )  # fmt: skip
    first = math.sqrt(variance * (1.0 + slip[0] * slip[0]) + along_x * along_x)
    mixed = (variance * slip[0] * slip[1] + along_x * along_y) / first
    second = math.sqrt(determinant) / first
    by_x, mixing, by_y = 1.0 / first, -mixed / (first * second), 1.0 / second
    return by_x * off_x, mixing * off_x + by_y * off_y, by_x, mixing, by_y


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
    camera = camera_of(intrinsics)
    for m in range(len(motions)):
        motion = motions[m]
        for n in range(len(points)):
            carried, turned = carry(motion, points[n, 0], points[n, 1], points[n, 2])
            own = whiten(carried, turned, (targets[n, 0], targets[n, 1]), shift[n], (slip[n, 0], slip[n, 1]), camera)
            result[m, n] = own[0] * own[0] + own[1] * own[1]
    return result


@njit(cache=True, nogil=True)
def normal_equations(
    motion: np.ndarray, points: np.ndarray, targets: np.ndarray, shift: np.ndarray, slip: np.ndarray, intrinsics: np.ndarray,
    center: np.ndarray, size: float, spread: float,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Normal matrix (6, 6) and right side (6,) of a step of a motion, Geman-McClure weights.

    The step turns the carried points about `center` by a rotation vector, then shifts them by `size` times a vector.
    """
    normal, right, row = np.zeros((6, 6)), np.zeros(6), np.empty(6)
    camera = camera_of(intrinsics)
    for n in range(len(points)):
        carried, turned = carry(motion, points[n, 0], points[n, 1], points[n, 2])
        off_x, off_y, by_x, mixing, by_y = whiten(
            carried, turned, (targets[n, 0], targets[n, 1]), shift[n], (slip[n, 0], slip[n, 1]), camera
        )
        weight = 1.0 / (1.0 + (off_x * off_x + off_y * off_y) / (spread * spread)) ** 2
        x, y, z = carried[0] - center[0], carried[1] - center[1], carried[2] - center[2]
        depth = max(carried[2], 1e-3)
        for off, along_x, along_y in ((off_x, by_x, 0.0), (off_y, mixing, by_y)):
            gx, gy = along_x * camera[0] / depth, along_y * camera[1] / depth
            gz = -(gx * carried[0] + gy * carried[1]) / depth
            row[0], row[1], row[2] = y * gz - z * gy, z * gx - x * gz, x * gy - y * gx
            row[3], row[4], row[5] = size * gx, size * gy, size * gz
            for i in range(6):
                right[i] += weight * row[i] * off
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
def carry(
    motion: np.ndarray, x: float, y: float, z: float
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """A point under a rigid motion (3 or more, 4), and its turned vector alone, which is how it moves with its log depth."""
    tx = motion[0, 0] * x + motion[0, 1] * y + motion[0, 2] * z
    ty = motion[1, 0] * x + motion[1, 1] * y + motion[1, 2] * z
    tz = motion[2, 0] * x + motion[2, 1] * y + motion[2, 2] * z
    return (tx + motion[0, 3], ty + motion[1, 3], tz + motion[2, 3]), (tx, ty, tz)


@njit(cache=True, nogil=True)
def camera_of(intrinsics: np.ndarray) -> tuple[float, float, float, float]:
    """Focal lengths and centre of intrinsics (3, 3), px."""
    return intrinsics[0, 0], intrinsics[1, 1], intrinsics[0, 2], intrinsics[1, 2]
