"""Answers that know part of the truth, scored beside the methods: they tell which stage loses what.

`best_proposal` knows the true parts and which proposal is nearest to the truth: what it misses, proposing misses.
`true_parts` knows the true parts and fits their joints: what it misses beyond, the joint fit and the flow miss. What a
method misses beyond `true_parts`, its own choice of parts misses.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
from jaxtyping import Bool

from sim2art.articulation.estimate import ArticulationEstimate
from sim2art.articulation.joint import Joint, JointType
from sim2art.baselines.flow_clustering import NUM_POINTS, TYPE_WEIGHT
from sim2art.dataset.clip import Clip
from sim2art.evaluate.metrics import axis_angle_deg
from sim2art.geometry.screws import nearest_point_on_line
from sim2art.inference.assembly import assemble_estimate
from sim2art.inference.assign.smoothing import smooth_flow
from sim2art.inference.fit.joint_fit import (
    FittedJoint,
    compare_costs,
    fit_joint,
    gather_part_flow,
    joint_residuals,
    robust_cost,
    start_other_type,
)  # fmt: skip
from sim2art.inference.hypotheses import Hypotheses
from sim2art.inference.propose.from_flow import ProposalConfig, propose
from sim2art.observation.normalization import fit_normalization, normalize
from sim2art.observation.point_video import PointVideo

OracleName = Literal["true_parts", "best_proposal"]


def make_oracle(name: OracleName, clip: Clip) -> Callable[[PointVideo], ArticulationEstimate]:
    """The oracle's answer for one clip, in the form of a method."""
    return lambda video: answer_with_truth(name, clip, video)


def answer_with_truth(name: OracleName, clip: Clip, video: PointVideo) -> ArticulationEstimate:
    """True parts, with a joint each from the pool of proposals; a part that no proposal serves is left to the base."""
    normalization = fit_normalization(video)
    normalized = normalize(video, normalization)
    smoothed = smooth_flow(normalized, num_points=NUM_POINTS)
    pool = propose(smoothed, ProposalConfig(), np.random.default_rng(0))
    joints: list[FittedJoint] = []
    odds: list[float] = []
    parts: list[int] = []
    part_ids = clip.part_ids[:, : smoothed.num_points]
    for true_joint in clip.truth.joints if len(pool) else ():
        part = clip.truth.link_index(true_joint.child)
        own = (part_ids == part) & smoothed.valid
        if not own.any():
            continue
        if name == "best_proposal":
            index = _nearest(
                pool, true_joint.moved(_centring(normalization.center)), normalization.scale, normalized, clip, part
            )
            joints.append(_as_fitted(pool, index))
            odds.append(4.0 if pool.is_revolute[index] else -4.0)
        else:
            joint, log_odds = _fit(smoothed, pool, own)
            joints.append(joint)
            odds.append(log_odds)
        parts.append(part)
    new_part = np.zeros(len(clip.truth.links), dtype=np.int64)
    new_part[parts] = np.arange(1, len(parts) + 1)
    return assemble_estimate(
        video,
        normalization,
        joints,
        np.eye(len(parts) + 1)[new_part[clip.part_ids]],
        revolute_probabilities=1 / (1 + np.exp(-np.array(odds))),
        confidences=np.full(len(joints), 0.5),
    )


def _fit(smoothed: PointVideo, pool: Hypotheses, own: Bool[np.ndarray, "frame point"]) -> tuple[FittedJoint, float]:
    """The better of a turn and a slide for a part's flow, from the proposal that explains it best; log-odds of a turn."""
    rows = gather_part_flow(smoothed, own.astype(np.float64))
    residuals = [joint_residuals(rows, pool[index]) for index in range(len(pool))]
    sigma = max(1.5 * float(min(np.median(values) for values in residuals)), 1e-5) if len(rows.start) else 1.0
    best = int(np.argmin([robust_cost(values, rows.weights, sigma) for values in residuals]))
    first = fit_joint(rows, pool[best])
    second = fit_joint(rows, start_other_type(rows, first))
    turn, slide = (first, second) if first.is_revolute else (second, first)
    log_odds = TYPE_WEIGHT * compare_costs(rows, turn, slide) - 1.0
    return (turn if log_odds > 0 else slide), log_odds


def _centring(center: np.ndarray) -> np.ndarray:
    """The shift that takes world coordinates to those about the clip's centre."""
    shift = np.eye(4)
    shift[:3, 3] = -center
    return shift


def _nearest(pool: Hypotheses, centred: Joint, scale: float, normalized: PointVideo, clip: Clip, part: int) -> int:
    """The proposal nearest to a true joint: right type first, then degrees plus centimetres beside the part.

    Args:
        centred: The true joint about the clip's centre, m.
        scale: m a normalised unit.
    """
    turns = centred.type is JointType.REVOLUTE
    costs = np.array([axis_angle_deg(centred.axis, axis.astype(np.float64)) for axis in pool.axes])
    costs += 1000.0 * (pool.is_revolute != turns)
    if turns and centred.pivot is not None:
        middle = normalized.points_world[(clip.part_ids == part) & normalized.valid].mean(axis=0) * scale
        beside = nearest_point_on_line(middle, centred.axis, centred.pivot)
        for index in np.flatnonzero(pool.is_revolute):
            axis, pivot = pool.axes[index].astype(np.float64), pool.pivots[index].astype(np.float64) * scale
            costs[index] += 100 * np.linalg.norm(beside - nearest_point_on_line(beside, axis, pivot))
    return int(np.argmin(costs))


def _as_fitted(pool: Hypotheses, index: int) -> FittedJoint:
    """A proposal as it is, in the form of a fitted joint."""
    guess = pool[index]
    return FittedJoint(
        is_revolute=guess.is_revolute,
        axis=guess.axis,
        pivot=guess.pivot,
        values=guess.values,
        axis_sigma=float("inf"),
        pivot_sigma=float("inf"),
        num_rows=0.0,
    )
