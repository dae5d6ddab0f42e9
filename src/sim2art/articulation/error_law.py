"""How errors of axes and pivots scatter about what is stated: one law, for those who state sigmas and who check them.

An error across an axis has two directions. Most are as small as a Gaussian of the stated sigma would have them, but a
few, behind a wrong part or flow that drifts, are far larger. Student's law in two dimensions has such tails; `TAILS`
was chosen with the calibration of `sim2art.inference.refine` on validation clips.
"""

import math

import numpy as np

TAILS = 3.0
"""Degrees of freedom of Student's law; a Gaussian would have infinitely many."""


def error_radius(share: float, tails: float = TAILS) -> float:
    """Radius, in sigmas, of the circle that holds a share (0..1) of the errors.

    A sigma is the scale for which 68 % lie within the same 1.51 sigmas as a Gaussian's would.
    """
    return math.sqrt(-2 * math.log(0.32)) * _spread(share, tails) / _spread(0.68, tails)


def error_log_density(errors: np.ndarray, sigmas: np.ndarray, tails: float = TAILS) -> np.ndarray:
    """Log-density of errors (lengths across an axis) under the law, but for what does not depend on the sigmas."""
    scales = sigmas * error_radius(0.68, tails) / _spread(0.68, tails)
    return -2 * np.log(scales) - (0.5 * tails + 1) * np.log1p((errors / scales) ** 2 / tails)


def _spread(share: float, tails: float) -> float:
    """Radius of Student's own scale."""
    return math.sqrt(tails * ((1 - share) ** (-2 / tails) - 1))
