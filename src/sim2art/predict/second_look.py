"""A second look: hypotheses that the judge finds promising, fitted to the points it gave them.

A guess that grew from a few flow vectors is often right about the axis and wrong about how far the joint moved where
flow failed (fast motion, hidden frames). Fitted to its whole mask, flow and surfaces, it is recognised.
"""

from dataclasses import dataclass

import numpy as np

from sim2art.articulation.matching import mask_iou
from sim2art.observation.point_video import PointVideo
from sim2art.predict.fitting import Judgement, refit, scatter_weights
from sim2art.proposals.assembly import hypotheses_from_joints
from sim2art.proposals.hypotheses import Hypotheses, join_hypotheses


@dataclass(frozen=True, kw_only=True)
class SecondLookConfig:
    """Which hypotheses are fitted."""

    num_fits: int = 10
    """At most this many."""
    min_score: float = 0.02
    min_share: float = 0.004
    """Share of the points that a mask covers at least."""
    max_likeness: float = 0.8
    """Of hypotheses whose masks' intersection over union is higher than this, only the best is fitted."""


def refit_promising(video: PointVideo, pool: Hypotheses, judgement: Judgement, config: SecondLookConfig) -> Hypotheses:
    """The pool with its most promising hypotheses replaced by fits of their own type.

    Args:
        video: In normalised coordinates, its flow smoothed; the judged points are the first slots of each frame.
    """
    judged = np.tile(np.arange(judgement.mask_logits.shape[2]), (video.num_frames, 1))
    valid = video.valid[:, : judged.shape[1]]
    masks = (judgement.mask_logits > 0) & valid[None]
    taken: list[int] = []
    for index in np.argsort(-judgement.scores, kind="stable"):
        if judgement.scores[index] < config.min_score or len(taken) == config.num_fits:
            break
        if masks[index].sum() < max(config.min_share * valid.sum(), 1):
            continue
        if all(mask_iou(masks[index], masks[k]) <= config.max_likeness for k in taken):
            taken.append(int(index))
    if not taken:
        return pool
    shares = 1 / (1 + np.exp(-np.clip(judgement.mask_logits[taken], -30, 30)))
    fits = [
        refit(video, pool[k], scatter_weights(share, judged, video)) for k, share in zip(taken, shares, strict=True)
    ]
    rest = np.setdiff1d(np.arange(len(pool)), taken)
    return join_hypotheses([hypotheses_from_joints(fits, pool.scores[taken]), pool.take(rest)])
