"""The rigid fit recovers a known motion and never mirrors."""

import numpy as np
import pytest
from hypothesis import given

from sim2art.geometry.alignment import fit_rigid
from sim2art.geometry.transforms import apply, is_rigid
from tests.strategies import point_sets, transforms


@given(point_sets(), transforms())
def test_fit_recovers_the_motion(points: np.ndarray, motion: np.ndarray) -> None:
    np.testing.assert_allclose(fit_rigid(points, apply(motion, points)), motion, atol=1e-6)


@given(point_sets(min_points=6), transforms())
def test_fit_of_a_mirrored_set_is_still_a_rotation(points: np.ndarray, motion: np.ndarray) -> None:
    mirrored = apply(motion, points * [1.0, 1.0, -1.0])
    found = fit_rigid(points, mirrored)
    assert np.linalg.det(found[:3, :3]) == pytest.approx(1.0)
    assert is_rigid(found)


@given(point_sets(min_points=6), transforms())
def test_fit_of_a_flat_set_recovers_the_motion(points: np.ndarray, motion: np.ndarray) -> None:
    flat = points * [1.0, 1.0, 0.0]
    found = fit_rigid(flat, apply(motion, flat))
    assert np.linalg.det(found[:3, :3]) == pytest.approx(1.0)
    np.testing.assert_allclose(found, motion, atol=1e-5)


def test_fit_of_a_line_carries_the_points_although_the_turn_about_it_is_free() -> None:
    line = np.linspace(-1, 1, 9)[:, None] * np.array([0.0, 0.6, 0.8])
    target = line[:, [2, 0, 1]] + 0.3
    found = fit_rigid(line, target)
    assert np.linalg.det(found[:3, :3]) == pytest.approx(1.0)
    np.testing.assert_allclose(apply(found, line), target, atol=1e-9)


def test_points_of_no_weight_do_not_count() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(20, 3))
    target = points + [0.1, 0.2, 0.3]
    target[15:] = rng.normal(size=(5, 3)) * 10
    weights = np.r_[np.ones(15), np.zeros(5)]
    np.testing.assert_allclose(fit_rigid(points, target, weights)[:3, 3], [0.1, 0.2, 0.3], atol=1e-9)


def test_many_sets_are_fitted_at_once() -> None:
    rng = np.random.default_rng(0)
    points, targets = rng.normal(size=(2, 4, 10, 3))
    many = fit_rigid(points, targets)
    for index in range(4):
        np.testing.assert_allclose(many[index], fit_rigid(points[index], targets[index]), atol=1e-12)


def test_no_weight_at_all_gives_a_rigid_answer() -> None:
    points = np.random.default_rng(0).normal(size=(5, 3))
    assert is_rigid(fit_rigid(points, points, np.zeros(5)))
