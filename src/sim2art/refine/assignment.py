"""Points handed out again: the proposal's word, and what the refined joints say about each point's flow and surface."""

import dataclasses
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from sim2art.observation.moving_frame import seen_from
from sim2art.observation.point_video import PointVideo
from sim2art.proposals.consensus import agree_over_time, share_out
from sim2art.proposals.evidence import index_video
from sim2art.proposals.gains import GAIN_EVIDENCE, measure_gains
from sim2art.proposals.hypotheses import Hypotheses
from sim2art.proposals.smoothing import smooth_flow
from sim2art.refine.kinematic_model import BASE, KinematicModel
from sim2art.refine.parts import Parts


@dataclass(frozen=True, kw_only=True)
class AssignmentConfig:
    """How far evidence may overrule the proposal."""

    strength: float = 0.25
    """Log-odds of a unit of gain; 0 leaves the points where they are."""
    max_gain: float = 2.0
    """One point's evidence counts for no more than this."""
    least_share: float = 0.02
    """The proposal is never surer of a point than this allows."""
    num_points: int = 512
    """Points a frame that are judged at a time."""


def reassign(
    video: PointVideo, parts: Parts, gains: Float[np.ndarray, "joint frame point"], config: AssignmentConfig
) -> Parts:
    """The parts with each point's shares multiplied by what the evidence says.

    Args:
        gains: Of each joint's motion against standing still, as `total_gains` gives them.
    """
    evidence = config.strength * np.clip(gains, -config.max_gain, config.max_gain)
    return dataclasses.replace(parts, probabilities=share_out(video, _log_odds(parts, config) + evidence))


def agree(video: PointVideo, parts: Parts, config: AssignmentConfig) -> Parts:
    """The parts with each point's shares averaged with those of points of all frames that show the same place.

    Where a part hangs on a moving one they stay: what is not its own does not stand still in the world then.

    Args:
        video: In normalised coordinates.
    """
    if not parts.num_joints or np.any(parts.model.parents != BASE):
        return parts
    agreed = agree_over_time(video, parts.model.motions(), _log_odds(parts, config))
    return dataclasses.replace(parts, probabilities=share_out(video, agreed))


def _log_odds(parts: Parts, config: AssignmentConfig) -> Float[np.ndarray, "joint frame point"]:
    """Of each part against the base."""
    prior = np.moveaxis(np.log(np.clip(parts.probabilities, config.least_share, 1.0)), -1, 0)
    return prior[1:] - prior[:1]


def total_gains(
    video: PointVideo, model: KinematicModel, config: AssignmentConfig
) -> Float[np.ndarray, "joint frame point"]:
    """How much better each joint explains each point than standing still; a child's gain comes on top of its parent's.

    Args:
        video: In normalised coordinates.
    """
    gains = np.zeros((model.num_joints, *video.valid.shape))
    for parent in sorted(set(model.parents.tolist()), key=lambda p: -1 if p == BASE else len(model.ancestors(p))):
        children = np.flatnonzero(model.parents == parent)
        seen = video if parent == BASE else seen_from(video, model.motions()[parent])
        pool = Hypotheses(
            is_revolute=model.is_revolute[children],
            axes=model.axes[children],
            pivots=model.pivots[children],
            values=model.values[children],
            scores=np.full(len(children), 0.5),
        )
        surface = index_video(seen, GAIN_EVIDENCE)
        for first in range(0, video.num_points, config.num_points):
            chunk = smooth_flow(seen, first_point=first, num_points=config.num_points)
            if chunk.valid.any():
                gains[children, :, first : first + chunk.num_points] = measure_gains(chunk, surface, pool)
        if parent != BASE:
            gains[children] += gains[parent]
    return gains
