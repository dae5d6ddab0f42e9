"""Analytic Jacobians against finite differences, and rows that the truth explains."""

import numpy as np
import pytest

from sim2art.geometry.transforms import apply, inverse
from sim2art.inference.hypotheses import JointGuess
from sim2art.inference.refine.kinematic_model import BASE, KinematicModel, layout_of, make_model, take_step
from sim2art.inference.refine.residuals import Rows, normal_equations, row_residuals

NUM_FRAMES = 5


def make_chain(kinds: tuple[bool, ...], parents: list[int], *, seed: int = 0) -> KinematicModel:
    """Random joints (turns where true) in a given tree, with per-frame errors."""
    rng = np.random.default_rng(seed)
    guesses = []
    for turns in kinds:
        axis = rng.normal(size=3)
        values = np.concatenate([[0.0], rng.uniform(-1.0, 1.0, NUM_FRAMES - 1)])
        guesses.append(
            JointGuess(is_revolute=turns, axis=axis / np.linalg.norm(axis), pivot=rng.normal(size=3), values=values)
        )
    model = make_model(guesses, parents, rng.normal(size=(NUM_FRAMES, 3)) + [0, 0, -4])
    nuisance = np.zeros(layout_of(model).size)
    nuisance[layout_of(model).nuisance] = rng.normal(0, 0.02, 4 * NUM_FRAMES)
    return take_step(model, nuisance, layout_of(model))


def make_rows(num_parts: int, *, seed: int = 1, count: int = 60) -> Rows:
    """Random rows of all parts and the base, some of them surfaces."""
    rng = np.random.default_rng(seed)
    normal = rng.normal(size=(count, 3))
    return Rows(
        part=rng.integers(BASE, num_parts, count),
        start=rng.integers(NUM_FRAMES, size=count),
        stop=rng.integers(NUM_FRAMES, size=count),
        source=rng.normal(size=(count, 3)),
        target=rng.normal(size=(count, 3)),
        normal=normal / np.linalg.norm(normal, axis=1, keepdims=True),
        is_surface=rng.random(count) < 0.4,
        weight=np.ones(count),
        group=np.zeros(count, dtype=np.int64),
    )


@pytest.mark.parametrize(
    ("kinds", "parents"),
    [
        ((True,), [BASE]),
        ((False,), [BASE]),
        ((True, False), [BASE, 0]),
        ((False, True), [BASE, 0]),
        ((True, True, True), [BASE, 0, 1]),
        ((False, True, False), [1, BASE, 1]),
    ],
)
@pytest.mark.parametrize("has_nuisance", [True, False])
def test_gradient_equals_finite_differences(kinds: tuple[bool, ...], parents: list[int], has_nuisance: bool) -> None:
    model, rows = make_chain(kinds, parents), make_rows(len(kinds))
    layout = layout_of(model, has_nuisance=has_nuisance)
    weights = np.linspace(0.5, 2.0, len(rows))
    _, right = normal_equations(rows, model, weights, layout)

    def cost(step: np.ndarray) -> float:
        return 0.5 * float(np.sum(weights[:, None] * row_residuals(rows, take_step(model, step, layout)) ** 2))

    numeric = np.array([(cost(h) - cost(-h)) / 2e-6 for h in 1e-6 * np.eye(layout.size)])
    np.testing.assert_allclose(-right, numeric, rtol=1e-5, atol=1e-5)


def test_normal_matrix_equals_the_squared_numeric_jacobian() -> None:
    model, rows = make_chain((True, False), [BASE, 0]), make_rows(2)
    layout = layout_of(model)
    matrix, _ = normal_equations(rows, model, np.ones(len(rows)), layout)
    columns = [
        (row_residuals(rows, take_step(model, h, layout)) - row_residuals(rows, take_step(model, -h, layout))) / 2e-6
        for h in 1e-6 * np.eye(layout.size)
    ]
    jacobian = np.stack([column.ravel() for column in columns], axis=1)
    np.testing.assert_allclose(matrix, jacobian.T @ jacobian, rtol=1e-4, atol=1e-4)


def test_truth_leaves_nothing_in_a_chain() -> None:
    model = make_chain((True, False, True), [BASE, 0, 1])
    model = take_step(
        model, -np.concatenate([np.zeros(layout_of(model).nuisance.start), _errors(model)]), layout_of(model)
    )
    motions = model.motions()
    rng = np.random.default_rng(3)
    start, stop, part = rng.integers(NUM_FRAMES, size=(2, 40)).tolist() + [rng.integers(3, size=40)]
    source = rng.normal(size=(40, 3))
    target = apply((motions[part, stop] @ inverse(motions[part, start])), source[:, None])[:, 0]
    rows = Rows(
        part=np.array(part), start=np.array(start), stop=np.array(stop), source=source, target=target,
        normal=np.zeros((40, 3)), is_surface=np.zeros(40, dtype=bool), weight=np.ones(40),
        group=np.zeros(40, dtype=np.int64),
    )  # fmt: skip
    np.testing.assert_allclose(row_residuals(rows, model), 0.0, atol=1e-12)


def test_parents_that_form_a_ring_are_refused() -> None:
    with pytest.raises(Exception, match="no tree"):
        make_chain((True, True), [1, 0])


def _errors(model: KinematicModel) -> np.ndarray:
    return np.concatenate([model.offsets, model.stretches[:, None]], axis=1).ravel()
