"""Paths over time: the best one, what is certain of it, and smoothing."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2art.articulation.joint import JointType
from sim2art.states.paths import best_path, marginals, smooth_path, step_cost


def _problem(seed: int, frames: int = 4, values: int = 5) -> tuple[np.ndarray, list[np.ndarray]]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(frames, values)) * 3, [rng.uniform(0, 4, (values, values)) for _ in range(frames - 1)]


def _total(costs: np.ndarray, transitions: list[np.ndarray], path: tuple[int, ...]) -> float:
    steps = sum(transitions[t][path[t], path[t + 1]] for t in range(len(path) - 1))
    return float(sum(costs[t, v] for t, v in enumerate(path)) + steps)


@given(seed=st.integers(0, 50))
def test_no_path_is_better_than_the_best(seed: int) -> None:
    costs, transitions = _problem(seed)
    best = _total(costs, transitions, tuple(best_path(costs, transitions)))
    assert best <= min(_total(costs, transitions, p) for p in itertools.product(range(5), repeat=4)) + 1e-9


@given(seed=st.integers(0, 50))
def test_marginals_are_sums_over_all_paths(seed: int) -> None:
    costs, transitions = _problem(seed)
    expected = np.zeros(costs.shape)
    for path in itertools.product(range(5), repeat=4):
        expected[np.arange(4), list(path)] += np.exp(-_total(costs, transitions, path))
    np.testing.assert_allclose(marginals(costs, transitions), expected / expected.sum(axis=1, keepdims=True), atol=1e-9)


def test_a_jump_of_sixty_degrees_costs_a_few_nats_and_one_that_no_hand_makes_is_ruled_out() -> None:
    jump = np.array([np.deg2rad(60.0)])
    assert 1.0 < step_cost(jump, 0.2, JointType.REVOLUTE, spacing=0.02)[0] < 6.0
    assert step_cost(jump, 0.1, JointType.REVOLUTE, spacing=0.02)[0] > 100.0


def test_an_unknown_value_is_drawn_between_its_neighbours_and_says_so() -> None:
    values = np.array([0.0, 0.1, 5.0, 0.3, 0.4])
    sigmas = np.array([0.01, 0.01, 100.0, 0.01, 0.01])
    smooth, doubt = smooth_path(values, sigmas, np.arange(5) / 10, JointType.REVOLUTE, held=sigmas < 1)
    assert abs(smooth[2] - 0.2) < 0.05
    assert doubt[2] > 5 * doubt[1]
    np.testing.assert_allclose(smooth[[0, 1, 3, 4]], values[[0, 1, 3, 4]], atol=0.01)


def test_what_is_not_seen_may_have_moved_as_what_is_seen_does() -> None:
    times = np.arange(20) / 10
    held = times < 1.25
    sigmas = np.where(held, 0.01, 1e3)
    swing = np.minimum(0.1 * np.arange(20), 1.2)
    rest = np.zeros(20)
    _, quick = smooth_path(swing, sigmas, times, JointType.REVOLUTE, held=held)
    _, slow = smooth_path(rest, sigmas, times, JointType.REVOLUTE, held=held)
    # A random walk of the steps that are seen.
    assert quick[-1] == pytest.approx(0.1 * np.sqrt(7), rel=0.1)
    assert quick[-1] > 3 * slow[-1] and quick[5] < 0.02
