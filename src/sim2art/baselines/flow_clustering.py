"""Baseline `flow_clustering`: sequential consensus over motion hypotheses, no network.

Each round takes the hypothesis that explains the most flow not yet explained, gives it the points that its evidence
favours over standing still, and goes on with the rest (sequential RANSAC); then each joint is fitted to its part as
a revolute and as a prismatic joint, and the better one by an information criterion is kept. Strong on clean flow.
"""

import numpy as np

from sim2art.articulation.estimate import ArticulationEstimate
from sim2art.inference.assembly import assemble_estimate, hypotheses_from_joints
from sim2art.inference.assign.smoothing import smooth_flow
from sim2art.inference.fit.joint_fit import FittedJoint, compare_costs, fit_joint, gather_part_flow, start_other_type
from sim2art.inference.hypotheses import Hypotheses
from sim2art.inference.propose.from_flow import ProposalConfig, propose
from sim2art.inference.score.evidence import index_video
from sim2art.inference.score.gains import GAIN_EVIDENCE, measure_gains
from sim2art.observation.normalization import fit_normalization, normalize
from sim2art.observation.point_video import PointVideo

# Chosen by hand on clean clips.
NUM_POINTS = 512
"""Points a frame that vote; the others follow their nearest voter."""
_MAX_PARTS = 8
_MIN_GAIN = 0.02
"""Stop when a hypothesis explains less than this share of all evidence."""
TYPE_WEIGHT = 10.0
"""Half the independent observations in a part's flow, for choosing the type."""


def flow_clustering(video: PointVideo) -> ArticulationEstimate:
    """Parts and joints by sequential consensus."""
    normalization = fit_normalization(video)
    normalized = normalize(video, normalization)
    smoothed = smooth_flow(normalized, num_points=NUM_POINTS)
    pool = propose(smoothed, ProposalConfig(), np.random.default_rng(0))
    joints: list[FittedJoint] = []
    odds: list[float] = []
    surface = index_video(normalized, GAIN_EVIDENCE)
    if len(pool):
        gains = measure_gains(smoothed, surface, pool)
        for index in _choose(gains, smoothed.valid):
            weights = (gains[index] > 0).astype(float) * smoothed.valid
            joint, log_odds = _fit(smoothed, pool, index, weights)
            joints.append(joint)
            odds.append(log_odds)
    probabilities = np.zeros((video.num_frames, video.num_points, len(joints) + 1))
    probabilities[..., 0] = 1.0
    if joints:
        final = hypotheses_from_joints(joints, np.full(len(joints), 0.5))
        for first in range(0, video.num_points, NUM_POINTS):
            part = smooth_flow(normalized, first_point=first, num_points=NUM_POINTS)
            gains = measure_gains(part, surface, final)
            stacked = np.concatenate([np.zeros_like(gains[:1]), np.clip(4 * gains, -20, 20)])
            shares = np.exp(stacked - stacked.max(axis=0))
            probabilities[:, first : first + part.num_points] = np.moveaxis(shares / shares.sum(axis=0), 0, -1)
    probabilities[~video.valid] = np.eye(len(joints) + 1)[0]
    return assemble_estimate(
        video,
        normalization,
        joints,
        probabilities,
        revolute_probabilities=1 / (1 + np.exp(-np.array(odds))),
        confidences=np.full(len(joints), 0.5),
    )


def _choose(gains: np.ndarray, valid: np.ndarray) -> list[int]:
    """Greedy cover: the hypothesis with the largest gain over points not yet taken, again and again."""
    free = valid.copy()
    chosen: list[int] = []
    positive = np.maximum(gains, 0.0)
    for _ in range(_MAX_PARTS):
        totals = (positive * free).sum(axis=(1, 2))
        best = int(np.argmax(totals))
        if totals[best] < _MIN_GAIN * valid.sum():
            break
        chosen.append(best)
        free &= gains[best] <= 0.1
    return chosen


def _fit(video: PointVideo, pool: Hypotheses, index: int, weights: np.ndarray) -> tuple[FittedJoint, float]:
    """The better of a revolute and a prismatic joint for a part's flow, and the log-odds of revolute."""
    rows = gather_part_flow(video, weights)
    own = fit_joint(rows, pool[index])
    other = fit_joint(rows, start_other_type(rows, own))
    revolute, prismatic = (own, other) if own.is_revolute else (other, own)
    log_odds = float(TYPE_WEIGHT * compare_costs(rows, revolute, prismatic) - 1.0)
    return (revolute if log_odds > 0 else prismatic), log_odds
