"""Depth maps made smoother where the surface is flat, and a reading between pixels that never mixes two surfaces.

In inverse depth a plane is linear in the pixel coordinates, and the noise of a structured-light or stereo camera (which
grows with depth squared) is even. So planes are fitted to inverse depth in windows, by box sums; each pixel takes the
largest window whose plane fits to within the noise.
"""

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32

_WINDOWS = (5, 9, 17)
"""px, from small to large."""
_MAX_MISFIT = 1.35
"""A plane is taken when its residual is below this many times the noise."""
_EDGE_SHARE = 0.03
"""Neighbouring depths that differ by more than this share lie on two surfaces."""


def smooth_depth(depth: Float32[np.ndarray, "height width"]) -> Float32[np.ndarray, "height width"]:
    """Depth (m) with the noise of flat and gently curved surfaces taken down; holes stay holes, edges stay sharp."""
    seen = depth > 0
    inverse_depth = np.where(seen, 1.0 / np.where(seen, depth, 1.0), 0.0).astype(np.float32)
    near_edge = find_depth_edges(depth)
    result = inverse_depth.copy()
    noise = None
    for window in _WINDOWS:
        fitted, misfit, complete = _fit_planes(inverse_depth, seen, window)
        if noise is None:
            usable = complete & ~near_edge
            noise = float(np.median(misfit[usable])) if usable.any() else 0.0
        # Near an edge a window holds two surfaces; its misfit tells so when the step is above the noise.
        take = complete & (misfit < _MAX_MISFIT * noise + 1e-7)
        result[take] = fitted[take]
    return np.where(seen & (result > 0), 1.0 / np.where(result > 0, result, 1.0), 0.0).astype(np.float32)


def find_depth_edges(depth: Float32[np.ndarray, "height width"]) -> Bool[np.ndarray, "height width"]:
    """Pixels whose 3x3 window holds a jump in depth, or which border on a hole."""
    kernel = np.ones((3, 3), np.uint8)
    high = cv2.dilate(depth, kernel)
    low = cv2.erode(depth, kernel)
    return (high - low) > _EDGE_SHARE * np.maximum(depth, 1e-6)


def read_depth_between(
    depth: Float32[np.ndarray, "height width"], x: Float[np.ndarray, "*batch"], y: Float[np.ndarray, "*batch"]
) -> tuple[Float32[np.ndarray, "*batch"], Bool[np.ndarray, "*batch"]]:
    """Depth (m) at places between pixels (px), and whether the four pixels around lie on one surface."""
    height, width = depth.shape
    inside = (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)
    left = np.clip(np.floor(x).astype(int), 0, width - 2)
    top = np.clip(np.floor(y).astype(int), 0, height - 2)
    right_share, bottom_share = np.clip(x - left, 0, 1), np.clip(y - top, 0, 1)
    corners = np.stack([depth[top, left], depth[top, left + 1], depth[top + 1, left], depth[top + 1, left + 1]])
    weights = np.stack(
        [
            (1 - right_share) * (1 - bottom_share), right_share * (1 - bottom_share),
            (1 - right_share) * bottom_share, right_share * bottom_share,
        ]
    )  # fmt: skip
    seen = np.all(corners > 0, axis=0)
    spread = corners.max(axis=0) - corners.min(axis=0)
    one_surface = inside & seen & (spread < _EDGE_SHARE * np.maximum(corners.min(axis=0), 1e-6))
    inverse_depth = np.sum(weights / np.maximum(corners, 1e-6), axis=0)
    return np.where(one_surface, 1.0 / np.maximum(inverse_depth, 1e-6), 0.0).astype(np.float32), one_surface


def _fit_planes(
    values: Float32[np.ndarray, "height width"], seen: Bool[np.ndarray, "height width"], window: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Plane value at the window's centre, root-mean-square misfit, and whether enough of the window was seen."""
    height, width = values.shape
    w = seen.astype(np.float64)
    x = np.broadcast_to(np.arange(width) - 0.5 * width, values.shape)
    y = np.broadcast_to((np.arange(height) - 0.5 * height)[:, None], values.shape)
    v = values.astype(np.float64) * w

    def total(array: np.ndarray) -> np.ndarray:
        return cv2.boxFilter(array, cv2.CV_64F, (window, window), normalize=False, borderType=cv2.BORDER_CONSTANT)

    n = np.maximum(total(w), 1e-9)
    mx, my, mv = total(w * x) / n, total(w * y) / n, total(v) / n
    sxx, syy, sxy = total(w * x * x) / n - mx * mx, total(w * y * y) / n - my * my, total(w * x * y) / n - mx * my
    sxv, syv, svv = total(v * x) / n - mx * mv, total(v * y) / n - my * mv, total(v * values) / n - mv * mv
    det = sxx * syy - sxy * sxy
    safe = np.maximum(det, 1e-9)
    a, b = (syy * sxv - sxy * syv) / safe, (sxx * syv - sxy * sxv) / safe
    fitted = mv + a * (x - mx) + b * (y - my)
    # The unbiased estimate: a plane has three unknowns.
    misfit = np.sqrt(np.maximum(svv - a * sxv - b * syv, 0) * n / np.maximum(n - 3, 1))
    complete = seen & (n > 0.6 * window * window) & (det > 1e-3)
    return fitted, misfit, complete
