"""What stands still: points that no other frame sees through. And the noise of what is measured of it."""

import dataclasses
import itertools
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32
from scipy import ndimage

from sim2art.geometry.cameras import unproject
from sim2art.geometry.transforms import apply, inverse
from sim2art.states.frame_stack import FrameStack
from sim2art.states.likelihood import NoiseModel, draw_points, explain_pixels, look_through

_NUM_VIEWS = 28
"""Frames that the background is made from, and that must not see through it."""
_NUM_POINTS = 90_000
_THROUGH = 2
"""So many frames that see through a point drop it; one may be a wrong reading."""
_PART_SHARE = 0.3
"""A point that more of the used frames take for a moving part is no background: labels err at edges."""
_REACH = 1
"""px."""
_MOST_FLICKER = 0.02
"""Share by which the depth of a whole frame may be off."""
_START = NoiseModel(
    depth=(0.002, 0.004), color=(4.0, 3.0, 3.0), color_spread=(8.0, 12.0, 12.0), patches=(1,), readings=(0.03,)
)
_PATCHES = (3, 6, 12, 24, 48)
"""px."""


@dataclass(frozen=True, kw_only=True)
class Background:
    """What each frame would show if nothing but what stands still were there."""

    depths: Float32[np.ndarray, "frame height width"]
    """m, 0 where nothing static is known."""
    costs: Float32[np.ndarray, "frame height width"]
    """Of each pixel if it shows the background, nats."""
    noise: NoiseModel


def find_background(stack: FrameStack, moving: Bool[np.ndarray, "used height width"]) -> tuple[FrameStack, Background]:
    """The background of a recording, the noise of its readings, and the frames freed of what makes their depth flicker.

    The depth of some cameras flickers as a whole: each frame's is scaled to the background, which is a mean over frames.

    Args:
        moving: Pixels of the used frames that show a moving part. What lies behind a door may give no reading at all, so
            that no frame sees through the closed door.
    """
    views = np.unique(np.concatenate([
        stack.used, np.linspace(0, stack.num_frames - 1, min(_NUM_VIEWS, stack.num_frames)).round().astype(np.int64)
    ]))  # fmt: skip
    points, colors, has_color = _static_points(stack, views, moving, _START)
    depths, images, known = _draw(stack, points, colors, has_color, _START)
    stack = _steady(stack, depths)
    noise = fit_noise(stack, depths, images, known, _START)
    costs = np.zeros(stack.depths.shape, np.float32)
    values = noise.as_array()
    for frame in range(stack.num_frames):
        explain_pixels(
            stack.depths[frame], stack.colors[frame], depths[frame], images[frame], known[frame], values, costs[frame]
        )
    return stack, Background(depths=depths, costs=costs, noise=noise)


def _steady(stack: FrameStack, depths: Float32[np.ndarray, "frame height width"]) -> FrameStack:
    """Each frame's depth times the factor that brings the static part of it to the background."""
    scaled = stack.depths.copy()
    for frame in range(stack.num_frames):
        drawn, measured = depths[frame], stack.depths[frame]
        both = (drawn > 0) & (measured > 0)
        ratio = drawn[both] / measured[both]
        ratio = ratio[np.abs(ratio - 1.0) < _MOST_FLICKER]
        if len(ratio) > 0.2 * measured.size:
            scaled[frame] *= np.median(ratio)
    return dataclasses.replace(stack, depths=scaled)


def camera_of(stack: FrameStack) -> Float[np.ndarray, "4"]:
    """fx, fy, cx, cy, px."""
    k = stack.intrinsics
    return np.array([k[0, 0], k[1, 1], k[0, 2], k[1, 2]])


def _static_points(
    stack: FrameStack, views: np.ndarray, moving: Bool[np.ndarray, "used height width"], noise: NoiseModel
) -> tuple[
    Float[np.ndarray, "point 3"],
    Float32[np.ndarray, "point 3"],
    Bool[np.ndarray, "point"],
]:
    """Static points in the world, their colours, and whether frames agree on those: not where a surface slides in itself."""
    height, width = stack.depths.shape[1:]
    stride = max(1, int(np.ceil(np.sqrt(len(views) * height * width / _NUM_POINTS))))
    points, colors = [], []
    for order, frame in enumerate(views):
        # Another row and column of pixels in each frame, so that together they leave no gaps.
        rows = np.arange(order % stride, height, stride)
        columns = np.arange(order // stride % stride, width, stride)
        grid = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
        grid = grid[stack.depths[frame, grid[:, 1], grid[:, 0]] > 0]
        depth = stack.depths[frame, grid[:, 1], grid[:, 0]].astype(np.float64)
        places = unproject(stack.intrinsics, grid.astype(np.float64), depth)
        points.append(apply(stack.world_from_camera[frame], places))
        colors.append(stack.colors[frame, grid[:, 1], grid[:, 0]].astype(np.float32))
    all_points, all_colors = np.concatenate(points), np.concatenate(colors)
    sigma = np.concatenate([
        noise.depth[0] + noise.depth[1] * apply(inverse(stack.world_from_camera[frame]), found)[:, 2] ** 2
        for frame, found in zip(views, points, strict=True)
    ])  # fmt: skip
    through, agree, differ, labelled, as_part = (np.zeros(len(all_points), np.int64) for _ in range(5))
    told = np.zeros((len(views), height, width), np.uint8)
    told[np.searchsorted(views, stack.used)] = 1 + moving
    measured = np.where(stack.depths[views] > 0, stack.depths[views], np.inf)
    nearest = ndimage.minimum_filter(measured, size=(1, 3, 3))
    look_through(
        all_points, sigma, inverse(stack.world_from_camera[views]), camera_of(stack), nearest, stack.depths[views],
        stack.colors[views], all_colors, told, noise.as_array(), through, agree, differ, labelled, as_part,
    )  # fmt: skip
    kept = (through < _THROUGH) & (agree >= min(2, len(views) - 1)) & (as_part <= _PART_SHARE * labelled)
    return all_points[kept], all_colors[kept], (differ <= 0.2 * agree)[kept]


def _draw(
    stack: FrameStack, points: np.ndarray, colors: np.ndarray, has_color: np.ndarray, noise: NoiseModel
) -> tuple[Float32[np.ndarray, "frame height width"], np.ndarray, Bool[np.ndarray, "frame height width"]]:
    depths = np.zeros(stack.depths.shape, np.float32)
    images = np.zeros(stack.colors.shape, np.float32)
    known = np.zeros(stack.depths.shape, np.bool_)
    cameras = inverse(stack.world_from_camera)
    for frame in range(stack.num_frames):
        draw_points(
            points, colors, has_color, cameras[frame], camera_of(stack), noise.as_array(), _REACH, depths[frame],
            images[frame], known[frame],
        )  # fmt: skip
    return depths, images, known


def fit_noise(
    stack: FrameStack, depths: np.ndarray, images: np.ndarray, known: np.ndarray, start: NoiseModel
) -> NoiseModel:
    """Spread of depth (constant and with depth squared), of colours, and how far neighbours' errors are alike."""
    every = max(1, stack.num_frames // 12)
    chosen = slice(None, None, every)
    seen = (depths[chosen] > 0) & (stack.depths[chosen] > 0)
    off = (stack.depths[chosen] - depths[chosen])[seen]
    at = depths[chosen][seen]
    if len(off) < 500:
        return start
    edges = np.quantile(at, np.linspace(0, 1, 7))
    middle, spread = [], []
    for low, high in itertools.pairwise(edges):
        inside = (at >= low) & (at <= high)
        if inside.sum() > 50:
            middle.append(float(np.median(at[inside])) ** 2)
            spread.append(1.4826 * float(np.median(np.abs(off[inside]))))
    # Each bin counts by its share of error, so that the far ones do not rule.
    middle, spread = np.array(middle), np.array(spread)
    slope = max(0.0, float(np.polyfit(middle, spread, 1, w=1.0 / spread)[0])) if np.ptp(middle) > 0.1 else 0.0
    constant = max(5e-4, float(np.median(spread - slope * middle)))
    sigma = constant + slope * depths[chosen] ** 2
    residual = np.where(seen, (stack.depths[chosen] - depths[chosen]) / sigma, np.nan)
    near = seen & (np.abs(np.nan_to_num(residual, nan=9.0)) < 3) & known[chosen]
    difference = stack.colors[chosen][near].astype(np.float32) - images[chosen][near]
    color = np.maximum(1.4826 * np.median(np.abs(difference), axis=0), 2.0)
    everything = stack.colors[chosen][stack.depths[chosen] > 0].astype(np.float32)
    wide = np.maximum(everything.std(axis=0), 2.0 * color)
    return NoiseModel(
        depth=(constant, slope),
        color=(float(color[0]), float(color[1]), float(color[2])),
        color_spread=(float(wide[0]), float(wide[1]), float(wide[2])),
        patches=tuple(side * side for side in _PATCHES),
        readings=_count_readings(np.where(near, residual, np.nan), start),
    )


def _count_readings(residuals: Float32[np.ndarray, "frame height width"], start: NoiseModel) -> tuple[float, ...]:
    """Readings that square patches are worth: variance of pixels by that of the patches' means."""
    count, height, width = residuals.shape
    within = float(np.nanmean(residuals**2))
    result: list[float] = []
    for side in _PATCHES:
        rows, columns = height // side, width // side
        patches = residuals[:, : rows * side, : columns * side].reshape(count, rows, side, columns, side)
        patches = patches.transpose(0, 1, 3, 2, 4).reshape(-1, side * side)
        full = np.isfinite(patches).mean(axis=1) > 0.8
        if full.sum() < 12:
            least = start.num_readings(float(side * side)) if not result else result[-1]
            result.append(least)
            continue
        means = np.nanmean(patches[full], axis=1)
        spread = (1.4826 * float(np.median(np.abs(means)))) ** 2
        worth = float(np.clip(within / max(spread, 1e-9), 1.0, side * side))
        result.append(max([worth, *result]))
    return tuple(result)
