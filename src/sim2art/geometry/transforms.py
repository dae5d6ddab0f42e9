"""Rigid transforms as 4x4 matrices named `a_from_b`: they take b coordinates to a."""

import numpy as np
from jaxtyping import Float


def make_transform(
    rotation: Float[np.ndarray, "*#batch 3 3"], translation: Float[np.ndarray, "*#batch 3"]
) -> Float[np.ndarray, "*#batch 4 4"]:
    """A 4x4 transform from its rotation and translation (m)."""
    batch = np.broadcast_shapes(rotation.shape[:-2], translation.shape[:-1])
    transform = np.zeros((*batch, 4, 4))
    transform[..., :3, :3] = rotation
    transform[..., :3, 3] = translation
    transform[..., 3, 3] = 1.0
    return transform


def apply(
    a_from_b: Float[np.ndarray, "*#batch 4 4"], points_b: Float[np.ndarray, "*#batch point 3"]
) -> Float[np.ndarray, "*#batch point 3"]:
    """Points of frame b in frame a; the batch axes broadcast."""
    points_a = points_b @ np.swapaxes(a_from_b[..., :3, :3], -1, -2)
    for axis in (0, 1, 2):  # One at a time: rows of three numbers are slow to broadcast over.
        points_a[..., axis] += a_from_b[..., None, axis, 3]
    return points_a


def inverse(a_from_b: Float[np.ndarray, "*batch 4 4"]) -> Float[np.ndarray, "*batch 4 4"]:
    """`b_from_a`, by transposing the rotation."""
    rotation = np.swapaxes(a_from_b[..., :3, :3], -1, -2)
    return make_transform(rotation, -(rotation @ a_from_b[..., :3, 3:])[..., 0])


def look_at(
    eye: Float[np.ndarray, "3"], target: Float[np.ndarray, "3"], up: Float[np.ndarray, "3"]
) -> Float[np.ndarray, "4 4"]:
    """`world_from_camera` (OpenCV axes: x right, y down, z forward) of a camera at `eye` that looks at `target`."""
    forward = target - eye
    forward = forward / np.linalg.norm(forward)
    right = np.cross(forward, up)
    if np.linalg.norm(right) < 1e-6:  # Looking straight along `up`: any right will do.
        right = np.cross(forward, np.eye(3)[np.argmin(np.abs(forward))])
    right = right / np.linalg.norm(right)
    return make_transform(np.stack([right, np.cross(forward, right), forward], axis=1), eye)


def is_rigid(transforms: Float[np.ndarray, "*batch 4 4"], tolerance: float = 1e-3) -> bool:
    """Whether every matrix is finite with an orthonormal, right-handed rotation and last row (0, 0, 0, 1)."""
    if not np.all(np.isfinite(transforms)):
        return False
    rotation = transforms[..., :3, :3]
    product = rotation @ np.swapaxes(rotation, -1, -2)
    return bool(
        np.all(np.abs(product - np.eye(3)) < tolerance)
        and np.all(np.linalg.det(rotation) > 0)
        and np.allclose(transforms[..., 3, :], [0, 0, 0, 1], atol=tolerance)
    )
