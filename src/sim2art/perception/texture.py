"""How much an image patch tells of its own motion: the structure tensor's eigenvalues, in grey levels a pixel."""

import cv2
import numpy as np
from jaxtyping import Float32, UInt8


def measure_texture(
    gray: UInt8[np.ndarray, "height width"], *, window: int = 9
) -> tuple[Float32[np.ndarray, "height width"], Float32[np.ndarray, "height width"]]:
    """Root-mean-square slope along the weakest and the strongest direction in a window (grey levels a px).

    The weakest is large at corners only, the strongest at edges too. Image noise of s levels gives about s / 3 in both.
    """
    image = gray.astype(np.float32)
    dx = cv2.Sobel(image, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
    dy = cv2.Sobel(image, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
    xx, yy, xy = (cv2.boxFilter(product, -1, (window, window)) for product in (dx * dx, dy * dy, dx * dy))
    mean, spread = 0.5 * (xx + yy), np.sqrt(np.maximum(0.25 * (xx - yy) ** 2 + xy * xy, 0))
    return np.sqrt(np.maximum(mean - spread, 0)), np.sqrt(np.maximum(mean + spread, 0))
