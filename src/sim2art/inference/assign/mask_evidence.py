"""What the mask network reads (`networks.mask_network`): features of all points about a part's joint, and neighbours.

Neighbours are looked for among the points of all frames at once, in two spaces: the world, where the static body stands
still, and the rest pose, to which the part's joint carries every point back.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Int32
from scipy.spatial import KDTree

from sim2art.geometry.transforms import apply, inverse
from sim2art.inference.assign.consensus import tell_apart
from sim2art.inference.hypotheses import Hypotheses
from sim2art.inference.score.evidence import EvidenceConfig, Surface, lay_out_evidence, num_evidence_features
from sim2art.observation.point_video import PointVideo

OWN_FEATURES = 3
"""Beside the evidence: log-odds of the prior, the largest of rival parts, how well a point's flow could tell."""
NUM_NEIGHBORS = 24
"""Of all points of a clip. Of every second point half as many reach as far."""
RADIUS = 0.12
"""Neighbours are nearer than this, normalised units."""
OFF_PLANE = 0.015
"""Points this far off each other's plane count e times less as of one plane, normalised units."""
MAX_ODDS = 6.0
"""No prior is surer."""
JOINT_SUPPORT = 0.6
"""What a joint's evidence says of its support: by now it is believed."""


class Neighborhood(NamedTuple):
    """Neighbours of each point and the weights of two kernels: nearness, and nearness within one plane."""

    neighbors: Int32[np.ndarray, "point neighbor"]
    weights: Float32[np.ndarray, "kernel point neighbor"]
    """They sum to 1 at most; 0 where a neighbour is missing."""


class MaskEvidence(NamedTuple):
    """What a clip's valid points (in the order of `valid`) show about one part."""

    features: Float32[np.ndarray, "point feature"]
    rest: Neighborhood
    """In the rest pose of the part."""


def num_mask_features(num_baselines: int, config: EvidenceConfig) -> int:
    """Length of the feature axis."""
    return OWN_FEATURES + num_evidence_features(num_baselines, config.kinds)


def gather_world(
    video: PointVideo, normals: Float[np.ndarray, "frame point 3"], num_neighbors: int = NUM_NEIGHBORS
) -> Neighborhood:
    """Neighbours of all valid points in the world.

    Args:
        video: In normalised coordinates.
        normals: Of its points, of either sign; zeros where unknown.
    """
    return _gather(video.points_world[video.valid], normals[video.valid], num_neighbors)


def gather_mask_evidence(
    video: PointVideo,
    surface: Surface,
    normals: Float[np.ndarray, "frame point 3"],
    pool: Hypotheses,
    probabilities: Float[np.ndarray, "frame point part"],
    config: EvidenceConfig,
    num_neighbors: int = NUM_NEIGHBORS,
    *,
    only: int | None = None,
) -> list[MaskEvidence]:
    """Evidence about each joint of a pool, all of them on the base.

    Args:
        video: In normalised coordinates, its flow smoothed.
        surface: Of the clip (`index_video`).
        normals: Of the points, of either sign; zeros where unknown.
        probabilities: The prior, the base first.
        only: The one joint to lay it out for, beside its rivals.
    """
    valid = video.valid
    frames = np.nonzero(valid)[0]
    everywhere = np.tile(np.arange(video.num_points), (video.num_frames, 1))
    chosen = range(len(pool)) if only is None else [only]
    evidence = lay_out_evidence(video, surface, pool.take(np.array(chosen)), everywhere, config)
    prior = np.moveaxis(np.log(np.clip(probabilities[valid], 2e-3, 1.0)), -1, 0)
    odds = np.clip(prior[1:] - prior[:1], -MAX_ODDS, MAX_ODDS)
    motions = pool.motions()
    found = []
    for part, shown in zip(chosen, evidence, strict=True):
        rivals = np.delete(odds, part, axis=0).max(axis=0, initial=-MAX_ODDS)
        telling = tell_apart(video, motions[part])[valid]
        back = inverse(motions[part])[frames]
        places = apply(back, video.points_world[valid][:, None])[:, 0]
        turned = np.einsum("nij,nj->ni", back[:, :3, :3], normals[valid])
        features = np.column_stack([odds[part], rivals, telling, shown[valid]]).astype(np.float32)
        found.append(MaskEvidence(features, _gather(places, turned, num_neighbors)))
    return found


def _gather(places: np.ndarray, normals: np.ndarray, num_neighbors: int) -> Neighborhood:
    places, normals = places.astype(np.float32), normals.astype(np.float32)
    distances, neighbors = KDTree(places).query(places, k=num_neighbors, distance_upper_bound=RADIUS)
    known = np.isfinite(distances)
    neighbors = np.where(known, neighbors, 0).astype(np.int32)
    near = np.where(known, 1.02 - distances / RADIUS, 0.0).astype(np.float32) / num_neighbors
    off = np.abs(np.einsum("nkc,nc->nk", places[neighbors] - places[:, None], normals))
    # Normals have no sign: those of the two faces of a thin panel count as alike.
    alike = np.einsum("nkc,nc->nk", normals[neighbors], normals) ** 4
    return Neighborhood(neighbors, np.stack([near, near * np.exp(-off / OFF_PLANE) * alike]))
