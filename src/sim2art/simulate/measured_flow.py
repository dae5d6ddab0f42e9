"""Flow as the real chain measures it: optical flow with its typical errors, lifted with noisy depth and poses.

A point's true target pixel is displaced (smooth errors, its neighbours' motion, missing texture, outliers); the depth
that the sensor reports at that wrong pixel of the later frame gives the end point. A wrong pixel at a part's border
thus lands on another surface, as in reality.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from sim2art.geometry.cameras import unproject
from sim2art.geometry.transforms import apply, inverse
from sim2art.simulate.corruption import FlowNoise
from sim2art.simulate.flow_kernels import blankness, box_blur, grid_flow, image_flow, interpolate, read_depths
from sim2art.simulate.flow_sources import ExactFlow
from sim2art.simulate.seeds import log_uniform

_STRIDE = 4  # px between the nodes of the grid on which neighbours' motion is averaged.
_DEPTH_STEP = 0.03  # Relative; the four depths around a target must agree this well to be interpolated.


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
            depths: Measured depth, m; 0 where none.
            world_from_camera: Measured camera poses.
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
        return image_flow(end_camera, pixels, k[0, 0], k[1, 1], k[0, 2], k[1, 2])

    def _neighbour_flows(
        self, frame: int, later: int, pixels: Int[np.ndarray, "point 2"]
    ) -> tuple[Float[np.ndarray, "point 2"], Float[np.ndarray, "point 2"]]:
        """Mean true flow (px) around each pixel, over a small and a large neighbourhood."""
        exact = self._exact
        later_from_frame = exact.camera_from_body[later] @ exact.body_from_camera[frame]
        k = exact.intrinsics
        grid = grid_flow(
            exact.depths[frame], exact.bodies[frame], later_from_frame, k[0, 0], k[1, 1], k[0, 2], k[1, 2], _STRIDE
        )
        near = box_blur(grid, 1)
        far = box_blur(box_blur(near, 3), 3)
        place = pixels / _STRIDE
        return _lookup(near, place), _lookup(far, place)

    def _smooth_field(self, pixels: Int[np.ndarray, "point 2"]) -> Float[np.ndarray, "point 2"]:
        """A random smooth vector field of about unit size at the pixels, new at each call."""
        height, width = self._depths.shape[1:]
        nodes = self._rng.standard_normal((9, 9, 2))
        return 1.3 * interpolate(nodes, pixels / np.array([width, height]) * 8.0)

    def _blank_weight(
        self, frame: int, pixels: Int[np.ndarray, "point 2"], start_camera: Float[np.ndarray, "point 3"]
    ) -> Float[np.ndarray, "point"]:
        """How much each point lacks texture, 0..1."""
        bodies = self._exact.bodies[frame, pixels[:, 1], pixels[:, 0]]
        # The pattern is about normal with deviation 1.3; the threshold leaves the wanted share above it.
        threshold = 1.3 * _normal_quantile(1 - self._errors.textureless)
        return blankness(
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
