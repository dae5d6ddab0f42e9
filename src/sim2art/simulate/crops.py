"""The motion-centred crop: what the real chain takes for the object when it knows no object mask."""

import numpy as np
from jaxtyping import Bool, Float, Float32
from numba import njit

from sim2art.geometry.cameras import unproject
from sim2art.simulate.stage import StageFrames

MARGIN = (1.2, 2.2)
"""Factor by which the box around what moves is expanded; the real chain uses about 1.6."""
WHOLE_SHARE = 0.04
"""Clips in which the whole scene is taken, though something moves."""
_STRIDE = 4


def sample_crop_box(
    stage: StageFrames, is_moving: Bool[np.ndarray, "frame height width"], rng: np.random.Generator
) -> tuple[Float[np.ndarray, "3"], Float[np.ndarray, "3"]] | None:
    """Centre and half extents (m, world frame) of a box around what is seen to move.

    None stands for the whole scene: the chain falls back to it when it finds no motion, and so does a small share of
    the draws.
    """
    frames, rows, columns = np.nonzero(is_moving[:, ::_STRIDE, ::_STRIDE])
    if len(frames) < 16 or rng.uniform() < WHOLE_SHARE:
        return None
    rows, columns = rows * _STRIDE, columns * _STRIDE
    pixels = np.stack([columns, rows], axis=1).astype(np.float64)
    points_camera = unproject(stage.intrinsics, pixels, stage.depths[frames, rows, columns].astype(np.float64))
    poses = stage.world_from_camera[frames]
    points = (poses[:, :3, :3] @ points_camera[..., None])[..., 0] + poses[:, :3, 3]
    low, high = np.percentile(points, [2, 98], axis=0)
    half = (high - low) / 2
    # A box that is thin along the view still holds what is just behind.
    grown = np.maximum(half * rng.uniform(*MARGIN), half + 0.15 * half.max())
    return (low + high) / 2 + grown * rng.normal(0.0, 0.05, 3), grown


def crop_masks(
    depths: Float32[np.ndarray, "frame height width"],
    world_from_camera: Float[np.ndarray, "frame 4 4"],
    intrinsics: Float[np.ndarray, "3 3"],
    center: Float[np.ndarray, "3"],
    half: Float[np.ndarray, "3"],
) -> Bool[np.ndarray, "frame height width"]:
    """Pixels whose point lies in a world box (m)."""
    masks = np.zeros(depths.shape, dtype=bool)
    fx, fy, cx, cy = (np.float32(x) for x in intrinsics[[0, 1, 0, 1], [0, 1, 2, 2]])
    _crop(
        depths, world_from_camera.astype(np.float32), center.astype(np.float32), half.astype(np.float32),
        fx, fy, cx, cy, masks,
    )  # fmt: skip
    return masks


@njit(cache=True, nogil=True)
def _crop(depths, world_from_camera, center, half, fx, fy, cx, cy, masks):
    num_frames, height, width = depths.shape
    for t in range(num_frames):
        m = world_from_camera[t]
        for y in range(height):
            for x in range(width):
                z = depths[t, y, x]
                if z == 0:
                    continue
                px, py = (x - cx) / fx * z, (y - cy) / fy * z
                inside = True
                for axis in range(3):
                    place = m[axis, 0] * px + m[axis, 1] * py + m[axis, 2] * z + m[axis, 3]
                    inside = inside and abs(place - center[axis]) <= half[axis]
                masks[t, y, x] = inside
