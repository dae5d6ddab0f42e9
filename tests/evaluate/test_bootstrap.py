"""Intervals by drawing clips anew: the fast sums are those of drawing and listing, and they widen as they should."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sim2art.evaluate.bootstrap import ClipValues, Statistic, interval, paired_interval, resample_clips

CLIPS = st.lists(st.lists(st.floats(-10, 10), max_size=4), min_size=1, max_size=8)


@given(CLIPS, st.sampled_from(["mean", "median", "p90", "sum"]))
@example([[]], "median")
def test_weighted_numbers_are_those_of_the_values_written_out(
    per_clip: list[list[float]], statistic: Statistic
) -> None:
    resampled = ClipValues.gather(per_clip).resample(statistic)
    draws = resample_clips(len(per_clip)).astype(int)
    for index in (0, 1, 17):
        listed = [value for count, values in zip(draws[index], per_clip, strict=True) for value in values * count]
        if not listed:
            assert np.isnan(resampled[index])
            continue
        expected = ClipValues.gather([listed]).measure(statistic)
        assert resampled[index] == pytest.approx(expected, abs=1e-9)


def test_an_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(200):
        ends = interval(ClipValues.gather(rng.normal(1.0, 1.0, (60, 1)).tolist()), "mean")
        assert ends is not None
        inside += ends[0] <= 1.0 <= ends[1]
    assert 180 <= inside <= 198


def test_an_interval_is_the_same_every_time_and_narrows_with_clips() -> None:
    values = np.random.default_rng(1).normal(0, 1, (400, 1)).tolist()
    few, many = (interval(ClipValues.gather(values[:count]), "mean") for count in (25, 400))
    assert few == interval(ClipValues.gather(values[:25]), "mean")
    assert few is not None and many is not None
    assert 2.5 < (few[1] - few[0]) / (many[1] - many[0]) < 6  # 4 = sqrt(400 / 25).


def test_parts_of_one_clip_are_drawn_together() -> None:
    alone = [[float(value)] for value in np.random.default_rng(2).normal(0, 1, 40)]
    together = [value * 10 for value in alone]  # Ten equal parts a clip tell no more than one.
    assert interval(ClipValues.gather(together), "mean") == pytest.approx(interval(ClipValues.gather(alone), "mean"))


def test_one_clip_has_no_interval() -> None:
    assert interval(ClipValues.gather([[1.0, 2.0], []]), "mean") is None


def test_pairs_of_clips_tell_a_small_difference_that_single_intervals_hide() -> None:
    rng = np.random.default_rng(3)
    hard = rng.normal(0, 5, 50)
    first, second = (ClipValues.gather([[value] for value in hard + shift]) for shift in (0.0, 0.5))
    ends, wide = paired_interval(first, second, "mean"), interval(first, "mean")
    assert ends == pytest.approx((0.5, 0.5)) and wide is not None and wide[1] - wide[0] > 1
