"""Two evaluations of the same clips, paired clip by clip: what changed, and whether the clips can tell.

The difference of a number is second minus first, over the clips that both have; its interval comes from drawing these
clips anew, both runs with the same draws, so that what makes a clip hard for both does not hide a difference.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sim2art.errors import InvalidFileError, InvalidValueError, SchemaError
from sim2art.evaluate import clip_measures, real_video_report
from sim2art.evaluate.bootstrap import ClipValues, Interval, paired_interval
from sim2art.evaluate.measures import Measure, format_interval
from sim2art.evaluate.report import REPORT_SCHEMA, format_table

REAL_SCHEMA = "sim2art.real/1"
"""Of the reports of real recordings."""
COMPARISON_SCHEMA = "sim2art.comparison/1"
_SAME = 1e-9
"""Values of a clip that differ by less are the same."""
MAX_LISTED = 10
_MUST_AGREE = ("set", "half", "corruption", "swapped")


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """One method's scores out of a report."""

    path: Path
    facts: Mapping[str, Any]
    """Set, half, corruption, commit, checkpoint."""
    method: str
    measures: tuple[Measure, ...]
    scores: Mapping[str, Any]
    """By clip."""

    @property
    def label(self) -> str:
        """Method, commit and file, for the header."""
        made = self.facts.get("made by commit") or self.facts.get("commit")
        return f"{self.method}, commit {made}, {self.path}"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How one number differs between two runs."""

    name: str
    first: float | None
    second: float | None
    difference: float | None
    """Second minus first; None where either has no value."""
    interval_95: Interval | None
    """Of the difference; None where fewer than two clips have values."""
    better: int
    """Clips whose own value is better in the second run."""
    worse: int
    same: int

    @property
    def is_told(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.interval_95 is not None and (self.interval_95[0] > 0 or self.interval_95[1] < 0)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """All numbers of two runs, over the clips that both have."""

    first: Evaluation
    second: Evaluation
    clips: tuple[str, ...]
    only_first: tuple[str, ...]
    """Clips that the second run lacks."""
    only_second: tuple[str, ...]
    differences: tuple[Difference, ...]


def read_evaluation(path: Path, method: str | None = None) -> Evaluation:
    """One method of a report.

    Args:
        path: `report.json`, or the folder that holds it.
        method: None: the first of the report.

    Raises:
        InvalidFileError: When the file is missing, damaged, or has no clips to pair.
        InvalidValueError: When it holds no such method.
        SchemaError: When it is no report of this version.
    """
    path = path / "report.json" if path.is_dir() else path
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        schema = content.get("schema")
        if schema == REPORT_SCHEMA:
            facts, measures = content["facts"], clip_measures.MEASURES
            rows = {name: list(map(clip_measures.score_from_dict, found)) for name, found in content["clips"].items()}
        elif schema == REAL_SCHEMA and content["set"] == "real-video":
            facts, measures = content, real_video_report.MEASURES
            rows = {str(content["method"]): list(map(real_video_report.video_from_dict, content["clips"]))}
        elif schema == REAL_SCHEMA and content["set"] == "real-tracks":
            facts, measures = content, clip_measures.TRACK_MEASURES
            rows = clip_measures.tracks_from_dict(content["recordings"])
        else:
            raise SchemaError(
                f"'{path}' has schema {schema!r}, set {content.get('set')!r}; a report.json of `sim2art evaluate` is needed, "
                "of a simulated set, of real-video or real-tracks (door is one recording: read both tables).",
                path=path,
            )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidFileError(
            f"Cannot read an evaluation from '{path}': {type(error).__name__} {error}.", path=path
        ) from error
    chosen = method or next(iter(rows), "")
    if chosen not in rows:
        raise InvalidValueError(f"'{path}' holds no method '{chosen}'; it has: {', '.join(rows) or 'none'}.")
    scores = {score.clip: score for score in rows[chosen]}
    return Evaluation(path=path, facts=facts, method=chosen, measures=measures, scores=scores)


def compare(first: Evaluation, second: Evaluation) -> Comparison:
    """Pair two evaluations.

    Raises:
        InvalidValueError: When they are of different sets, halves or corruptions, or share no clip.
    """
    for key in _MUST_AGREE:
        one, other = first.facts.get(key), second.facts.get(key)
        # Reports of earlier versions note no half; clips are paired by name, so nothing is mixed up.
        if one != other and not (key == "half" and None in (one, other)):
            raise InvalidValueError(
                f"The two evaluations are not of the same clips: {key} is {one!r} in '{first.path}' and {other!r} in "
                f"'{second.path}'. Compare runs of one set, half and corruption."
            )
    clips = tuple(name for name in first.scores if name in second.scores)
    if not clips:
        raise InvalidValueError(f"'{first.path}' and '{second.path}' share no clip; run both on the same set.")
    pairs = [[run.scores[name] for name in clips] for run in (first, second)]
    return Comparison(
        first=first,
        second=second,
        clips=clips,
        only_first=tuple(name for name in first.scores if name not in second.scores),
        only_second=tuple(name for name in second.scores if name not in first.scores),
        differences=tuple(_differ(measure, *pairs) for measure in first.measures),
    )


def format_comparison(comparison: Comparison) -> str:
    """Header, table, and the clips that only one run has."""
    facts = comparison.first.facts
    lines = [
        f"set {facts.get('set')}, half {facts.get('half') or 'not noted'}, {len(comparison.clips)} clips in both",
        f"first:  {comparison.first.label}",
        f"second: {comparison.second.label}",
    ]
    for words, names in (("first", comparison.only_first), ("second", comparison.only_second)):
        if names:
            more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
            lines.append(f"only in the {words}, left out: {', '.join(names[:MAX_LISTED])}{more}")
    rows = [["", "first", "second", "difference [95 %]", "the second is", "clips better", "worse", "same"]]
    for measure, found in zip(comparison.first.measures, comparison.differences, strict=True):
        if found.first is not None or found.second is not None:
            rows.append(_row(measure, found))
    return "\n".join([*lines, "", format_table(rows)])


def comparison_to_dict(comparison: Comparison) -> dict[str, Any]:
    """Everything as JSON values."""
    return {
        "schema": COMPARISON_SCHEMA,
        "set": comparison.first.facts.get("set"),
        "half": comparison.first.facts.get("half"),
        "first": comparison.first.label,
        "second": comparison.second.label,
        "clips": list(comparison.clips),
        "only_first": list(comparison.only_first),
        "only_second": list(comparison.only_second),
        "differences": {found.name: {**asdict(found), "is_told": found.is_told} for found in comparison.differences},
    }


def _differ(measure: Measure, first: Sequence[Any], second: Sequence[Any]) -> Difference:
    values = [[list(measure.values(score)) for score in scores] for scores in (first, second)]
    one, other = (ClipValues.gather(per_clip) for per_clip in values)
    numbers = one.measure(measure.statistic), other.measure(measure.statistic)
    both = [(float(np.mean(a)), float(np.mean(b))) for a, b in zip(*values, strict=True) if len(a) and len(b)]
    sign = 1 if measure.better == "higher" else -1
    gains = [sign * (b - a) for a, b in both]
    better, worse = sum(gain > _SAME for gain in gains), sum(gain < -_SAME for gain in gains)
    difference, ends = None, None
    if numbers[0] is not None and numbers[1] is not None:
        difference, ends = numbers[1] - numbers[0], paired_interval(one, other, measure.statistic)
    return Difference(
        name=measure.name,
        first=numbers[0],
        second=numbers[1],
        difference=difference,
        interval_95=ends,
        better=better,
        worse=worse,
        same=len(gains) - better - worse,
    )


def _row(measure: Measure, found: Difference) -> list[str]:
    factor, digits, unit = (100, 1, " %") if measure.style == "share" else (1, measure.digits, "")

    def show(value: float | None, form: str) -> str:
        return "-" if value is None else f"{factor * value:{form}.{digits}f}{unit}"

    is_gain = found.difference is not None and (found.difference > 0) == (measure.better == "higher")
    verdict = "not told apart" if not found.is_told else "better" if is_gain else "worse"
    return [
        measure.name,
        show(found.first, ""),
        show(found.second, ""),
        show(found.difference, "+") + format_interval(found.interval_95, digits, factor),
        verdict,
        str(found.better),
        str(found.worse),
        str(found.same),
    ]
