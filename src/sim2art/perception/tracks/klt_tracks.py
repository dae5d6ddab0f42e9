"""Corner tracks through a recording (Shi-Tomasi corners, pyramidal Lucas-Kanade of OpenCV), checked forth and back."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, Int, UInt8

from sim2art.perception.tasks import ReadDepth

_MAX_CORNERS = 500
_MAX_RETURN_ERROR = 0.7
"""px: a corner that does not come back this close is dropped."""
_WINDOW = {"winSize": (21, 21), "maxLevel": 3, "criteria": (3, 20, 0.03)}


@dataclass(frozen=True, kw_only=True)
class CornerTracks:
    """Every observation of every corner, sorted by frame."""

    frame: Int[np.ndarray, "observation"]
    track: Int[np.ndarray, "observation"]
    """Which corner."""
    pixels: Float32[np.ndarray, "observation 2"]
    """px."""
    depths: Float32[np.ndarray, "observation"]
    """m; 0 where none was measured, or at a depth edge."""
    num_tracks: int


def track_corners(grays: UInt8[np.ndarray, "frame height width"], read_depth: ReadDepth) -> CornerTracks:
    """Follow corners from frame to frame; new ones are sought where there are few."""
    spacing = max(6, grays.shape[2] // 60)
    live, ids, next_id = np.zeros((0, 2), np.float32), np.zeros(0, np.int64), 0
    observations: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = []
    for frame, gray in enumerate(grays):
        if frame and len(live):
            live, ids = follow(grays[frame - 1], gray, live, ids)
        depth = read_depth(frame)
        if len(live) < 0.7 * _MAX_CORNERS:
            fresh = _find_corners(gray, depth, live, spacing)
            ids = np.concatenate([ids, next_id + np.arange(len(fresh))])
            next_id += len(fresh)
            live = np.concatenate([live, fresh])
        observations.append((np.full(len(live), frame), ids, live, read_at_corners(depth, live)))
    frames, tracks, pixels, depths = (np.concatenate(column) for column in zip(*observations, strict=True))
    return CornerTracks(frame=frames, track=tracks, pixels=pixels, depths=depths, num_tracks=next_id)


def read_at_corners(
    depth: Float32[np.ndarray, "height width"], pixels: Float32[np.ndarray, "point 2"]
) -> Float32[np.ndarray, "point"]:
    """Median depth of a 3x3 window (m), or 0 where the window holds a depth edge or a hole at its centre."""
    height, width = depth.shape
    x = np.clip(np.rint(pixels[:, 0]).astype(int), 1, width - 2)
    y = np.clip(np.rint(pixels[:, 1]).astype(int), 1, height - 2)
    window = np.stack([depth[y + dy, x + dx] for dy in (-1, 0, 1) for dx in (-1, 0, 1)], axis=1)
    seen = window > 0
    filled = np.where(seen, window, np.nan)
    centre = depth[y, x]
    usable = (centre > 0) & (seen.sum(axis=1) >= 6)
    result = np.zeros(len(pixels), np.float32)
    if usable.any():
        middle = np.nanmedian(filled[usable], axis=1)
        spread = np.nanmax(filled[usable], axis=1) - np.nanmin(filled[usable], axis=1)
        result[usable] = np.where(spread < 0.04 * middle, middle, 0.0)
    return result


def follow(before: np.ndarray, after: np.ndarray, live: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where corners (px) went from one grey image to another, and the ids of those that came back when followed back."""
    there, found, _ = cv2.calcOpticalFlowPyrLK(before, after, live[:, None], None, **_WINDOW)  # pyright: ignore[reportArgumentType, reportCallIssue]
    back, found_back, _ = cv2.calcOpticalFlowPyrLK(after, before, there, None, **_WINDOW)  # pyright: ignore[reportArgumentType, reportCallIssue]
    there, back = there[:, 0], back[:, 0]
    size = np.array(after.shape[::-1])
    good = (found.ravel() > 0) & (found_back.ravel() > 0)
    good &= np.linalg.norm(back - live, axis=1) < _MAX_RETURN_ERROR
    good &= np.all((there >= 2) & (there < size - 3), axis=1)
    return there[good], ids[good]


def _find_corners(gray: np.ndarray, depth: np.ndarray, live: np.ndarray, spacing: int) -> np.ndarray:
    mask = (depth > 0).astype(np.uint8)
    for x, y in live:
        cv2.circle(mask, (round(float(x)), round(float(y))), spacing, 0, -1)
    wanted = _MAX_CORNERS - len(live)
    corners = cv2.goodFeaturesToTrack(gray, wanted, 0.01, spacing, mask=mask, blockSize=5) if wanted > 0 else None
    return np.zeros((0, 2), np.float32) if corners is None else corners[:, 0].astype(np.float32)
