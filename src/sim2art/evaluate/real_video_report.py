"""Scores on real videos as a table for people and as JSON for programs: a line a clip, then sums with intervals."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sim2art.evaluate.measures import Measure, Measured, format_measured, measure
from sim2art.evaluate.real_video import Kind, PartScore, VideoScore
from sim2art.evaluate.report import format_number, format_table

MAX_ANGLE_DEG = 10.0
"""An axis within this counts as found."""
MISSED_DEG = 90.0


def _fixed(score: VideoScore) -> list[PartScore]:
    return [part for part in score.parts if part.is_fixed]


def _drawn(value: float, score: VideoScore) -> list[float]:
    """One value for a clip with drawings; nothing for one in which no joint may be."""
    return [value] if score.kind == "moving" else []


def _is_within(part: PartScore) -> bool:
    return (MISSED_DEG if part.angle_deg is None else part.angle_deg) <= MAX_ANGLE_DEG


MEASURES: tuple[Measure[VideoScore], ...] = (
    Measure(name="mask IoU of moving parts", values=lambda s: [p.mask_iou for p in _fixed(s)], better="higher", digits=3),
    Measure(name="type right, of all parts", values=lambda s: [p.is_type_right for p in _fixed(s)], better="higher", style="share"),
    Measure(
        name="axis in the image, deg, median (right type, axis drawn)", better="lower", statistic="median", digits=1,
        values=lambda s: [p.angle_deg for p in _fixed(s) if p.angle_deg is not None],
    ),
    Measure(name="axis within 10 deg, of all parts", values=lambda s: [_is_within(p) for p in _fixed(s)], better="higher", style="share"),
    Measure(
        name="axis within 10 deg, of parts with a drawn axis", better="higher", style="share",
        values=lambda s: [_is_within(p) for p in _fixed(s) if p.has_axis],
    ),
    Measure(
        name="hinge to projected line, % of the diagonal, median", better="lower", statistic="median", digits=1,
        values=lambda s: [p.distance_percent for p in _fixed(s) if p.distance_percent is not None],
    ),
    Measure(
        name="swing inside the drawn range", better="higher", style="share",
        values=lambda s: [p.is_in_range for p in _fixed(s) if p.is_in_range is not None],
    ),
    Measure(name="clips right as a whole", values=lambda s: _drawn(s.is_right, s), better="higher", style="share"),
    Measure(name="clips ok and wrong", values=lambda s: _drawn(s.is_falsely_ok, s), better="lower", statistic="sum", style="count"),
    Measure(
        name="sure joints that do not exist", values=lambda s: _drawn(s.sure_extra_joints, s), better="lower",
        statistic="sum", style="count",
    ),
    Measure(
        name="negatives given a joint", better="lower", style="share",
        values=lambda s: [] if s.kind == "moving" else [s.extra_joints > 0],
    ),
    Measure(
        name="negatives given a sure joint", better="lower", style="share",
        values=lambda s: [] if s.kind == "moving" else [s.sure_extra_joints > 0],
    ),
    Measure(name="clips without a result", values=lambda s: [s.failure is not None], better="lower", statistic="sum", style="count"),
    Measure(name="CPU s a clip, mean", values=lambda s: [] if s.cpu_seconds is None else [s.cpu_seconds], better="lower", digits=0),
    Measure(name="peak memory a clip, MiB, mean", values=lambda s: [] if s.peak_mib is None else [s.peak_mib], better="lower", digits=0),
)  # fmt: skip
"""The sums, in the order in which the table shows them. Where no result came, every part counts as missed."""

_KIND_WORDS: dict[Kind, str] = {"moving": "", "negative": "no joint in it", "still": "nothing moves"}


def measure_all(scores: Sequence[VideoScore]) -> list[Measured]:
    """Every sum over some clips."""
    return [measure(each, scores) for each in MEASURES]


def format_videos(scores: Sequence[VideoScore]) -> str:
    """The table: a line a clip and part, then the sums."""
    rows = [["clip", "status", "part", "type", "mask IoU", "axis deg", "hinge %", "swing deg (drawn)", "conf.", "other joints (sure)",
             "clip is", "CPU s", "MiB"]]  # fmt: skip
    for score in scores:
        rows += _clip_rows(score)
    sums = [["", "value [95 % interval] (number)"]]
    sums += [
        [each.name, format_measured(each, found)]
        for each, found in zip(MEASURES, measure_all(scores), strict=True)
        if found.value is not None
    ]
    failures = [f"{score.clip}: {score.failure}" for score in scores if score.failure is not None]
    blocks = [format_table(rows), format_table(sums)]
    if failures:
        blocks.append("\n".join(["No result came from:", *(f"  {failure}" for failure in failures)]))
    return "\n\n".join(blocks)


def videos_to_dict(scores: Sequence[VideoScore]) -> dict[str, Any]:
    """Sums with their intervals and the score of each clip, as JSON values."""
    return {
        "summary": {found.name: asdict(found) for found in measure_all(scores)},
        "clips": [
            {**asdict(score), "is_right": score.is_right, "is_falsely_ok": score.is_falsely_ok} for score in scores
        ],
    }


def video_from_dict(content: dict[str, Any]) -> VideoScore:
    """A clip's score as `videos_to_dict` gives it."""
    own = {key: value for key, value in content.items() if key not in ("is_right", "is_falsely_ok")}
    parts = tuple(
        PartScore(**{**part, "range_deg": None if part["range_deg"] is None else tuple(part["range_deg"])})
        for part in own.pop("parts")
    )
    return VideoScore(**own, parts=parts)


def describe_part(part: PartScore) -> str:
    """A part in a line, for captions."""
    words = f"{part.name}: {_type_words(part)}, IoU {part.mask_iou:.2f}"
    if part.angle_deg is not None:
        words += f", axis {part.angle_deg:.1f} deg off"
    return words + (f", swing {_swing(part)}" if part.found_type else "")


def describe_verdict(score: VideoScore) -> str:
    """What the whole clip is: right, wrong, or wrong and called ok."""
    return "right" if score.is_right else "OK AND WRONG" if score.is_falsely_ok else "wrong"


def _clip_rows(score: VideoScore) -> list[list[str]]:
    cost = [format_number(score.cpu_seconds, 0), format_number(score.peak_mib, 0)]
    verdict = describe_verdict(score)
    other = f"{score.extra_joints} ({score.sure_extra_joints})"
    if not score.parts:
        return [[score.clip, score.status, _KIND_WORDS[score.kind], *["-"] * 6, other, verdict, *cost]]
    rows = []
    for index, part in enumerate(score.parts):
        cells = [part.name[:24], _type_words(part), f"{part.mask_iou:.2f}", format_number(part.angle_deg, 1),
                 format_number(part.distance_percent, 1), _swing(part), format_number(part.confidence, 2)]  # fmt: skip
        first = index == 0
        rows.append(
            [score.clip if first else "", score.status if first else "", *cells]
            + ([other, verdict, *cost] if first else [""] * 4)
        )
    return rows


def _type_words(part: PartScore) -> str:
    if part.found_type is None:
        return f"{part.type}: missed"
    return part.type if part.is_type_right else f"{part.type}: {part.found_type}"


def _swing(part: PartScore) -> str:
    drawn = "" if part.range_deg is None else f" ({part.range_deg[0]:g} to {part.range_deg[1]:g})"
    if part.swing is None:
        return f"-{drawn}"
    return (f"{part.swing:.0f}" if part.found_type == "revolute" else f"{part.swing:.2f} units") + drawn
