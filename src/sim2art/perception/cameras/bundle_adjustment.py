"""Bundle adjustment of an RGB-D recording: all camera poses and corner points at once, from pixels and depths.

Gauss-Newton with Huber weights; points are eliminated by the Schur complement (Triggs et al., "Bundle Adjustment - A
Modern Synthesis", 2000, Sec. 6.3), so the system solved holds poses only. The first camera stays where it is.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse

from sim2art.geometry.cameras import project, unproject
from sim2art.geometry.rotations import rotation_from_rotvec, skew
from sim2art.geometry.transforms import apply, inverse

_PIXEL_SIGMA = 0.5
"""px: how well corners are tracked."""
_DEPTH_SIGMA = 0.004
"""m at 1 m, growing with depth squared; more than white noise, as errors of one frame go together."""
_MAX_POINTS = 500
_HUBER = 2.0
"""Residuals beyond this many sigmas count linearly."""


@dataclass(frozen=True, kw_only=True)
class Observations:
    """Where static corners were seen."""

    frame: Int[np.ndarray, "observation"]
    point: Int[np.ndarray, "observation"]
    pixels: Float[np.ndarray, "observation 2"]
    """px."""
    depths: Float[np.ndarray, "observation"]
    """m, positive."""


def adjust(
    observations: Observations,
    camera_from_world: Float[np.ndarray, "frame 4 4"],
    intrinsics: Float[np.ndarray, "3 3"],
    *,
    num_iterations: int = 6,
) -> tuple[Float[np.ndarray, "frame 4 4"], float]:
    """Refined `camera_from_world` and the median reprojection error (px); frames without observations stay as they are."""
    kept = _longest(observations)
    frames, pixels, depths = observations.frame[kept], observations.pixels[kept], observations.depths[kept]
    if len(frames) == 0:
        return camera_from_world, float("inf")
    _, points_of = np.unique(observations.point[kept], return_inverse=True)
    poses = camera_from_world.copy()
    lifted = _lift(poses, frames, pixels, depths, intrinsics)
    count = np.bincount(points_of)
    points = np.stack([np.bincount(points_of, weights=lifted[:, axis]) / count for axis in range(3)], axis=1)
    for _ in range(num_iterations):
        step_poses, step_points = _solve_step(poses, points, frames, points_of, pixels, depths, intrinsics)
        rotation = rotation_from_rotvec(step_poses[:, 3:])
        poses[:, :3, 3] = (rotation @ poses[:, :3, 3:])[..., 0] + step_poses[:, :3]
        poses[:, :3, :3] = rotation @ poses[:, :3, :3]
        points = points + step_points
        if np.abs(step_poses).max() < 1e-6:
            break
    seen = _to_camera(poses, frames, points[points_of])
    return poses, float(np.median(np.linalg.norm(project(intrinsics, seen) - pixels, axis=1)))


def _longest(observations: Observations) -> np.ndarray:
    """Rows of the points that were seen most often (at least three times)."""
    count = np.bincount(observations.point) if len(observations.point) else np.zeros(0, int)
    order = np.argsort(-count, kind="stable")[:_MAX_POINTS]
    chosen = np.zeros(len(count), dtype=bool)
    chosen[order[count[order] >= 3]] = True
    return np.flatnonzero(chosen[observations.point]) if len(count) else np.zeros(0, int)


def _solve_step(
    poses: Float[np.ndarray, "frame 4 4"], points: Float[np.ndarray, "point 3"],
    frames: Int[np.ndarray, "observation"], points_of: Int[np.ndarray, "observation"],
    pixels: Float[np.ndarray, "observation 2"], depths: Float[np.ndarray, "observation"], intrinsics: Float[np.ndarray, "3 3"],
) -> tuple[Float[np.ndarray, "frame 6"], Float[np.ndarray, "point 3"]]:  # fmt: skip
    """One Gauss-Newton step: changes (v, omega) of each camera, applied on the left, and of each point."""
    num_frames, num_points = len(poses), len(points)
    p = _to_camera(poses, frames, points[points_of])
    z = np.maximum(p[:, 2], 1e-3)
    sigma_z = _DEPTH_SIGMA * np.maximum(z, 0.5) ** 2
    residual = np.concatenate(
        [(project(intrinsics, p) - pixels) / _PIXEL_SIGMA, ((p[:, 2] - depths) / sigma_z)[:, None]], axis=1
    )
    zero = np.zeros_like(z)
    fx, fy = intrinsics[0, 0] / _PIXEL_SIGMA, intrinsics[1, 1] / _PIXEL_SIGMA
    by_point = np.stack(
        [
            np.stack([fx / z, zero, -fx * p[:, 0] / z**2], axis=1),
            np.stack([zero, fy / z, -fy * p[:, 1] / z**2], axis=1),
            np.stack([zero, zero, 1 / sigma_z], axis=1),
        ],
        axis=1,
    )
    weight = np.minimum(1.0, _HUBER / np.maximum(np.abs(residual), 1e-9))
    by_pose = np.concatenate([by_point, -by_point @ skew(p)], axis=2)
    by_world = by_point @ poses[frames, :3, :3]
    weighted_pose, weighted_world = by_pose * weight[..., None], by_world * weight[..., None]

    pose_blocks = np.zeros((num_frames, 6, 6))
    np.add.at(pose_blocks, frames, np.swapaxes(weighted_pose, 1, 2) @ by_pose)
    pose_right = np.zeros((num_frames, 6))
    np.add.at(pose_right, frames, -np.einsum("sri,sr->si", weighted_pose, residual))
    point_blocks = np.zeros((num_points, 3, 3))
    np.add.at(point_blocks, points_of, np.swapaxes(weighted_world, 1, 2) @ by_world)
    point_right = np.zeros((num_points, 3))
    np.add.at(point_right, points_of, -np.einsum("sri,sr->si", weighted_world, residual))
    point_inverse = np.linalg.inv(point_blocks + 1e-6 * np.eye(3))
    # Rows of the cross blocks are sorted by frame, as a block-sparse matrix needs.
    order = np.lexsort((points_of, frames))
    cross = sparse.bsr_matrix(
        (
            (np.swapaxes(weighted_pose, 1, 2) @ by_world)[order],
            points_of[order],
            np.searchsorted(frames[order], np.arange(num_frames + 1)),
        ),
        shape=(6 * num_frames, 3 * num_points),
    )
    diagonal = sparse.bsr_matrix((point_inverse, np.arange(num_points), np.arange(num_points + 1)))
    cross_inverse = cross @ diagonal
    reduced = -(cross_inverse @ cross.T).toarray()
    for frame in range(num_frames):
        block = slice(6 * frame, 6 * frame + 6)
        reduced[block, block] += pose_blocks[frame] + 1e-6 * np.eye(6)
    right = pose_right.ravel() - cross_inverse @ point_right.ravel()
    step = np.zeros(6 * num_frames)
    step[6:] = np.linalg.solve(reduced[6:, 6:], right[6:])
    point_step = point_inverse @ (point_right.ravel() - cross.T @ step).reshape(-1, 3, 1)
    return step.reshape(-1, 6), point_step[..., 0]


def _to_camera(poses: np.ndarray, frames: np.ndarray, points_world: np.ndarray) -> np.ndarray:
    return (poses[frames, :3, :3] @ points_world[..., None])[..., 0] + poses[frames, :3, 3]


def _lift(
    poses: np.ndarray, frames: np.ndarray, pixels: np.ndarray, depths: np.ndarray, intrinsics: np.ndarray
) -> np.ndarray:
    return apply(inverse(poses[frames]), unproject(intrinsics, pixels, depths)[:, None])[:, 0]
