"""Baseline `reart_style`: parts and their motions by optimisation, then projected onto a kinematic tree.

After Liu et al., "Building rearticulable models for arbitrary 3D objects from 4D point clouds" (ReArt,
arXiv 2306.00979): no training; many parts with a free rigid motion each are relaxed against the observations, merged,
and only then made a tree of one-degree-of-freedom joints. Departures: flow is given rather than estimated, part 0 stands
still, and the energy is lowered by closed-form steps, not by gradient steps.
"""

import dataclasses
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from sim2art.articulation.estimate import ArticulationEstimate, part_name
from sim2art.baselines.part_motions import Motions, PartMotionConfig, frame_trees, optimize_parts, share_points
from sim2art.geometry.transforms import apply, inverse
from sim2art.inference.assembly import assemble_estimate, hypotheses_from_joints
from sim2art.inference.assign.smoothing import smooth_flow
from sim2art.inference.fit.joint_fit import (
    FittedJoint,
    PartFlow,
    compare_costs,
    fit_joint,
    joint_residuals,
    start_other_type,
)
from sim2art.inference.hypotheses import JointGuess
from sim2art.observation.normalization import fit_normalization, normalize
from sim2art.observation.point_video import PointVideo

CHUNK = 512


@dataclass(frozen=True, kw_only=True)
class ReartStyleConfig:
    """How parts are optimised and made a tree."""

    seed: int = 0
    num_points: int = 384
    """Points a frame that take part in the optimisation."""
    parts: PartMotionConfig = field(default_factory=PartMotionConfig)
    type_weight: float = 10.0
    """Half the independent observations in a part's motion, for choosing the type."""
    chain_gain: float = 0.5
    """Another part than the base is the parent where it leaves less than this share of the residual."""
    min_travel: float = 0.02
    """Parts whose points move less than this (normalised) are part of the base."""


def reart_style(video: PointVideo, config: ReartStyleConfig | None = None) -> ArticulationEstimate:
    """Parts and joints by optimisation from scratch."""
    config = config or ReartStyleConfig()
    normalization = fit_normalization(video)
    normalized = normalize(video, normalization)
    smoothed = smooth_flow(normalized, num_points=config.num_points)
    rng = np.random.default_rng(config.seed)
    motions, weights = optimize_parts(smoothed, config.parts, rng)
    clouds = [_rest_cloud(smoothed, motions[k], weights[..., k]) for k in range(len(motions))]
    moving = [0] + [k for k in range(1, len(motions)) if _travel(motions[k], clouds[k]) > config.min_travel]
    motions, clouds = motions[moving], [clouds[k] for k in moving]
    tree = _project_on_tree(motions, clouds, config)
    joints = [node.joint for node in tree]
    final = _tree_motions(tree, video.num_frames)
    probabilities = _share_all(normalized, final, config)
    estimate = assemble_estimate(
        video,
        normalization,
        joints,
        probabilities,
        revolute_probabilities=1 / (1 + np.exp(-np.array([node.log_odds for node in tree]))),
        confidences=np.full(len(joints), 0.5),
    )
    return dataclasses.replace(
        estimate,
        joints=tuple(
            dataclasses.replace(found, joint=dataclasses.replace(found.joint, parent=part_name(node.parent)))
            for found, node in zip(estimate.joints, tree, strict=True)
        ),
    )


@dataclass(frozen=True, kw_only=True)
class _Node:
    """A joint with its place in the tree."""

    parent: int
    joint: FittedJoint
    log_odds: float
    """Of revolute."""


def _rest_cloud(video: PointVideo, motion: np.ndarray, weights: np.ndarray, most: int = 60) -> np.ndarray:
    """Points of a part carried back to frame 0."""
    places = np.argwhere((weights > 0.5) & video.valid)
    places = places[:: max(len(places) // most, 1)]
    points = video.points_world[places[:, 0], places[:, 1]]
    return apply(inverse(motion)[places[:, 0]], points[:, None])[:, 0]


def _travel(motion: np.ndarray, cloud: np.ndarray) -> float:
    """Largest root mean square way of a part's points from their rest."""
    if len(cloud) < 3:
        return 0.0
    moved = apply(motion, cloud[None])
    return float(np.sqrt(np.mean(np.sum((moved - cloud) ** 2, axis=-1), axis=1)).max())


def _project_on_tree(motions: Motions, clouds: list[np.ndarray], config: ReartStyleConfig) -> list[_Node]:
    """One joint a moving part; parents by which relative motion has one degree of freedom, never in a circle.

    Every part hangs on the base unless its motion relative to a part that already hangs leaves clearly less
    unexplained; parts that the base serves best come first.
    """
    count = len(motions)
    if count == 1:
        return []
    fits = {(k, j): _fit_relative(motions[k], motions[j], clouds[k], config) for k in range(1, count) for j in range(count) if j != k}  # fmt: skip
    order = sorted(range(1, count), key=lambda k: fits[k, 0][2])
    parents: dict[int, int] = {}
    for k in order:
        best = 0
        for j in parents:
            if fits[k, j][2] < config.chain_gain * fits[k, best][2] and fits[k, 0][2] > 0.01:
                best = j
        parents[k] = best
    return [_Node(parent=parents[k], joint=fits[k, parents[k]][0], log_odds=fits[k, parents[k]][1]) for k in range(1, count)]  # fmt: skip


def _fit_relative(
    motion: Float[np.ndarray, "frame 4 4"],
    parent: Float[np.ndarray, "frame 4 4"],
    cloud: Float[np.ndarray, "point 3"],
    config: ReartStyleConfig,
) -> tuple[FittedJoint, float, float]:
    """The joint nearest to a part's motion relative to its parent, log-odds of revolute, and what it leaves (rms)."""
    num_frames = len(motion)
    moved = apply(inverse(parent) @ motion, cloud[None])[1:]
    flows = (moved - cloud).reshape(-1, 3)
    part = PartFlow(
        midpoints=np.tile(cloud, (num_frames - 1, 1)) + 0.5 * flows,
        flows=flows,
        weights=np.ones(len(flows)),
        start=np.zeros(len(flows), dtype=np.int64),
        stop=np.repeat(np.arange(1, num_frames), len(cloud)),
        num_frames=num_frames,
    )
    _, _, vt = np.linalg.svd(flows, full_matrices=False)
    along = np.concatenate([[0.0], (moved - cloud).mean(axis=1) @ vt[0]])
    prismatic = fit_joint(part, JointGuess(is_revolute=False, axis=vt[0], pivot=np.zeros(3), values=along))
    revolute = fit_joint(part, start_other_type(part, prismatic))
    log_odds = config.type_weight * compare_costs(part, revolute, prismatic) - 1.0
    joint = revolute if log_odds > 0 else prismatic
    left = float(np.sqrt(np.mean(joint_residuals(part, joint) ** 2)))
    # These rows are motions already fitted, not measurements: their scatter says nothing about the joint's error.
    return dataclasses.replace(joint, axis_sigma=np.inf, pivot_sigma=np.inf), float(log_odds), left


def _tree_motions(tree: list[_Node], num_frames: int) -> Motions:
    """What the joints carry each part by, part 0 first."""
    motions = np.tile(np.eye(4), (len(tree) + 1, num_frames, 1, 1))
    if not tree:
        return motions
    own = hypotheses_from_joints([node.joint for node in tree], np.zeros(len(tree))).motions()
    done = {0}
    while len(done) <= len(tree):
        for index, node in enumerate(tree):
            if index + 1 not in done and node.parent in done:
                motions[index + 1] = motions[node.parent] @ own[index]
                done.add(index + 1)
    return motions


def _share_all(video: PointVideo, motions: Motions, config: ReartStyleConfig) -> np.ndarray:
    """Weights of every point under the final motions, a share of the points at a time."""
    trees = frame_trees(video)
    chunks = [
        share_points(
            smooth_flow(video, first_point=first, num_points=CHUNK),
            motions,
            trees,
            scale=config.parts.scales[1] * 1.5,
            surface_weight=config.parts.surface_weight,
        )
        for first in range(0, video.num_points, CHUNK)
    ]
    return np.concatenate(chunks, axis=1)
