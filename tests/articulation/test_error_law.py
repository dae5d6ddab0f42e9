"""The law of errors: 68 % as a Gaussian has them, 95 % farther out."""

import numpy as np
import pytest

from sim2art.articulation.error_law import TAILS, error_log_density, error_radius


def test_radii_hold_their_share_of_drawn_errors() -> None:
    rng = np.random.default_rng(0)
    errors = np.linalg.norm(rng.normal(size=(200_000, 2)), axis=1) * np.sqrt(TAILS / rng.chisquare(TAILS, 200_000))
    # Drawn at Student's own scale: the two scales differ by a factor only.
    scale = np.quantile(errors, 0.68) / error_radius(0.68)
    for share in (0.5, 0.68, 0.9, 0.95):
        assert np.mean(errors <= scale * error_radius(share)) == pytest.approx(share, abs=0.005)


def test_a_gaussian_is_the_limit_and_tails_are_wider() -> None:
    assert error_radius(0.68) == pytest.approx(1.51, abs=0.01)
    assert error_radius(0.95, tails=1e6) == pytest.approx(2.448, abs=0.01)
    assert error_radius(0.95) > 2.6


def test_the_density_is_highest_at_the_sigma_that_errors_were_drawn_with() -> None:
    rng = np.random.default_rng(1)
    errors = np.linalg.norm(rng.normal(size=(20_000, 2)), axis=1) * np.sqrt(TAILS / rng.chisquare(TAILS, 20_000))
    true = np.quantile(errors, 0.68) / error_radius(0.68)
    sums = {factor: error_log_density(errors, np.array(factor * true)).sum() for factor in (0.7, 1.0, 1.4)}
    assert max(sums, key=lambda factor: sums[factor]) == 1.0
