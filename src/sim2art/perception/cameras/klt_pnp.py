"""Camera poses of an RGB-D recording: corner tracks, PnP on their depth-lifted points, movers left out, then refined.

What stands still is taken to be what most corners agree on. A corner whose reprojection is wrong in many frames
belongs to something that moves and is left out when the poses are found a second time. Bundle adjustment on the
static corners (pixels and depths together) takes out the drift. OpenCV's PnP (Apache-2.0).
"""

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from sim2art.geometry.cameras import project, unproject
from sim2art.geometry.rotations import rotation_from_rotvec, rotvec_from_rotation
from sim2art.geometry.transforms import apply, inverse, make_transform
from sim2art.perception.cameras.bundle_adjustment import Observations, adjust
from sim2art.perception.tasks import CameraTrack, ReadDepth
from sim2art.perception.tracks.klt_tracks import CornerTracks, track_corners

_RANSAC_ERROR = 2.0
"""px."""
_MIN_INLIERS = 12
_MAX_MISS_SHARE = 0.3
"""A corner that misses in more of its frames than this is taken for a mover."""
_FEW_CORNERS = 120
_STILL = 0.8
"""px: corners of a camera that stands still move less than this."""


def track_camera(
    grays: UInt8[np.ndarray, "frame height width"], read_depth: ReadDepth, intrinsics: Float[np.ndarray, "3 3"]
) -> CameraTrack:
    """Poses of all frames, in the first camera's frame (OpenCV axes, m); a `CameraTracker`."""
    tracks = track_corners(grays, read_depth)
    num_frames = len(grays)
    if is_camera_static(tracks, num_frames):
        return CameraTrack(
            world_from_camera=np.broadcast_to(np.eye(4), (num_frames, 4, 4)).copy(),
            tracked=np.ones(num_frames, dtype=bool),
            is_static=True,
            residual=0.0,
            agreement=1.0,
        )
    use = np.ones(tracks.num_tracks, dtype=bool)
    for _ in range(2):
        poses, tracked, errors = _chain_poses(tracks, num_frames, intrinsics, use)
        use = _static_tracks(tracks, errors, use)
    agreement = _agreement(tracks, errors, num_frames)
    static = use[tracks.track] & (tracks.depths > 0) & tracked[tracks.frame] & (errors < 3 * _RANSAC_ERROR)
    observations = Observations(
        frame=tracks.frame[static],
        point=tracks.track[static],
        pixels=tracks.pixels[static].astype(np.float64),
        depths=tracks.depths[static].astype(np.float64),
    )
    poses, residual = adjust(observations, inverse(poses), intrinsics)
    poses = inverse(poses)
    return CameraTrack(
        world_from_camera=poses, tracked=tracked, is_static=False, residual=residual, agreement=agreement
    )


def is_camera_static(tracks: CornerTracks, num_frames: int) -> bool:
    """Whether a good share of the corners stays in place between frames near and far: no moving camera allows that.

    Where corners are few (a blank door that fills the image) fewer must do, between frames that are near.
    """
    by_frame = [np.flatnonzero(tracks.frame == frame) for frame in range(num_frames)]

    def count_still(gap: int) -> np.ndarray:
        """Corners that stay in place and corners seen, for frames that lie a gap apart."""
        counts = [(0, 0)]
        for frame in range(0, num_frames - gap, max(1, gap // 4)):
            a, b = by_frame[frame], by_frame[frame + gap]
            _, in_a, in_b = np.intersect1d(tracks.track[a], tracks.track[b], return_indices=True)
            distance = np.linalg.norm(tracks.pixels[a[in_a]] - tracks.pixels[b[in_b]], axis=1)
            counts.append((int(np.sum(distance < _STILL)), len(distance)))
        return np.array([count for count in counts if count[1] >= 15]).reshape(-1, 2)

    near = np.concatenate([count_still(1), count_still(5)])
    if len(near) == 0:
        return False
    if np.median(near[:, 1]) < _FEW_CORNERS:
        return bool(np.mean(near[:, 0] < np.maximum(3, 0.05 * near[:, 1])) < 0.15)
    far = [count_still(max(5, num_frames // part)) for part in (6, 3, 2)]
    counts = np.concatenate([near, *far])
    return bool(np.mean(counts[:, 0] < 0.3 * counts[:, 1]) <= 0.03)


def _chain_poses(
    tracks: CornerTracks, num_frames: int, intrinsics: Float[np.ndarray, "3 3"], use: Bool[np.ndarray, "track"]
) -> tuple[Float[np.ndarray, "frame 4 4"], Bool[np.ndarray, "frame"], Float[np.ndarray, "observation"]]:
    """`world_from_camera` frame by frame, whether each was found, and the reprojection error (px) of every observation.

    A corner's world point is the mean of where it was lifted to so far, which tames the noise of single depths.
    """
    poses = np.broadcast_to(np.eye(4), (num_frames, 4, 4)).copy()
    tracked = np.zeros(num_frames, dtype=bool)
    sums, counts = np.zeros((tracks.num_tracks, 3)), np.zeros(tracks.num_tracks)
    errors = np.full(len(tracks.frame), np.inf)
    starts = np.searchsorted(tracks.frame, np.arange(num_frames + 1))
    for frame in range(num_frames):
        rows = np.arange(starts[frame], starts[frame + 1])
        ids, pixels = tracks.track[rows], tracks.pixels[rows].astype(np.float64)
        known = counts[ids] > 0
        good = known & use[ids]
        world = sums[ids] / np.maximum(counts[ids], 1)[:, None]
        if frame == 0:
            tracked[0] = True
        else:
            pose = _solve_pnp(world[good], pixels[good], intrinsics, poses[frame - 1])
            poses[frame], tracked[frame] = (poses[frame - 1], False) if pose is None else (pose, True)
        seen = apply(inverse(poses[frame]), world)
        error = np.linalg.norm(project(intrinsics, seen) - pixels, axis=1)
        errors[rows] = np.where(known & (seen[:, 2] > 0), error, np.where(known, np.inf, 0.0))
        if tracked[frame]:
            add = (tracks.depths[rows] > 0) & (~known | (errors[rows] < _RANSAC_ERROR))
            lifted = apply(
                poses[frame], unproject(intrinsics, pixels[add], tracks.depths[rows][add].astype(np.float64))
            )
            sums[ids[add]] += lifted
            counts[ids[add]] += 1
    return poses, tracked, errors


def _agreement(tracks: CornerTracks, errors: Float[np.ndarray, "observation"], num_frames: int) -> float:
    """Share of the corners of a typical frame that agree with its pose; low when the camera is a guess."""
    agreeing = np.bincount(tracks.frame, weights=errors < _RANSAC_ERROR, minlength=num_frames)
    seen = np.bincount(tracks.frame, minlength=num_frames)
    return float(np.median(agreeing / np.maximum(seen, 1)))


def _solve_pnp(
    world: Float[np.ndarray, "point 3"], pixels: Float[np.ndarray, "point 2"],
    intrinsics: Float[np.ndarray, "3 3"], world_from_before: Float[np.ndarray, "4 4"],
) -> Float[np.ndarray, "4 4"] | None:  # fmt: skip
    """`world_from_camera`, or None when too few points agree."""
    if len(world) < _MIN_INLIERS:
        return None
    camera_from_world = inverse(world_from_before)
    rvec = rotvec_from_rotation(camera_from_world[:3, :3])[:, None].copy()
    tvec = camera_from_world[:3, 3:].copy()
    found, rvec, tvec, inliers = cv2.solvePnPRansac(
        world, pixels, intrinsics, None, rvec, tvec, useExtrinsicGuess=True, iterationsCount=150,
        reprojectionError=_RANSAC_ERROR, confidence=0.999, flags=cv2.SOLVEPNP_ITERATIVE,
    )  # fmt: skip
    if not found or inliers is None or len(inliers) < max(_MIN_INLIERS, 0.15 * len(world)):
        return None
    chosen = inliers[:, 0].astype(np.int64)
    rvec, tvec = cv2.solvePnPRefineLM(world[chosen], pixels[chosen], intrinsics, None, rvec, tvec)
    return inverse(make_transform(rotation_from_rotvec(rvec[:, 0]), tvec[:, 0]))


def _static_tracks(
    tracks: CornerTracks, errors: Float[np.ndarray, "observation"], use: Bool[np.ndarray, "track"]
) -> Bool[np.ndarray, "track"]:
    """Corners that were seen at least three times and seldom miss their place."""
    count = np.bincount(tracks.track, minlength=tracks.num_tracks)
    misses: Int[np.ndarray, track] = np.bincount(
        tracks.track, weights=errors > 1.5 * _RANSAC_ERROR, minlength=tracks.num_tracks
    )
    static = (count >= 3) & (misses <= _MAX_MISS_SHARE * count)
    # Never throw away so much that nothing is left to find the camera with.
    return static if static.sum() >= _MIN_INLIERS else use
