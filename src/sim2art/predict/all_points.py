"""Verdicts on all points of a clip about its final joints: the judge's, some points at a time, and what they come to."""

from collections.abc import Sequence

import numpy as np

from sim2art.networks.judge import Judge
from sim2art.observation.point_video import PointVideo
from sim2art.predict.judging import evidence_for, judge
from sim2art.predict.pool import Observed, PoolConfig
from sim2art.proposals.assembly import hypotheses_from_joints
from sim2art.proposals.consensus import agree_over_time, share_out
from sim2art.proposals.hypotheses import JointGuess


def judge_all_points(
    network: Judge, observed: Observed, joints: Sequence[JointGuess], scores: np.ndarray, config: PoolConfig
) -> np.ndarray:
    """Mask logits (joint, frame, point) of the final joints on every slot, some at a time."""
    video = observed.smoothed
    logits = np.full((len(joints), video.num_frames, video.num_points), -10.0)
    if not joints:
        return logits
    pool = hypotheses_from_joints(joints, np.clip(scores, 0.2, 0.8))
    evidence = evidence_for(network, config.evidence)
    for first in range(0, video.num_points, config.num_judged):
        chosen = np.arange(first, min(first + config.num_judged, video.num_points))
        if video.valid[:, chosen].any():
            indices = np.tile(chosen, (video.num_frames, 1))
            logits[:, :, chosen] = judge(network, video, observed.surface, pool, indices, evidence).mask_logits
    return logits


def share_points(video: PointVideo, joints: Sequence[JointGuess], logits: np.ndarray) -> np.ndarray:
    """Part probabilities (frame, point, part) of all points, the base first."""
    if not joints:
        return np.ones((*video.valid.shape, 1))
    motions = hypotheses_from_joints(joints, np.ones(len(joints))).motions()
    return share_out(video, agree_over_time(video, motions, logits))
