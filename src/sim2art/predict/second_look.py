"""A second look: hypotheses that the judge finds promising, fitted to the points it gave them.

A guess that grew from a few flow vectors is often right about the axis and wrong about how far the joint moved where
flow failed (fast motion, hidden frames). Fitted to its whole mask it is recognised. Where flow itself is wrong, for want
of texture, a fit to it ruins a good guess, and one to surfaces alone mends it. So both are tried, and the judge says which
of them is best, the guess or a fit, its axis free or along a main direction.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sim2art.articulation.matching import mask_iou
from sim2art.observation.point_video import PointVideo
from sim2art.predict.fitting import Judgement, fit_along, refit, refit_to_surfaces, scatter_weights
from sim2art.predict.judging import Draw
from sim2art.proposals.hypotheses import Hypotheses, JointGuess
from sim2art.proposals.joint_fit import FittedJoint
from sim2art.proposals.surface_fit import gather_part_surface


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


def look_again(
    draw: Draw, pool: Hypotheses, judgement: Judgement, config: SecondLookConfig
) -> tuple[Hypotheses, Judgement]:
    """The pool with its most promising hypotheses as they were or fitted, whichever scores best, and what was said of it."""
    taken = choose_promising(draw.video, judgement, config)
    if not taken:
        return pool, judgement
    versions: list[list[FittedJoint]] = []
    for k in taken:
        share = 1 / (1 + np.exp(-np.clip(judgement.mask_logits[k], -30, 30)))
        versions.append(_fits(draw, pool[k], scatter_weights(share, draw.judged, draw.video)))
    pools = [*(_replaced(pool, taken, version) for version in zip(*versions, strict=True)), pool]
    best, found = draw.prefer(pools, [judgement])
    rows = np.arange(len(pool))
    fields = {
        field.name: np.stack([getattr(version, field.name) for version in pools])[best, rows]
        for field in dataclasses.fields(Hypotheses)
    }
    return Hypotheses(**fields), found


def _fits(draw: Draw, guess: JointGuess, weights: np.ndarray) -> list[FittedJoint]:
    """A guess fitted to its points in four ways."""
    surface = gather_part_surface(draw.video, draw.normals, weights)
    by_flow = refit(draw.video, guess, weights)
    by_surface = refit_to_surfaces(draw.video, surface, guess, weights)
    return fit_along(draw.video, surface, by_flow, by_surface, weights, draw.directions)


def choose_promising(video: PointVideo, judgement: Judgement, config: SecondLookConfig) -> list[int]:
    """Indices of well scored hypotheses with masks that differ, best first.

    Args:
        video: The judged points are the first slots of each of its frames.
    """
    valid = video.valid[:, : judgement.mask_logits.shape[2]]
    masks = (judgement.mask_logits > 0) & valid[None]
    taken: list[int] = []
    for index in np.argsort(-judgement.scores, kind="stable"):
        if judgement.scores[index] < config.min_score or len(taken) == config.num_fits:
            break
        if masks[index].sum() < max(config.min_share * valid.sum(), 1):
            continue
        if all(mask_iou(masks[index], masks[k]) <= config.max_likeness for k in taken):
            taken.append(int(index))
    return taken


def _replaced(pool: Hypotheses, taken: list[int], joints: Sequence[FittedJoint]) -> Hypotheses:
    """The pool with other joints, of the same types, in these places."""
    axes, pivots, values = (np.array(x, dtype=np.float64) for x in (pool.axes, pool.pivots, pool.values))
    for k, joint in zip(taken, joints, strict=True):
        axes[k], pivots[k], values[k] = joint.axis, joint.pivot, joint.values
    return dataclasses.replace(pool, axes=axes, pivots=pivots, values=values)
