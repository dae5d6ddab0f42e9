"""Numbers fitted on tune clips (`benchmarks/calibrate_uncertainty.py`): sigmas, confidences and what counts as a part."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from sim2art.articulation.error_law import error_log_density, error_radius

MAX_INFLATION = 60.0
"""A larger inflation is a sign of a wrong part, not of noise."""


@dataclass(frozen=True, kw_only=True)
class JointFacts:
    """What speaks for and against one refined joint. Lengths in normalised units."""

    proposed_confidence: float
    """0..1, by the proposal."""
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
    pose_ratio: float = 1.0
    """How well the part's rigid poses turn as the joint says (`pose_evidence.explained_ratio`); 1 for slides."""
    is_kept: bool = False
    """The joint is as proposed: refining did not explain the points better."""
    is_held: bool = False
    """The axis was held to a main direction of the clip: its error is that of the direction, whatever the curvature."""

    @property
    def inflated_axis_sigma(self) -> float:
        """The axis sigma with correlated noise counted, rad."""
        return self.axis_sigma * self._root_inflation

    @property
    def inflated_pivot_sigma(self) -> float:
        """The pivot sigma with correlated noise counted."""
        return self.pivot_sigma * self._root_inflation

    @property
    def _root_inflation(self) -> float:
        return float(np.sqrt(np.clip(self.inflation, 1.0, MAX_INFLATION)))

    def features(self) -> np.ndarray:
        """What confidence is fitted on, each of order one."""
        confidence = np.clip(self.proposed_confidence, 0.02, 0.98)
        return np.array(
            [
                1.0,
                np.log(confidence / (1 - confidence)),
                np.arcsinh(self.support / 10.0) - 2.0,
                np.log1p(max(self.type_odds, 0.0)) - 2.0,
                np.log(max(self.axis_sigma, 1e-4)) + 5.0,
                np.log((self.travel + 0.01) / (self.noise + 1e-3)) - 3.0,
            ]
        )

    def existence_features(self) -> np.ndarray:
        """What the probability is fitted on that there is a moving part, each of order one."""
        confidence = np.clip(self.proposed_confidence, 0.02, 0.98)
        return np.array(
            [
                1.0,
                np.log(confidence / (1 - confidence)),
                np.arcsinh(self.support / 10.0) - 2.0,
                np.log(self.travel + 0.01) + 1.5,
                np.log((self.travel + 0.01) / (self.noise + 1e-3)) - 3.0,
            ]
        )


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """From raw numbers to probabilities that hold on validation clips."""

    axis_temperature: float = 0.5
    """Factor of the axis sigma that the curvature of the cost and the inflation give."""
    axis_floor: float = 0.006
    """rad: errors of poses and of the camera, which no residual shows; chosen, not fitted."""
    direction_sigma: float = 0.005
    """rad, of axes that are held to a main direction; chosen after the errors of 33 of them on rendered recordings."""
    pivot_temperature: float = 0.9
    pivot_floor: float = 0.008
    """Normalised units."""
    confidence_weights: tuple[float, ...] = (0.56, 0.231, 1.166, -0.378, -1.395, -0.107)
    """Weights of `JointFacts.features` in the log-odds of being right."""
    existence_weights: tuple[float, ...] = (0.646, 0.643, 0.99, 0.573, -0.275)
    """Weights of `JointFacts.existence_features` in the log-odds that there is a moving part."""

    def axis_sigma(self, facts: JointFacts) -> float:
        """Scale of the error law of the axis, rad; at most a right angle."""
        if facts.is_held:
            return self.direction_sigma
        return float(min(np.hypot(self.axis_floor, self.axis_temperature * facts.inflated_axis_sigma), np.pi / 2))

    def pivot_sigma(self, facts: JointFacts) -> float:
        """Scale of the error law of the pivot across the axis, normalised units."""
        return float(min(np.hypot(self.pivot_floor, self.pivot_temperature * facts.inflated_pivot_sigma), 10.0))

    def existence(self, facts: JointFacts) -> float:
        """Probability that a moving part is there, whatever its joint."""
        odds = float(np.clip(np.dot(self.existence_weights, facts.existence_features()), -12.0, 12.0))
        return 1 / (1 + float(np.exp(-odds)))

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
    is_part: bool
    """Its points are those of a part that moves."""
    axis_error: float | None
    """rad; None unless the type is right."""
    pivot_error: float | None
    """Normalised units; None unless a turn of the right type."""


RADII = tuple((share, error_radius(share)) for share in (0.68, 0.95))
"""Shares, and the radii in sigmas that hold them."""
FACTORS = np.geomspace(0.02, 20.0, 300)
"""Candidates for the factor of a sigma."""


def fit_calibration(judged: Sequence[JudgedJoint], start: Calibration | None = None) -> Calibration:
    """Factors under which the errors are likeliest by the error law, and weights of the confidence.

    Args:
        judged: Refined joints of validation clips.
        start: Its floors are kept.
    """
    start = start or Calibration()
    axis = [
        (x.axis_error, x.facts.inflated_axis_sigma) for x in judged if x.axis_error is not None and not x.facts.is_held
    ]
    pivot = [(x.pivot_error, x.facts.inflated_pivot_sigma) for x in judged if x.pivot_error is not None]
    features = np.array([x.facts.features() for x in judged]).reshape(len(judged), len(start.confidence_weights))
    existence = np.array([x.facts.existence_features() for x in judged])
    existence = existence.reshape(len(judged), len(start.existence_weights))
    return dataclasses.replace(
        start,
        axis_temperature=fit_temperature(axis, start.axis_floor, start.axis_temperature),
        pivot_temperature=fit_temperature(pivot, start.pivot_floor, start.pivot_temperature),
        confidence_weights=fit_confidence(features, np.array([x.is_right for x in judged], dtype=bool)),
        existence_weights=fit_confidence(existence, np.array([x.is_part for x in judged], dtype=bool)),
    )


def fit_temperature(pairs: Sequence[tuple[float, float]], floor: float, start: float) -> float:
    """The factor of the sigmas under which the errors are likeliest; `start` when there are no pairs.

    Args:
        pairs: (error, sigma).
        floor: Added to sigma in squares.
    """
    if not pairs:
        return start
    errors, sigmas = np.array(pairs).T
    likelihood = [error_log_density(errors, np.hypot(floor, t * sigmas) + 1e-9).sum() for t in FACTORS]
    return round(float(FACTORS[int(np.argmax(likelihood))]), 2)


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
