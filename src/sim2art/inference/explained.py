"""Which flow the motions of parts explain, and which of two motions explains it better."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from sim2art.geometry.transforms import apply, inverse
from sim2art.inference.propose.from_flow import MIN_FLOOR
from sim2art.observation.point_video import PointVideo


@dataclass(frozen=True, kw_only=True)
class ExplainedConfig:
    """When flow counts as explained; lengths in normalised units."""

    min_residual: float = 0.02
    """Flow that differs by less from what a point's part does is explained;"""
    min_ratio: float = 0.3
    """so is flow that differs by less than this share of its own length. One motion explains flow better than another if it
    comes nearer by more than this share."""


def own_shares(
    residuals: Float32[np.ndarray, "motion flow"], part: int, others: list[int], config: ExplainedConfig
) -> Float[np.ndarray, "other"]:
    """For each other part, the share of a part's flow that its own motion explains better.

    Of the flow where its own beats standing still, or where the two differ: what the other one moves while the part stands still
    speaks against it. Of many parts that open in turns, the next one else does as this one in most long stretches of time.
    """
    limits = np.maximum(config.min_residual, config.min_ratio * residuals[0])
    better = residuals - residuals[part] > limits
    asked = better[others] | better[0] | (residuals[part] - residuals[others] > limits)
    return np.sum(better[others] & asked, axis=1) / np.maximum(asked.sum(axis=1), 1)


def find_unexplained(
    video: PointVideo,
    residuals: Float32[np.ndarray, "motion baseline frame point"],
    part_ids: Int[np.ndarray, "frame point"],
    config: ExplainedConfig,
) -> Bool[np.ndarray, "baseline frame point"]:
    """Flow that the motion of each point's part (the base: 0) does not explain, of `flow_residuals`."""
    own = np.take_along_axis(residuals, np.broadcast_to(part_ids, residuals.shape[1:])[None], axis=0)[0]
    limit = np.where(part_ids == 0, MIN_FLOOR, np.maximum(config.min_residual, config.min_ratio * residuals[0]))
    return video.flow_valid & (own > limit)


def flow_residuals(
    video: PointVideo, motions: Float[np.ndarray, "part frame 4 4"]
) -> Float32[np.ndarray, "motion baseline frame point"]:
    """How far measured flow is from what standing still, then each motion, brings; 0 where none was measured.

    Args:
        video: In normalised coordinates, its flow smoothed.
        motions: What carries each part from frame 0 to each frame.
    """
    residuals = np.zeros((len(motions) + 1, *video.flow_valid.shape), dtype=np.float32)
    for index, baseline in enumerate(video.baselines):
        count = video.num_frames - baseline
        if count <= 0:
            continue
        points, flow = video.points_world[:count], video.flow_world[index, :count]
        residuals[0, index, :count] = np.linalg.norm(flow, axis=-1)
        for part, motion in enumerate(motions):
            step = motion[baseline:] @ inverse(motion[:count])
            moved = apply(step[:, None], points[:, :, None])[:, :, 0] - points
            residuals[part + 1, index, :count] = np.linalg.norm(moved - flow, axis=-1)
    return residuals * video.flow_valid
