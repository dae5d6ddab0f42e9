"""Sigmas and confidences fitted on known errors."""

import numpy as np
import pytest

from sim2art.articulation.error_law import TAILS
from sim2art.inference.refine.calibration import RADII, fit_confidence, fit_temperature


def draw_errors(sigmas: np.ndarray, *, seed: int = 0) -> np.ndarray:
    """Errors across an axis with the tails of the law, for which `sigmas` hold 68 %."""
    rng = np.random.default_rng(seed)
    lengths = np.linalg.norm(rng.normal(size=(len(sigmas), 2)), axis=1) / np.sqrt(rng.chisquare(TAILS, len(sigmas)))
    return lengths / np.quantile(lengths, 0.68) * RADII[0][1] * sigmas


@pytest.mark.parametrize("factor", [0.5, 2.0, 8.0])
def test_a_known_temperature_is_found(factor: float) -> None:
    sigmas = np.random.default_rng(0).uniform(0.01, 0.1, 2000)
    errors = draw_errors(factor * sigmas)
    found = fit_temperature(list(zip(errors, sigmas, strict=True)), 0.0, 1.0)
    assert found == pytest.approx(factor, rel=0.1)
    for share, radius in RADII:
        assert np.mean(errors <= radius * found * sigmas) == pytest.approx(share, abs=0.03)


def test_a_few_gross_errors_do_not_widen_all_sigmas() -> None:
    sigmas = np.full(200, 0.01)
    errors = draw_errors(sigmas)
    errors[:6] = 1.0
    assert fit_temperature(list(zip(errors, sigmas, strict=True)), 0.0, 1.0) == pytest.approx(1.0, rel=0.25)


def test_without_joints_the_start_is_kept() -> None:
    assert fit_temperature([], 0.0, 2.5) == 2.5


def test_confidence_follows_the_feature_that_decides() -> None:
    rng = np.random.default_rng(1)
    features = np.column_stack([np.ones(800), rng.normal(size=(800, 2))])
    is_right = rng.random(800) < 1 / (1 + np.exp(-(1.0 + 2.0 * features[:, 1])))
    constant, first, second = fit_confidence(features, is_right)
    assert constant == pytest.approx(1.0, abs=0.3) and first == pytest.approx(2.0, abs=0.4) and abs(second) < 0.3
