"""What a cloud says about each point of another one before any learning: how far the other surface passes it by.

Points that stand still lie on the other frame's surface too; most points that move do not, and the surface that they moved
to was not there before. A network finds this out by itself in the end, but told so it learns from far fewer pairs.
"""

import numpy as np
from jaxtyping import Float, Float32
from scipy.spatial import KDTree

NUM_CUES = 6
NUM_CUE_POINTS = 1024
"""Points of the other cloud that are looked at, at most: distances depend on how many there are."""
_NEIGHBORS = 8
_FLOOR = 0.005
"""Normalised; differences below it are noise."""


def measure_cues(
    points: Float[np.ndarray, "point 3"], others: Float[np.ndarray, "other 3"]
) -> Float32[np.ndarray, "point cue"]:
    """Cues of normalised points in random order: offset to the other surface (3), its length, its log, nearest distance.

    The surface is the plane through the nearest points of the other cloud, so that it matters little how dense they are.
    """
    seen = others[:NUM_CUE_POINTS]
    distance, index = KDTree(seen).query(points, k=min(_NEIGHBORS, len(seen)))
    distance, index = distance.reshape(len(points), -1), index.reshape(len(points), -1)
    near = seen[index]
    middle = near.mean(axis=1)
    spread = near - middle[:, None]
    normal = np.linalg.eigh(np.einsum("nki,nkj->nij", spread, spread))[1][..., 0]
    height = np.sum((middle - points) * normal, axis=1)
    # Far from the other cloud its plane says nothing: there the offset is that to the nearest points.
    is_far = distance[:, 0] > 3 * np.maximum(distance.mean(axis=1) - distance[:, 0], _FLOOR)
    offset = np.where(is_far[:, None], middle - points, height[:, None] * normal)
    length = np.linalg.norm(offset, axis=1)
    cues = [*offset.T, length, np.log(length + _FLOOR) / 4, distance[:, 0]]
    return np.stack(cues, axis=1).astype(np.float32)
