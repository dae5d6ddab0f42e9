"""What the flow of single points says of following a joint, against standing still."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from sim2art.geometry.cameras import project
from sim2art.geometry.transforms import apply, inverse
from sim2art.observation.flow_noise import DEPTH_SIGMA, FLOW_SHARE, OUTLIER, PIXEL_SIGMA
from sim2art.observation.point_video import PointVideo

_MIN_APART = 1.0
"""px between where a point goes with the joint and without, from which on its flow tells them apart."""
_STEP = 0.05
"""Of the logarithm of depth, to see how pixels move with it."""


class FlowOdds(NamedTuple):
    """What flow says of points, NaN where it says nothing."""

    odds: Float[np.ndarray, "frame point part"]
    """Log odds of following each motion against standing still."""
    still: Float[np.ndarray, "frame point"]
    """Nats that standing still costs."""


def flow_odds(
    video: PointVideo, intrinsics: Float[np.ndarray, "3 3"], motions: Float[np.ndarray, "part frame 4 4"]
) -> FlowOdds:
    """Of points' flow under each motion against standing still, mean of the baselines that tell.

    Along the line on which a wrong depth moves a point a residual counts less, as in `perception.guessed.reprojection`.

    Args:
        video: Points with flow, lifted by guessed depth.
        intrinsics: Of the images, px.
        motions: World motions from rest.
    """
    total = np.zeros((video.num_frames, video.num_points, len(motions)))
    count = np.zeros(total.shape, dtype=int)
    rest = np.zeros((2, video.num_frames, video.num_points))
    for index, step in enumerate(video.baselines):
        for start in range(video.num_frames - step):
            known = np.flatnonzero(video.flow_valid[index, start] & video.valid[start])
            points = video.points_world[start, known]
            to_camera = inverse(video.world_from_camera[start + step])
            targets = project(intrinsics, apply(to_camera, points + video.flow_world[index, start, known]))
            rays = points - video.world_from_camera[start, :3, 3]
            still_pixels = project(intrinsics, apply(to_camera, points))
            shift = np.linalg.norm(targets - still_pixels, axis=1)
            variance = PIXEL_SIGMA**2 + (FLOW_SHARE * shift) ** 2
            still, _ = _costs(points, rays, targets, variance, to_camera, intrinsics)
            rest[:, start, known] += np.stack([0.5 * still, np.ones(len(known))])
            for part, motion in enumerate(motions):
                carried = to_camera @ motion[start + step] @ inverse(motion[start])
                costs, pixels = _costs(points, rays, targets, variance, carried, intrinsics)
                tells = np.linalg.norm(pixels - still_pixels, axis=1) > _MIN_APART
                total[start, known[tells], part] += 0.5 * (still - costs)[tells]
                count[start, known[tells], part] += 1
    return FlowOdds(
        odds=np.where(count > 0, total / np.maximum(count, 1), np.nan),
        still=np.where(rest[1] > 0, rest[0] / np.maximum(rest[1], 1), np.nan),
    )


def _costs(
    points: np.ndarray,
    rays: np.ndarray,
    targets: np.ndarray,
    variance: np.ndarray,
    motion: np.ndarray,
    intrinsics: np.ndarray,
) -> tuple[Float[np.ndarray, "point"], Float[np.ndarray, "point 2"]]:
    """Squared sigmas, at most OUTLIER, and the pixels that the motion takes points to."""
    pixels = project(intrinsics, apply(motion, points))
    along = (project(intrinsics, apply(motion, points + _STEP * rays)) - pixels) * (DEPTH_SIGMA / _STEP)
    off = targets - pixels
    # The inverse of variance I + along along'.
    explained = np.sum(off * along, axis=1) ** 2 / (variance + np.sum(along**2, axis=1))
    squared = (np.sum(off**2, axis=1) - explained) / variance
    return np.minimum(np.nan_to_num(squared, nan=OUTLIER, posinf=OUTLIER), OUTLIER), pixels
