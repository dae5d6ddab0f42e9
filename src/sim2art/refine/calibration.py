"""Numbers fitted on validation clips (`benchmarks/calibrate_uncertainty.py`): sigmas and confidences that hold."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from sim2art.articulation.error_law import error_log_density, error_radius


@dataclass(frozen=True, kw_only=True)
class JointFacts:
    """What speaks for and against one refined joint. Lengths in normalised units."""

    proposed_confidence: float
    """0..1, by the proposal; 0.3 for parts that the safety net added."""
    support: float
    """Log-odds that the part moves as its joint says, against not moving."""
    type_odds: float
    """Log-odds of the chosen type against the other."""
    axis_sigma: float
    """rad, from the curvature of the cost."""
    pivot_sigma: float
    swing: float
    """Range of the joint's values, rad or length."""
    travel: float
    """Longest way of the part's middle."""
    share: float
    """Share of all points that the part holds."""
    num_rows: float
    """Sum of trust of its rows of flow."""
    noise: float
    """Median residual of its flow."""
    inflation: float
    """F of the evidence rule."""
    gain: float | None
    """Log-odds of the refined joint against the proposed one; None where the two cannot be compared."""
    is_revolute: bool
    is_recovered: bool
    pose_ratio: float = 1.0
    """How well the part's rigid poses turn as the joint says (`pose_evidence.explained_ratio`); 1 for slides."""
    is_kept: bool = False
    """The joint is as proposed: refining did not explain the points better."""

    @property
    def axis_leverage(self) -> float:
        """What an error as large as the noise, shared by all frames, turns the axis by, rad."""
        return self.noise / max(self.travel, 0.02)

    @property
    def pivot_leverage(self) -> float:
        """What such an error moves the pivot by, normalised units."""
        return self.noise / min(max(self.swing, 0.1), 1.0)

    def features(self) -> np.ndarray:
        """What confidence is fitted on, each of order one."""
        confidence = np.clip(self.proposed_confidence, 0.02, 0.98)
        return np.array(
            [
                1.0,
                np.log(confidence / (1 - confidence)),
                np.log1p(max(self.support, 0.0)) - 4.0,
                np.log1p(max(self.type_odds, 0.0)) - 2.0,
                np.log(max(self.axis_sigma, 1e-4)) + 5.0,
                np.log((self.travel + 0.01) / (self.noise + 1e-3)) - 3.0,
                1.0 if self.is_recovered else 0.0,
            ]
        )


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """From raw numbers to probabilities that hold on validation clips."""

    axis_temperature: float = 2.46
    """Factor of the axis sigma from the curvature of the cost."""
    axis_shared: float = 0.5
    """Factor of noise over travel: errors that all frames share do not average out, however many rows there are."""
    axis_floor: float = 0.002
    """rad: errors that no clip's own noise shows."""
    pivot_temperature: float = 4.29
    pivot_shared: float = 0.5
    """Factor of noise over swing: what a shared error moves the centre of a turn by."""
    pivot_floor: float = 0.004
    """Normalised units."""
    confidence_weights: tuple[float, ...] = (2.041, 0.211, 0.259, 0.333, -0.728, 0.007, -0.444)
    """Weights of `JointFacts.features` in the log-odds of being right."""

    def axis_sigma(self, facts: JointFacts) -> float:
        """Scale of the error law of the axis, rad; at most a right angle."""
        parts = (self.axis_floor, self.axis_temperature * facts.axis_sigma, self.axis_shared * facts.axis_leverage)
        return float(min(np.linalg.norm(parts), np.pi / 2))

    def pivot_sigma(self, facts: JointFacts) -> float:
        """Scale of the error law of the pivot across the axis, normalised units."""
        parts = (self.pivot_floor, self.pivot_temperature * facts.pivot_sigma, self.pivot_shared * facts.pivot_leverage)
        return float(min(np.linalg.norm(parts), 10.0))

    def confidence(self, facts: JointFacts) -> float:
        """Probability that the joint exists, with the right type and within 10 deg."""
        odds = float(np.clip(np.dot(self.confidence_weights, facts.features()), -6.0, 6.0))
        return 1 / (1 + float(np.exp(-odds)))


@dataclass(frozen=True, kw_only=True)
class JudgedJoint:
    """One refined joint of a validation clip, held against the truth."""

    facts: JointFacts
    is_right: bool
    """Belongs to a true part, with the right type and within 10 deg."""
    axis_error: float | None
    """rad; None unless the type is right."""
    pivot_error: float | None
    """Normalised units; None unless a turn of the right type."""


RADII = tuple((share, error_radius(share)) for share in (0.68, 0.95))
"""Shares, and the radii in sigmas that hold them."""
FACTORS = np.r_[0.0, np.geomspace(0.1, 20.0, 60)]
"""Candidates for the factors of a sigma."""


def fit_calibration(judged: Sequence[JudgedJoint], start: Calibration | None = None) -> Calibration:
    """Factors under which the errors are likeliest by the error law, and weights of the confidence.

    Args:
        judged: Refined joints of validation clips.
        start: Its floors are kept.
    """
    start = start or Calibration()
    axis = [(x.axis_error, x.facts.axis_sigma, x.facts.axis_leverage) for x in judged if x.axis_error is not None]
    pivot = [(x.pivot_error, x.facts.pivot_sigma, x.facts.pivot_leverage) for x in judged if x.pivot_error is not None]
    axis_factors = fit_factors(axis, start.axis_floor, (start.axis_temperature, start.axis_shared))
    pivot_factors = fit_factors(pivot, start.pivot_floor, (start.pivot_temperature, start.pivot_shared))
    features = np.array([x.facts.features() for x in judged]).reshape(len(judged), len(start.confidence_weights))
    return dataclasses.replace(
        start,
        axis_temperature=axis_factors[0],
        axis_shared=axis_factors[1],
        pivot_temperature=pivot_factors[0],
        pivot_shared=pivot_factors[1],
        confidence_weights=fit_confidence(features, np.array([x.is_right for x in judged], dtype=bool)),
    )


def fit_factors(
    rows: Sequence[tuple[float, float, float]], floor: float, start: tuple[float, float]
) -> tuple[float, float]:
    """The factors of the two parts of a sigma under which the errors are likeliest; `start` when there are none.

    Args:
        rows: (error, part from the curvature of the cost, part from shared errors).
        floor: Added to sigma in squares.
    """
    if not rows:
        return start
    errors, curved, shared = (np.array(column)[:, None, None] for column in zip(*rows, strict=True))
    sigmas = np.sqrt(floor**2 + (FACTORS[:, None] * curved) ** 2 + (FACTORS * shared) ** 2 + 1e-18)
    likelihood = error_log_density(errors, sigmas).sum(axis=0)
    first, second = np.unravel_index(int(np.argmax(likelihood)), likelihood.shape)
    return round(float(FACTORS[first]), 2), round(float(FACTORS[second]), 2)


def fit_confidence(
    features: Float[np.ndarray, "sample feature"],
    is_right: Bool[np.ndarray, "sample"],
    *,
    ridge: float = 1.0,
    num_rounds: int = 50,
) -> tuple[float, ...]:
    """Weights of a logistic regression with a ridge, by Newton's method; the constant (feature 0) is not held back."""
    weights = np.zeros(features.shape[1])
    held = ridge * np.diag([1e-3] + [1.0] * (features.shape[1] - 1))
    for _ in range(num_rounds):
        chances = 1 / (1 + np.exp(-np.clip(features @ weights, -30, 30)))
        gradient = features.T @ (is_right - chances) - held @ weights
        curvature = (features * (chances * (1 - chances))[:, None]).T @ features + held
        weights = weights + np.linalg.solve(curvature, gradient)
    return tuple(round(float(weight), 3) for weight in weights)
