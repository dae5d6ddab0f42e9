"""Versions of a joint: fitted to flow or to surfaces, free or along a main direction. The shortest description is kept.

The description length of a part under a joint is -log of the likelihood of its flow and of its surface, each with an
unknown noise and an effective number of observations (N/2 log of the robust cost), and half a logarithm of that number
for each parameter (Schwarz 1978): an axis along a known direction saves two.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from sim2art.articulation.matching import mask_iou
from sim2art.inference.assembly import hypotheses_from_joints
from sim2art.inference.assign.consensus import softmax_with_static
from sim2art.inference.fit.joint_fit import MIN_ROWS, FittedJoint, gather_part_flow, joint_residuals, robust_cost
from sim2art.inference.fit.surface_fit import PartSurface, gather_part_surface, measure_distance
from sim2art.inference.fitting import (
    EVIDENCE_WEIGHT,
    SURFACE_WEIGHT,
    evidence_for_revolute,
    fit_along,
    fit_both_types,
    opinion_of_revolute,
    refit,
    refit_to_surfaces,
    surfaces_for_revolute,
)
from sim2art.inference.hypotheses import Hypotheses, join_hypotheses
from sim2art.inference.judging import Judgement, SampleJudge
from sim2art.inference.propose.main_directions import lies_along
from sim2art.inference.scene import Scene
from sim2art.observation.point_video import PointVideo

DIRECTION_GAIN = float(np.log(2 * EVIDENCE_WEIGHT))
"""What an axis along a known direction saves."""
FLOW_SIGMA = 0.02
"""Flow that differs by much more (normalised units) counts as wrong, whatever the joint."""
FLOW_NOISE = 0.005
"""Errors that neighbouring vectors of flow share: no fit is better than this, normalised units."""
SURFACE_NOISE = 0.003
"""The same of surfaces."""


@dataclass(frozen=True, kw_only=True)
class PromisingConfig:
    """Which hypotheses of a pool are fitted to the points that the judge gave them."""

    num_fits: int = 10
    """At most this many."""
    min_score: float = 0.02
    min_share: float = 0.004
    """Share of the points that a mask covers at least."""
    max_likeness: float = 0.8
    """Of hypotheses whose masks' intersection over union is higher than this, only the best is fitted."""


def shortest(
    video: PointVideo,
    surface: PartSurface | None,
    weights: Float[np.ndarray, "frame point"],
    versions: Sequence[FittedJoint],
    directions: Float[np.ndarray, "direction 3"],
) -> FittedJoint:
    """The version of one joint, all of one type, with the shortest description of the part's flow and surface.

    Args:
        video: In normalised coordinates.
        surface: Of the part.
        weights: Probability that a point belongs to the part.
        versions: At least one; of equal ones the first is kept.
        directions: Axes along these are told for nothing.
    """
    part = gather_part_flow(video, weights)
    lengths = -DIRECTION_GAIN * np.array(
        [float(len(directions) > 0 and lies_along(x.axis, directions)) for x in versions]
    )
    if len(part.weights) >= MIN_ROWS:
        residuals = [joint_residuals(part, x) for x in versions]
        costs = [robust_cost(r, part.weights, FLOW_SIGMA) for r in residuals]
        lengths += EVIDENCE_WEIGHT * np.log(np.array(costs) + FLOW_NOISE**2)
    if surface is not None:
        distances = [measure_distance(surface, x) for x in versions]
        lengths += SURFACE_WEIGHT * np.log(np.array(distances) + SURFACE_NOISE**2)
    return versions[int(np.argmin(lengths))]


def fit_promising(
    judge: SampleJudge,
    pool: Hypotheses,
    judgement: Judgement,
    fitted: Bool[np.ndarray, "hypothesis"],
    config: PromisingConfig,
) -> Hypotheses:
    """The pool with its most promising hypotheses fitted to the points that they were given, their types kept.

    A hypothesis that grew from a few flow vectors is often right about the axis and wrong about how far the joint moved
    where flow failed. Fitted to its whole mask it is recognised.

    Args:
        judge: Of the pool.
        pool: Of hypotheses.
        judgement: What was said of them.
        fitted: Those that were fitted before and stay.
        config: Settings.
    """
    sample = judge.sample
    axes, pivots, values = (np.array(x, dtype=np.float64) for x in (pool.axes, pool.pivots, pool.values))
    for k in choose_promising(sample.video, judgement, config):
        if fitted[k]:
            continue
        share = 1 / (1 + np.exp(-np.clip(judgement.mask_logits[k], -30, 30)))
        weights = sample.weights(share)
        surface = gather_part_surface(sample.video, sample.normals, weights)
        by_flow = refit(sample.video, pool[k], weights)
        by_surface = refit_to_surfaces(sample.video, surface, pool[k], weights)
        as_it_is = refit_to_surfaces(sample.video, None, pool[k], weights)
        directions = sample.scene.directions
        versions = [*fit_along(sample.video, surface, by_flow, by_surface, weights, directions), as_it_is]
        joint = shortest(sample.video, surface, weights, versions, directions)
        axes[k], pivots[k], values[k] = joint.axis, joint.pivot, joint.values
    return dataclasses.replace(pool, axes=axes, pivots=pivots, values=values)


def choose_promising(video: PointVideo, judgement: Judgement, config: PromisingConfig) -> list[int]:
    """Indices of well scored hypotheses with masks that differ, best first.

    Args:
        video: The judged points are the first slots of each of its frames.
        judgement: Of the hypotheses.
        config: Settings.
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


def fit_types(
    judge: SampleJudge, pool: Hypotheses, judgement: Judgement, places: Int[np.ndarray, "chosen"]
) -> tuple[list[FittedJoint], Float[np.ndarray, "joint"], Float[np.ndarray, "joint"]]:
    """Each hypothesis fitted as a revolute and as a prismatic joint; the likelier ones, their scores, and log-odds of revolute.

    They are judged beside the rest of the pool: the judge learned to tell hypotheses of a pool apart, and scores one by
    itself too low.

    Args:
        judge: Of the pool.
        pool: Hypotheses.
        judgement: What was said of the pool.
        places: Hypotheses of the pool that are believed.
    """
    sample, directions = judge.sample, judge.sample.scene.directions
    chosen, judgement = pool.take(places), judgement.take(places)
    others = pool.take(np.setdiff1d(np.arange(len(pool)), places))
    weights = [sample.weights(share) for share in softmax_with_static(judgement.mask_logits)[1:]]
    surfaces = [gather_part_surface(sample.video, sample.normals, weight) for weight in weights]
    fits: list[dict[bool, FittedJoint]] = []
    for i, (weight, surface) in enumerate(zip(weights, surfaces, strict=True)):
        own: dict[bool, FittedJoint] = {}
        for turns, joint in fit_both_types(sample.video, chosen[i], weight).items():
            by_surface = refit_to_surfaces(sample.video, surface, joint, weight)
            versions = fit_along(sample.video, surface, joint, by_surface, weight, directions)
            if turns == chosen[i].is_revolute:
                versions.append(refit_to_surfaces(sample.video, None, chosen[i], weight))
            own[turns] = shortest(sample.video, surface, weight, versions, directions)
        fits.append(own)
    verdicts = {
        turns: judge.judge(join_hypotheses([hypotheses_from_joints([x[turns] for x in fits], chosen.scores), others]))
        for turns in (True, False)
    }
    odds, scores = np.zeros(len(fits)), np.zeros(len(fits))
    joints: list[FittedJoint] = []
    for i, fit in enumerate(fits):
        odds[i] = opinion_of_revolute(verdicts[True], verdicts[False], i)
        odds[i] += evidence_for_revolute(sample.video, fit, weights[i]) + surfaces_for_revolute(surfaces[i], fit)
        turns = bool(odds[i] > 0)
        joints.append(fit[turns])
        scores[i] = verdicts[turns].scores[i]
    return joints, scores, odds


def fit_to_all_points(
    scene: Scene, joints: Sequence[FittedJoint], probabilities: Float[np.ndarray, "frame point part"]
) -> list[FittedJoint]:
    """Joints fitted to all points of their parts, or left as they are.

    Args:
        scene: The clip.
        joints: Of its parts.
        probabilities: The base first.
    """
    out: list[FittedJoint] = []
    for index, joint in enumerate(joints):
        share = probabilities[..., index + 1]
        surface = gather_part_surface(scene.video, scene.normals, share)
        by_surface = refit_to_surfaces(scene.video, surface, joint, share)
        by_flow = refit(scene.video, joint, share)
        versions = [*fit_along(scene.video, surface, by_flow, by_surface, share, scene.directions), joint]
        out.append(shortest(scene.video, surface, share, versions, scene.directions))
    return out
