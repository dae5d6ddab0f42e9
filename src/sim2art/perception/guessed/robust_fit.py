"""Robust Gauss-Newton, damped: what fits of joints to flow share."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from jaxtyping import Float

from sim2art.perception.guessed.reprojection import EXPLAINED

_State = TypeVar("_State")
_ROUNDS = 25
_ENOUGH = 1.0005
"""Times the objective, that a further step must reach for more steps to be made."""


def trust_of(
    residuals: Float[np.ndarray, "point 2"], cost: Float[np.ndarray, "point"] | None = None
) -> Float[np.ndarray, "point"]:
    """Geman-McClure weights of residuals (sigmas); less where `cost`, of another joint, is lower."""
    squared = np.sum(residuals**2, axis=1)
    trust = 1.0 / (1.0 + squared / EXPLAINED) ** 2
    return trust if cost is None else trust * np.minimum(1.0, cost / np.maximum(squared, 1e-6))


def ascend(
    state: _State,
    objective: Callable[[_State], float],
    equations: Callable[[_State], tuple[np.ndarray, np.ndarray]],
    moved: Callable[[_State, np.ndarray], _State],
    hold: Float[np.ndarray, "unknown"],
) -> _State:
    """The state from which no damped step (Levenberg and Marquardt) betters the objective by enough.

    Args:
        state: To begin with.
        objective: To be as large as can be.
        equations: Normal matrix and right side of a change.
        moved: The state after a change.
        hold: Added to the diagonal of the normal matrix.
    """
    value, damping = objective(state), 1e-3
    normal, right = equations(state)
    for _ in range(_ROUNDS):
        tried = moved(state, np.linalg.solve(normal + np.diag(hold + damping * np.diag(normal)), right))
        tried_value = objective(tried)
        if tried_value > value:
            done = tried_value < _ENOUGH * value
            state, value, damping = tried, tried_value, max(damping / 5, 1e-5)
            if done:
                break
            normal, right = equations(state)
        else:
            damping *= 10
            if damping > 10:
                break
    return state
