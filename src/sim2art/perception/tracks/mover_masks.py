"""Where something moves by itself, from corner tracks alone: no depth and no poses are needed.

Corners that stand still obey one epipolar geometry between two frames, whatever their depth (Hartley and Zisserman,
"Multiple View Geometry", Ch. 9). Corners that break it again and again move; what lies around them is left out when the
cameras are solved for. Motion along the epipolar lines goes unseen, so frames several steps apart are compared.
"""

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from sim2art.perception.tracks.klt_tracks import CornerTracks

_GAPS = (2, 4, 8)
"""Frames between the two images that are compared."""
_MAX_MISS = 1.2
"""px from the epipolar line."""
_MIN_CORNERS = 24
_MIN_BROKEN_SHARE = 0.34
"""A corner that breaks the epipolar geometry in this share of its comparisons moves."""
_REACH = 0.055
"""Radius masked around a moving corner, as a share of the image's width."""


def find_still_pixels(
    tracks: CornerTracks, grays: UInt8[np.ndarray, "frame height width"], moving: Bool[np.ndarray, "track"]
) -> Bool[np.ndarray, "frame height width"]:
    """False around corners that move by themselves (those of `find_moving_tracks`) wherever they are seen."""
    still = np.ones(grays.shape, dtype=np.uint8)
    radius = max(4, round(_REACH * grays.shape[2]))
    for row in np.flatnonzero(moving[tracks.track]):
        x, y = tracks.pixels[row]
        cv2.circle(still[tracks.frame[row]], (round(float(x)), round(float(y))), radius, 0, -1)
    return still > 0


def find_moving_tracks(tracks: CornerTracks, num_frames: int) -> Bool[np.ndarray, "track"]:
    """Which corners move by themselves."""
    by_frame = [np.flatnonzero(tracks.frame == frame) for frame in range(num_frames)]
    broken, compared = np.zeros(tracks.num_tracks), np.zeros(tracks.num_tracks)
    for gap in _GAPS:
        for frame in range(num_frames - gap):
            a, b = by_frame[frame], by_frame[frame + gap]
            shared, in_a, in_b = np.intersect1d(tracks.track[a], tracks.track[b], return_indices=True)
            if len(shared) < _MIN_CORNERS:
                continue
            miss = _epipolar_miss(tracks.pixels[a[in_a]], tracks.pixels[b[in_b]])
            if miss is not None:
                broken[shared] += miss > _MAX_MISS
                compared[shared] += 1
    return (compared >= 2) & (broken >= _MIN_BROKEN_SHARE * np.maximum(compared, 1))


def _epipolar_miss(
    pixels_a: Float[np.ndarray, "corner 2"], pixels_b: Float[np.ndarray, "corner 2"]
) -> Float[np.ndarray, "corner"] | None:
    """Distance (px) of each corner from its epipolar line, or None when no geometry fits half of the corners."""
    try:
        matrix, inliers = cv2.findFundamentalMat(pixels_a, pixels_b, cv2.USAC_MAGSAC, 0.5 * _MAX_MISS, 0.999, 2000)
    except cv2.error:  # OpenCV 5 fails in its last step where no model was left.
        return None
    if matrix is None or matrix.shape != (3, 3) or inliers is None or inliers.mean() < 0.4:
        return None
    ones = np.ones((len(pixels_a), 1))
    a, b = np.hstack([pixels_a, ones]), np.hstack([pixels_b, ones])
    lines_b, lines_a = a @ matrix.T, b @ matrix
    product = np.abs(np.sum(b * lines_b, axis=1))
    return product / np.sqrt(0.5 * (np.sum(lines_a[:, :2] ** 2, axis=1) + np.sum(lines_b[:, :2] ** 2, axis=1)) + 1e-12)
