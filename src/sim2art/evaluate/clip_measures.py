"""What each clip with a known truth, or real track, gives to the numbers that two runs are compared by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sim2art.articulation.joint import JointType
from sim2art.evaluate.measures import Measure
from sim2art.evaluate.scores import FOUND_IOU, Claim, ClipScore, JointScore


def _of_joints(value: Callable[[JointScore], float | None]) -> Callable[[ClipScore], list[float]]:
    return lambda score: [found for joint in score.joints if (found := value(joint)) is not None]


MEASURES: tuple[Measure[ClipScore], ...] = (
    Measure(name="mIoU", values=lambda s: [s.mean_iou], better="higher", digits=3),
    Measure(
        name="mIoU, moving parts only", better="higher", digits=3,
        values=lambda s: [] if s.moving_iou is None else [s.moving_iou],
    ),
    Measure(name="moving parts found (IoU > 0.5)", values=_of_joints(lambda j: j.part_iou > FOUND_IOU), better="higher", style="share"),
    Measure(name="part count error", values=lambda s: [abs(s.count_error)], better="lower"),
    Measure(
        name="still clips given a joint", better="lower", style="share",
        values=lambda s: [] if s.joints or s.failure is not None else [bool(s.claims)],
    ),
    Measure(name="type accuracy", values=_of_joints(lambda j: j.is_type_right), better="higher", style="share"),
    Measure(name="axis, deg, missed = 90, mean", values=_of_joints(lambda j: j.penalised_axis_deg), better="lower"),
    Measure(name="axis, deg, matched, median", values=_of_joints(lambda j: j.axis_deg), better="lower", statistic="median"),
    Measure(name="axis position, cm, missed = 100, mean", values=_of_joints(lambda j: j.penalised_position_cm), better="lower"),
    Measure(
        name="axis position, cm, matched, median", values=_of_joints(lambda j: j.position_cm), better="lower", statistic="median"
    ),
    Measure(name="tangent, deg, mean", values=_of_joints(lambda j: j.tangent_deg), better="lower"),
    Measure(
        name="success within 10 deg, 10 cm", better="higher", style="share",
        values=_of_joints(lambda j: j.is_success(max_deg=10.0, max_cm=10.0)),
    ),
    Measure(
        name="success within 5 deg, 5 cm", better="higher", style="share",
        values=_of_joints(lambda j: j.is_success(max_deg=5.0, max_cm=5.0)),
    ),
    Measure(name="claims wrong", values=lambda s: [not claim.is_right for claim in s.claims], better="lower", style="share"),
    Measure(name="seconds a clip, mean", values=lambda s: [] if s.seconds is None else [s.seconds], better="lower"),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class TrackAnswerScore:
    """What a method says about one real track."""

    clip: str
    is_right: bool
    """Whether the type is right, or no sure claim is made where none can be."""
    is_surely_wrong: bool
    axis_to_fit_deg: float | None
    seconds: float


TRACK_MEASURES: tuple[Measure[TrackAnswerScore], ...] = (
    Measure(name="recordings right", values=lambda s: [s.is_right], better="higher", style="share"),
    Measure(name="surely wrong", values=lambda s: [s.is_surely_wrong], better="lower", style="share"),
    Measure(
        name="axis to the position fit, deg, median", better="lower", statistic="median",
        values=lambda s: [] if s.axis_to_fit_deg is None else [s.axis_to_fit_deg],
    ),
    Measure(name="seconds a recording, mean", values=lambda s: [s.seconds], better="lower"),
)  # fmt: skip


def tracks_from_dict(recordings: list[Mapping[str, Any]]) -> dict[str, list[TrackAnswerScore]]:
    """What every method says about real tracks, as `report.json` holds it; by method."""
    rows: dict[str, list[TrackAnswerScore]] = {}
    for recording in recordings:
        for method, answer in recording["answers"].items():
            is_right = (
                not answer["is_sure"] if recording["true_type"] is None else answer["type"] == recording["true_type"]
            )
            rows.setdefault(method, []).append(
                TrackAnswerScore(
                    clip=recording["name"],
                    is_right=is_right,
                    is_surely_wrong=answer["is_sure"] and not is_right,
                    axis_to_fit_deg=answer["axis_to_fit_deg"],
                    seconds=answer["seconds"],
                )
            )
    return rows


def score_from_dict(content: Mapping[str, Any]) -> ClipScore:
    """A clip's score as `report.json` holds it."""
    joints = tuple(JointScore(**{**joint, **_types_of(joint)}) for joint in content["joints"])
    claims = tuple(Claim(**claim) for claim in content["claims"])
    return ClipScore(**{**content, "joints": joints, "claims": claims})


def _types_of(joint: Mapping[str, Any]) -> dict[str, JointType | None]:
    names = ("true_type", "estimated_type")
    return {name: None if joint[name] is None else JointType(joint[name]) for name in names}
