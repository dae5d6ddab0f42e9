"""Baseline `gamma_style`: every point votes for its joint, votes are clustered, clusters are parts.

After Yu et al., "GAMMA: Generalizable articulation modeling and manipulation for articulated objects"
(arXiv 2309.16264): type, axis direction and way to the axis of each point from single frames, density clustering,
each cluster one joint by its mean vote. Departures: a small network on local flow and surface rather than a large one
on shape alone, trained on our clips; joint values, which single frames cannot give, are fitted to the flow with the
voted axis held.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from sim2art.articulation.estimate import ArticulationEstimate
from sim2art.inference.assembly import assemble_estimate
from sim2art.inference.assign.smoothing import smooth_flow
from sim2art.inference.decoders.vote_features import measure_vote_features
from sim2art.inference.fit.joint_fit import FittedJoint, fit_joint, gather_part_flow
from sim2art.inference.hypotheses import JointGuess
from sim2art.networks.vote_network import VoteNetwork
from sim2art.observation.normalization import fit_normalization, normalize
from sim2art.observation.point_video import PointVideo

CHUNK = 512
"""Points a frame that are seen together, as in training."""


@dataclass(frozen=True, kw_only=True)
class VoteDecodingConfig:
    """How votes become parts."""

    num_votes: int = 128
    """Points a frame whose votes are clustered; the others follow their nearest vote."""
    min_strength: float = 0.5
    """Votes less sure of their axis join no cluster; they follow the others."""
    reach: float = 0.15
    """Votes nearer than this to one another are neighbours."""
    min_neighbors: int = 12
    """A vote with fewer neighbours begins no cluster."""
    min_share: float = 0.01
    """Clusters with a smaller share of the votes are dropped."""


@dataclass(frozen=True, kw_only=True)
class _Votes:
    """Votes of points of all frames, in a row."""

    moving: Float[np.ndarray, "frame point"]
    """Probability."""
    turning: Float[np.ndarray, "frame point"]
    """Probability of revolute among moving."""
    axes: Float[np.ndarray, "frame point 3"]
    """Unit."""
    strengths: Float[np.ndarray, "frame point"]
    """How sure each is of its axis, about 0..1."""
    feet: Float[np.ndarray, "frame point 3"]
    """Voted nearest point of the turning axis."""


def decode_votes(
    network: VoteNetwork, video: PointVideo, config: VoteDecodingConfig | None = None
) -> ArticulationEstimate:
    """Parts and joints from votes."""
    config = config or VoteDecodingConfig()
    normalization = fit_normalization(video)
    normalized = normalize(video, normalization)
    chunks = [
        smooth_flow(normalized, first_point=first, num_points=CHUNK) for first in range(0, video.num_points, CHUNK)
    ]
    votes = _join([_vote(network, chunk) for chunk in chunks])
    labels, features, clusters = _cluster(normalized, votes, config)
    joints: list[FittedJoint] = []
    turns, confidences = [], []
    probabilities = np.zeros((*video.valid.shape, len(clusters) + 1))
    probabilities[..., 0] = 1.0
    if clusters:
        owners = _assign_all(normalized, votes, labels, features)
        for index, cluster in enumerate(clusters):
            mine = (owners == cluster) & video.valid
            probabilities[..., index + 1] = np.where(mine, votes.moving, 0.0)
            probabilities[..., 0] = np.where(mine, 1.0 - votes.moving, probabilities[..., 0])
            chosen = mine & (votes.moving > 0.5)
            joints.append(_joint_of(normalized, votes, chosen))
            turns.append(float(votes.turning[chosen].mean()))
            confidences.append(float(votes.moving[chosen].mean()))
    return assemble_estimate(
        video,
        normalization,
        joints,
        probabilities,
        revolute_probabilities=np.array(turns),
        confidences=np.array(confidences),
    )


@torch.inference_mode()
def _vote(network: VoteNetwork, video: PointVideo) -> _Votes:
    """Votes of all points of a normalised, smoothed video."""
    features = torch.from_numpy(measure_vote_features(video))
    output = network(features, torch.from_numpy(video.valid.copy()))
    types = torch.softmax(output.types, dim=-1).double().numpy()
    axes = output.axes.double().numpy()
    strengths = np.linalg.norm(axes, axis=-1)
    axes = axes / np.maximum(strengths, 1e-9)[..., None]
    moving = (1.0 - types[..., 0]) * video.valid
    return _Votes(
        moving=moving,
        turning=types[..., 1] / np.maximum(types[..., 1] + types[..., 2], 1e-9),
        axes=axes,
        strengths=strengths,
        feet=video.points_world + output.offsets.double().numpy(),
    )


def _join(votes: list[_Votes]) -> _Votes:
    return _Votes(**{name: np.concatenate([getattr(v, name) for v in votes], axis=1) for name in vars(votes[0])})


def _features_of(video: PointVideo, votes: _Votes, places: np.ndarray) -> Float[np.ndarray, "vote feature"]:
    """Where votes lie for clustering: axis without its sign, where the axis runs, place of the point, flow, type."""
    t, i = places.T
    axes, turning = votes.axes[t, i], votes.turning[t, i] > 0.5
    feet = votes.feet[t, i]
    feet = feet - np.sum(feet * axes, axis=1, keepdims=True) * axes
    lines = np.einsum("vc,vd->vcd", axes, axes)[:, *np.triu_indices(3)]
    flow = video.flow_world[0, t, i]
    return np.concatenate(
        [
            0.4 * lines,
            0.5 * np.where(turning[:, None], feet, 0.0),
            0.5 * video.points_world[t, i],
            flow,
            turning[:, None],
        ],
        axis=1,
    )


def _cluster(video: PointVideo, votes: _Votes, config: VoteDecodingConfig) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Density clusters (DBSCAN) of the moving votes: label of each (-1 none), their features, labels kept."""
    chosen = (votes.moving > 0.5) & (votes.strengths > config.min_strength)
    chosen = chosen[:, : config.num_votes]
    places = np.argwhere(chosen)
    if len(places) < config.min_neighbors:
        return np.zeros(0, dtype=int), np.zeros((0, 0)), []
    features = _features_of(video, votes, places)
    pairs = KDTree(features).query_pairs(config.reach, output_type="ndarray")
    counts = np.bincount(pairs.ravel(), minlength=len(features))
    core = counts >= config.min_neighbors
    links = pairs[core[pairs].all(axis=1)]
    size = len(features)
    _, labels = connected_components(coo_matrix((np.ones(len(links)), links.T), shape=(size, size)), directed=False)
    labels = np.where(core, labels, -1)
    if core.any():  # Votes at the rim follow their nearest core.
        distance, nearest = KDTree(features[core]).query(features[~core])
        labels[~core] = np.where(np.asarray(distance) < config.reach, labels[core][nearest], -1)
    found, sizes = np.unique(labels[labels >= 0], return_counts=True)
    least = config.min_share * max(int(video.valid[:, : config.num_votes].sum()), 1)
    order = np.argsort(-sizes, kind="stable")
    return labels, features, [int(found[k]) for k in order if sizes[k] >= max(least, config.min_neighbors)]


def _assign_all(video: PointVideo, votes: _Votes, labels: np.ndarray, features: np.ndarray) -> np.ndarray:
    """Cluster of every point: that of the nearest clustered vote; -1 for points that stand still."""
    owners = np.full(video.valid.shape, -1)
    places = np.argwhere((votes.moving > 0.2) & video.valid)
    known = labels >= 0
    if len(places) and known.any():
        _, nearest = KDTree(features[known]).query(_features_of(video, votes, places))
        owners[tuple(places.T)] = labels[known][nearest]
    return owners


def _joint_of(video: PointVideo, votes: _Votes, chosen: np.ndarray) -> FittedJoint:
    """The cluster's mean vote, with values fitted to the flow."""
    turns = bool(votes.turning[chosen].mean() > 0.5)
    weights = votes.moving[chosen] * votes.strengths[chosen] ** 2
    axes = votes.axes[chosen]
    axis = np.linalg.eigh((weights[:, None] * axes).T @ axes)[1][:, -1]
    feet = votes.feet[chosen]
    feet = feet - (feet @ axis)[:, None] * axis
    guess = JointGuess(
        is_revolute=turns,
        axis=axis,
        pivot=np.median(feet[weights >= np.median(weights)], axis=0) if turns else np.zeros(3),
        values=np.zeros(video.num_frames),
    )
    part = gather_part_flow(video, chosen.astype(np.float64))
    # One round fits values only; a second one from there is robust about them.
    fitted = fit_joint(part, fit_joint(part, guess, num_rounds=1), num_rounds=1)
    return FittedJoint(**{**vars(fitted), "axis_sigma": float("inf"), "pivot_sigma": float("inf")})
