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
    pixels = np.empty((*points_camera.shape[:-1], 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        for axis in (0, 1):  # One at a time: rows of two numbers are slow to broadcast over.
            normalized = points_camera[..., axis] / points_camera[..., 2]
            pixels[..., axis] = normalized * intrinsics[axis, axis] + intrinsics[axis, 2]
    return pixels


def unproject(
    intrinsics: Float[np.ndarray, "3 3"], pixels: Float[np.ndarray, "*batch 2"], depths: Float[np.ndarray, "*batch"]
) -> Float[np.ndarray, "*batch 3"]:
    """Camera-frame points (m) of pixels with depth along z (m)."""
    points = np.empty((*pixels.shape[:-1], 3))
    for axis in (0, 1):  # One at a time: rows of two numbers are slow to broadcast over.
        points[..., axis] = (pixels[..., axis] - intrinsics[axis, 2]) / intrinsics[axis, axis] * depths
    points[..., 2] = depths
    return points
