"""Local rigid fits are exact on rigid motion, average noise out, and tell mismatches from flow."""

import numpy as np

from sim2art.geometry.screws import revolute_transform
from sim2art.geometry.transforms import apply
from sim2art.perception.flow.rigid_flow import fit_locally

RNG = np.random.default_rng(5)
POINTS = RNG.uniform([-0.3, -0.3, 1.0], [0.3, 0.3, 1.1], (400, 3))
TURN = revolute_transform(np.array([0.0, 1.0, 0.0]), np.array([0.4, 0.0, 1.0]), 0.6)
FLOW = apply(TURN, POINTS) - POINTS
DEPTH = POINTS[:, 2]


def test_a_large_turn_is_fitted_exactly() -> None:
    fit = fit_locally(POINTS, DEPTH, POINTS, FLOW, num_rounds=8)
    assert np.median(np.linalg.norm(fit.flow - FLOW, axis=1)) < 1e-3
    assert fit.support.min() > 0.9


def test_noise_is_averaged_out() -> None:
    noisy = FLOW + RNG.normal(0, 0.003, FLOW.shape)
    fit = fit_locally(POINTS, DEPTH, POINTS, noisy)
    before, after = (np.sqrt(np.mean((flow - FLOW) ** 2)) for flow in (noisy, fit.flow))
    assert after < 0.6 * before


def test_outliers_do_not_bend_the_fit() -> None:
    wrong = FLOW.copy()
    wild = RNG.choice(400, 80, replace=False)
    wrong[wild] += RNG.normal(0, 0.2, (80, 3))
    fit = fit_locally(POINTS, DEPTH, POINTS, wrong)
    assert np.quantile(np.linalg.norm(fit.flow - FLOW, axis=1), 0.9) < 0.01
