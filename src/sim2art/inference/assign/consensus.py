"""Agreement over time: a point's verdict is averaged with those of the points that show the same bit of surface.

Points are drawn anew in every frame, so nothing links them. A joint does: carried back to the rest pose by it, points
of all frames that lie together show one place of the part; left where they are, points of all frames that lie
together show one place of the static body. A part's own points agree in the first space, static ones in the second.

Not every verdict is worth the same: without measured flow, or while the joint stands still, the network has little to go
by and says "static". So a vote counts by how far its point's own flow could tell the joint from standing still.
"""

import numpy as np
from jaxtyping import Float
from scipy.spatial import KDTree

from sim2art.geometry.transforms import apply, inverse
from sim2art.observation.point_video import PointVideo

NUM_NEIGHBORS = 24
RADIUS = 0.08
"""Neighbours farther than this have no say, normalised units."""
MAX_LOGIT = 6.0
"""One point's verdict counts for no more than this."""
TELLING_TRAVEL = 0.04
"""Measured flow over which a joint would carry its point this far tells all that it can, normalised units."""
LEAST_WEIGHT = 0.1
"""Of a verdict without any such flow."""


def agree_over_time(
    video: PointVideo,
    motions: Float[np.ndarray, "joint frame 4 4"],
    mask_logits: Float[np.ndarray, "joint frame point"],
) -> Float[np.ndarray, "joint frame point"]:
    """Mask logits averaged over neighbours in the rest pose and in the world, telling ones more.

    Args:
        video: In normalised coordinates.
        motions: What carries each mask's part from its place in frame 0 to its place in each frame.
        mask_logits: Log-odds of "moves with this joint" against "static".
    """
    valid = video.valid
    world = video.points_world[valid]
    frames = np.nonzero(valid)[0]
    out = mask_logits.astype(np.float64).copy()
    still = _neighbors(world)
    for index in range(len(motions)):
        votes = np.clip(mask_logits[index][valid], -MAX_LOGIT, MAX_LOGIT)
        weights = LEAST_WEIGHT + (1 - LEAST_WEIGHT) * tell_apart(video, motions[index])[valid]
        rest = apply(inverse(motions[index])[frames], world[:, None])[:, 0]
        moving = _neighbors(rest)
        out[index][valid] = 0.5 * (_mean_vote(votes, weights, *still) + _mean_vote(votes, weights, *moving))
    return out


def share_out(
    video: PointVideo, mask_logits: Float[np.ndarray, "joint frame point"]
) -> Float[np.ndarray, "frame point part"]:
    """Part probabilities of all points from log-odds against the static body, which is part 0 and has the empty slots."""
    shares = np.moveaxis(softmax_with_static(mask_logits), 0, -1)
    shares[~video.valid] = np.eye(shares.shape[-1])[0]
    return shares


def softmax_with_static(mask_logits: Float[np.ndarray, "joint *points"]) -> Float[np.ndarray, "part *points"]:
    """Probabilities that sum to 1, with the static body first, at logit 0."""
    logits = np.concatenate([np.zeros_like(mask_logits[:1]), mask_logits])
    logits = np.exp(logits - logits.max(axis=0, keepdims=True))
    return logits / logits.sum(axis=0, keepdims=True)


def tell_apart(video: PointVideo, motions: Float[np.ndarray, "frame 4 4"]) -> Float[np.ndarray, "frame point"]:
    """How well the flow of each point could tell a motion from standing still, 0 to 1, by its best baseline."""
    best = np.zeros(video.valid.shape)
    for measured, baseline in zip(video.flow_valid, video.baselines, strict=True):
        if baseline >= video.num_frames:
            continue
        steps = motions[baseline:] @ inverse(motions[:-baseline])
        points = video.points_world[:-baseline]
        travel = np.linalg.norm(apply(steps, points) - points, axis=-1)
        telling = measured[:-baseline] * np.minimum(travel / TELLING_TRAVEL, 1.0)
        best[:-baseline] = np.maximum(best[:-baseline], telling)
    return best


def _neighbors(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distances and indices of each place's neighbours; missing ones are infinitely far, with an index past the end."""
    distances, indices = KDTree(places).query(places, k=NUM_NEIGHBORS, distance_upper_bound=RADIUS)
    return np.asarray(distances), np.asarray(indices)


def _mean_vote(votes: np.ndarray, weights: np.ndarray, distances: np.ndarray, neighbors: np.ndarray) -> np.ndarray:
    """Mean of neighbours' votes by their weights, near ones more."""
    nearness = np.where(np.isfinite(distances), 1.0 - np.minimum(distances / RADIUS, 1.0) + 0.05, 0.0)
    shares = nearness * np.append(weights, 0.0)[neighbors]
    return (shares * np.append(votes, 0.0)[neighbors]).sum(axis=1) / np.maximum(shares.sum(axis=1), 1e-9)
