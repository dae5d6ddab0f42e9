"""Scores over the set of real tracks: one row a recording, and the counts that matter."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from sim2art.articulation.estimate import ArticulationEstimate, Status
from sim2art.articulation.joint import JointType
from sim2art.evaluate.bootstrap import ClipValues, Interval, interval
from sim2art.evaluate.measures import format_interval
from sim2art.evaluate.metrics import axis_angle_deg
from sim2art.evaluate.real_tracks import RealTrack
from sim2art.evaluate.real_tracks_video import video_from_track
from sim2art.evaluate.report import format_table
from sim2art.observation.point_video import PointVideo

SURE = 0.5
"""A claim with less confidence than this is not a sure one."""
_LEAST_COVER = 0.25
"""IoU with the body from which on a part answers for it."""


@dataclass(frozen=True, kw_only=True)
class TrackAnswer:
    """What a method says about one recording."""

    type: JointType | None
    """None when it finds no joint on the body."""
    is_sure: bool
    """Whether it says so without reserve: status ok, and confidence of a half at least."""
    axis_to_fit_deg: float | None
    """Angle between its axis and that of the path."""
    seconds: float
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TrackScore:
    """One recording and the methods' answers."""

    name: str
    true_type: JointType
    answers: dict[str, TrackAnswer]

    def is_right(self, method: str) -> bool:
        """Whether the type is right."""
        return self.answers[method].type is self.true_type


def score_tracks(
    tracks: Iterable[RealTrack],
    methods: Mapping[str, Callable[[PointVideo], ArticulationEstimate]],
    *,
    clock: Callable[[], float],
) -> list[TrackScore]:
    """Ask the methods about every recording; `clock` gives seconds, for the time of an answer."""
    scores = []
    for track in tracks:
        video, is_body = video_from_track(track)
        answers = {}
        for name, method in methods.items():
            start = clock()
            estimate = method(video)
            answers[name] = _read_answer(estimate, is_body, track, clock() - start)
        scores.append(TrackScore(name=track.name, true_type=track.true_type, answers=answers))
    return scores


def format_tracks(scores: Sequence[TrackScore]) -> str:
    """The rows and the counts, as text."""
    methods = list(scores[0].answers)
    rows = [["recording", "true", *methods]]
    for score in scores:
        cells = [
            "no joint"
            if answer.type is None
            else f"{answer.type.value}{'' if answer.is_sure else '?'} {answer.axis_to_fit_deg:.1f} deg"
            for answer in score.answers.values()
        ]
        rows.append([score.name, score.true_type.value, *cells])
    return "\n".join([format_table(rows), "", *(_count(scores, method) for method in methods)])


def tracks_to_dict(scores: Sequence[TrackScore]) -> dict[str, Any]:
    """Everything as JSON values."""
    return {
        "recordings": [asdict(score) for score in scores],
        "right_95": {method: _right_95(scores, method) for method in scores[0].answers},
    }


def _read_answer(estimate: ArticulationEstimate, is_body: np.ndarray, track: RealTrack, seconds: float) -> TrackAnswer:
    """The joint of the estimated part that covers the body best."""
    shares = [
        float((is_body & (estimate.part_ids == index + 1)).sum() / (is_body | (estimate.part_ids == index + 1)).sum())
        for index in range(len(estimate.joints))
    ]
    if not shares or max(shares) < _LEAST_COVER:
        return TrackAnswer(type=None, is_sure=False, axis_to_fit_deg=None, seconds=seconds, reasons=estimate.reasons)
    found = estimate.joints[int(np.argmax(shares))]
    return TrackAnswer(
        type=found.joint.type,
        is_sure=Status.OK is found.status is estimate.status and found.confidence >= SURE,
        axis_to_fit_deg=axis_angle_deg(found.joint.axis, track.axis),
        seconds=seconds,
        reasons=(*estimate.reasons, *found.reasons),
    )


def _right_95(scores: Sequence[TrackScore], method: str) -> Interval | None:
    return interval(ClipValues.gather([[score.is_right(method)] for score in scores]), "mean")


def _count(scores: Sequence[TrackScore], method: str) -> str:
    answers = [score.answers[method] for score in scores]
    right = [score.is_right(method) for score in scores]
    wrong = sum(answer.is_sure and not is_right for answer, is_right in zip(answers, right, strict=True))
    off = [answer.axis_to_fit_deg for answer in answers if answer.axis_to_fit_deg is not None]
    axes = f"; axis {np.median(off):.1f} deg in the median, {max(off):.1f} at most" if off else ""
    ends = _right_95(scores, method)
    sure = "" if ends is None else f"; 95 % interval of the share right{format_interval(ends, 0, 100)} %"
    return (
        f"{method}: {sum(right)} of {len(right)} right, {wrong} surely wrong; "
        f"{sum(not answer.is_sure for answer in answers)} not sure{axes}; "
        f"{np.mean([answer.seconds for answer in answers]):.2f} s a recording{sure}"
    )
