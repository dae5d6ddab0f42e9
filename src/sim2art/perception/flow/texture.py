"""How much an image patch tells of its own motion: the structure tensor's eigenvalues, in grey levels a pixel."""

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

_NOISE_SLOPE = 0.43
"""Slope that a Sobel filter finds in white noise of deviation 1."""


def measure_texture(
    gray: UInt8[np.ndarray, "height width"], *, window: int = 9
) -> tuple[Float32[np.ndarray, "height width"], Float32[np.ndarray, "height width"]]:
    """Root-mean-square slope along the weakest and the strongest direction in a window (grey levels a px).

    The weakest is large at corners only, the strongest at edges too. What image noise adds is taken away.
    """
    floor = _NOISE_SLOPE * measure_noise(gray)
    image = gray.astype(np.float32)
    dx = cv2.Sobel(image, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
    dy = cv2.Sobel(image, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
    xx, yy, xy = (cv2.boxFilter(product, -1, (window, window)) for product in (dx * dx, dy * dy, dx * dy))
    mean, spread = 0.5 * (xx + yy), np.sqrt(np.maximum(0.25 * (xx - yy) ** 2 + xy * xy, 0))
    weakest, strongest = (np.maximum(value - floor**2, 0) for value in (mean - spread, mean + spread))
    return np.sqrt(weakest), np.sqrt(strongest)


def measure_noise(gray: UInt8[np.ndarray, "height width"]) -> float:
    """Standard deviation of the image noise, grey levels (Immerkaer 1996; the median keeps texture out of it)."""
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    return float(np.median(np.abs(cv2.filter2D(gray.astype(np.float32), -1, kernel)))) / (6.0 * 0.6745)
