"""One joint from two results' estimates of it."""

import dataclasses

import numpy as np

from sim2art.articulation.estimate import JointEstimate
from sim2art.articulation.joint import Joint


def united_joint(a: JointEstimate, b: JointEstimate, moved: Joint) -> JointEstimate:
    """One joint from two estimates of it, each counted by how sure it is; `moved` is b's, beside a's, in a's sense."""
    weight_a, weight_b = _sureness(a), _sureness(b)
    axis = weight_a * a.joint.axis + weight_b * moved.axis
    axis = axis / np.linalg.norm(axis)
    pivot = a.joint.pivot
    if pivot is not None and moved.pivot is not None:
        pivot = (weight_a * pivot + weight_b * moved.pivot) / (weight_a + weight_b)
    types = {
        kind: (a.type_probabilities.get(kind, 0.0) + b.type_probabilities.get(kind, 0.0)) / 2
        for kind in {*a.type_probabilities, *b.type_probabilities}
    }
    surer = a if a.confidence >= b.confidence else b
    return JointEstimate(
        joint=dataclasses.replace(a.joint, axis=axis, pivot=pivot, observed_range=None),
        type_probabilities=types,
        confidence=surer.confidence,
        axis_sigma=_combined(a.axis_sigma, b.axis_sigma),
        pivot_sigma=_combined(a.pivot_sigma, b.pivot_sigma),
        status=surer.status,
        reasons=surer.reasons,
    )


def _sureness(found: JointEstimate) -> float:
    """Weight of an estimate: inverse variance of its axis, or its confidence when that is not known."""
    return 1.0 / max(found.axis_sigma, 1e-4) ** 2 if found.axis_sigma is not None else max(found.confidence, 0.05) * 1e3


def _combined(a: float | None, b: float | None) -> float | None:
    """Sigma of the weighted mean of two."""
    if a is None or b is None:
        return a if b is None else b
    return float(1.0 / np.sqrt(1.0 / max(a, 1e-9) ** 2 + 1.0 / max(b, 1e-9) ** 2))
