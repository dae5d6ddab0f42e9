"""Evidence from semantic features: does a point look like the points whose flow a hypothesis explains?

Raw features would teach the network what the simulated textures look like. Likeness does not: it is measured inside the
clip, between points of the frames that have features (a few keyframes), so any backbone will do. A point without a
feature (all zeros) has zeros here, flag included.
"""

import numpy as np
from jaxtyping import Bool, Float, Float32

SEMANTIC_FEATURES = 4
"""Whether there is a feature; likeness to the mean of what the hypothesis explains, and to the mean of what stands
still; share of the most alike points that the hypothesis explains."""
SHARPNESS = 12.0
"""How fast the say of less alike points falls."""
MAX_POINTS = 1024
"""Points of a clip that have a say in the likeness."""


def measure_likeness(
    features: Float[np.ndarray, "frame point channel"] | None,
    explained: Float[np.ndarray, "hypothesis frame point"],
    still: Float[np.ndarray, "frame point"],
    valid: Bool[np.ndarray, "frame point"],
) -> Float32[np.ndarray, "hypothesis frame point feature"]:
    """Likeness of every point and hypothesis; zeros without features.

    Args:
        explained: How well a hypothesis explains a point's flow that standing still does not, 0..1.
        still: How surely the point's flow says that it stands still, 0..1.
    """
    out = np.zeros((*explained.shape, SEMANTIC_FEATURES), np.float32)
    if features is None:
        return out
    known = valid & np.any(features != 0, axis=-1)
    if known.sum() < 2:
        return out
    rows = features[known].astype(np.float32)
    # All features of a clip share a large part, which says nothing.
    rows -= rows.mean(axis=0)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True) + 1e-6
    weights = explained[:, known].astype(np.float32)
    static = still[known].astype(np.float32)
    chosen = np.linspace(0, len(rows) - 1, min(len(rows), MAX_POINTS)).astype(np.int64)
    likeness = np.exp(SHARPNESS * (rows @ rows[chosen].T - 1.0))
    likeness /= likeness.sum(axis=1, keepdims=True) + 1e-6
    out[:, known, 0] = 1.0
    out[:, known, 1] = _unit(weights @ rows) @ rows.T
    out[:, known, 2] = (_unit(static @ rows) @ rows.T)[None]
    out[:, known, 3] = weights[:, chosen] @ likeness.T
    return out


def _unit(vectors: Float[np.ndarray, "*batch channel"]) -> Float[np.ndarray, "*batch channel"]:
    """Vectors of length one; zeros stay zeros."""
    return vectors / (np.linalg.norm(vectors, axis=-1, keepdims=True) + 1e-6)
