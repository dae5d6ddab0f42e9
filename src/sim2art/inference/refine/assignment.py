"""Labels that agree over time: a point's shares averaged with those of points of all frames that show the same place."""

import dataclasses

import numpy as np
from jaxtyping import Float

from sim2art.inference.assign.consensus import agree_over_time, share_out
from sim2art.inference.refine.kinematic_model import BASE
from sim2art.inference.refine.parts import Parts
from sim2art.observation.point_video import PointVideo

LEAST_SHARE = 0.02
"""The proposal is never surer of a point than this allows."""


def agree(video: PointVideo, parts: Parts) -> Parts:
    """The parts with labels that agree over time.

    Where a part hangs on a moving one they stay: what is not its own does not stand still in the world then.

    Args:
        video: In normalised coordinates.
        parts: Of the clip.
    """
    if not parts.num_joints or np.any(parts.model.parents != BASE):
        return parts
    agreed = agree_over_time(video, parts.model.motions(), _log_odds(parts))
    return dataclasses.replace(parts, probabilities=share_out(video, agreed))


def _log_odds(parts: Parts) -> Float[np.ndarray, "joint frame point"]:
    """Of each part against the base."""
    prior = np.moveaxis(np.log(np.clip(parts.probabilities, LEAST_SHARE, 1.0)), -1, 0)
    return prior[1:] - prior[:1]
