"""How far a table's number might lie from that of all clips of its kind: 95 % intervals by drawing clips anew.

Clips are drawn, not parts: the parts of one clip share its camera, its object and its mistakes. A number is a statistic
of all values of the drawn clips. The resamples depend on the number of clips alone, so a table prints the same intervals
again, and two methods on the same clips are compared draw by draw.

The percentile bootstrap (Efron, 1979) is narrow for few clips, and a share of 0 or 1 gets an interval of no width: of n
clips that all went well, up to about 3 / n of their kind may still go wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

Interval = tuple[float, float]
"""Lower and upper end, 95 %."""
Statistic = Literal["mean", "median", "p90", "sum"]
PERCENT = {"median": 50.0, "p90": 90.0}
RESAMPLES = 2000
"""The ends of a 95 % interval move by about 2 % of its width from one set of so many resamples to the next."""
_ENDS = (2.5, 97.5)


@dataclass(frozen=True, kw_only=True)
class ClipValues:
    """Values of several clips, any number of each, of which one number is made."""

    values: Float[np.ndarray, "value"]
    clips: Int[np.ndarray, "value"]
    """Number of the clip of each value, 0..num_clips - 1."""
    num_clips: int

    @staticmethod
    def gather(per_clip: Sequence[Sequence[float]]) -> "ClipValues":
        """From the list of every clip's values; empty lists are clips with nothing to measure."""
        return ClipValues(
            values=np.array([float(value) for values in per_clip for value in values], dtype=np.float64),
            clips=np.repeat(np.arange(len(per_clip)), [len(values) for values in per_clip]).astype(np.int64),
            num_clips=len(per_clip),
        )

    def measure(self, statistic: Statistic) -> float | None:
        """The number over all clips; None when there are no values."""
        if not len(self.values):
            return None
        match statistic:
            case "mean":
                return float(np.mean(self.values))
            case "sum":
                return float(np.sum(self.values))
            case _:
                return float(np.percentile(self.values, PERCENT[statistic]))

    def resample(self, statistic: Statistic) -> Float[np.ndarray, "resample"]:
        """The number over each draw of clips; NaN where a draw has no value."""
        resamples = resample_clips(self.num_clips)
        if not len(self.values):
            return np.full(RESAMPLES, np.nan)
        if statistic in PERCENT:
            return self._resample_percentile(resamples, PERCENT[statistic])
        sums = resamples @ np.bincount(self.clips, weights=self.values, minlength=self.num_clips)
        counts = resamples @ np.bincount(self.clips, minlength=self.num_clips).astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(counts > 0, sums if statistic == "sum" else sums / counts, np.nan)

    def _resample_percentile(
        self, resamples: Float[np.ndarray, "resample clip"], percent: float
    ) -> Float[np.ndarray, "resample"]:
        """As `np.percentile` of each draw's values, which are never written out: weights are summed up in order."""
        order = np.argsort(self.values, kind="stable")
        values = self.values[order]
        reached = np.cumsum(resamples[:, self.clips[order]], axis=1)
        place = percent / 100 * np.maximum(reached[:, -1] - 1, 0)
        below, above = (
            values[np.minimum((reached <= rank[:, None]).sum(axis=1), len(values) - 1)]
            for rank in (np.floor(place), np.ceil(place))
        )
        found = below + (above - below) * (place - np.floor(place))
        return np.where(reached[:, -1] > 0, found, np.nan)


def interval(values: ClipValues, statistic: Statistic) -> Interval | None:
    """95 % interval of a statistic; None where fewer than two clips have values."""
    if len(np.unique(values.clips)) < 2:
        return None
    return interval_of(values.resample(statistic))


def paired_interval(first: ClipValues, second: ClipValues, statistic: Statistic) -> Interval | None:
    """95 % interval of the second's statistic minus the first's, over the same clips in the same order."""
    assert first.num_clips == second.num_clips
    if min(len(np.unique(first.clips)), len(np.unique(second.clips))) < 2:
        return None
    return interval_of(second.resample(statistic) - first.resample(statistic))


def interval_of(resampled: Float[np.ndarray, "resample"]) -> Interval | None:
    """The middle 95 % of resampled numbers; None when no draw gave one."""
    known = resampled[np.isfinite(resampled)]
    if not len(known):
        return None
    low, high = np.percentile(known, _ENDS)
    return float(low), float(high)


@cache
def resample_clips(num_clips: int) -> Float[np.ndarray, "resample clip"]:
    """How often each clip is in each draw; the same every time."""
    rng = np.random.default_rng(num_clips)
    resamples = rng.multinomial(num_clips, np.full(num_clips, 1 / num_clips), size=RESAMPLES).astype(np.float64)
    resamples.setflags(write=False)
    return resamples
