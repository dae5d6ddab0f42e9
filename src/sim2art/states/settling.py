"""Every camera settled on the background: pose and depth scale of each frame, by point-to-plane distances to what stands still.

Tracked poses drift and depth flickers as a whole, by more than a part moves between frames; used frames were corrected
for it, all others were not.
"""

import numpy as np
from jaxtyping import Float

from sim2art.geometry.cameras import project, unproject
from sim2art.geometry.rotations import rotation_from_rotvec
from sim2art.geometry.transforms import apply, inverse, make_transform
from sim2art.states.frame_stack import FrameStack
from sim2art.states.likelihood import NoiseModel

_ROUNDS = 5
_NUM_POINTS = 2500
_MIN_POINTS = 60
_TURN, _SHIFT, _SCALE = float(np.deg2rad(0.3)), 0.01, 0.003
"""How far poses (rad, m) and scales are usually off."""


def settle_frame(
    stack: FrameStack,
    frame: int,
    points_world: Float[np.ndarray, "point 3"],
    normals_world: Float[np.ndarray, "point 3"],
    noise: NoiseModel,
) -> tuple[Float[np.ndarray, "4 4"], float]:
    """The camera of a frame, and the factor that its depth needs.

    Args:
        stack: All frames.
        frame: Which one.
        points_world: Static points.
        normals_world: Of their surface.
        noise: Of what is measured.
    """
    depth = stack.depths[frame]
    height, width = depth.shape
    pose, scale = np.array(stack.world_from_camera[frame]), 1.0
    prior = np.diag(1.0 / np.array([_TURN] * 3 + [_SHIFT] * 3 + [_SCALE]) ** 2)
    off = np.zeros(7)
    for _ in range(_ROUNDS):
        places = apply(inverse(pose), points_world)
        with np.errstate(invalid="ignore", divide="ignore"):
            pixels = np.rint(project(stack.intrinsics, places))
        inside = (places[:, 2] > 0.05) & np.all((pixels >= 0) & (pixels < [width, height]), axis=1)
        index = np.flatnonzero(inside)
        column, row = pixels[index].astype(np.int64).T
        measured = depth[row, column].astype(np.float64)
        index, column, row = index[measured > 0], column[measured > 0], row[measured > 0]
        measured = scale * measured[measured > 0]
        sigma = noise.depth[0] + noise.depth[1] * measured**2
        read_camera = unproject(stack.intrinsics, np.stack([column, row], axis=1).astype(np.float64), measured)
        read = apply(pose, read_camera)
        normal = normals_world[index]
        # Nearby readings err alike: the image is worth fewer than it has points.
        worth = min(1.0, noise.num_readings(float(height * width)) / len(points_world))
        residual = (normal * (points_world[index] - read)).sum(axis=1) / sigma
        if len(index) < _MIN_POINTS:
            return np.array(stack.world_from_camera[frame]), 1.0
        weight = 1.0 / (1.0 + (residual / 2.0) ** 2) ** 2
        rows = (
            np.concatenate(
                [np.cross(read, normal), normal, (normal * (read_camera @ pose[:3, :3].T)).sum(axis=1)[:, None]], axis=1
            )
            / sigma[:, None]
        )
        normal_matrix = worth * (rows * weight[:, None]).T @ rows + prior
        step = np.linalg.solve(normal_matrix, worth * rows.T @ (weight * residual) - prior @ off)
        off = off + step
        pose = make_transform(rotation_from_rotvec(step[:3]), step[3:6]) @ pose
        scale *= 1.0 + step[6]
    return pose, scale


def settle_cameras(
    stack: FrameStack,
    points_world: Float[np.ndarray, "point 3"],
    normals_world: Float[np.ndarray, "point 3"],
    noise: NoiseModel,
) -> FrameStack:
    """All frames with the cameras and depths that fit the background best."""
    good = np.flatnonzero(np.linalg.norm(normals_world, axis=1) > 0.5)
    some = good[:: max(1, len(good) // _NUM_POINTS)]
    poses, depths = np.array(stack.world_from_camera), stack.depths.copy()
    for frame in range(stack.num_frames):
        poses[frame], scale = settle_frame(stack, frame, points_world[some], normals_world[some], noise)
        depths[frame] *= scale
    # The first used camera is the world.
    first = stack.used[0]
    correction = stack.world_from_camera[first] @ inverse(poses[first])
    return FrameStack(
        times=stack.times, depths=depths, colors=stack.colors, intrinsics=stack.intrinsics,
        world_from_camera=correction @ poses, used=stack.used,
    )  # fmt: skip
