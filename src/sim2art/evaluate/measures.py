"""Numbers of a table: each a statistic of values that clips give, with its 95 % interval; the same for every kind of set.

A table prints them, its JSON file holds them, and `comparison` pairs those of two files.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from sim2art.evaluate.bootstrap import ClipValues, Interval, Statistic, interval

ClipScoreT = TypeVar("ClipScoreT")
Style = Literal["share", "number", "count"]
"""A share 0..1 is printed in percent, a count as k of n."""


@dataclass(frozen=True, kw_only=True)
class Measure(Generic[ClipScoreT]):
    """How a number is made of the scores of clips."""

    name: str
    values: Callable[[ClipScoreT], Sequence[float]]
    """What one clip gives; nothing where there is nothing to measure."""
    better: Literal["higher", "lower"]
    statistic: Statistic = "mean"
    style: Style = "number"
    digits: int = 2


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A number with what it rests on."""

    name: str
    value: float | None
    """None when no clip gave a value."""
    interval_95: Interval | None
    """None where fewer than two clips have values."""
    count: int
    """Values behind it."""
    num_clips: int
    """Clips that gave values."""


def measure(measure: Measure[ClipScoreT], scores: Sequence[ClipScoreT]) -> Measured:
    """The number over some clips."""
    per_clip = [measure.values(score) for score in scores]
    values = ClipValues.gather(per_clip)
    return Measured(
        name=measure.name,
        value=values.measure(measure.statistic),
        interval_95=interval(values, measure.statistic),
        count=len(values.values),
        num_clips=sum(len(found) > 0 for found in per_clip),
    )


def format_measured(measure: Measure, measured: Measured) -> str:
    """A number and its interval, such as "0.250 [0.140 0.370]"; a share also as counts."""
    if measured.value is None:
        return "-"
    match measure.style:
        case "share":
            hits = round(measured.value * measured.count)
            return f"{100 * measured.value:.0f} %{format_interval(measured.interval_95, 0, 100)} ({hits} of {measured.count})"
        case "count":
            return f"{measured.value:.0f}{format_interval(measured.interval_95, 0)} (in {measured.count} clips)"
        case "number":
            digits = measure.digits
            return f"{measured.value:.{digits}f}{format_interval(measured.interval_95, digits)} ({measured.count})"


def format_interval(ends: Interval | None, digits: int, factor: float = 1.0) -> str:
    """Both ends in brackets after a space, or nothing where there is no interval."""
    return "" if ends is None else f" [{factor * ends[0]:.{digits}f} {factor * ends[1]:.{digits}f}]"
