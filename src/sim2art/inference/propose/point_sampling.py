"""Which points of a clip are looked at: more of what moves, spread over space, so that small parts get their share.

A knob has one point in a hundred. A fair draw of 512 points a frame leaves it five; half of those whose flow is measured
at all. Most of the other points stand still and say the same thing over and over.
"""

import numpy as np
from jaxtyping import Int

from sim2art.inference.propose.from_flow import MIN_FLOOR, count_in_cells, flow_floor
from sim2art.observation.point_video import PointVideo

MOVING_SHARE = 0.6
"""Of the draw, where that many points seem to move."""


def sample_moving(
    video: PointVideo, num_points: int, rng: np.random.Generator, *, moving_share: float = MOVING_SHARE
) -> Int[np.ndarray, "frame slot"]:
    """Different slots of each frame in random order, those that hold no point last.

    Args:
        video: In normalised coordinates, its flow smoothed (`smooth_flow`).
        num_points: Slots a frame; all when there are fewer.
        moving_share: Weight of all points whose flow at some baseline is longer than noise; within them, points of
            crowded cells weigh less.
    """
    lengths = np.where(video.flow_valid, np.linalg.norm(video.flow_world, axis=-1), 0.0).max(axis=0)
    moving = video.valid & (lengths > flow_floor(video.flow_world, video.flow_valid, MIN_FLOOR))
    still = video.valid & ~moving
    weights = np.zeros(video.valid.shape)
    frames, slots = np.nonzero(moving)
    weights[moving] = 1.0 / np.sqrt(count_in_cells(video.points_world[frames, slots], frames))
    weights *= moving_share / np.maximum(weights.sum(axis=1, keepdims=True), 1e-12)
    weights += (1.0 - moving_share) * still / np.maximum(still.sum(axis=1, keepdims=True), 1)
    # The largest of log-weights plus Gumbel noise are a weighted draw without replacement, in random order.
    with np.errstate(divide="ignore"):
        keys = np.log(weights) + rng.gumbel(size=weights.shape)
    drawn = np.argsort(-keys, axis=1, kind="stable")[:, : min(num_points, video.num_points)]
    drawn = rng.permuted(drawn, axis=1)
    holds_none = ~np.take_along_axis(video.valid, drawn, axis=1)
    return np.take_along_axis(drawn, np.argsort(holds_none, axis=1, kind="stable"), axis=1)
