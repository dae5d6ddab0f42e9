"""Scores over the set of real tracks: one row a recording, repeats of one mechanism, and the counts that matter.

`track_fit` is the fit of a circle or a line to the positions; it answers for every recording. Other methods answer
for the six-DoF recordings, whose poses carry a patch of points (`real_tracks_video.py`).
"""

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from sim2art.articulation.estimate import ArticulationEstimate, Status
from sim2art.articulation.joint import JointType
from sim2art.evaluate.bootstrap import ClipValues, interval
from sim2art.evaluate.measures import format_interval
from sim2art.evaluate.real_tracks import KITCHEN, RealTrack
from sim2art.evaluate.real_tracks_fit import Curve, TrackFit, fit_track, fit_turning_axis, fit_with_axis, plain_axis
from sim2art.evaluate.real_tracks_video import video_from_track
from sim2art.geometry.rotations import line_angle
from sim2art.geometry.screws import nearest_point_on_line
from sim2art.observation.point_video import PointVideo

TRACK_FIT = "track_fit"
SURE = 0.5
"""A claim with less confidence than this is not a sure one."""


@dataclass(frozen=True, kw_only=True)
class TrackAnswer:
    """What a method says about one recording."""

    type: JointType | None
    """None when it finds no joint on the body."""
    is_sure: bool
    """Whether it says so without reserve: status ok, and confidence of a half at least."""
    axis_to_fit_deg: float | None
    """Angle between its axis and that of the position fit."""
    seconds: float
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TrackScore:
    """One recording: the fit to its positions, the two readings of its axis, its two passes, and the methods' answers."""

    name: str
    true_type: JointType | None
    positions: Float[np.ndarray, "reading 3"]
    """m, as recorded."""
    fit: TrackFit
    readings_deg: float | None
    """Angle between the circle's normal and the axis of the orientations; hinged six-DoF recordings only."""
    passes_deg: float | None
    """Angle between the axes of opening and of closing, where a recording shows both."""
    passes_cm: float | None
    """Distance from the centre of the one circle to the axis of the other; hinged recordings only."""
    answers: dict[str, TrackAnswer]

    def is_right(self, method: str) -> bool | None:
        """Whether the type is right, or no sure claim is made where none can be; None when it was not asked."""
        answer = self.answers.get(method)
        if answer is None:
            return None
        return not answer.is_sure if self.true_type is None else answer.type is self.true_type

    def is_surely_wrong(self, method: str) -> bool:
        """Whether a wrong claim is made without reserve."""
        answer = self.answers.get(method)
        return answer is not None and answer.is_sure and not self.is_right(method)


@dataclass(frozen=True, kw_only=True)
class MechanismScore:
    """Recordings of one mechanism. The robot's base stood elsewhere in each, so lines cannot be compared, radii can."""

    name: str
    num: int
    axis_deg: float | None
    """Largest angle of an axis to their mean; includes how the base was turned, unless the axis is upright."""
    radius_cm: float | None
    """Largest difference of a radius from their median; None for slides."""
    plain_deg: float
    """The same angle for plain planes (or lines) through all positions, which no choice of ours can have spoilt."""
    own_mm: float
    """What the recording with the farthest axis leaves unexplained with its own axis (1.5 medians)."""
    forced_mm: float
    """What it leaves with the mean axis of the mechanism: were the recordings of one axis, about as much."""


def score_tracks(
    tracks: Iterable[RealTrack],
    methods: Mapping[str, Callable[[PointVideo], ArticulationEstimate]],
    *,
    clock: Callable[[], float],
) -> list[TrackScore]:
    """Fit every recording, and ask the methods about those with orientations.

    Args:
        clock: Gives seconds; for the time of an answer.
    """
    return [_score_track(track, methods, clock) for track in tracks]


def compare_repeats(scores: Sequence[TrackScore]) -> list[MechanismScore]:
    """Each mechanism that was recorded more than once; the kitchen's recordings are of many."""
    groups: dict[str, list[TrackScore]] = {}
    for score in scores:
        if not score.name.startswith(KITCHEN) and score.true_type is not None:
            groups.setdefault(score.name.split("/")[0], []).append(score)
    out = []
    for name, group in groups.items():
        group = [score for score in group if score.fit.type is score.true_type]
        if len(group) < 2:
            continue
        curves = [score.fit.curve for score in group]
        angles, mean = _spread_of_axes(np.array([curve.axis for curve in curves]))
        plain, _ = _spread_of_axes(np.array([plain_axis(score.positions, score.fit.curve) for score in group]))
        radii = np.array([curve.radius for curve in curves])
        farthest = group[int(np.argmax(angles))]
        out.append(
            MechanismScore(
                name=name,
                num=len(curves),
                axis_deg=float(angles.max()),
                radius_cm=100 * float(np.abs(radii - np.median(radii)).max()) if curves[0].is_circle else None,
                plain_deg=float(plain.max()),
                own_mm=1000 * farthest.fit.residual,
                forced_mm=1000 * fit_with_axis(farthest.positions, mean, farthest.fit.curve).residual,
            )
        )
    return out


def _spread_of_axes(axes: Float[np.ndarray, "recording 3"]) -> tuple[np.ndarray, np.ndarray]:
    """Angle of each undirected axis to their mean (deg), and the mean."""
    aligned = axes * np.where(axes @ axes[0] < 0, -1.0, 1.0)[:, None]
    mean = aligned.mean(axis=0) / np.linalg.norm(aligned.mean(axis=0))
    return np.rad2deg(line_angle(aligned, mean[None])), mean


def format_tracks(scores: Sequence[TrackScore]) -> str:
    """The rows, the repeats, and the counts, as text."""
    methods = list(dict.fromkeys(method for score in scores for method in score.answers))
    asked = [method for method in methods if method != TRACK_FIT]
    head = ["recording", "true", "fit", "status", "log-odds", "swing", "radius", "residual", "on it"]
    head += ["two readings", "open|close", *asked]
    rows = [head] + [_row(score, asked) for score in scores]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "-" * max(map(len, lines)))
    lines += ["", "Recordings of one mechanism, the robot standing elsewhere in each:"]
    for group in compare_repeats(scores):
        radius = "" if group.radius_cm is None else f", radii within {group.radius_cm:.1f} cm of their median"
        lines.append(
            f"  {group.name} ({group.num}): axes within {group.axis_deg:.1f} deg of their mean{radius}; "
            f"plain least squares {group.plain_deg:.1f} deg; the farthest leaves {group.own_mm:.1f} mm with its own axis, "
            f"{group.forced_mm:.1f} mm with their mean"
        )
    lines += ["", *(_count(scores, method) for method in methods), *_agreements(scores)]
    return "\n".join(lines)


def tracks_to_dict(scores: Sequence[TrackScore]) -> dict[str, Any]:
    """Everything as JSON values."""

    def plain(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return value.tolist()
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [plain(item) for item in value]
        return None if isinstance(value, float) and not math.isfinite(value) else value

    return {
        "recordings": [
            plain({key: value for key, value in dataclasses.asdict(score).items() if key != "positions"})
            for score in scores
        ],
        "right_95": {
            method: interval(
                ClipValues.gather([[bool(score.is_right(method))] for score in scores if method in score.answers]),
                "mean",
            )
            for method in dict.fromkeys(method for score in scores for method in score.answers)
        },
        "mechanisms": [dataclasses.asdict(group) for group in compare_repeats(scores)],
    }


def _score_track(
    track: RealTrack, methods: Mapping[str, Callable[[PointVideo], ArticulationEstimate]], clock: Callable[[], float]
) -> TrackScore:
    start = clock()
    fit = fit_track(track.positions)
    answers = {
        TRACK_FIT: TrackAnswer(
            type=fit.type,
            is_sure=fit.status is Status.OK,
            axis_to_fit_deg=0.0,
            seconds=clock() - start,
            reasons=fit.reasons,
        )
    }
    readings = passes_deg = passes_cm = None
    if track.rotations is not None:
        turning = fit_turning_axis(track.rotations, track.positions) if fit.curve.is_circle else None
        readings = None if turning is None else float(np.rad2deg(line_angle(turning, fit.curve.axis)))
        passes_deg, passes_cm = _compare_passes(track.positions, fit)
        video, is_body = video_from_track(track)
        for name, method in methods.items():
            start = clock()
            estimate = method(video)
            answers[name] = _read_answer(estimate, is_body, fit.curve, clock() - start)
    return TrackScore(
        name=track.name,
        true_type=track.true_type,
        positions=track.positions,
        fit=fit,
        readings_deg=readings,
        passes_deg=passes_deg,
        passes_cm=passes_cm,
        answers=answers,
    )


def _compare_passes(positions: np.ndarray, fit: TrackFit) -> tuple[float | None, float | None]:
    """Angle (deg) and distance (cm) between the axes of a recording before and after its farthest point."""
    values = fit.curve.values(positions)
    turn = int(np.argmax(np.abs(values)))
    if min(np.ptp(values[: turn + 1]), np.ptp(values[turn:])) < 0.8 * fit.swing:
        return None, None  # It only opens, or only closes.
    first, second = fit_track(positions[: turn + 1]).curve, fit_track(positions[turn:]).curve
    if first.is_circle != second.is_circle:
        return 90.0, None
    angle = float(np.rad2deg(line_angle(first.axis, second.axis)))
    if not first.is_circle:
        return angle, None
    beside = first.center - nearest_point_on_line(first.center, second.axis, second.center)
    return angle, 100 * float(np.linalg.norm(beside))


def _read_answer(estimate: ArticulationEstimate, is_body: np.ndarray, curve: Curve, seconds: float) -> TrackAnswer:
    """The joint of the estimated part that covers the body best."""
    shares = [
        float((is_body & (estimate.part_ids == index + 1)).sum() / (is_body | (estimate.part_ids == index + 1)).sum())
        for index in range(len(estimate.joints))
    ]
    if not shares or max(shares) < 0.25:
        return TrackAnswer(type=None, is_sure=False, axis_to_fit_deg=None, seconds=seconds, reasons=estimate.reasons)
    found = estimate.joints[int(np.argmax(shares))]
    return TrackAnswer(
        type=found.joint.type,
        is_sure=Status.OK is found.status is estimate.status and found.confidence >= SURE,
        axis_to_fit_deg=float(np.rad2deg(line_angle(found.joint.axis, curve.axis))),
        seconds=seconds,
        reasons=(*estimate.reasons, *found.reasons),
    )


def _row(score: TrackScore, asked: Sequence[str]) -> list[str]:
    fit = score.fit
    swing = f"{np.rad2deg(fit.swing):.1f} deg" if fit.curve.is_circle else f"{100 * fit.swing:.1f} cm"
    passes = "-" if score.passes_deg is None else f"{score.passes_deg:.1f} deg"
    row = [
        score.name,
        "none clean" if score.true_type is None else score.true_type.value,
        fit.type.value,
        fit.status.value,
        f"{fit.log_odds:.1f}",
        swing,
        f"{100 * fit.curve.radius:.1f} cm" if fit.curve.is_circle else "-",
        f"{1000 * fit.residual:.1f} mm",
        f"{100 * fit.on_curve:.0f} %",
        "-" if score.readings_deg is None else f"{score.readings_deg:.1f} deg",
        passes if score.passes_cm is None else f"{passes}, {score.passes_cm:.1f} cm",
    ]
    for method in asked:
        answer = score.answers.get(method)
        if answer is None:
            row.append("")
        elif answer.type is None:
            row.append("no joint")
        else:
            row.append(f"{answer.type.value}{'' if answer.is_sure else '?'} {answer.axis_to_fit_deg:.1f} deg")
    return row


def _count(scores: Sequence[TrackScore], method: str) -> str:
    known = [score for score in scores if method in score.answers]
    right = sum(bool(score.is_right(method)) for score in known)
    unsure = sum(not score.answers[method].is_sure for score in known)
    wrong = sum(score.is_surely_wrong(method) for score in known)
    seconds = np.mean([score.answers[method].seconds for score in known])
    ends = interval(ClipValues.gather([[bool(score.is_right(method))] for score in known]), "mean")
    sure = "" if ends is None else f"; 95 % interval of the share right{format_interval(ends, 0, 100)} %"
    return f"{method}: {right} of {len(known)} right, {wrong} surely wrong; {unsure} not sure; {seconds:.2f} s a recording{sure}"


def _agreements(scores: Sequence[TrackScore]) -> list[str]:
    """The two readings, and opening against closing, over all recordings that have them."""
    lines = []
    readings = [score.readings_deg for score in scores if score.readings_deg is not None]
    if readings:
        lines.append(
            f"circle normal against orientations, {len(readings)} hinged recordings: "
            f"mean {np.mean(readings):.1f}, most {max(readings):.1f} deg"
        )
    degrees = [score.passes_deg for score in scores if score.passes_deg is not None]
    if degrees:
        centimetres = [score.passes_cm for score in scores if score.passes_cm is not None]
        most = f", {max(centimetres):.1f} cm" if centimetres else ""
        lines.append(f"opening against closing, {len(degrees)} recordings: at most {max(degrees):.1f} deg{most}")
    return lines
