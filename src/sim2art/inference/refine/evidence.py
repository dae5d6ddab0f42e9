"""How much two explanations of the same rows differ, with correlated noise counted as what it is.

Rows of one frame pair share the errors of depth and of flow, so N rows are not N observations. The inflation F is
measured: in each frame pair an affine field is fitted to the residuals of a part; under white noise each of its
parameters would take up as much energy as one coordinate of noise, F is how many times more it takes. N / F is then
what the information criterion counts (Schwarz 1978, with N replaced).
"""

import numpy as np
from jaxtyping import Float

from sim2art.inference.refine.residuals import Rows
from sim2art.inference.refine.solver import measure_noise

MIN_NOISE = 1e-3
"""Noise is never taken for less, normalised units."""
MIN_PAIR_ROWS = 8
"""Frame pairs with fewer rows say nothing about the inflation."""


def measure_inflation(rows: Rows, residuals: Float[np.ndarray, "row 3"], weights: Float[np.ndarray, "row"]) -> float:
    """Energy that smooth fields take of the residuals over what they would take of white noise; at least 1.

    Args:
        rows: Rows of flow of one part.
        residuals: What the part's joint leaves of them.
        weights: Robust weights, so that wrong flow does not count as a smooth error.
    """
    key = rows.start * (int(rows.stop.max(initial=0)) + 1) + rows.stop
    taken, expected = 0.0, 0.0
    for pair in np.unique(key):
        own = np.flatnonzero((key == pair) & (weights > 0) & ~rows.is_surface)
        if len(own) < MIN_PAIR_ROWS:
            continue
        root = np.sqrt(weights[own] / weights[own].mean())[:, None]
        places = rows.source[own] - np.average(rows.source[own], axis=0, weights=weights[own])
        basis = np.linalg.svd(np.c_[np.ones(len(own)), places] * root, full_matrices=False)[0]
        energy = residuals[own] * root
        field = float(np.sum((basis.T @ energy) ** 2))
        rest = max(float(np.sum(energy**2)) - field, 1e-12)
        taken += field
        expected += rest * basis.shape[1] / (len(own) - basis.shape[1])
    return max(taken / expected, 1.0) if expected > 0 else 1.0


def count_observations(rows: Rows, weights: Float[np.ndarray, "row"], inflation: float) -> float:
    """Independent observations N / F: coordinates of rows that are no outliers, over the inflation."""
    coordinates = np.where(rows.is_surface, 1.0, 3.0)
    return float(np.sum(coordinates * weights)) / inflation


def log_odds(cost: float, other_cost: float, num_observations: float, extra_parameters: float) -> float:
    """Log-odds of an explanation against another that has `extra_parameters` fewer.

    1/2 (N/F) ln(RSS_other / RSS) - 1/2 dk ln(N/F); positive when the richer explanation is worth its parameters.
    """
    count = max(num_observations, 1.0)
    gain = 0.5 * count * float(np.log((other_cost + 1e-12) / (cost + 1e-12)))
    return gain - 0.5 * extra_parameters * float(np.log(count))


def robust_lengths(lengths: Float[np.ndarray, "row"], cuts: Float[np.ndarray, "row"]) -> Float[np.ndarray, "row"]:
    """Geman-McClure's squared length: outliers count as much as their cut, whatever their size."""
    return lengths**2 / (1 + (lengths / cuts) ** 2)


def compare_lengths(
    rows: Rows,
    residuals: Float[np.ndarray, "row 3"],
    other_lengths: Float[np.ndarray, "row"],
    extra_parameters: float,
) -> float:
    """Log-odds of the explanation that leaves `residuals` against one that leaves `other_lengths` of the same rows."""
    if not len(rows):
        return 0.0
    lengths = np.linalg.norm(residuals, axis=1)
    noise = np.minimum(measure_noise(rows, lengths, MIN_NOISE), measure_noise(rows, other_lengths, MIN_NOISE))
    noise = noise[rows.group]
    cuts = 3.0 * noise * np.where(rows.is_surface, 1.0, 1.54)
    inliers = 1 / (1 + (lengths / cuts) ** 2) ** 2
    inflation = measure_inflation(rows, residuals, rows.weight * inliers)
    count = count_observations(rows, inliers, inflation)
    cost = float(np.sum(rows.weight * robust_lengths(lengths, cuts) / noise**2))
    other_cost = float(np.sum(rows.weight * robust_lengths(other_lengths, cuts) / noise**2))
    return log_odds(cost, other_cost, count, extra_parameters)
