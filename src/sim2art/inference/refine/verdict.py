"""What is said in the end: joints in metres, with sigmas, confidence, status and reasons a person understands."""

import dataclasses
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from sim2art.articulation.estimate import ArticulationEstimate, JointEstimate, Status, part_name
from sim2art.articulation.estimate_io import OPEN_PARTS
from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.geometry.transforms import apply
from sim2art.inference.assembly import NO_MOTION
from sim2art.inference.refine.calibration import Calibration, JointFacts
from sim2art.inference.refine.correspondences import match_surfaces
from sim2art.inference.refine.doubts import Doubts
from sim2art.inference.refine.evidence import compare_lengths, measure_inflation
from sim2art.inference.refine.kinematic_model import BASE, KinematicModel, joint_motion, layout_of
from sim2art.inference.refine.parts import Parts
from sim2art.inference.refine.pose_evidence import explained_ratio, measure_turns
from sim2art.inference.refine.residuals import join_rows, row_residuals
from sim2art.inference.refine.sight import Sight
from sim2art.inference.refine.solver import Solution
from sim2art.observation.normalization import Normalization
from sim2art.observation.point_video import PointVideo

AMBIGUOUS_TYPE = 3.0
"""Log-odds below which the joint type counts as open."""
SURE_PART = 0.8
"""Probability below which a part may not be one."""
AMBIGUOUS_AXIS = np.deg2rad(15.0)
FEW_ROWS = 40.0
"""Sum of trust of rows below which a part is said to have too few points."""
HELD_OUT_SHARE = 0.5
"""Rows that no fit has seen decide on a joint when they weigh this much of those that were fitted."""
SMALL_TURN = np.deg2rad(5.0)
SMALL_TRAVEL = 0.05
"""Normalised units."""


def gather_facts(sight: Sight, parts: Parts, solution: Solution) -> list[JointFacts]:
    """What is known about each joint after the last solution."""
    model = parts.model
    layout = layout_of(model)
    size = np.sqrt(np.diag(solution.information) + 1e-9)
    scaled = solution.information / size / size[:, None] + 1e-9 * np.eye(len(size))
    facts = []
    for k in range(model.num_joints):
        rows = sight.rows.take(np.flatnonzero(sight.rows.part == k))
        residuals = row_residuals(rows, model)
        lengths = np.linalg.norm(residuals, axis=1)
        median = float(np.median(lengths)) if len(rows) else 0.0
        robust = rows.weight / (1 + (lengths / max(2.0 * median, 1e-3)) ** 2) ** 2
        shape = layout.shape(k)
        columns = np.linalg.solve(scaled, np.eye(len(size))[:, shape])
        variances = np.maximum(np.diag(columns[shape]) / size[shape] ** 2, 0.0)
        turns = bool(model.is_revolute[k])
        odds = float(parts.type_odds[k])
        facts.append(
            JointFacts(
                proposed_confidence=float(parts.confidences[k]),
                support=float(parts.support[k]),
                type_odds=odds if turns else -odds,
                axis_sigma=float(np.sqrt(variances[:2].mean())),
                pivot_sigma=float(np.sqrt(variances[2:].mean())),
                swing=float(np.ptp(model.values[k])),
                travel=travel(model, k, sight.centers[k]),
                share=float(parts.probabilities[sight.video.valid][:, k + 1].mean())
                if sight.video.valid.any()
                else 0.0,
                num_rows=float(rows.weight.sum()),
                noise=median,
                inflation=measure_inflation(rows, residuals, robust),
                gain=None,
                is_revolute=turns,
                is_held=bool(model.is_held[k]),
                pose_ratio=explained_ratio(measure_turns(rows), model[k])
                if turns and model.parents[k] == BASE
                else 1.0,
            )
        )
    return facts


def travel(model: KinematicModel, joint: int, center: Float[np.ndarray, "3"]) -> float:
    """Size of the way that the middle of a part takes by its own joint, normalised units.

    Args:
        center: Middle of the part's points.
    """
    path = apply(joint_motion(model[joint]), center[None])[:, 0]
    return float(np.linalg.norm(np.ptp(path, axis=0)))


def accept(sight: Sight, parts: Parts, proposed: KinematicModel, facts: list[JointFacts]) -> list[JointFacts]:
    """The same facts with the log-odds of each refined joint against the proposed one, on flow and surfaces alike.

    Flow of points that no fit has seen decides where a part has enough of them.
    """
    weighed = []
    unseen = sight.held_out(parts)
    for k, fact in enumerate(facts):
        origin = int(parts.origins[k])
        if proposed.parents[origin] != BASE:
            weighed.append(fact)
            continue
        other = parts.model.with_joint(k, proposed[origin], BASE)
        sets = [unseen.take(np.flatnonzero(unseen.part == k))]
        if sets[0].weight.sum() < HELD_OUT_SHARE * fact.num_rows:
            sets = [sight.rows.take(np.flatnonzero(sight.rows.part == k))]
        for model in (parts.model, other):
            matched = match_surfaces(sight.surfaces, model, sight.num_kinds, sight.config)
            sets.append(matched.take(np.flatnonzero(matched.part == k)))
        rows = join_rows(sets)
        others = np.linalg.norm(row_residuals(rows, other), axis=1)
        weighed.append(
            dataclasses.replace(fact, gain=compare_lengths(rows, row_residuals(rows, parts.model), others, 0.0))
        )
    return weighed


@dataclass(frozen=True, kw_only=True)
class Conclusion:
    """The refined estimate, and the facts that it rests on."""

    estimate: ArticulationEstimate
    facts: tuple[JointFacts, ...]
    """One for each joint."""
    doubts: Doubts


def conclude(
    video: PointVideo,
    normalization: Normalization,
    proposal: ArticulationEstimate,
    parts: Parts,
    facts: list[JointFacts],
    doubts: Doubts,
    calibration: Calibration,
) -> Conclusion:
    """The estimate in world units.

    Args:
        video: As it came, in world units.
        proposal: What was refined; its reasons are carried along.
    """
    model = parts.model
    answers = []
    values = np.zeros((video.num_frames, model.num_joints))
    for k, fact in enumerate(facts):
        turns = fact.is_revolute
        values[:, k] = model.values[k] * (1.0 if turns else normalization.scale)
        probability = 1 / (1 + float(np.exp(-np.clip(parts.type_odds[k], -30, 30))))
        status, reasons = judge_joint(fact, calibration, unit_length=normalization.scale, is_metric=video.is_metric)
        answers.append(
            JointEstimate(
                joint=Joint(
                    name=f"joint_{k + 1}",
                    type=JointType.REVOLUTE if turns else JointType.PRISMATIC,
                    parent=part_name(int(model.parents[k]) + 1),
                    child=part_name(k + 1),
                    axis=model.axes[k],
                    pivot=normalization.undo(model.pivots[k]) if turns else None,
                ),
                type_probabilities={JointType.REVOLUTE: probability, JointType.PRISMATIC: 1 - probability},
                confidence=calibration.confidence(fact),
                axis_sigma=calibration.axis_sigma(fact),
                pivot_sigma=calibration.pivot_sigma(fact) * normalization.scale if turns else None,
                status=status,
                reasons=reasons,
            )
        )
    reasons = [reason for reason in proposal.reasons if not (answers and reason == NO_MOTION)]
    if not answers and not reasons:
        reasons.append(NO_MOTION)
    status = proposal.status
    if doubts.reasons():
        reasons += doubts.reasons()
        status = Status.AMBIGUOUS if status is Status.OK else status
    reasons += doubts.remarks()
    open_joints = [answer.joint.child for answer in answers if answer.status is not Status.OK]
    if open_joints:
        reasons.append(OPEN_PARTS + ", ".join(open_joints))
        status = Status.AMBIGUOUS if status is Status.OK else status
    return Conclusion(
        estimate=ArticulationEstimate(
            part_probabilities=parts.probabilities.astype(np.float32).astype(np.float64),
            joints=tuple(answers),
            trajectory=JointTrajectory(
                joint_names=tuple(answer.joint.name for answer in answers), times=video.times.copy(), values=values
            ),
            status=status,
            reasons=tuple(reasons),
        ),
        facts=tuple(facts),
        doubts=doubts,
    )


def judge_joint(
    fact: JointFacts, calibration: Calibration, *, unit_length: float, is_metric: bool
) -> tuple[Status, tuple[str, ...]]:
    """Status of a joint, and why it is not ok.

    Args:
        unit_length: m a normalised unit.
        is_metric: Whether lengths can be told in centimetres.
    """
    reasons = []
    moved = f"{np.rad2deg(fact.swing):.0f} degrees"
    if not fact.is_revolute:
        moved = (
            f"{100 * fact.swing * unit_length:.1f} cm" if is_metric else f"{100 * fact.swing / 2:.0f} % of the object"
        )
    if (fact.is_revolute and fact.swing < SMALL_TURN) or fact.travel < SMALL_TRAVEL:
        reasons.append(f"moved only {moved}")
    if fact.num_rows < FEW_ROWS:
        reasons.append("too few of its points could be followed")
    is_faint = calibration.existence(fact) < SURE_PART
    if is_faint:
        reasons.append("its motion is hardly larger than the noise")
    if fact.type_odds < AMBIGUOUS_TYPE:
        other = "sliding" if fact.is_revolute else "turning"
        reasons.append(f"{other} explains its motion almost as well")
    sigma = calibration.axis_sigma(fact)
    if sigma > AMBIGUOUS_AXIS:
        reasons.append(f"its axis is known to {np.rad2deg(sigma):.0f} degrees only")
    if fact.is_kept:
        reasons.append("refining did not explain its points better, so the first guess stands")
    doubtful = is_faint or fact.type_odds < AMBIGUOUS_TYPE or sigma > AMBIGUOUS_AXIS
    return (Status.AMBIGUOUS if doubtful else Status.OK), tuple(reasons if doubtful else ())
