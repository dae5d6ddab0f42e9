"""Least-squares rigid motion between paired point sets (Kabsch 1976; determinant fix of Umeyama 1991)."""

import numpy as np
from jaxtyping import Float

from sim2art.geometry.transforms import make_transform


def fit_rigid(
    points_b: Float[np.ndarray, "*batch point 3"],
    points_a: Float[np.ndarray, "*batch point 3"],
    weights: Float[np.ndarray, "*batch point"] | None = None,
) -> Float[np.ndarray, "*batch 4 4"]:
    """`a_from_b` that minimises the weighted squared distance between `points_a` and the moved `points_b`."""
    w = np.ones(points_b.shape[:-1]) if weights is None else weights
    w = w / np.maximum(w.sum(axis=-1, keepdims=True), 1e-12)
    mean_b = np.sum(w[..., None] * points_b, axis=-2)
    mean_a = np.sum(w[..., None] * points_a, axis=-2)
    covariance = np.swapaxes(w[..., None] * (points_b - mean_b[..., None, :]), -1, -2) @ (
        points_a - mean_a[..., None, :]
    )
    u, _, vt = np.linalg.svd(covariance)
    sign = np.linalg.det(np.swapaxes(vt, -1, -2) @ np.swapaxes(u, -1, -2))
    vt = vt.copy()
    vt[..., 2, :] *= np.where(sign < 0, -1.0, 1.0)[..., None]
    rotation = np.swapaxes(vt, -1, -2) @ np.swapaxes(u, -1, -2)
    return make_transform(rotation, mean_a - (rotation @ mean_b[..., None])[..., 0])
