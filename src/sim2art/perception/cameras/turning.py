"""A camera that turns on the spot: its turns from corners alone, and guessed depth brought to one scale.

Without parallax no depth can be triangulated, but none is needed either: what stands still keeps its distance from a camera
that stays where it is. So turns are fitted to the directions of corners, and the guesses of neighbouring frames to each other
where they see the same.
"""

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32

from sim2art.geometry.cameras import unproject
from sim2art.geometry.transforms import make_transform
from sim2art.perception.depth.alignment import as_inverse_depths, densest_ratio
from sim2art.perception.tasks import DepthGuess
from sim2art.perception.tracks.klt_tracks import CornerTracks

_NUM_ROUNDS = 8
_FLOOR = 2e-4
"""rad; corners are no better than this."""
_MAX_MISS = 4e-3
"""rad; a corner that misses by more does not tell where the camera looks."""
_MIN_CORNERS = 8
_STEP = 9
"""px between the pixels by which frames are compared."""


def pixel_rays(
    pixels: Float[np.ndarray, "point 2"], intrinsics: Float[np.ndarray, "3 3"]
) -> Float[np.ndarray, "point 3"]:
    """Unit directions of pixels, camera frame."""
    rays = unproject(intrinsics, pixels.astype(np.float64), np.ones(len(pixels)))
    return rays / np.linalg.norm(rays, axis=1, keepdims=True)


def fit_rotation(
    rays_a: Float[np.ndarray, "point 3"], rays_b: Float[np.ndarray, "point 3"]
) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "point"]]:
    """The rotation that takes directions a to directions b, robust to wrong ones, and the angles by which each misses (rad)."""
    weights = np.ones(len(rays_a))
    turn, miss = np.eye(3), np.zeros(len(rays_a))
    for _ in range(_NUM_ROUNDS):
        u, _, vt = np.linalg.svd((rays_b * weights[:, None]).T @ rays_a)
        turn = u @ np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))]) @ vt
        miss = np.linalg.norm(rays_a @ turn.T - rays_b, axis=1)
        weights = 1.0 / np.maximum(miss, _FLOOR)
    return turn, miss


def solve_turning(
    tracks: CornerTracks, moving: Bool[np.ndarray, "track"], intrinsics: Float[np.ndarray, "3 3"], num_frames: int
) -> Float[np.ndarray, "frame 4 4"]:
    """`world_from_camera` of a camera that turns on the spot; world is the first camera's frame.

    A frame with too few corners keeps the pose of the one before.
    """
    poses = np.tile(np.eye(4), (num_frames, 1, 1))
    sums = np.zeros((tracks.num_tracks, 3))
    for frame in range(num_frames):
        rows = np.flatnonzero((tracks.frame == frame) & ~moving[tracks.track])
        ids, rays = tracks.track[rows], pixel_rays(tracks.pixels[rows], intrinsics)
        lengths = np.linalg.norm(sums[ids], axis=1)
        known = lengths > 0
        turn = poses[max(0, frame - 1), :3, :3]
        agree = np.ones(len(rays), dtype=bool)
        if frame and known.sum() >= _MIN_CORNERS:
            turn, miss = fit_rotation(rays[known], sums[ids[known]] / lengths[known, None])
            agree[known] = miss < _MAX_MISS
        poses[frame] = make_transform(turn, np.zeros(3))
        np.add.at(sums, ids[agree], rays[agree] @ turn.T)
    return poses


def align_turning(
    guesses: list[DepthGuess],
    world_from_camera: Float[np.ndarray, "frame 4 4"],
    intrinsics: Float[np.ndarray, "3 3"],
    size: tuple[int, int],
) -> Float32[np.ndarray, "frame height width"]:
    """Depths of one scale, from each frame to the next; `size` is height and width (px)."""
    inverse_depths = as_inverse_depths(guesses, size)
    height, width = size
    grid = np.stack(np.meshgrid(np.arange(0, width, _STEP), np.arange(0, height, _STEP)), axis=-1).reshape(-1, 2)
    rays = pixel_rays(grid.astype(np.float64), intrinsics)
    for frame in range(1, len(guesses)):
        turn = world_from_camera[frame - 1, :3, :3].T @ world_from_camera[frame, :3, :3]
        seen = rays @ turn.T
        pixels = seen @ intrinsics.T / np.maximum(seen[:, 2:], 1e-6)
        x, y = pixels[:, 0].astype(np.float32)[None], pixels[:, 1].astype(np.float32)[None]
        there = cv2.remap(inverse_depths[frame - 1], x, y, cv2.INTER_NEAREST, borderValue=0)[0]
        here = inverse_depths[frame][grid[:, 1], grid[:, 0]]
        # Distance along the ray stays; depth along the camera's axis is distance times the ray's z.
        ratio = (there * seen[:, 2]) / np.maximum(here * rays[:, 2], 1e-9)
        usable = (there > 0) & (here > 0) & (seen[:, 2] > 0)
        if usable.sum() >= 50:
            inverse_depths[frame] *= densest_ratio(ratio[usable])
    return np.where(inverse_depths > 0, 1.0 / np.maximum(inverse_depths, 1e-6), 0.0).astype(np.float32)
