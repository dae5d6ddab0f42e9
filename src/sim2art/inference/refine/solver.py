"""Robust least squares over all joints and frames at once: Levenberg-Marquardt inside graduated reweighting.

Weights are those of Geman-McClure: a row's pull fades when its residual leaves the noise of its group. The noise is
taken from the rows themselves and starts too large on purpose (graduated non-convexity), so that a poor start is not
taken for a set of outliers.
"""

import dataclasses
from dataclasses import dataclass

import numpy as np
import scipy.linalg
from jaxtyping import Float

from sim2art.inference.fit.joint_fit import STANDSTILL
from sim2art.inference.refine.kinematic_model import KinematicModel, ModelLayout, layout_of, take_step
from sim2art.inference.refine.residuals import Rows, normal_equations, row_residuals


@dataclass(frozen=True, kw_only=True)
class SolverConfig:
    """Priors and rounds; lengths in normalised units."""

    num_rounds: int = 8
    first_scale: float = 4.0
    """The noise is taken this much larger in the first round."""
    min_noise: float = 1e-3
    """Noise of a group is never taken for less."""
    smoothness: float = 0.002
    """Weight of second differences of joint values, as a share of the data's weight."""
    offset_sigma: float = 0.004
    """How far a frame may be off as a whole."""
    stretch_sigma: float = 0.004
    """How far a frame's depth scale may be off (relative)."""
    direction_sigma: float = np.deg2rad(0.3)
    """How far the axis of a joint may be from the direction that it is held to, rad: what its uncertainty is made from."""
    min_row_weight: float = 1e-4
    """Rows with less weight are skipped."""
    fits_frame_errors: bool = True
    """Whether offset and depth scale of each frame are unknowns."""

    @property
    def continued(self) -> "SolverConfig":
        """For a model that an earlier solution has brought near: fewer rounds, no graduation."""
        return dataclasses.replace(self, num_rounds=max(self.num_rounds // 2, 1), first_scale=1.5)


@dataclass(frozen=True, kw_only=True)
class Solution:
    """A solved model with what is needed to judge it."""

    model: KinematicModel
    noise: Float[np.ndarray, "group"]
    """Noise of one coordinate, by group of rows."""
    information: Float[np.ndarray, "unknown unknown"]
    """J^T W J with all priors, at the solution."""
    weights: Float[np.ndarray, "row"]
    """Final weight of each row: trust x robust weight / noise^2."""
    cost: float


def solve(rows: Rows, model: KinematicModel, config: SolverConfig) -> Solution:
    """Fit all joints, their values and the per-frame errors to the rows.

    Returns:
        The best model found; the given one when there is nothing to fit.
    """
    layout = layout_of(model, has_nuisance=config.fits_frame_errors)
    damping = 1e-3
    lengths = _lengths(rows, model)
    noise = measure_noise(rows, lengths, config.min_noise)
    scale = config.first_scale
    for _ in range(config.num_rounds):
        noise = np.minimum(noise, measure_noise(rows, lengths, config.min_noise) * 1.5)
        cut = scale * noise
        weights = _robust_weights(rows, lengths, noise, cut)
        kept = np.flatnonzero(weights * noise[rows.group] ** 2 > config.min_row_weight)
        used = rows.take(kept)
        matrix, right = normal_equations(used, model, weights[kept], layout)
        prior, pull = _priors(model, matrix, layout, config)
        matrix, right = matrix + prior, right + pull
        before = _cost(rows, lengths, noise, cut) + _prior_cost(model, prior, layout, config)
        for _ in range(4):
            step = _solve_damped(matrix, right, damping)
            candidate = take_step(model, _limit(step, layout), layout)
            candidate_lengths = _lengths(rows, candidate)
            after = _cost(rows, candidate_lengths, noise, cut) + _prior_cost(candidate, prior, layout, config)
            if np.isfinite(after) and after <= before:
                model, lengths, damping = candidate, candidate_lengths, max(damping / 5, 1e-7)
                break
            damping = min(damping * 8, 1e4)
        noise = measure_noise(rows, lengths, config.min_noise)
        scale = max(1.0, scale * 0.7)
    weights = _robust_weights(rows, lengths, noise, noise)
    matrix, _ = normal_equations(rows, model, weights, layout)
    prior, _ = _priors(model, matrix, layout, config, holds=False)
    model = dataclasses.replace(model, values=model.values - model.values[:, :1])
    return Solution(
        model=model, noise=noise, information=matrix + prior, weights=weights, cost=_cost(rows, lengths, noise, noise)
    )


def measure_noise(rows: Rows, lengths: Float[np.ndarray, "row"], floor: float) -> Float[np.ndarray, "group"]:
    """Noise of one coordinate for each group of rows, from the weighted median of residual lengths.

    A group with few rows leans on the median of all rows.
    """
    num_groups = int(rows.group.max()) + 1 if len(rows) else 0
    noise = np.full(num_groups, floor)
    order = np.argsort(lengths)
    for group in np.unique(rows.group):
        own = order[rows.group[order] == group]
        total = np.cumsum(rows.weight[own])
        if total[-1] <= 0:
            continue
        median = lengths[own][np.searchsorted(total, 0.5 * total[-1])]
        # Median length of a Gaussian vector is 1.54 sigma, of a number 0.67 sigma.
        noise[group] = max(median / (0.67 if rows.is_surface[own[0]] else 1.54), floor)
    return noise


def _lengths(rows: Rows, model: KinematicModel) -> np.ndarray:
    return np.linalg.norm(row_residuals(rows, model), axis=1)


def _cuts(rows: Rows, cut: np.ndarray) -> np.ndarray:
    """Residual length at which a row's pull begins to fade."""
    return cut[rows.group] * np.where(rows.is_surface, 1.5, 2.3)


def _robust_weights(rows: Rows, lengths: np.ndarray, noise: np.ndarray, cut: np.ndarray) -> np.ndarray:
    if not len(rows):
        return np.zeros(0)
    return rows.weight / noise[rows.group] ** 2 / (1 + (lengths / _cuts(rows, cut)) ** 2) ** 2


def _cost(rows: Rows, lengths: np.ndarray, noise: np.ndarray, cut: np.ndarray) -> float:
    """Geman-McClure's cost, in units of the noise."""
    if not len(rows):
        return 0.0
    return 0.5 * float(
        np.sum(rows.weight / noise[rows.group] ** 2 * lengths**2 / (1 + (lengths / _cuts(rows, cut)) ** 2))
    )


def _priors(
    model: KinematicModel, matrix: np.ndarray, layout: ModelLayout, config: SolverConfig, *, holds: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Normal equations of smooth values, small per-frame errors and axes that are held.

    Args:
        holds: Held axes do not turn; else they are as uncertain as the directions that they are held to.
    """
    prior, pull = np.zeros((layout.size, layout.size)), np.zeros(layout.size)
    count = model.num_frames
    first, second = np.diff(np.eye(count), 1, axis=0), np.diff(np.eye(count), 2, axis=0)
    rough = second.T @ second + STANDSTILL * first.T @ first
    for joint in range(model.num_joints):
        span = layout.values(joint)
        strength = config.smoothness * float(np.trace(matrix[span, span])) / count + 1e-6
        block = strength * rough
        pull[span] -= block @ model.values[joint]
        prior[span, span] += block
        # The rest pose is frame 0.
        prior[span.start, span.start] += 1e6 * (1.0 + float(np.trace(matrix[span, span])) / count)
        shape = layout.shape(joint)
        # Axis and pivot stay where nothing is seen of them; without a little weight the system would be singular.
        prior[shape, shape] += np.eye(4) * (1e-4 if model.is_revolute[joint] else 1.0)
        if model.is_held[joint]:
            axis = range(shape.start, shape.start + 2)
            prior[axis, axis] += 1e4 * (1.0 + matrix[axis, axis].max()) if holds else config.direction_sigma**-2
    if not layout.has_nuisance:
        return prior, pull
    sigmas = np.tile([config.offset_sigma] * 3 + [config.stretch_sigma], count)
    errors = np.concatenate([model.offsets, model.stretches[:, None]], axis=1).ravel()
    span = layout.nuisance
    prior[span, span] += np.diag(sigmas**-2.0)
    pull[span] -= errors / sigmas**2
    return prior, pull


def _prior_cost(model: KinematicModel, prior: np.ndarray, layout: ModelLayout, config: SolverConfig) -> float:
    """Cost of the priors at a model, with the strengths that `prior` was built with."""
    cost = 0.0
    for joint in range(model.num_joints):
        span = layout.values(joint)
        block = prior[span, span].copy()
        block[0, 0] = 0.0
        values = model.values[joint]
        cost += 0.5 * float(values @ block @ values)
    errors = np.concatenate([model.offsets / config.offset_sigma, model.stretches[:, None] / config.stretch_sigma], 1)
    return cost + 0.5 * float(np.sum(errors**2))


def _solve_damped(matrix: np.ndarray, right: np.ndarray, damping: float) -> np.ndarray:
    """Levenberg-Marquardt's step; unknowns are scaled to unit curvature first, for they differ by many decades."""
    size = np.sqrt(np.diag(matrix) + 1e-9)
    scaled = matrix / size / size[:, None] + damping * np.eye(len(matrix))
    try:
        factor = scipy.linalg.cho_factor(scaled + 1e-12 * np.eye(len(matrix)), check_finite=False)
    except scipy.linalg.LinAlgError:  # Rounding ate the least eigenvalue: stay, the next round reweights.
        return np.zeros_like(right)
    return scipy.linalg.cho_solve(factor, right / size, check_finite=False) / size


def _limit(step: np.ndarray, layout: ModelLayout) -> np.ndarray:
    """The step with axes turning less than 0.5 rad, pivots and values moving less than 1."""
    step = step.copy()
    for joint in range(layout.num_joints):
        shape = layout.shape(joint)
        step[shape][:2] *= min(1.0, 0.5 / max(float(np.linalg.norm(step[shape][:2])), 1e-9))
        step[shape][2:] *= min(1.0, 1.0 / max(float(np.linalg.norm(step[shape][2:])), 1e-9))
        step[layout.values(joint)] = np.clip(step[layout.values(joint)], -1.0, 1.0)
    return step
