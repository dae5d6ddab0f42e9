"""Motion that the answer leaves unexplained: parts that were missed, or taken for one with another."""

import numpy as np

from sim2art.geometry.transforms import apply, inverse
from sim2art.inference.assign.smoothing import smooth_flow
from sim2art.inference.refine.parts import Parts
from sim2art.observation.point_video import PointVideo

NUM_POINTS = 512
"""Points a frame that are looked at; slots are in random order."""
LEAST_RESIDUAL = 0.06
"""Flow (normalised, agreed with its neighbours) that differs by less from what the joints say is explained."""
NOISE_FACTOR = 8.0
"""So is flow within this many median residuals."""


def measure_leftover(video: PointVideo, parts: Parts) -> float:
    """Share of the points with flow that clearly move otherwise than their part's joint says, 0..1.

    Args:
        video: In normalised coordinates.
    """
    smoothed = smooth_flow(video, num_points=NUM_POINTS)
    labels = np.argmax(parts.probabilities[:, : smoothed.num_points], axis=-1)
    motions = np.concatenate([np.tile(np.eye(4), (1, video.num_frames, 1, 1)), parts.model.motions()])
    known = np.zeros(smoothed.valid.shape, dtype=bool)
    strays = np.zeros(smoothed.valid.shape, dtype=bool)
    for index, baseline in enumerate(video.baselines):
        count = video.num_frames - baseline
        if count <= 0:
            continue
        own = labels[:count]
        starts = np.arange(count)[:, None]
        step = motions[own, starts + baseline] @ inverse(motions[own, starts])
        points, flow = smoothed.points_world[:count], smoothed.flow_world[index, :count]
        residuals = np.linalg.norm(apply(step, points[:, :, None])[:, :, 0] - points - flow, axis=-1)
        measured = smoothed.flow_valid[index, :count] & smoothed.valid[:count]
        if not measured.any():
            continue
        limit = max(LEAST_RESIDUAL, NOISE_FACTOR * float(np.median(residuals[measured])))
        known[:count] |= measured
        strays[:count] |= measured & (residuals > limit)
    return float(strays.sum() / max(known.sum(), 1))
