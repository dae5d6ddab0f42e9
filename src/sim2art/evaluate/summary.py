"""Aggregates over clips: means, medians, 90th percentiles, success rates, and how well confidence sorts right from wrong."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from sim2art.articulation.error_law import error_radius
from sim2art.articulation.joint import JointType
from sim2art.evaluate.bootstrap import ClipValues, Interval, interval
from sim2art.evaluate.scores import FOUND_IOU, Claim, ClipScore, JointScore

SUCCESS_BOUNDS = ((10.0, 10.0), (5.0, 5.0))
"""(deg, cm) of the success rates."""
COVERAGES = (0.25, 0.5, 0.75, 0.9, 1.0)
CLEAR_ARC = np.deg2rad(8.0)
"""Arcs from here on are to be told from slides."""
Values = Sequence[float]
_RADII = {percent: error_radius(percent / 100) for percent in (68, 95)}


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Mean, median and 90th percentile of the values that could be measured; None when there were none."""

    count: int
    mean: float | None = None
    median: float | None = None
    p90: float | None = None
    mean_95: Interval | None = None
    """95 % interval; None where fewer than two clips have values."""
    median_95: Interval | None = None
    p90_95: Interval | None = None


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
    found_share: float | None
    """True moving parts with an IoU above 0.5, of all."""
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
    intervals_95: dict[str, Interval | None]
    """95 % intervals of the numbers that are plain means, by field; "success BOUND", "inside INTERVAL", "claims_wrong"."""


def summarize(scores: Sequence[ClipScore]) -> Summary:
    """Aggregate the scores of one method."""
    joints = [joint for score in scores for joint in score.joints]
    still = [score for score in scores if not score.joints and score.failure is None]
    shares = {name: [values(score) for score in scores] for name, values in _MEANS.items()}
    means = {name: _mean(value for values in per_clip for value in values) for name, per_clip in shares.items()}
    return Summary(
        num_clips=len(scores),
        num_failures=sum(score.failure is not None for score in scores),
        num_joints=len(joints),
        mean_iou=spread([[score.mean_iou] for score in scores]),
        moving_iou=spread([[score.moving_iou] for score in scores]),
        count_error=means["count_error"],
        precision=means["precision"],
        recall=means["recall"],
        found_share=means["found_share"],
        still_clips=len(still),
        still_right=means["still_right"],
        type_mistakes=_count_type_mistakes(joints),
        type_accuracy=means["type_accuracy"],
        axis_deg=_spread_of(scores, lambda joint: joint.axis_deg),
        axis_deg_type_right=_spread_of(scores, lambda joint: joint.axis_deg if joint.is_type_right else None),
        axis_deg_penalised=_spread_of(scores, lambda joint: joint.penalised_axis_deg),
        position_cm=_spread_of(scores, lambda joint: joint.position_cm),
        position_cm_penalised=_spread_of(scores, lambda joint: joint.penalised_position_cm),
        line_cm=_spread_of(scores, lambda joint: joint.line_cm),
        motion_deg=_spread_of(scores, lambda joint: joint.motion_deg),
        motion_cm=_spread_of(scores, lambda joint: joint.motion_cm),
        tangent_deg=_spread_of(scores, lambda joint: joint.tangent_deg),
        success={name: means[f"success {name}"] for name in _SUCCESS},
        risk_coverage=measure_risk_coverage([claim for score in scores for claim in score.claims]),
        inside_intervals={name: means[f"inside {name}"] for name in _INSIDE},
        seconds=spread([[score.seconds] for score in scores]),
        intervals_95={name: interval(ClipValues.gather(per_clip), "mean") for name, per_clip in shares.items()},
    )


def _is_success(degrees: float, centimetres: float) -> Callable[[ClipScore], Values]:
    return lambda score: [joint.is_success(max_deg=degrees, max_cm=centimetres) for joint in score.joints]


def _is_inside(error: str, sigma: str, radius: float) -> Callable[[ClipScore], Values]:
    """Whether truths lie within some sigmas, over right-type joints that state one."""

    def values(score: ClipScore) -> Values:
        pairs = [(getattr(joint, error), getattr(joint, sigma)) for joint in score.joints if joint.is_type_right]
        return [value <= radius * width for value, width in pairs if value is not None and width is not None]

    return values


_SUCCESS = {
    f"{degrees:g} deg, {centimetres:g} cm": _is_success(degrees, centimetres) for degrees, centimetres in SUCCESS_BOUNDS
}
_INSIDE = {
    f"{name} {percent} %": _is_inside(error, sigma, radius)
    for name, error, sigma in (("axis", "axis_deg", "axis_sigma_deg"), ("position", "position_cm", "pivot_sigma_cm"))
    for percent, radius in _RADII.items()
}
_MEANS: dict[str, Callable[[ClipScore], Values]] = {
    "count_error": lambda score: [abs(score.count_error)],
    "precision": lambda score: [score.precision],
    "recall": lambda score: [score.recall],
    "found_share": lambda score: [joint.part_iou > FOUND_IOU for joint in score.joints],
    "still_right": lambda score: [] if score.joints or score.failure is not None else [not score.claims],
    "type_accuracy": lambda score: [joint.is_type_right for joint in score.joints],
    "claims_wrong": lambda score: [not claim.is_right for claim in score.claims],
    **{f"success {name}": values for name, values in _SUCCESS.items()},
    **{f"inside {name}": values for name, values in _INSIDE.items()},
}
"""What each clip gives to the numbers that are plain means."""


def group_by_family(scores: Iterable[ClipScore]) -> dict[str, list[ClipScore]]:
    """Scores by family, families in alphabetical order."""
    groups: dict[str, list[ClipScore]] = {}
    for score in scores:
        groups.setdefault(score.family, []).append(score)
    return dict(sorted(groups.items()))


def spread(per_clip: Sequence[Sequence[float | None]]) -> Spread:
    """Mean, median and 90th percentile of every clip's values that are not None, with their intervals."""
    values = ClipValues.gather([[value for value in values if value is not None] for values in per_clip])
    if not len(values.values):
        return Spread(count=0)
    return Spread(
        count=len(values.values),
        mean=values.measure("mean"),
        median=values.measure("median"),
        p90=values.measure("p90"),
        mean_95=interval(values, "mean"),
        median_95=interval(values, "median"),
        p90_95=interval(values, "p90"),
    )


def _spread_of(scores: Sequence[ClipScore], value: Callable[[JointScore], float | None]) -> Spread:
    """`spread` of a value of each joint."""
    return spread([[value(joint) for joint in score.joints] for score in scores])


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


def _mean(values: Iterable[float]) -> float | None:
    listed = [float(value) for value in values]
    return float(np.mean(listed)) if listed else None
