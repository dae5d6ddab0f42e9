"""Sigmas and confidences fitted on known errors."""

import numpy as np
import pytest

from sim2art.refine.calibration import RADII, fit_confidence, fit_temperature


@pytest.mark.parametrize("factor", [0.5, 2.0, 8.0])
def test_a_known_temperature_is_found(factor: float) -> None:
    rng = np.random.default_rng(0)
    sigmas = rng.uniform(0.01, 0.1, 2000)
    errors = np.linalg.norm(rng.normal(size=(2000, 2)), axis=1) * factor * sigmas
    found = fit_temperature(list(zip(errors, sigmas, strict=True)), 0.0, 1.0)
    assert found == pytest.approx(factor, rel=0.1)
    for share, radius in RADII:
        assert np.mean(errors <= radius * found * sigmas) == pytest.approx(share, abs=0.03)


def test_without_joints_the_start_is_kept() -> None:
    assert fit_temperature([], 0.0, 2.5) == 2.5


def test_confidence_follows_the_feature_that_decides() -> None:
    rng = np.random.default_rng(1)
    features = np.column_stack([np.ones(800), rng.normal(size=(800, 2))])
    is_right = rng.random(800) < 1 / (1 + np.exp(-(1.0 + 2.0 * features[:, 1])))
    constant, first, second = fit_confidence(features, is_right)
    assert constant == pytest.approx(1.0, abs=0.3) and first == pytest.approx(2.0, abs=0.4) and abs(second) < 0.3
