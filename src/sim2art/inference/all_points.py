"""Verdicts on all points of a clip about chosen joints: the judge's, some points at a time, and what they come to."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from sim2art.inference.assembly import hypotheses_from_joints
from sim2art.inference.assign.consensus import agree_over_time, share_out
from sim2art.inference.hypotheses import JointGuess
from sim2art.inference.judging import evidence_for, judge
from sim2art.inference.scene import Scene
from sim2art.networks.judge import Judge
from sim2art.observation.point_video import PointVideo

CHUNK = 256
"""Points a frame that are judged at a time, as many as in training."""


def judge_all_points(
    network: Judge, scene: Scene, joints: Sequence[JointGuess], scores: Float[np.ndarray, "joint"]
) -> Float[np.ndarray, "joint frame point"]:
    """Mask logits of joints on every slot."""
    video = scene.smoothed
    logits = np.full((len(joints), video.num_frames, video.num_points), -10.0)
    if not joints:
        return logits
    pool = hypotheses_from_joints(joints, np.clip(scores, 0.2, 0.8))
    for first in range(0, video.num_points, CHUNK):
        chosen = np.arange(first, min(first + CHUNK, video.num_points))
        if video.valid[:, chosen].any():
            indices = np.tile(chosen, (video.num_frames, 1))
            logits[:, :, chosen] = judge(
                network, video, scene.surface, pool, indices, evidence_for(network)
            ).mask_logits
    return logits


def share_points(
    video: PointVideo, joints: Sequence[JointGuess], logits: Float[np.ndarray, "joint frame point"]
) -> Float[np.ndarray, "frame point part"]:
    """Part probabilities of all points, the base first."""
    if not joints:
        return np.ones((*video.valid.shape, 1))
    motions = hypotheses_from_joints(joints, np.ones(len(joints))).motions()
    return share_out(video, agree_over_time(video, motions, logits))
