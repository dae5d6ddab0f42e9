"""Where a pixel goes if nothing but the camera moved: by depth, intrinsics and two poses."""

import numpy as np
from jaxtyping import Float, Float32

from sim2art.geometry.transforms import inverse


def camera_flow(
    depth: Float32[np.ndarray, "height width"],
    intrinsics: Float[np.ndarray, "3 3"],
    world_from_a: Float[np.ndarray, "4 4"],
    world_from_b: Float[np.ndarray, "4 4"],
) -> tuple[Float32[np.ndarray, "height width 2"], np.ndarray]:
    """Flow (px) from camera a to b if nothing but the camera moved, and where it is known (depth seen, in front of b)."""
    height, width = depth.shape
    if np.array_equal(world_from_a, world_from_b):  # A camera that stands still is asked about often.
        return np.zeros((height, width, 2), np.float32), depth > 0
    u, v, z = image_in(depth, intrinsics, inverse(world_from_b) @ world_from_a)
    x, y = np.arange(width, dtype=np.float64), np.arange(height, dtype=np.float64)[:, None]
    seen = (depth > 0) & (z > 1e-3)
    z = np.where(seen, z, 1.0)
    flow = np.stack([u / z - x, v / z - y], axis=-1)
    return np.where(seen[..., None], flow, 0.0).astype(np.float32), seen


def image_in(
    depth: Float32[np.ndarray, "height width"], intrinsics: Float[np.ndarray, "3 3"], b_from_a: Float[np.ndarray, "4 4"]
) -> list[Float[np.ndarray, "height width"]]:
    """Homogeneous pixel of camera b (u, v, depth in m) of what each pixel of camera a sees.

    A pixel's ray and what the camera moved are linear in the pixel: three planes, and no point is ever built.
    """
    height, width = depth.shape
    turned, shift = intrinsics @ b_from_a[:3, :3] @ np.linalg.inv(intrinsics), intrinsics @ b_from_a[:3, 3]
    x, y = np.arange(width, dtype=np.float64), np.arange(height, dtype=np.float64)[:, None]
    return [(row[0] * x + (row[1] * y + row[2])) * depth + step for row, step in zip(turned, shift, strict=True)]
