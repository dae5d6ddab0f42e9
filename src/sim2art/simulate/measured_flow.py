"""Flow as the real chain measures it: optical flow with its typical errors, lifted with noisy depth and poses.

A point's true target pixel is displaced (smooth errors, its neighbours' motion, missing texture, outliers); the depth
that the sensor reports at that wrong pixel of the later frame gives the end point. A wrong pixel at a part's border
thus lands on another surface, as in reality.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int
from numba import njit

from sim2art.geometry.cameras import unproject
from sim2art.geometry.transforms import apply, inverse
from sim2art.simulate.corruption import FlowNoise
from sim2art.simulate.flow_sources import ExactFlow
from sim2art.simulate.seeds import log_uniform

_STRIDE = 4  # px between the nodes of the grid on which neighbours' motion is averaged.
_DEPTH_STEP = 0.03  # Relative; the four depths around a target must agree this well to be interpolated.
_MAX_FLOW = 200.0  # px; nodes that move farther do not speak for their neighbours.


@dataclass(frozen=True, kw_only=True)
class FlowErrors:
    """The magnitudes of one clip; see `FlowNoise` for their meaning. Lengths in px of the clip's images."""

    smooth: float
    growth: float
    smear: float
    blur: float
    textureless: float
    slide: float
    outliers: float
    missed: float
    dropped: float
    damping: float
    """How far flow without texture stays behind, 0..1."""
    refused: float
    """Share of the points without texture that the chain refuses."""


def sample_flow_errors(config: FlowNoise, rng: np.random.Generator, severity: float, width: int) -> FlowErrors:
    """The magnitudes of one clip; `width` is that of its images, px."""
    unit = width / 256
    return FlowErrors(
        smooth=log_uniform(rng, *config.smooth) * severity * unit,
        growth=log_uniform(rng, *config.growth) * severity,
        smear=log_uniform(rng, *config.smear) * severity * unit,
        blur=min(1.0, log_uniform(rng, *config.blur) * severity),
        textureless=log_uniform(rng, *config.textureless),
        slide=log_uniform(rng, *config.slide) * severity * unit,
        outliers=log_uniform(rng, *config.outliers) * severity,
        missed=log_uniform(rng, *config.missed),
        dropped=log_uniform(rng, *config.dropped),
        damping=rng.uniform(0.0, 0.8),
        refused=rng.uniform(0.2, 1.0),
    )


class MeasuredFlow:
    """A `FlowSource` that errs as the real chain does."""

    def __init__(
        self,
        exact: ExactFlow,
        *,
        depths: Float32[np.ndarray, "frame height width"],
        world_from_camera: Float[np.ndarray, "frame 4 4"],
        errors: FlowErrors,
        rng: np.random.Generator,
    ) -> None:
        """Take the truth and what the sensor and the tracker say instead.

        Args:
            exact: The true motion.
            depths: Measured depth, m; 0 where none.
            world_from_camera: Measured camera poses.
            errors: Magnitudes.
            rng: Source of randomness.
        """
        self._exact = exact
        self._depths = depths
        self._world_from_camera = world_from_camera
        self._errors = errors
        self._rng = rng
        num_bodies = exact.camera_from_body.shape[1]
        # Texture is a property of the surface: one solid pattern a body, so that the same places stay blank.
        self._waves = rng.normal(size=(num_bodies, 3, 3))
        self._phases = rng.uniform(0, 2 * np.pi, (num_bodies, 3))
        self._blankness = rng.normal(0.0, 0.8, num_bodies)
        # A surface whose only texture is an edge moves freely along it: mostly the horizontals and verticals of furniture.
        angles = rng.choice([0.0, 0.5 * np.pi], num_bodies) + rng.normal(0.0, 0.2, num_bodies)
        self._edges = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        self._slides = rng.normal(size=num_bodies)
        bounds = exact.body_from_camera[:, :, :3, 3]
        self._pattern_scale = 6.0 / max(float(np.median(np.linalg.norm(bounds, axis=-1))), 0.05)

    def __call__(
        self, frame: int, baseline: int, pixels: Int[np.ndarray, "point 2"], points_world: Float[np.ndarray, "point 3"]
    ) -> tuple[Float[np.ndarray, "point 3"], Bool[np.ndarray, "point"]]:
        """Measured flow (world frame, m) from `frame` to `frame + baseline`, and whether the chain trusts it."""
        later = frame + baseline
        start_camera, end_camera = self._exact.carry(frame, later, pixels)
        targets, trusted = self.measure(frame, later, pixels, start_camera, end_camera)
        depths, has_depth = read_depths(self._depths[later], targets, np.float32(_DEPTH_STEP))
        ends = apply(self._world_from_camera[later], unproject(self._exact.intrinsics, targets, depths))
        measured = trusted & has_depth
        return np.where(measured[:, None], ends - points_world, 0.0), measured

    def measure(
        self,
        frame: int,
        later: int,
        pixels: Int[np.ndarray, "point 2"],
        start_camera: Float[np.ndarray, "point 3"],
        end_camera: Float[np.ndarray, "point 3"],
    ) -> tuple[Float[np.ndarray, "point 2"], Bool[np.ndarray, "point"]]:
        """Pixels at which the tracker says the points are in the later frame, and whether its check passes."""
        errors, rng, count = self._errors, self._rng, len(pixels)
        is_seen = self._exact.is_seen(later, end_camera)
        in_front = end_camera[:, 2] > 1e-3
        true_flow = self._image_flow(end_camera, pixels)
        near, far = self._neighbour_flows(frame, later, pixels)
        blank = self._blank_weight(frame, pixels, start_camera)[:, None]
        flow = self._smeared_flow(frame, later, pixels, true_flow)
        flow = flow + errors.blur * (near - flow)
        # Without texture the solver keeps what it was given to begin with, the motion of the camera alone, or what
        # coarser scales said: the mean over a large neighbourhood.
        poses = self._exact.world_from_camera
        still_flow = self._image_flow(apply(inverse(poses[later]) @ poses[frame], start_camera), pixels)
        flow = flow + 0.85 * blank * ((1 - errors.damping) * far + errors.damping * still_flow - flow)
        slides = self._edges * (0.7 * self._slides + 0.7 * rng.normal(size=len(self._slides)))[:, None]
        bodies = self._exact.bodies[frame, pixels[:, 1], pixels[:, 0]]
        flow = flow + errors.slide * blank * slides[bodies]
        speed = np.linalg.norm(true_flow, axis=1, keepdims=True)
        size = (errors.smooth + errors.growth * speed) * (1 + 2 * blank)
        flow = flow + size * self._smooth_field(pixels) + 0.06 * size * rng.standard_normal((count, 2))
        is_outlier = rng.uniform(size=count) < errors.outliers
        width = self._depths.shape[2]
        flow = flow + is_outlier[:, None] * rng.standard_normal((count, 2)) * 0.08 * width
        error = np.linalg.norm(flow - true_flow, axis=1) * (1 - 0.75 * blank[:, 0])
        dropped = min(0.9, errors.dropped * (1 + 0.4 * np.log2(later - frame)))
        # The analogue of the forward-backward check: large errors mostly fail it. What slides or is dragged along does
        # so both ways, and passes.
        is_wrong = (error > 1.5 * width / 256 + 0.05 * speed[:, 0]) | ~is_seen
        noticed = np.where(is_wrong, errors.missed * np.where(is_outlier | ~is_seen, 0.5, 1.5), 1 - 0.3 * dropped)
        trusted = rng.uniform(size=count) < noticed
        trusted &= self._smooth_field(pixels)[:, 0] > _normal_quantile(0.7 * dropped)
        trusted &= rng.uniform(size=count) >= errors.refused * blank[:, 0]
        return pixels + flow, trusted & in_front

    def _smeared_flow(
        self,
        frame: int,
        later: int,
        pixels: Int[np.ndarray, "point 2"],
        true_flow: Float[np.ndarray, "point 2"],
    ) -> Float[np.ndarray, "point 2"]:
        """True flow (px) of what lies a few px away; that of the point itself where nothing is there."""
        height, width = self._depths.shape[1:]
        moved = pixels + self._errors.smear * self._smooth_field(pixels)
        moved = np.clip(np.rint(moved), 0, [width - 1, height - 1]).astype(np.int64)
        _, end_camera = self._exact.carry(frame, later, moved)
        found = self._exact.depths[frame, moved[:, 1], moved[:, 0]] > 0
        return np.where(found[:, None], self._image_flow(end_camera, moved), true_flow)

    def _image_flow(
        self, end_camera: Float[np.ndarray, "point 3"], pixels: Int[np.ndarray, "point 2"]
    ) -> Float[np.ndarray, "point 2"]:
        """Flow (px) from pixels to points; 0 for points behind the camera."""
        k = self._exact.intrinsics
        return _image_flow(end_camera, pixels, k[0, 0], k[1, 1], k[0, 2], k[1, 2])

    def _neighbour_flows(
        self, frame: int, later: int, pixels: Int[np.ndarray, "point 2"]
    ) -> tuple[Float[np.ndarray, "point 2"], Float[np.ndarray, "point 2"]]:
        """Mean true flow (px) around each pixel, over a small and a large neighbourhood."""
        exact = self._exact
        later_from_frame = exact.camera_from_body[later] @ exact.body_from_camera[frame]
        k = exact.intrinsics
        grid = _grid_flow(
            exact.depths[frame], exact.bodies[frame], later_from_frame, k[0, 0], k[1, 1], k[0, 2], k[1, 2], _STRIDE
        )
        near = _box_blur(grid, 1)
        far = _box_blur(_box_blur(near, 3), 3)
        place = pixels / _STRIDE
        return _lookup(near, place), _lookup(far, place)

    def _smooth_field(self, pixels: Int[np.ndarray, "point 2"]) -> Float[np.ndarray, "point 2"]:
        """A random smooth vector field of about unit size at the pixels, new at each call."""
        height, width = self._depths.shape[1:]
        nodes = self._rng.standard_normal((9, 9, 2))
        return 1.3 * _interpolate(nodes, pixels / np.array([width, height]) * 8.0)

    def _blank_weight(
        self, frame: int, pixels: Int[np.ndarray, "point 2"], start_camera: Float[np.ndarray, "point 3"]
    ) -> Float[np.ndarray, "point"]:
        """How much each point lacks texture, 0..1."""
        bodies = self._exact.bodies[frame, pixels[:, 1], pixels[:, 0]]
        # The pattern is about normal with deviation 1.3; the threshold leaves the wanted share above it.
        threshold = 1.3 * _normal_quantile(1 - self._errors.textureless)
        return _blankness(
            start_camera, bodies, self._exact.body_from_camera[frame],
            self._waves * self._pattern_scale, self._phases, self._blankness - threshold,
        )  # fmt: skip


def _normal_quantile(share: float) -> float:
    """Quantile of the standard normal distribution, to about 1 % (a logistic approximation)."""
    share = min(max(share, 1e-4), 1 - 1e-4)
    return float(np.log(share / (1 - share)) / 1.702)


def _lookup(
    field: Float32[np.ndarray, "row column 2"], place: Float[np.ndarray, "point 2"]
) -> Float[np.ndarray, "point 2"]:
    """The nearest node's value (a blurred grid needs no finer reading)."""
    nearest = np.rint(place).astype(np.int64)
    rows = np.minimum(nearest[:, 1], field.shape[0] - 1)
    columns = np.minimum(nearest[:, 0], field.shape[1] - 1)
    return field[rows, columns].astype(np.float64)


@njit(cache=True, nogil=True)
def _interpolate(nodes, place):
    """Bilinear values of nodes (row column 2) at (column, row) places."""
    values = np.empty((len(place), 2))
    for i in range(len(place)):
        column = min(int(place[i, 0]), nodes.shape[1] - 2)
        row = min(int(place[i, 1]), nodes.shape[0] - 2)
        u, v = place[i, 0] - column, place[i, 1] - row
        for axis in range(2):
            top = nodes[row, column, axis] * (1 - u) + nodes[row, column + 1, axis] * u
            bottom = nodes[row + 1, column, axis] * (1 - u) + nodes[row + 1, column + 1, axis] * u
            values[i, axis] = top * (1 - v) + bottom * v
    return values


@njit(cache=True, nogil=True)
def _image_flow(points, pixels, fx, fy, cx, cy):
    """Flow (px) from pixels to camera-frame points; 0 for points behind the camera."""
    flow = np.zeros((len(points), 2))
    for i in range(len(points)):
        x, y, z = points[i]
        if z > 1e-3:
            flow[i, 0] = x / z * fx + cx - pixels[i, 0]
            flow[i, 1] = y / z * fy + cy - pixels[i, 1]
    return flow


@njit(cache=True, nogil=True)
def _blankness(points, bodies, body_from_camera, waves, phases, levels):
    """Lack of texture (0..1) of camera-frame points: a sum of three solid waves a body, raised by the body's level."""
    result = np.empty(len(points))
    for i in range(len(points)):
        body = bodies[i]
        m = body_from_camera[body]
        x, y, z = points[i]
        pattern = 0.0
        for k in range(3):
            angle = phases[body, k]
            for axis in range(3):
                rest = m[axis, 0] * x + m[axis, 1] * y + m[axis, 2] * z + m[axis, 3]
                angle += waves[body, k, axis] * rest
            pattern += np.sin(angle)
        value = (pattern / 1.2247 + levels[body]) / 0.4 + 0.5
        result[i] = min(max(value, 0.0), 1.0)
    return result


@njit(cache=True, nogil=True)
def read_depths(depths, targets, step):
    """Depth (m) at sub-pixel targets, and whether there is one.

    Interpolated where the four pixels around agree within the relative `step`. At an edge the nearest pixel speaks, as
    long as it has support: mixing both sides of an edge would invent a surface.
    """
    height, width = depths.shape
    values = np.zeros(len(targets))
    found = np.zeros(len(targets), dtype=np.bool_)
    for i in range(len(targets)):
        x, y = targets[i, 0], targets[i, 1]
        if not (0 <= x <= width - 1 and 0 <= y <= height - 1):
            continue
        column, row = min(int(x), width - 2), min(int(y), height - 2)
        u, v = x - column, y - row
        a, b = depths[row, column], depths[row, column + 1]
        c, d = depths[row + 1, column], depths[row + 1, column + 1]
        low, high = min(a, b, c, d), max(a, b, c, d)
        if low > 0 and high - low <= step * low:
            values[i] = (a * (1 - u) + b * u) * (1 - v) + (c * (1 - u) + d * u) * v
            found[i] = True
            continue
        nearest = depths[int(np.rint(y)), int(np.rint(x))]
        support = 0
        for other in (a, b, c, d):
            if abs(other - nearest) <= step * nearest:
                support += 1
        if nearest > 0 and support >= 3:
            values[i] = nearest
            found[i] = True
    return values, found


@njit(cache=True, nogil=True)
def _grid_flow(depths, bodies, later_from_frame, fx, fy, cx, cy, stride):
    """True flow (px) at every `stride`-th pixel; NaN where nothing is seen."""
    height, width = depths.shape
    rows, columns = (height + stride - 1) // stride, (width + stride - 1) // stride
    grid = np.full((rows, columns, 2), np.nan, dtype=np.float32)
    for r in range(rows):
        for c in range(columns):
            y, x = r * stride, c * stride
            z = depths[y, x]
            if z == 0:
                continue
            m = later_from_frame[bodies[y, x]]
            px, py = (x - cx) / fx * z, (y - cy) / fy * z
            qz = m[2, 0] * px + m[2, 1] * py + m[2, 2] * z + m[2, 3]
            if qz < 1e-2:
                continue
            u = (m[0, 0] * px + m[0, 1] * py + m[0, 2] * z + m[0, 3]) / qz * fx + cx - x
            v = (m[1, 0] * px + m[1, 1] * py + m[1, 2] * z + m[1, 3]) / qz * fy + cy - y
            if abs(u) < _MAX_FLOW and abs(v) < _MAX_FLOW:
                grid[r, c, 0], grid[r, c, 1] = u, v
    return grid


@njit(cache=True, nogil=True)
def _box_blur(grid, reach):
    """Mean over a square of half side `reach` nodes, leaving out NaN; 0 where all are NaN."""
    rows, columns, _ = grid.shape
    between = np.zeros((rows, columns, 3), dtype=np.float32)
    result = np.zeros((rows, columns, 2), dtype=np.float32)
    for r in range(rows):
        for c in range(columns):
            for k in range(max(0, c - reach), min(columns, c + reach + 1)):
                if not np.isnan(grid[r, k, 0]):
                    between[r, c, 0] += grid[r, k, 0]
                    between[r, c, 1] += grid[r, k, 1]
                    between[r, c, 2] += 1
    for r in range(rows):
        for c in range(columns):
            u, v, weight = np.float32(0), np.float32(0), np.float32(0)
            for k in range(max(0, r - reach), min(rows, r + reach + 1)):
                u += between[k, c, 0]
                v += between[k, c, 1]
                weight += between[k, c, 2]
            if weight > 0:
                result[r, c, 0], result[r, c, 1] = u / weight, v / weight
    return result
