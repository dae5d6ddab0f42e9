"""Where the next image shows something else than the camera's motion alone would bring: told without optical flow.

Flow is no judge of fast motion: it matches nothing there, or something wrong. So each pixel is carried to the next frame
by depth and camera, and compared with what is there, give or take a pixel. A surface that is gone, so that the next frame
sees through its place, has moved; so has one whose place holds another colour. A place that is covered may be so by the
camera's motion, and says nothing. A flicker of the whole depth or light is taken away first.
"""

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

from sim2art.perception.flow.dis import flow_targets

_DEPTH_SIGMAS = 5.0
_LEAST_SIGMA, _MOST_SIGMA = 0.002, 0.05
"""Relative error of depth, at least and at most."""
_LEAST_SHARE = 0.01
"""Depth that is farther by less than this share is not gone."""
_COLOR_STEP = 14.0
"""Grey levels."""


def find_change(
    grays: tuple[UInt8[np.ndarray, "height width"], UInt8[np.ndarray, "height width"]],
    depth_b: Float32[np.ndarray, "height width"],
    still: Float32[np.ndarray, "height width 2"],
    depth_in_b: Float32[np.ndarray, "height width"],
    seen: Bool[np.ndarray, "height width"],
    *,
    depth_is_guessed: bool,
) -> Bool[np.ndarray, "height width"]:
    """Pixels of a frame of which the next frame shows something that the camera's motion does not explain.

    Args:
        grays: Both images.
        depth_b: Depth of the next frame, m, 0 = none.
        still: Where the camera's motion takes each pixel, px beyond its place.
        depth_in_b: The depth that it would have there, m.
        seen: Pixels of which both are known.
        depth_is_guessed: Guessed depth trembles too much to tell anything.
    """
    height, width = depth_b.shape
    at_x, at_y = flow_targets(still)
    inside = seen & (at_x >= 1) & (at_y >= 1) & (at_x <= width - 2) & (at_y <= height - 2)

    def there(values: np.ndarray, how: int = cv2.INTER_NEAREST) -> np.ndarray:
        return cv2.remap(values, at_x, at_y, how)

    window = np.ones((3, 3), np.uint8)
    filled = np.where(depth_b > 0, depth_b, np.inf).astype(np.float32)
    nearest = there(cv2.erode(filled, window))
    farthest = there(cv2.dilate(depth_b, window))
    found = there(depth_b)
    both = inside & (found > 0)
    ratio = np.where(both, found / np.maximum(depth_in_b, 1e-6), 1.0)
    flicker = float(np.median(ratio[both])) if both.any() else 1.0
    spread = 1.4826 * float(np.median(np.abs(ratio[both] - flicker))) if both.any() else _MOST_SIGMA
    margin = max(_DEPTH_SIGMAS * float(np.clip(spread, _LEAST_SIGMA, _MOST_SIGMA)), _LEAST_SHARE)
    expected = depth_in_b * flicker
    gone = both & np.isfinite(nearest) & (nearest > expected * (1 + margin)) & (not depth_is_guessed)
    covered = inside & (farthest > 0) & (farthest < expected * (1 - margin))
    first, second = (gray.astype(np.float32) for gray in grays)
    light = there(second, cv2.INTER_LINEAR) - first
    shift = float(np.median(light[inside])) if inside.any() else 0.0
    low, high = there(cv2.erode(second, window)) - shift, there(cv2.dilate(second, window)) - shift
    other = inside & ~covered & ((first < low - _COLOR_STEP) | (first > high + _COLOR_STEP))
    return gone | other
