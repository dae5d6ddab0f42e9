"""A joint fitted to the flow of many pairs of images: steps alone, or axis, values and the relief of the guessed depth."""

import dataclasses

import numpy as np
from jaxtyping import Bool, Float, Int

from sim2art.geometry.rotations import any_perpendicular, rotation_from_rotvec
from sim2art.perception.guessed.image_joint_kernels import DIFFERENCE, joint_equations, step_equations
from sim2art.perception.guessed.image_joints import ImageJoint, MovingPoints, costs_of
from sim2art.perception.guessed.robust_fit import ascend

RELIEF_SIGMAS = np.array([0.15, 0.4, 0.4])
"""How far guessed depth may be off in the large: constant and slopes, see `ImageJoint.relief`."""
SHARED = 5.0
"""Points that lie side by side have the same errors: so many count as one beside what is known of the relief."""
_TYING_ROUNDS = 30
_TILTS = (np.radians(70.0), np.radians(35.0), np.radians(12.0))
_NUM_TILTS = 6
"""Axes around a fitted one from which it is fitted again."""
_BETTER = 1.002
_WALK_SIGMA = 0.5
"""rad, or median depths, that a part moves from one used frame to the next."""
_FIXED = 1e12
"""Prior weight of what stays as it is."""


def fit_joint(
    movers: MovingPoints, start: ImageJoint, cost: np.ndarray, *, keeps_axis: bool = False
) -> tuple[float, ImageJoint]:
    """What a joint saves of `cost` after the fit, and the joint: steps, then all of it, or all but its axis's direction."""
    joint = refine_joint(movers, fit_steps(movers, start), cost, keeps_axis=keeps_axis)
    return movers.gain(joint, cost), joint


def fit_from_around(movers: MovingPoints, gain: float, joint: ImageJoint, cost: np.ndarray) -> tuple[float, ImageJoint]:
    """A joint fitted again from axes around its own, until none is better: a fit may end where relief makes up for a wrong axis."""
    for angle in _TILTS:
        better = True
        while better:
            better = False
            across = any_perpendicular(joint.axis)
            other = np.cross(joint.axis, across)
            for turn in np.linspace(0, 2 * np.pi, _NUM_TILTS, endpoint=False):
                tilted = _shifted(joint, angle * np.array([np.cos(turn), np.sin(turn), 0, 0]), across, other)
                tried_gain, tried = fit_joint(
                    movers, dataclasses.replace(tilted, relief=np.zeros_like(joint.relief)), cost
                )
                if tried_gain > _BETTER * gain:
                    gain, joint, better = tried_gain, tried, True
                    break
    return gain, joint


def fit_steps(movers: MovingPoints, joint: ImageJoint) -> ImageJoint:
    """How far the joint moves in each pair: from the steps that single points ask for, robustly."""
    near = movers.near(joint)
    asked = _asked_steps(movers, joint, near)
    best = np.zeros(movers.num_pairs)
    best_cost = np.full(movers.num_pairs, np.inf)
    order = np.lexsort((asked, movers.pair))
    counts = np.bincount(movers.pair, minlength=movers.num_pairs)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    for quantile in (0.1, 0.3, 0.5, 0.7, 0.9):
        at = np.minimum(starts + (quantile * counts).astype(int), max(len(order) - 1, 0))
        steps = np.where(counts > 0, asked[order[at]], 0.0)
        tried = _with_steps(joint, np.clip(steps, -1.5, 1.5) if not joint.slides else steps)
        for _ in range(2):
            tried = _polish_steps(movers, tried, near)
        cost = np.bincount(movers.pair, weights=costs_of(movers.residuals(tried, near)), minlength=movers.num_pairs)
        better = cost < best_cost
        best, best_cost = np.where(better, tried.steps, best), np.where(better, cost, best_cost)
    return _with_steps(joint, best)


def _asked_steps(
    movers: MovingPoints, joint: ImageJoint, near: Bool[np.ndarray, "point"]
) -> Float[np.ndarray, "point"]:
    zero = _with_steps(joint, np.zeros(movers.num_pairs))
    small = _with_steps(joint, np.full(movers.num_pairs, 1e-3))
    residual = movers.residuals(zero, near)
    slope = (movers.residuals(small, near) - residual) / 1e-3
    return -np.sum(residual * slope, axis=1) / np.maximum(np.sum(slope**2, axis=1), 1e-9)


def _polish_steps(movers: MovingPoints, joint: ImageJoint, near: Bool[np.ndarray, "point"]) -> ImageJoint:
    ahead = movers.motions(_with_steps(joint, joint.steps + DIFFERENCE))
    top, bottom = step_equations(movers.arrays, movers.motions(joint), ahead, movers.log_factors(joint), near)
    limit = 0.3 if not joint.slides else 0.3 * movers.size
    return _with_steps(joint, joint.steps - np.clip(top / np.maximum(bottom, 1e-9), -limit, limit))


def refine_joint(movers: MovingPoints, joint: ImageJoint, cost: np.ndarray, *, keeps_axis: bool) -> ImageJoint:
    """Axis, values in the frames and relief together, robust Gauss-Newton; what another joint explains better counts less."""
    size = movers.size
    num_axis = 2 if joint.slides else 4
    units = np.array([1.0, 1.0, size, size])
    num_frames = len(joint.relief)
    differences = differences_of(movers.pairs, num_frames)
    walk = walk_prior(num_frames, joint, size)
    prior = np.concatenate([np.zeros(num_axis + num_frames), np.tile(SHARED * RELIEF_SIGMAS**-2.0, num_frames)])
    if keeps_axis:
        prior[:2] = _FIXED
    # The values are known up to a constant; what is added holds it.
    hold = prior + 1e-6

    def equations(now: ImageJoint) -> tuple[np.ndarray, np.ndarray]:
        across = any_perpendicular(now.axis)
        other = np.cross(now.axis, across)
        changed = [_shifted(now, DIFFERENCE * change, across, other) for change in np.diag(units)[:num_axis]]
        changed.append(_with_steps(now, now.steps + DIFFERENCE))
        normal, right = joint_equations(
            movers.arrays, movers.motions(now), np.array([movers.motions(one) for one in changed]), movers.log_factors(now),
            movers.near(now), cost, num_frames,
        )  # fmt: skip
        state = np.concatenate([np.zeros(num_axis + num_frames), now.relief.ravel()])
        right -= prior * state
        values = slice(num_axis, num_axis + num_frames)
        now_values = frame_values(now, movers.pairs, num_frames)
        normal[values, values] += walk
        right[values] -= walk @ now_values
        return normal, right

    def objective(now: ImageJoint) -> float:
        now_values = frame_values(now, movers.pairs, num_frames)
        return _objective(movers, now, cost) - float(now_values @ walk @ now_values)

    def moved(now: ImageJoint, change: np.ndarray) -> ImageJoint:
        across = any_perpendicular(now.axis)
        axis = np.zeros(4)
        axis[:num_axis] = np.clip(change[:num_axis], -0.3, 0.3)
        values = np.clip(change[num_axis : num_axis + num_frames], -0.5 * size, 0.5 * size)
        return dataclasses.replace(
            _shifted(now, axis * units, across, np.cross(now.axis, across)), steps=now.steps + differences @ values,
            relief=now.relief + np.clip(change[num_axis + num_frames :], -0.3, 0.3).reshape(-1, 3),
        )  # fmt: skip

    begin = _tie_steps(movers, joint, cost, differences)
    return ascend(begin, objective, equations, moved, hold)


def differences_of(pairs: Int[np.ndarray, "pair 2"], num_frames: int) -> Float[np.ndarray, "pair frame"]:
    """What takes the joint's values in the frames to its steps between them."""
    result = np.zeros((len(pairs), num_frames))
    result[np.arange(len(pairs)), pairs[:, 1]] += 1
    result[np.arange(len(pairs)), pairs[:, 0]] -= 1
    return result


def walk_prior(num_frames: int, joint: ImageJoint, size: float) -> Float[np.ndarray, "frame frame"]:
    """Inverse covariance of values that walk at random: where nothing tells how a part moves, it stays where it was."""
    steps = np.diff(np.eye(num_frames), axis=0) / (_WALK_SIGMA * (size if joint.slides else 1.0))
    return steps.T @ steps


def frame_values(joint: ImageJoint, pairs: Int[np.ndarray, "pair 2"], num_frames: int) -> Float[np.ndarray, "frame"]:
    """The joint's values in the frames, of which its steps are differences; 0 in the first."""
    values = np.linalg.lstsq(differences_of(pairs, num_frames), joint.steps, rcond=None)[0]
    return values - values[0]


def _tie_steps(movers: MovingPoints, joint: ImageJoint, cost: np.ndarray, differences: np.ndarray) -> ImageJoint:
    """Steps that are differences of one value a frame: robustly near those of single pairs, which often are another part's."""
    told = np.bincount(movers.pair, weights=np.maximum(cost - movers.costs(joint), 0), minlength=movers.num_pairs)
    weights, steps = told, joint.steps
    hold = np.concatenate(
        [1e-3 * np.diff(np.eye(differences.shape[1]), axis=0), 1e-6 * np.eye(1, differences.shape[1])]
    )
    for _ in range(_TYING_ROUNDS):
        root = np.sqrt(weights)
        rows = np.concatenate([root[:, None] * differences, hold])
        values = np.linalg.lstsq(rows, np.concatenate([root * joint.steps, np.zeros(len(hold))]), rcond=None)[0]
        steps = differences @ values
        off = np.abs(steps - joint.steps)
        spread = max(float(np.median(off[told > 0])) if (told > 0).any() else 0.0, 1e-6)
        weights = told / (1 + (off / (2 * spread)) ** 2)
    return _with_steps(joint, steps)


def _objective(movers: MovingPoints, joint: ImageJoint, cost: np.ndarray) -> float:
    return movers.gain(joint, cost) - float(SHARED * np.sum((joint.relief / RELIEF_SIGMAS) ** 2))


def _shifted(joint: ImageJoint, change: np.ndarray, across: np.ndarray, other: np.ndarray) -> ImageJoint:
    axis = rotation_from_rotvec(change[0] * across + change[1] * other) @ joint.axis
    return dataclasses.replace(joint, axis=axis, pivot=joint.pivot + change[2] * across + change[3] * other)


def _with_steps(joint: ImageJoint, steps: np.ndarray) -> ImageJoint:
    return dataclasses.replace(joint, steps=steps)
