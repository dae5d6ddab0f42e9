"""How much better a hypothesis explains a point than standing still: one number from the laid out evidence."""

import numpy as np
from jaxtyping import Float

from sim2art.inference.hypotheses import Hypotheses
from sim2art.inference.score.evidence import (
    BASELINE_FEATURES,
    NUM_TARGETS,
    TARGET_FEATURES,
    EvidenceConfig,
    Surface,
    lay_out_evidence,
)  # fmt: skip
from sim2art.inference.score.surface_grid import EPSILON
from sim2art.observation.point_video import PointVideo

GAIN_EVIDENCE = EvidenceConfig()
"""What gains are read from: the basic kinds."""


def measure_gains(video: PointVideo, surface: Surface, pool: Hypotheses) -> Float[np.ndarray, "hypothesis frame point"]:
    """How much better each hypothesis explains each point than standing still, smoothed over neighbours.

    Logarithms of residuals: flow at each baseline, and the distance to the observed surface after being carried.

    Args:
        video: The points to judge, in normalised coordinates, their flow smoothed (`smooth_flow`).
        surface: Of the same clip with all its points (`index_video` with `GAIN_EVIDENCE`).
    """
    indices = np.tile(np.arange(video.num_points), (video.num_frames, 1))
    evidence = lay_out_evidence(video, surface, pool, indices, GAIN_EVIDENCE)
    num_baselines = len(video.baselines)
    gain = np.zeros(evidence.shape[:3])
    noise = np.log(EPSILON + 0.01)
    for b in range(num_baselines):
        own, _, still, measured, _ = np.moveaxis(
            evidence[..., b * BASELINE_FEATURES : (b + 1) * BASELINE_FEATURES], -1, 0
        )
        gain += measured * (np.maximum(still, noise) - np.maximum(own, noise)) / num_baselines
    base = num_baselines * BASELINE_FEATURES
    for j in range(NUM_TARGETS):
        own, _, still, _, travel = np.moveaxis(
            evidence[..., base + j * TARGET_FEATURES : base + (j + 1) * TARGET_FEATURES], -1, 0
        )
        moved = travel > np.log(0.04)
        gain += moved * np.clip(np.maximum(still, noise) - np.maximum(own, noise), -1.5, 1.5) / NUM_TARGETS
    for t in range(video.num_frames):
        points = video.points_world[t].astype(np.float32)
        norms = np.sum(points**2, axis=1)
        squared = np.maximum(norms[:, None] + norms - 2 * points @ points.T, 0.0)
        kernel = np.exp(-squared / (2 * 0.08**2)) * video.valid[t]
        kernel /= np.maximum(kernel.sum(axis=1, keepdims=True), 1e-9)
        gain[:, t] = gain[:, t] @ kernel.T
    return gain
