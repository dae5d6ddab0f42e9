"""Agreement over time: a point's verdict is averaged with those of the points that show the same bit of surface.

Points are drawn anew in every frame, so nothing links them. A joint does: carried back to the rest pose by it, points
of all frames that lie together show one place of the part; left where they are, points of all frames that lie
together show one place of the static body. A part's own points agree in the first space, static ones in the second.
"""

import numpy as np
from jaxtyping import Float
from scipy.spatial import KDTree

from sim2art.geometry.transforms import apply, inverse
from sim2art.observation.point_video import PointVideo
from sim2art.proposals.hypotheses import Hypotheses

NUM_NEIGHBORS = 24
RADIUS = 0.08
"""Neighbours farther than this have no say, normalised units."""
MAX_LOGIT = 6.0
"""One point's verdict counts for no more than this."""


def agree_over_time(
    video: PointVideo, joints: Hypotheses, mask_logits: Float[np.ndarray, "joint frame point"]
) -> Float[np.ndarray, "joint frame point"]:
    """Mask logits averaged over neighbours in the rest pose and in the world.

    Args:
        video: In normalised coordinates.
        joints: What each mask's part moves with.
        mask_logits: Log-odds of "moves with this joint" against "static".
    """
    valid = video.valid
    world = video.points_world[valid]
    frames = np.nonzero(valid)[0]
    out = mask_logits.astype(np.float64).copy()
    still = _neighbors(world)
    motions = joints.motions()
    for index in range(len(joints)):
        votes = np.clip(mask_logits[index][valid], -MAX_LOGIT, MAX_LOGIT)
        rest = apply(inverse(motions[index])[frames], world[:, None])[:, 0]
        out[index][valid] = 0.5 * (_mean_vote(votes, *still) + _mean_vote(votes, *_neighbors(rest)))
    return out


def _neighbors(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distances and indices of each place's neighbours; missing ones are infinitely far, with an index past the end."""
    distances, indices = KDTree(places).query(places, k=NUM_NEIGHBORS, distance_upper_bound=RADIUS)
    return np.asarray(distances), np.asarray(indices)


def _mean_vote(votes: np.ndarray, distances: np.ndarray, neighbors: np.ndarray) -> np.ndarray:
    """Mean of neighbours' votes, near ones more."""
    weights = np.where(np.isfinite(distances), 1.0 - np.minimum(distances / RADIUS, 1.0) + 0.05, 0.0)
    padded = np.append(votes, 0.0)[neighbors]
    return (weights * padded).sum(axis=1) / np.maximum(weights.sum(axis=1), 1e-9)
