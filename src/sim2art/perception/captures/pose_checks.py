"""Checks of camera poses: damaged matrices, a camera that jumps or stands still."""

import numpy as np
from jaxtyping import Float, Int

from sim2art.geometry.rotations import rotvec_from_rotation
from sim2art.geometry.transforms import inverse, is_rigid

_SAME_POSE = 1e-6
_MAX_BAD = 0.2
_JUMP_DISTANCE = 0.25
"""m between neighbouring frames; less is never called a jump."""
_JUMP_ANGLE = np.deg2rad(20.0)
_JUMP_FACTOR = 8.0
"""A jump is also this many times the median step."""


def stands_still(world_from_camera: Float[np.ndarray, "frame 4 4"]) -> bool:
    """Whether the camera has one pose throughout, as it is given where standing still was recognised."""
    return bool(np.abs(world_from_camera - world_from_camera[0]).max() < _SAME_POSE)


def check_recorded_poses(
    world_from_camera: Float[np.ndarray, "all 4 4"], considered: Int[np.ndarray, "frame"]
) -> tuple[Int[np.ndarray, "kept"], Float[np.ndarray, "kept 4 4"] | None, list[str]]:
    """Usable frames, their poses made exactly rigid (None when too many are damaged), and what was repaired."""
    poses = np.array(world_from_camera, dtype=np.float64)[considered]
    good = np.array([is_rigid(pose, tolerance=0.05) for pose in poses])
    told: list[str] = []
    bad = int((~good).sum())
    if bad > _MAX_BAD * len(poses) or good.sum() < 2:
        told.append(
            f"{bad} of {len(poses)} recorded camera poses are not finite rigid transforms: poses are estimated instead."
        )
        return considered, None, told
    if bad:
        told.append(
            f"{bad} of {len(poses)} frames have a camera pose that is not a finite rigid transform: they are left out."
        )
    return considered[good], orthonormalized(poses[good]), told


def orthonormalized(transforms: Float[np.ndarray, "frame 4 4"]) -> Float[np.ndarray, "frame 4 4"]:
    """The nearest exactly rigid transforms."""
    u, _, vt = np.linalg.svd(transforms[:, :3, :3])
    result = transforms.copy()
    result[:, :3, :3] = u @ vt
    result[:, 3] = [0, 0, 0, 1]
    return result


def find_jumps(world_from_camera: Float[np.ndarray, "frame 4 4"]) -> list[int]:
    """Frames whose camera is implausibly far from the frame before."""
    if len(world_from_camera) < 2:
        return []
    steps = inverse(world_from_camera[:-1]) @ world_from_camera[1:]
    distance = np.linalg.norm(steps[:, :3, 3], axis=1)
    angle = np.linalg.norm(rotvec_from_rotation(steps[:, :3, :3]), axis=1)
    far = distance > max(_JUMP_DISTANCE, _JUMP_FACTOR * float(np.median(distance)))
    turned = angle > max(_JUMP_ANGLE, _JUMP_FACTOR * float(np.median(angle)))
    return [int(i) + 1 for i in np.flatnonzero(far | turned)]


def longest_stretch(num_frames: int, breaks: list[int]) -> tuple[int, int]:
    """First and one past the last frame of the longest run that holds no break (a break starts a new run)."""
    edges = [0, *sorted(breaks), num_frames]
    start = max(range(len(edges) - 1), key=lambda i: edges[i + 1] - edges[i])
    return edges[start], edges[start + 1]
