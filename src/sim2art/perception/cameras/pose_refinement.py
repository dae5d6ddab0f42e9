"""Small corrections of the used frames' poses and depth scales, so that what stands still agrees across frames.

Recorded poses drift by millimetres and depth cameras breathe by some permille: as much as a slow joint moves from frame
to frame. Points that stand still by flow are matched between frames, and one pose and one depth scale a frame are
solved for (Gauss-Newton, robust, with a prior that keeps them near what was recorded). The first frame stays.
"""

import numpy as np
from jaxtyping import Bool, Float, Float32

from sim2art.geometry.cameras import unproject
from sim2art.geometry.rotations import rotation_from_rotvec, skew
from sim2art.perception.depth.filter import read_depth_between
from sim2art.perception.flow.lifted_flow import PixelFlow

_NUM_ITERATIONS = 8
_POINTS_PER_PAIR = 300
_PIXEL_SIGMA = 0.5
"""px: how well flow places a point across the line of sight."""
_DEPTH_SIGMA = 0.003
"""m at 1 m, growing with depth squared."""
_PRIOR_SHIFT = 0.01
"""m: how far a recorded pose may be off."""
_PRIOR_TURN = np.deg2rad(0.5)
_PRIOR_SCALE = 0.004
_CORRELATION = 40.0
"""Matches that err together count as one: this many of them."""
_ROBUST = 3.0
"""Sigmas beyond which a match loses its say (Geman-McClure)."""


def refine_poses(
    depths: Float32[np.ndarray, "frame height width"],
    flows: dict[tuple[int, int], PixelFlow],
    moving: Bool[np.ndarray, "frame half_height half_width"],
    intrinsics: Float[np.ndarray, "3 3"],
    world_from_camera: Float[np.ndarray, "frame 4 4"],
    *,
    rng: np.random.Generator,
) -> tuple[Float[np.ndarray, "frame 4 4"], Float[np.ndarray, "frame"]]:
    """Better `world_from_camera` and the factor that each frame's depth is to be multiplied by."""
    matches = [
        found
        for (a, b), pair in flows.items()
        if a < b and (found := _match(a, b, pair, depths, moving, intrinsics, rng)) is not None
    ]
    num_frames = len(depths)
    scales = np.ones(num_frames)
    poses = world_from_camera.copy()
    if not matches:
        return poses, scales
    a, b = (np.concatenate([np.full(len(m[2]), m[i]) for m in matches]) for i in (0, 1))
    points_a, points_b = (np.concatenate([m[i] for m in matches]) for i in (2, 3))
    correction = np.zeros((num_frames, 7))
    for _ in range(_NUM_ITERATIONS):
        step = _solve_step(a, b, points_a, points_b, poses, scales, correction, intrinsics)
        correction += step
        rotation = rotation_from_rotvec(step[:, 3:6])
        poses[:, :3, :3] = rotation @ poses[:, :3, :3]
        # Turned about the camera itself, so that turn and shift hardly depend on one another.
        poses[:, :3, 3] += step[:, :3]
        scales *= 1 + step[:, 6]
        if np.abs(step).max() < 1e-6:
            break
    return poses, scales


def _match(
    a: int, b: int, pair: PixelFlow, depths: np.ndarray, moving: np.ndarray, intrinsics: np.ndarray,
    rng: np.random.Generator,
) -> tuple[int, int, np.ndarray, np.ndarray] | None:  # fmt: skip
    """Camera points of the same spots in both frames, of what is not seen to move."""
    still = pair.confident[::2, ::2] & pair.cornered[::2, ::2] & (depths[a, ::2, ::2] > 0) & ~moving[a]
    y, x = np.nonzero(still)
    if len(y) < 30:
        return None
    chosen = rng.choice(len(y), min(3 * _POINTS_PER_PAIR, len(y)), replace=False)
    y, x = 2 * y[chosen], 2 * x[chosen]
    pixels = np.stack([x, y], axis=1).astype(np.float64)
    targets = pixels + pair.flow[y, x]
    depth, one_surface = read_depth_between(depths[b], targets[:, 0], targets[:, 1])
    good = np.flatnonzero(one_surface)[:_POINTS_PER_PAIR]
    if len(good) < 20:
        return None
    points_a = unproject(intrinsics, pixels[good], depths[a, y[good], x[good]].astype(np.float64))
    return a, b, points_a, unproject(intrinsics, targets[good], depth[good].astype(np.float64))


def _solve_step(
    a: np.ndarray, b: np.ndarray, points_a: np.ndarray, points_b: np.ndarray,
    poses: np.ndarray, scales: np.ndarray, correction: np.ndarray, intrinsics: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Change of (shift, turn, scale) of every frame."""
    num_frames = len(poses)
    turned_a = (poses[a, :3, :3] @ (points_a * scales[a, None])[..., None])[..., 0]
    turned_b = (poses[b, :3, :3] @ (points_b * scales[b, None])[..., None])[..., 0]
    residual = turned_a + poses[a, :3, 3] - turned_b - poses[b, :3, 3]
    # Across the line of sight flow is exact to half a pixel, along it depth is noisy.
    depth = np.maximum(points_a[:, 2], 0.2)
    across, along = _PIXEL_SIGMA * depth / intrinsics[0, 0] + 5e-4, _DEPTH_SIGMA * depth**2 + 5e-4
    sight = turned_a / np.linalg.norm(turned_a, axis=1, keepdims=True)
    outer = sight[:, :, None] * sight[:, None, :]
    information = (np.eye(3) - outer) / (across**2)[:, None, None] + outer / (along**2)[:, None, None]
    squared = np.einsum("ni,nij,nj->n", residual, information, residual)
    information *= (1.0 / (1.0 + squared / _ROBUST**2) ** 2 / _CORRELATION)[:, None, None]
    identity = np.broadcast_to(np.eye(3), (len(a), 3, 3))
    jacobian_a = np.concatenate([identity, -skew(turned_a), turned_a[..., None]], axis=2)
    jacobian_b = -np.concatenate([identity, -skew(turned_b), turned_b[..., None]], axis=2)
    normal, right = np.zeros((num_frames, 7, num_frames, 7)), np.zeros((num_frames, 7))
    for i, ji in ((a, jacobian_a), (b, jacobian_b)):
        weighted = np.swapaxes(ji, 1, 2) @ information
        np.add.at(right, i, -(weighted @ residual[..., None])[..., 0])
        for j, jj in ((a, jacobian_a), (b, jacobian_b)):
            np.add.at(normal, (i, slice(None), j), weighted @ jj)  # pyright: ignore[reportArgumentType]
    prior = np.array([_PRIOR_SHIFT**-2] * 3 + [_PRIOR_TURN**-2] * 3 + [_PRIOR_SCALE**-2])
    for frame in range(num_frames):
        normal[frame, np.arange(7), frame, np.arange(7)] += prior
        right[frame] -= prior * correction[frame]
    full = normal.reshape(7 * num_frames, 7 * num_frames)
    step = np.zeros(7 * num_frames)
    # The first camera is the world; its depth scale is held by the others' priors, and is free.
    free = np.concatenate([[6], np.arange(7, 7 * num_frames)])
    step[free] = np.linalg.solve(full[np.ix_(free, free)], right.ravel()[free])
    return step.reshape(num_frames, 7)


def apply_scales(
    depths: Float32[np.ndarray, "frame height width"], scales: Float[np.ndarray, "frame"]
) -> Float32[np.ndarray, "frame height width"]:
    """Depths multiplied by one factor a frame."""
    return (depths * scales[:, None, None]).astype(np.float32)
