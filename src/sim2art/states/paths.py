"""Values over time, from the cost of each value in each frame: the best path, what is certain of it, its smooth form.

A joint moves as its mover likes; all that is assumed of it is that speeds beyond an arm's are rare. The prior on a step is
Student's (two degrees of freedom less one), so that a jump costs a few nats and no more, however large. A part that has turned
by half a circle often looks much the same, so a turn beyond the highest speed costs so much that no frame pays for it.
"""

import numpy as np
from jaxtyping import Bool, Float

from sim2art.articulation.joint import JointType

USUAL_SPEED = {JointType.REVOLUTE: float(np.deg2rad(60.0)), JointType.PRISMATIC: 0.3, JointType.FIXED: 1.0}
"""rad/s, m/s."""
HIGHEST_TURN = float(np.deg2rad(400.0))
"""rad/s: twice the fastest turn of `procedural-fast`. From 250 to 600 deg/s the states are the same; at 900, and without a limit,
the real door and a flap of the eight recordings that were tried flip by half a turn. Slides showed no need of a limit."""
_IMPOSSIBLE = 200.0
"""nats."""


def step_cost(
    steps: Float[np.ndarray, "*batch"], seconds: float, kind: JointType, *, spacing: float
) -> Float[np.ndarray, "*batch"]:
    """Cost of going so far within a time, nats.

    Args:
        steps: rad or m.
        spacing: Of the values that are told apart: steps below it say nothing.
    """
    usual = max(USUAL_SPEED[kind] * seconds, spacing)
    cost = np.log1p((steps / usual) ** 2)
    if kind is not JointType.REVOLUTE:
        return cost
    return cost + _IMPOSSIBLE * (np.abs(steps) > HIGHEST_TURN * seconds + 2 * spacing)


def best_path(
    costs: Float[np.ndarray, "frame value"], transitions: list[Float[np.ndarray, "value value"]]
) -> np.ndarray:
    """Index of the value of each frame with the least sum of costs (Viterbi)."""
    back = np.zeros(costs.shape, dtype=np.int64)
    total = costs[0].copy()
    for frame in range(1, len(costs)):
        ways = total[:, None] + transitions[frame - 1]
        back[frame] = ways.argmin(axis=0)
        total = ways[back[frame], np.arange(costs.shape[1])] + costs[frame]
    path = np.zeros(len(costs), dtype=np.int64)
    path[-1] = int(total.argmin())
    for frame in range(len(costs) - 1, 0, -1):
        path[frame - 1] = back[frame, path[frame]]
    return path


def marginals(
    costs: Float[np.ndarray, "frame value"], transitions: list[Float[np.ndarray, "value value"]]
) -> Float[np.ndarray, "frame value"]:
    """Probability of each value in each frame, given all frames."""
    likelihoods = np.exp(-(costs - costs.min(axis=1, keepdims=True)))
    moves = [np.exp(-cost) for cost in transitions]
    ahead, behind = np.ones_like(costs), np.ones_like(costs)
    for frame in range(1, len(costs)):
        told = (ahead[frame - 1] * likelihoods[frame - 1]) @ moves[frame - 1]
        ahead[frame] = told / told.sum()
    for frame in range(len(costs) - 2, -1, -1):
        told = moves[frame] @ (behind[frame + 1] * likelihoods[frame + 1])
        behind[frame] = told / told.sum()
    result = ahead * likelihoods * behind
    return result / result.sum(axis=1, keepdims=True)


def smooth_path(
    values: Float[np.ndarray, "frame"],
    sigmas: Float[np.ndarray, "frame"],
    times: Float[np.ndarray, "frame"],
    kind: JointType,
    *,
    held: Bool[np.ndarray, "frame"],
) -> tuple[Float[np.ndarray, "frame"], Float[np.ndarray, "frame"]]:
    """Values and sigmas with a random walk between frames, whose steps are about as large as they are seen to be.

    Where a value is hardly known it is drawn between its neighbours, with a sigma that grows with the time to them: what is not
    seen is taken to move as it does where it is seen.
    """
    count = len(values)
    if count < 2:
        return values.copy(), sigmas.copy()
    # The steps of values that are not held are not what is seen.
    seen = np.interp(times, times[held], values[held]) if held.any() else values
    seconds = np.diff(times)
    steps = np.maximum(np.abs(np.diff(seen)), 0.2 * USUAL_SPEED[kind] * seconds)
    told = held[1:] & held[:-1]
    if told.any():
        unseen = np.sqrt(np.mean(steps[told] ** 2 / seconds[told]) * seconds)
        steps = np.where(told, steps, np.maximum(steps, unseen))
    weight = 1.0 / np.maximum(sigmas, 1e-9) ** 2
    pull = 1.0 / steps**2
    normal = np.diag(weight)
    index = np.arange(count - 1)
    normal[index, index] += pull
    normal[index + 1, index + 1] += pull
    normal[index, index + 1] -= pull
    normal[index + 1, index] -= pull
    inverse = np.linalg.inv(normal)
    return inverse @ (weight * values), np.sqrt(np.diag(inverse))
