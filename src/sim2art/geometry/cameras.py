"""Pinhole cameras: pixels (x right, y down, px; the centre of the first pixel is 0, 0) and camera-frame points."""

import numpy as np
from jaxtyping import Float


def intrinsics_from_fov(width: int, height: int, fov: float) -> Float[np.ndarray, "3 3"]:
    """Intrinsics (px) of a camera with square pixels and horizontal field of view `fov` (rad)."""
    focal = 0.5 * width / np.tan(0.5 * fov)
    return np.array([[focal, 0, 0.5 * (width - 1)], [0, focal, 0.5 * (height - 1)], [0, 0, 1.0]])


def project(
    intrinsics: Float[np.ndarray, "3 3"], points_camera: Float[np.ndarray, "*batch 3"]
) -> Float[np.ndarray, "*batch 2"]:
    """Pixels of camera-frame points; points at or behind the camera give non-finite or mirrored pixels: check z."""
    with np.errstate(divide="ignore", invalid="ignore"):
        normalized = points_camera[..., :2] / points_camera[..., 2:]
    return normalized * intrinsics[[0, 1], [0, 1]] + intrinsics[:2, 2]


def unproject(
    intrinsics: Float[np.ndarray, "3 3"], pixels: Float[np.ndarray, "*batch 2"], depths: Float[np.ndarray, "*batch"]
) -> Float[np.ndarray, "*batch 3"]:
    """Camera-frame points (m) of pixels with depth along z (m)."""
    rays = (pixels - intrinsics[:2, 2]) / intrinsics[[0, 1], [0, 1]]
    return np.concatenate([rays, np.ones_like(rays[..., :1])], axis=-1) * depths[..., None]
