"""Recorded camera poses that say the same in frames between which the whole image moves: they mean "none".

Apps write one and the same pose, or a few, where nothing was tracked (Record3D with the front camera), and a tracker that
got lost repeats its last one. A camera that really stood still leaves some corners of the image in place, whatever else
moves; one that moved leaves none.
"""

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from sim2art.perception.tracks.klt_tracks import follow

_SAME_POSE = 1e-6
_MAX_SHARE = 0.2
"""Of frames whose pose was seen before, and of pairs of one pose between which all moves; fewer are odd frames."""
_MAX_PAIRS = 16
_STAYS = 0.8
"""px: a corner of a camera that stands still moves less than this, as in tracking."""
_STAYS_SHARE = 0.05
_MIN_CORNERS = 30


def find_unmoved_poses(
    grays: UInt8[np.ndarray, "frame height width"], world_from_camera: Float[np.ndarray, "frame 4 4"]
) -> str | None:
    """Why recorded poses (any unit of length) count as none, in words for a person; None when they may be believed."""
    rounded = np.rint(world_from_camera.reshape(len(world_from_camera), -1) / _SAME_POSE)
    _, label = np.unique(rounded, axis=0, return_inverse=True)
    label = label.reshape(-1)
    num_distinct = int(label.max()) + 1
    if len(grays) - num_distinct <= _MAX_SHARE * len(grays):
        return None
    pairs = _pairs_of_one_pose(label)
    shares = [share for a, b in pairs if (share := _share_that_stays(grays[a], grays[b])) is not None]
    if not shares or np.mean(np.array(shares) < _STAYS_SHARE) <= _MAX_SHARE:
        return None
    return (
        f"The recording has {num_distinct} different camera pose(s) for {len(grays)} frames, but the whole image moves "
        "between frames of the same pose: the recorded poses count as none."
    )


def _pairs_of_one_pose(label: np.ndarray) -> list[tuple[int, int]]:
    """Frames that share a pose, a good piece of the recording apart where there are so many, evenly chosen."""
    reach = max(1, len(label) // 4)
    pairs = []
    for pose in range(int(label.max()) + 1):
        members = np.flatnonzero(label == pose)
        step = min(reach, len(members) - 1)
        if step:
            pairs += [(int(a), int(b)) for a, b in zip(members[:-step], members[step:], strict=True)]
    chosen = np.unique(np.linspace(0, len(pairs) - 1, _MAX_PAIRS).round().astype(int))
    return [pairs[i] for i in chosen]


def _share_that_stays(a: UInt8[np.ndarray, "height width"], b: UInt8[np.ndarray, "height width"]) -> float | None:
    """Share of the corners that stay in place; None where too few can be followed."""
    corners = cv2.goodFeaturesToTrack(a, 400, 0.01, max(6, a.shape[1] // 60))
    if corners is None:
        return None
    start = corners.reshape(-1, 2)
    there, kept = follow(a, b, start, np.arange(len(start)))
    if len(kept) < _MIN_CORNERS:
        return None
    return float(np.mean(np.linalg.norm(there - start[kept], axis=1) < _STAYS))
