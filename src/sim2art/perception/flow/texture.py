"""How much an image patch tells of its own motion: the structure tensor's eigenvalues, in grey levels a pixel."""

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

_NOISE_SLOPE = 0.43
"""Slope that a Sobel filter finds in white noise of deviation 1."""
_SLIP_POWER, _MAX_SLIP = 0.7, 4.5
"""Along an edge flow is off by the ratio of the slopes to this power times what it is across, at most so much: set on six
rendered recordings; `benchmarks/flow_noise.py` prints 3 to 3.7 where this says 4.5."""


def measure_texture(
    gray: UInt8[np.ndarray, "height width"], *, window: int = 9
) -> tuple[Float32[np.ndarray, "height width"], Float32[np.ndarray, "height width"]]:
    """Root-mean-square slope along the weakest and the strongest direction in a window (grey levels a px).

    The weakest is large at corners only, the strongest at edges too. What image noise adds is taken away.
    """
    floor = _NOISE_SLOPE * measure_noise(gray)
    xx, yy, xy = _structure_tensor(gray, window)
    mean, spread = 0.5 * (xx + yy), np.sqrt(np.maximum(0.25 * (xx - yy) ** 2 + xy * xy, 0))
    weakest, strongest = (np.maximum(value - floor**2, 0) for value in (mean - spread, mean + spread))
    return np.sqrt(weakest), np.sqrt(strongest)


def measure_slip(gray: UInt8[np.ndarray, "height width"]) -> Float32[np.ndarray, "height width 2"]:
    """How much less sure flow is along an edge than across it: the aperture problem.

    Returns:
        Vectors s along the direction of the weakest slope, such that the covariance of flow is proportional to I + s s'.
    """
    weakest, strongest = measure_texture(gray)
    ratio = np.clip(np.maximum(strongest, 1e-3) / np.maximum(weakest, 1e-3), 1.0, None)
    size = np.sqrt(np.minimum(ratio**_SLIP_POWER, _MAX_SLIP) ** 2 - 1)
    xx, yy, xy = _structure_tensor(gray)
    across = 0.5 * np.arctan2(2 * xy, xx - yy)
    return np.stack([-np.sin(across) * size, np.cos(across) * size], axis=-1).astype(np.float32)


def _structure_tensor(
    gray: UInt8[np.ndarray, "height width"], window: int = 9
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means of dx dx, dy dy and dx dy in windows."""
    image = gray.astype(np.float32)
    dx = cv2.Sobel(image, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
    dy = cv2.Sobel(image, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
    xx, yy, xy = (cv2.boxFilter(product, -1, (window, window)) for product in (dx * dx, dy * dy, dx * dy))
    return xx, yy, xy


def measure_noise(gray: UInt8[np.ndarray, "height width"]) -> float:
    """Standard deviation of the image noise, grey levels (Immerkaer 1996; the median keeps texture out of it)."""
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    return float(np.median(np.abs(cv2.filter2D(gray.astype(np.float32), -1, kernel)))) / (6.0 * 0.6745)
