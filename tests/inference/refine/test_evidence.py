"""Log-odds with correlated noise counted as what it is."""

import numpy as np

from sim2art.inference.refine.evidence import compare_lengths, log_odds, measure_inflation
from sim2art.inference.refine.residuals import Rows


def make_rows(*, num_pairs: int = 12, per_pair: int = 60, seed: int = 0) -> Rows:
    rng = np.random.default_rng(seed)
    count = num_pairs * per_pair
    start = np.repeat(np.arange(num_pairs), per_pair)
    source = rng.uniform(-0.5, 0.5, (count, 3))
    return Rows(
        part=np.zeros(count, dtype=np.int64), start=start, stop=start + 1, source=source, target=source,
        normal=np.zeros((count, 3)), is_surface=np.zeros(count, dtype=bool), weight=np.ones(count),
        group=np.zeros(count, dtype=np.int64),
    )  # fmt: skip


def test_white_noise_is_not_inflated_and_smooth_noise_is() -> None:
    rows, rng = make_rows(), np.random.default_rng(1)
    white = rng.normal(0, 0.01, (len(rows), 3))
    smooth = white + 0.02 * rng.normal(size=(12, 3))[rows.start]
    assert measure_inflation(rows, white, np.ones(len(rows))) < 1.5
    assert measure_inflation(rows, smooth, np.ones(len(rows))) > 8.0


def test_without_rows_nothing_is_claimed() -> None:
    rows = make_rows().take(np.zeros(0, dtype=np.int64))
    assert measure_inflation(rows, np.zeros((0, 3)), np.zeros(0)) == 1.0
    assert compare_lengths(rows, np.zeros((0, 3)), np.zeros(0), 2.0) == 0.0


def test_extra_parameters_must_pay() -> None:
    assert log_odds(1.0, 1.0, 100.0, 2.0) < 0 < log_odds(0.5, 1.0, 100.0, 2.0)


def test_the_better_explanation_wins_less_clearly_under_smooth_noise() -> None:
    rows, rng = make_rows(), np.random.default_rng(2)
    white = rng.normal(0, 0.01, (len(rows), 3))
    smooth = 0.3 * white + 0.01 * rng.normal(size=(12, 3))[rows.start]
    worse = 1.3
    clear = compare_lengths(rows, white, worse * np.linalg.norm(white, axis=1), 2.0)
    doubtful = compare_lengths(rows, smooth, worse * np.linalg.norm(smooth, axis=1), 2.0)
    assert clear > 3 * max(doubtful, 1.0)
