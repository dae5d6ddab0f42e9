"""SO(3): exponential, logarithm, quaternions (wxyz, here and at file edges only), angles between directions."""

import numpy as np
from jaxtyping import Float


def skew(vectors: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3 3"]:
    """Cross-product matrices: `skew(a) @ b == cross(a, b)`."""
    x, y, z = vectors[..., 0], vectors[..., 1], vectors[..., 2]
    zero = np.zeros_like(x)
    rows = [np.stack(row, axis=-1) for row in ((zero, -z, y), (z, zero, -x), (-y, x, zero))]
    return np.stack(rows, axis=-2)


def rotation_from_rotvec(rotvecs: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3 3"]:
    """Rotation matrices by Rodrigues' formula; `rotvecs` is axis times angle (rad)."""
    squared = np.sum(rotvecs**2, axis=-1)[..., None, None]
    # Taylor branches: sin(t)/t and (1-cos t)/t^2 lose all digits near 0.
    small = squared < 1e-8
    safe = np.where(small, 1.0, squared)
    angle = np.sqrt(safe)
    first = np.where(small, 1.0 - squared / 6.0, np.sin(angle) / angle)
    second = np.where(small, 0.5 - squared / 24.0, (1.0 - np.cos(angle)) / safe)
    k = skew(rotvecs)
    return np.eye(3) + first * k + second * (k @ k)


def rotvec_from_rotation(rotations: Float[np.ndarray, "*batch 3 3"]) -> Float[np.ndarray, "*batch 3"]:
    """Axis times angle (rad, in [0, pi]) of rotation matrices; well behaved near 0 and near pi."""
    quaternions = quaternion_from_rotation(rotations)
    w, xyz = quaternions[..., :1], quaternions[..., 1:]
    norm = np.linalg.norm(xyz, axis=-1, keepdims=True)
    angle = 2.0 * np.arctan2(norm, w)
    scale = np.where(norm < 1e-9, 2.0, angle / np.where(norm < 1e-9, 1.0, norm))
    return xyz * scale


def quaternion_from_rotation(rotations: Float[np.ndarray, "*batch 3 3"]) -> Float[np.ndarray, "*batch 4"]:
    """Unit quaternions (wxyz, w >= 0) of rotation matrices."""
    r = rotations
    trace = np.trace(r, axis1=-2, axis2=-1)
    d0, d1, d2 = r[..., 0, 0], r[..., 1, 1], r[..., 2, 2]
    # Four candidate rows of the quaternion outer product; the largest diagonal is the stable one (Shepperd).
    candidates = np.stack(
        [
            np.stack([1 + trace, r[..., 2, 1] - r[..., 1, 2], r[..., 0, 2] - r[..., 2, 0], r[..., 1, 0] - r[..., 0, 1]], -1),
            np.stack([r[..., 2, 1] - r[..., 1, 2], 1 + d0 - d1 - d2, r[..., 0, 1] + r[..., 1, 0], r[..., 0, 2] + r[..., 2, 0]], -1),
            np.stack([r[..., 0, 2] - r[..., 2, 0], r[..., 0, 1] + r[..., 1, 0], 1 - d0 + d1 - d2, r[..., 1, 2] + r[..., 2, 1]], -1),
            np.stack([r[..., 1, 0] - r[..., 0, 1], r[..., 0, 2] + r[..., 2, 0], r[..., 1, 2] + r[..., 2, 1], 1 - d0 - d1 + d2], -1),
        ],
        axis=-2,
    )  # fmt: skip
    best = np.argmax(np.stack([trace, d0, d1, d2], axis=-1), axis=-1)
    chosen = np.take_along_axis(candidates, best[..., None, None], axis=-2)[..., 0, :]
    chosen = chosen / np.linalg.norm(chosen, axis=-1, keepdims=True)
    return np.where(chosen[..., :1] < 0, -chosen, chosen)


def rotation_from_quaternion(quaternions: Float[np.ndarray, "*batch 4"]) -> Float[np.ndarray, "*batch 3 3"]:
    """Rotation matrices of quaternions (wxyz); they need not be of unit length."""
    q = quaternions / np.linalg.norm(quaternions, axis=-1, keepdims=True)
    w, v = q[..., 0][..., None, None], q[..., 1:]
    k = skew(v)
    return np.eye(3) + 2.0 * w * k + 2.0 * (k @ k)


def rotation_between(start: Float[np.ndarray, "3"], end: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3 3"]:
    """The smallest rotation that takes unit vector `start` to unit vector `end`."""
    cross, cosine = np.cross(start, end), float(start @ end)
    if cosine < -1 + 1e-9:
        return rotation_from_rotvec(np.pi * any_perpendicular(start))
    k = skew(cross)
    return np.eye(3) + k + k @ k / (1.0 + cosine)


def any_perpendicular(direction: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3"]:
    """A unit vector perpendicular to `direction`."""
    helper = np.eye(3)[np.argmin(np.abs(direction))]
    perpendicular = np.cross(direction, helper)
    return perpendicular / np.linalg.norm(perpendicular)


def line_angle(
    first: Float[np.ndarray, "*#batch 3"], second: Float[np.ndarray, "*#batch 3"]
) -> Float[np.ndarray, "*#batch"]:
    """Angle (rad, in [0, pi/2]) between undirected lines of the given directions."""
    cross = np.linalg.norm(np.cross(first, second), axis=-1)
    return np.asarray(np.arctan2(cross, np.abs(np.sum(first * second, axis=-1))))
