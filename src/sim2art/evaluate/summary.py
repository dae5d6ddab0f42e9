"""Aggregates over clips: means, medians, 90th percentiles, success rates, and how well confidence sorts right from wrong."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from sim2art.articulation.error_law import error_radius
from sim2art.articulation.joint import JointType
from sim2art.evaluate.scores import Claim, ClipScore, JointScore

SUCCESS_BOUNDS = ((10.0, 10.0), (5.0, 5.0))
"""(deg, cm) of the success rates."""
COVERAGES = (0.25, 0.5, 0.75, 0.9, 1.0)
CLEAR_ARC = np.deg2rad(8.0)
"""Arcs from here on are to be told from slides."""
_RADII = {percent: error_radius(percent / 100) for percent in (68, 95)}


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Mean, median and 90th percentile of the values that could be measured; None when there were none."""

    count: int
    mean: float | None = None
    median: float | None = None
    p90: float | None = None


@dataclass(frozen=True, kw_only=True)
class RiskCoverage:
    """Error against the share answered, when the surest claims are answered first."""

    coverages: tuple[float, ...]
    wrong: tuple[float, ...]
    """Share of wrong claims (type, or axis beyond 10 deg) among those answered."""
    axis_deg: tuple[float, ...]
    """Mean axis error of those answered, deg."""
    area: float | None
    """Mean of `wrong` over all coverages; lower is better. None without claims."""
    calibration_error: float | None
    """Mean gap between confidence and share right, over ten bins of confidence, weighted by claims."""


@dataclass(frozen=True, kw_only=True)
class TypeMistakes:
    """How often types are mixed up, over matched joints whose answer has status ok; the others are counted apart."""

    slides_called_turns: float | None
    turns_called_slides: float | None
    """Over arcs of at least `CLEAR_ARC`."""
    open: float | None
    """Share of matched joints whose answer is not ok."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """One method over one group of clips. Degrees, centimetres, shares 0..1."""

    num_clips: int
    num_failures: int
    num_joints: int
    mean_iou: Spread
    moving_iou: Spread
    count_error: float | None
    """Mean absolute error of the number of parts."""
    precision: float | None
    recall: float | None
    still_clips: int
    """Clips in which nothing moves."""
    still_right: float | None
    """Share of them where the method claims no joint."""
    type_accuracy: float | None
    type_mistakes: TypeMistakes
    axis_deg: Spread
    """Matched joints of any type."""
    axis_deg_type_right: Spread
    axis_deg_penalised: Spread
    position_cm: Spread
    position_cm_penalised: Spread
    line_cm: Spread
    motion_deg: Spread
    motion_cm: Spread
    tangent_deg: Spread
    success: dict[str, float | None]
    """Share of true joints, by "10 deg, 10 cm" and "5 deg, 5 cm"."""
    risk_coverage: RiskCoverage
    inside_intervals: dict[str, float | None]
    """Share of truths inside the stated 68 % and 95 % intervals of axis and position."""
    seconds: Spread


def summarize(scores: Sequence[ClipScore]) -> Summary:
    """Aggregate the scores of one method."""
    joints = [joint for score in scores for joint in score.joints]
    right = [joint for joint in joints if joint.is_type_right]
    still = [score for score in scores if not score.joints and score.failure is None]
    return Summary(
        num_clips=len(scores),
        num_failures=sum(score.failure is not None for score in scores),
        num_joints=len(joints),
        mean_iou=spread(score.mean_iou for score in scores),
        moving_iou=spread(score.moving_iou for score in scores),
        count_error=_mean(abs(score.count_error) for score in scores),
        precision=_mean(score.precision for score in scores),
        recall=_mean(score.recall for score in scores),
        still_clips=len(still),
        still_right=_mean(not score.claims for score in still),
        type_mistakes=_count_type_mistakes(joints),
        type_accuracy=_mean(joint.is_type_right for joint in joints),
        axis_deg=spread(joint.axis_deg for joint in joints),
        axis_deg_type_right=spread(joint.axis_deg for joint in right),
        axis_deg_penalised=spread(joint.penalised_axis_deg for joint in joints),
        position_cm=spread(joint.position_cm for joint in joints),
        position_cm_penalised=spread(joint.penalised_position_cm for joint in joints),
        line_cm=spread(joint.line_cm for joint in joints),
        motion_deg=spread(joint.motion_deg for joint in joints),
        motion_cm=spread(joint.motion_cm for joint in joints),
        tangent_deg=spread(joint.tangent_deg for joint in joints),
        success={
            f"{degrees:g} deg, {centimetres:g} cm": _mean(
                joint.is_success(max_deg=degrees, max_cm=centimetres) for joint in joints
            )
            for degrees, centimetres in SUCCESS_BOUNDS
        },
        risk_coverage=measure_risk_coverage([claim for score in scores for claim in score.claims]),
        inside_intervals=_measure_intervals(joints),
        seconds=spread(score.seconds for score in scores),
    )


def group_by_family(scores: Iterable[ClipScore]) -> dict[str, list[ClipScore]]:
    """Scores by family, families in alphabetical order."""
    groups: dict[str, list[ClipScore]] = {}
    for score in scores:
        groups.setdefault(score.family, []).append(score)
    return dict(sorted(groups.items()))


def spread(values: Iterable[float | None]) -> Spread:
    """Mean, median and 90th percentile of the values that are not None."""
    measured = np.array([value for value in values if value is not None], dtype=np.float64)
    if not len(measured):
        return Spread(count=0)
    return Spread(
        count=len(measured),
        mean=float(np.mean(measured)),
        median=float(np.median(measured)),
        p90=float(np.percentile(measured, 90)),
    )


def measure_risk_coverage(claims: Sequence[Claim]) -> RiskCoverage:
    """How fast errors grow as less sure claims are answered too."""
    if not claims:
        return RiskCoverage(coverages=(), wrong=(), axis_deg=(), area=None, calibration_error=None)
    ordered = sorted(claims, key=lambda claim: -claim.confidence)
    counts = np.arange(1, len(ordered) + 1)
    wrong = np.cumsum([not claim.is_right for claim in ordered]) / counts
    axis_deg = np.cumsum([claim.axis_deg for claim in ordered]) / counts
    at = [max(int(np.ceil(coverage * len(ordered))) - 1, 0) for coverage in COVERAGES]
    confidences = np.array([claim.confidence for claim in ordered])
    is_right = np.array([claim.is_right for claim in ordered])
    bins = np.clip((confidences * 10).astype(int), 0, 9)
    gaps = [
        np.sum(bins == index) * abs(confidences[bins == index].mean() - is_right[bins == index].mean())
        for index in np.unique(bins)
    ]
    return RiskCoverage(
        coverages=COVERAGES,
        wrong=tuple(float(wrong[index]) for index in at),
        axis_deg=tuple(float(axis_deg[index]) for index in at),
        area=float(np.mean(wrong)),
        calibration_error=float(np.sum(gaps) / len(ordered)),
    )


def _count_type_mistakes(joints: Sequence[JointScore]) -> TypeMistakes:
    matched = [joint for joint in joints if joint.is_matched]
    told = [joint for joint in matched if not joint.is_open]
    slides = [joint for joint in told if joint.true_type is JointType.PRISMATIC]
    arcs = [joint for joint in told if joint.true_type is JointType.REVOLUTE and (joint.true_swing or 0.0) >= CLEAR_ARC]
    return TypeMistakes(
        slides_called_turns=_mean(joint.estimated_type is JointType.REVOLUTE for joint in slides),
        turns_called_slides=_mean(joint.estimated_type is JointType.PRISMATIC for joint in arcs),
        open=_mean(joint.is_open for joint in matched),
    )


def _measure_intervals(joints: Sequence[JointScore]) -> dict[str, float | None]:
    """Share of truths inside the 68 % and 95 % intervals, over right-type joints that state a sigma."""
    shares: dict[str, float | None] = {}
    for name, error, sigma in (("axis", "axis_deg", "axis_sigma_deg"), ("position", "position_cm", "pivot_sigma_cm")):
        pairs = [(getattr(joint, error), getattr(joint, sigma)) for joint in joints if joint.is_type_right]
        stated = [(value, width) for value, width in pairs if value is not None and width is not None]
        for percent, radius in _RADII.items():
            shares[f"{name} {percent} %"] = _mean(value <= radius * width for value, width in stated)
    return shares


def _mean(values: Iterable[float]) -> float | None:
    listed = [float(value) for value in values]
    return float(np.mean(listed)) if listed else None
