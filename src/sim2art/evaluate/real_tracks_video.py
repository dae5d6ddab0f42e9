"""A tracked body as a `PointVideo`: a patch of points rides on its measured poses, before a wall that stands still.

So any method can be run on real motion. Nothing but the wall, the patch's shape and the choice of frames is made up:
points and flow carry the errors of the measured poses, flips and slips among them.
"""

import numpy as np
from jaxtyping import Float

from sim2art.evaluate.real_tracks import RealTrack
from sim2art.geometry.transforms import apply, make_transform
from sim2art.observation.point_video import PointVideo
from sim2art.observation.sampling import DEFAULT_BASELINES

PATCH_SIDE = 0.3
"""m."""
WALL_SIDE = 0.9
WALL_GAP = 0.1
"""The wall stands this far behind the patch of the first frame, m."""
PATCH_SHARE = 0.4


def video_from_track(
    track: RealTrack, *, num_frames: int = 16, num_points: int = 1024
) -> tuple[PointVideo, np.ndarray]:
    """Points with flow, and which of them are on the body, bool (frame, point).

    The frames are spread evenly over the distance travelled. The world is the camera of the track.
    """
    frames = spread_over_travel(track.positions, num_frames)
    world_from_body = make_transform(track.rotations[frames], track.positions[frames])
    rng = np.random.default_rng(0)
    num_patch = round(PATCH_SHARE * num_points)
    points = np.zeros((num_frames, num_points, 3))
    flow = np.zeros((len(DEFAULT_BASELINES), num_frames, num_points, 3))
    flow_valid = np.zeros(flow.shape[:3], dtype=bool)
    is_body = np.zeros((num_frames, num_points), dtype=bool)
    # Behind: on the far side of the first patch as its camera, at the origin, sees it.
    normal = world_from_body[0, :3, 2]
    away = float(np.sign(normal @ world_from_body[0, :3, 3])) * WALL_GAP
    for frame in range(num_frames):
        patch = _sample_square(num_patch, PATCH_SIDE, 0.0, rng)
        wall = _sample_square(num_points - num_patch, WALL_SIDE, away, rng)
        order = rng.permutation(num_points)
        now = apply(world_from_body[frame], patch)
        points[frame] = np.concatenate([now, apply(world_from_body[0], wall)])[order]
        is_body[frame] = order < num_patch
        for index, baseline in enumerate(DEFAULT_BASELINES):
            if frame + baseline < num_frames:
                moved = apply(world_from_body[frame + baseline], patch) - now
                flow[index, frame] = np.concatenate([moved, np.zeros_like(wall)])[order]
                flow_valid[index, frame] = True
    video = PointVideo(
        times=np.arange(num_frames) / 10.0,
        points_world=points,
        valid=np.ones((num_frames, num_points), dtype=bool),
        baselines=DEFAULT_BASELINES,
        flow_world=flow,
        flow_valid=flow_valid,
        world_from_camera=np.tile(np.eye(4), (num_frames, 1, 1)),
        pixels=np.zeros((num_frames, num_points, 2)),
        is_metric=True,
    )
    return video, is_body


def spread_over_travel(positions: Float[np.ndarray, "reading 3"], count: int) -> np.ndarray:
    """Indices of `count` readings, evenly spread over the distance travelled; the first and the last among them."""
    # Jitter of a body that stands still adds up over hundreds of readings: steps below a millimetre are no travel.
    steps = np.linalg.norm(np.diff(positions, axis=0), axis=1)
    travel = np.concatenate([[0.0], np.cumsum(np.where(steps > 0.001, steps, 1e-6))])
    return np.searchsorted(travel, np.linspace(0.0, travel[-1], count) - 1e-9).clip(0, len(positions) - 1)


def _sample_square(count: int, side: float, depth: float, rng: np.random.Generator) -> Float[np.ndarray, "point 3"]:
    """Random points of a square across z, centred on it (m)."""
    return np.c_[rng.uniform(-0.5 * side, 0.5 * side, (count, 2)), np.full(count, depth)]
