"""Where a video was cut: the frames before and after have nothing in common, while each has with its own neighbours.

Corners tell, followed forth and back at small size and even brightness: between neighbouring frames of one shot many are found
again, however the exposure jumps; across a cut none but by chance. A shake loses them for several frames in a row.
"""

from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np
from jaxtyping import Float, Int, UInt8

from sim2art.errors import InvalidFileError
from sim2art.perception.tracks.klt_tracks import follow

_SIDE = 320
"""px of the longer side."""
_LOST, _FOLLOWED = 0.2, 0.5
"""Share of corners that are found again: at most across a cut (a seventh, by chance, on fine texture), at least before and after it."""
_MIN_CORNERS = 20
_MAX_CORNERS = 200

ReadGray = Callable[[int], UInt8[np.ndarray, "height width"]]


def find_cuts(
    grays: UInt8[np.ndarray, "frame height width"], indices: Int[np.ndarray, "frame"], read: ReadGray, total: int
) -> list[tuple[int, int]]:
    """Places in `grays` that begin a new shot, each with the first frame of that shot in the recording.

    Args:
        grays: Chosen frames of a recording.
        indices: Their positions in it.
        read: A frame of the recording by its position; may raise InvalidFileError.
        total: Frames of the recording.
    """
    small = [_even(gray) for gray in grays]
    cuts = []
    for place in range(1, len(small)):
        if not _share_followed(small[place - 1], small[place]) < _LOST:
            continue
        # Chosen frames may lie far apart: the frames between must show one step in which all is lost.
        first = _find_step(int(indices[place - 1]), int(indices[place]), read, total)
        if first is not None:
            cuts.append((place, first))
    return cuts


def longest_shot(cuts: list[int], times: Float[np.ndarray, "frame"]) -> tuple[int, int]:
    """First place of the longest shot and the place after its last, given the places that begin a new one."""
    ends = [0, *cuts, len(times)]
    spans = [times[stop - 1] - times[start] for start, stop in pairwise(ends)]
    best = int(np.argmax(spans))
    return ends[best], ends[best + 1]


def _find_step(before: int, after: int, read: ReadGray, total: int) -> int | None:
    """The first frame of a new shot in `before` + 1 to `after`, or None if there is none."""
    frames = np.arange(max(before - 1, 0), min(after + 2, total))
    try:
        images = [_even(read(int(frame))) for frame in frames]
    except InvalidFileError:
        return None
    shares = np.array([_share_followed(a, b) for a, b in pairwise(images)])
    if not np.isfinite(shares).any():
        return None
    step = int(np.nanargmin(shares))
    around = shares[[k for k in (step - 1, step + 1) if 0 <= k < len(shares)]]
    is_cut = shares[step] < _LOST and len(around) > 0 and np.all(around >= _FOLLOWED)
    return int(frames[step + 1]) if is_cut else None


def _even(gray: UInt8[np.ndarray, "height width"]) -> UInt8[np.ndarray, "small_height small_width"]:
    """A small image of even brightness."""
    scale = min(1.0, _SIDE / max(gray.shape))
    size = (max(1, round(scale * gray.shape[1])), max(1, round(scale * gray.shape[0])))
    return cv2.equalizeHist(cv2.resize(gray, size, interpolation=cv2.INTER_AREA))


def _share_followed(before: UInt8[np.ndarray, "height width"], after: UInt8[np.ndarray, "height width"]) -> float:
    """Share of the corners of one image that are found in the other and back; NaN where there are too few to tell."""
    spacing = max(4, max(before.shape) // 40)
    corners = cv2.goodFeaturesToTrack(before, _MAX_CORNERS, 0.01, spacing, blockSize=5)
    if corners is None or len(corners) < _MIN_CORNERS or before.shape != after.shape:
        return float("nan")
    found, _ = follow(before, after, corners[:, 0].astype(np.float32), np.arange(len(corners)))
    return len(found) / len(corners)
