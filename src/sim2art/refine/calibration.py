"""Numbers fitted on validation clips (`benchmarks/calibrate_uncertainty.py`): sigmas and confidences that hold."""

from dataclasses import dataclass

import numpy as np


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
    is_kept: bool = False
    """The joint is as proposed: refining did not explain the points better."""

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

    axis_temperature: float = 3.0
    """Factor of the axis sigma."""
    axis_floor: float = 0.002
    """rad: errors that no clip's own noise shows."""
    pivot_temperature: float = 3.0
    pivot_floor: float = 0.004
    """Normalised units."""
    confidence_weights: tuple[float, ...] = (0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    """Weights of `JointFacts.features` in the log-odds of being right."""

    def axis_sigma(self, facts: JointFacts) -> float:
        """Standard deviation of the axis, rad; at most a right angle."""
        return float(min(np.hypot(self.axis_floor, self.axis_temperature * facts.axis_sigma), np.pi / 2))

    def pivot_sigma(self, facts: JointFacts) -> float:
        """Standard deviation of the pivot across the axis, normalised units."""
        return float(min(np.hypot(self.pivot_floor, self.pivot_temperature * facts.pivot_sigma), 10.0))

    def confidence(self, facts: JointFacts) -> float:
        """Probability that the joint exists, with the right type and within 10 deg."""
        odds = float(np.clip(np.dot(self.confidence_weights, facts.features()), -6.0, 6.0))
        return 1 / (1 + float(np.exp(-odds)))
