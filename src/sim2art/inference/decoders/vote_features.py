"""What a single frame shows around each point: place, surface, and how the flow there moves, turns and stretches."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32
from scipy.spatial import KDTree

from sim2art.observation.point_video import PointVideo

NUM_NEIGHBORS = 24
RADIUS = 0.2
"""Neighbours farther than this have no say, normalised units."""
SURFACE_FEATURES = 10
"""Place about the frame's middle (3), line of sight (3), normal (3), roughness (1)."""
FLOW_FEATURES = 15
"""For each baseline: flow (3), turn (3), stretch (1), what an affine motion leaves (1), directions of flow and turn (6),
whether it was measured (1)."""
FLOW_GAIN = 5.0
"""Flow is short beside the object: brought to the size of the other features."""


def num_vote_features(num_baselines: int) -> int:
    """Length of the feature axis of `measure_vote_features`."""
    return SURFACE_FEATURES + FLOW_FEATURES * num_baselines


def measure_vote_features(
    video: PointVideo, frames: Sequence[int] | None = None
) -> Float32[np.ndarray, "frame point feature"]:
    """Features of every point from its own frame and the flow that leaves it.

    Args:
        video: In normalised coordinates, its flow smoothed.
        frames: Which ones; all when None.
    """
    chosen = range(video.num_frames) if frames is None else frames
    out = np.zeros((len(chosen), video.num_points, num_vote_features(len(video.baselines))), dtype=np.float32)
    for place, t in enumerate(chosen):
        valid = np.flatnonzero(video.valid[t])
        if len(valid) >= NUM_NEIGHBORS:
            out[place, valid] = _measure_frame(video, t, valid)
    return out


def _measure_frame(video: PointVideo, t: int, valid: np.ndarray) -> np.ndarray:
    points = video.points_world[t, valid]
    found = KDTree(points).query(points, k=NUM_NEIGHBORS)
    distance, near = np.asarray(found[0]), np.asarray(found[1])
    weights = np.clip(1.0 - (distance / RADIUS) ** 2, 0.0, None)
    arms = points[near] - points[:, None]
    sight = points - video.world_from_camera[t, :3, 3]
    sight /= np.maximum(np.linalg.norm(sight, axis=1, keepdims=True), 1e-9)
    mean = np.einsum("pn,pnc->pc", weights, arms) / weights.sum(axis=1, keepdims=True)
    spread = np.einsum("pn,pnc,pnd->pcd", weights, arms - mean[:, None], arms - mean[:, None])
    sizes, directions = np.linalg.eigh(spread)
    normals = directions[..., 0] * -np.sign(np.sum(directions[..., 0] * sight, axis=1, keepdims=True))
    rough = np.sqrt(np.maximum(sizes[:, :1], 0) / np.maximum(sizes.sum(axis=1, keepdims=True), 1e-12))
    parts = [points - np.median(points, axis=0), sight, normals, rough]
    for index in range(len(video.baselines)):
        parts.append(_measure_flow(video, index, t, valid, near, weights, arms))
    return np.concatenate(parts, axis=1)


def _measure_flow(
    video: PointVideo, index: int, t: int, valid: np.ndarray, near: np.ndarray, weights: np.ndarray, arms: np.ndarray
) -> np.ndarray:
    """The affine motion that fits the flow around each point best, taken apart."""
    flows, known = video.flow_world[index, t, valid], video.flow_valid[index, t, valid]
    weight = weights * known[near]
    total = weight.sum(axis=1)
    # Unknowns: the motion at the point and its gradient, with a ridge: a plane does not tell all of a gradient.
    rows = np.concatenate([np.ones((*arms.shape[:2], 1)), arms / RADIUS], axis=2)
    normal = np.einsum("pn,pnc,pnd->pcd", weight, rows, rows) + np.diag([1e-3, 0.05, 0.05, 0.05])
    solved = np.linalg.solve(normal, np.einsum("pn,pnc,pnd->pcd", weight, rows, flows[near]))
    gradient = np.swapaxes(solved[:, 1:], 1, 2) / RADIUS  # d flow / d place
    turn = 0.5 * np.stack(
        [
            gradient[:, 2, 1] - gradient[:, 1, 2],
            gradient[:, 0, 2] - gradient[:, 2, 0],
            gradient[:, 1, 0] - gradient[:, 0, 1],
        ],
        axis=1,
    )
    stretch = np.linalg.norm(0.5 * (gradient + np.swapaxes(gradient, 1, 2)), axis=(1, 2))
    left = np.sum((np.einsum("pnc,pcd->pnd", rows, solved) - flows[near]) ** 2, axis=-1)
    left = np.sqrt(np.sum(weight * left, axis=1) / np.maximum(total, 1e-9))
    ok = (total > 2.0)[:, None]
    flow = solved[:, 0]
    measured = np.concatenate(
        [
            FLOW_GAIN * flow,
            2.0 * turn,
            2.0 * stretch[:, None],
            FLOW_GAIN * left[:, None],
            flow / (np.linalg.norm(flow, axis=1, keepdims=True) + 0.01),
            turn / (np.linalg.norm(turn, axis=1, keepdims=True) + 0.05),
        ],
        axis=1,
    )
    return np.concatenate([np.clip(np.where(ok, measured, 0.0), -5.0, 5.0), ok], axis=1)
