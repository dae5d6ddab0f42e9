"""Depth that a network guesses from colour, and flow lifted with it, by `GuessNoise` of `corruption.py`.

Once a video has one scale, what is left of the guess's error is a smooth factor on depth. Most of it belongs to what is
seen and moves along with it; some belongs to places of the image and changes slowly. Two guesses cannot tell motion, so
flow is lifted as `perception.guessed.motion` does: the later pixel is measured, how far it is says the part's rigid motion.

A part that is seen at `s` times its distance moves as if its joint were at `s` times its distance: that is the joint
which explains such a clip best, and its truth (`as_guessed`).
"""

import dataclasses
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float32, Int
from scipy.ndimage import gaussian_filter, map_coordinates

from sim2art.articulation.joint import JointType
from sim2art.geometry.cameras import project, unproject
from sim2art.geometry.transforms import apply, inverse
from sim2art.simulate.corruption import GuessNoise
from sim2art.simulate.flow_sources import ExactFlow
from sim2art.simulate.measured_flow import MeasuredFlow
from sim2art.simulate.seeds import log_uniform, rounded
from sim2art.simulate.sensor_noise import upsample
from sim2art.simulate.truth import Truth

_GRID = 4
"""Nodes a side of the smooth errors, over the image."""
_MARGIN = 0.5
"""Of the image's size, beyond its borders: what is seen later may lie there at first."""
_FIELD = 64
"""Places a side at which the error of what is seen is kept."""


class Guess(NamedTuple):
    """Depths as they are guessed."""

    depths: Float32[np.ndarray, "frame height width"]
    """m; 0 where there is nothing."""
    change: Float32[np.ndarray, "frame height width"]
    """Of the logarithm of depth, 0 where there is nothing."""


def guess_depths(exact: ExactFlow, config: GuessNoise, rng: np.random.Generator, severity: float) -> Guess:
    """Depths as a network would guess them, brought to one scale."""
    num_frames, height, width = exact.depths.shape
    seen = exact.depths > 0
    size = log_uniform(rng, *config.warp) * severity
    drift = rng.uniform(*config.drift)
    of_images = np.empty(exact.depths.shape, dtype=np.float32)
    ends = rng.standard_normal((2, _GRID, _GRID))
    angles = np.linspace(0.0, rng.uniform(0.2, 1.0) * np.pi, num_frames)[:, None, None]
    upsample((np.cos(angles) * ends[0] + np.sin(angles) * ends[1]).astype(np.float32), of_images)
    field = np.empty((1, _FIELD, _FIELD), dtype=np.float32)
    upsample(rng.standard_normal((1, 2 * _GRID - 1, 2 * _GRID - 1)).astype(np.float32), field)
    jitter = log_uniform(rng, *config.flicker) * rng.standard_normal(num_frames)
    blur = log_uniform(rng, *config.blur) * width / 256
    change = np.zeros_like(exact.depths)
    for frame in range(num_frames):
        y, x = np.nonzero(seen[frame])
        _, at_first = exact.carry(frame, 0, np.stack([x, y], axis=1))
        place = project(exact.intrinsics, np.maximum(at_first, [-np.inf, -np.inf, 1e-3])) / [width, height]
        place = np.clip((place + _MARGIN) / (1 + 2 * _MARGIN), 0.0, 1.0) * (_FIELD - 1)
        of_seen = map_coordinates(field[0], place[:, ::-1].T, order=1)
        own = np.sqrt(1 - drift**2) * of_seen + drift * of_images[frame, y, x]
        logs = np.zeros((height, width), dtype=np.float32)
        logs[y, x] = np.log(exact.depths[frame, y, x])
        weight = gaussian_filter(seen[frame].astype(np.float32), blur)
        blurred = gaussian_filter(logs, blur)[y, x] / np.maximum(weight[y, x], 1e-6)
        change[frame, y, x] = size * own + jitter[frame] + blurred - logs[y, x]
    # Of one scale: half of what is seen is too near, half too far.
    change -= np.where(seen, np.median(change[seen]) if seen.any() else 0.0, 0.0).astype(np.float32)
    change = rounded(change).astype(np.float32)
    return Guess(exact.depths * np.exp(change), change)


def mean_factors(guess: Guess, labels: Int[np.ndarray, "frame height width"], count: int) -> Float[np.ndarray, "label"]:
    """By what the guess multiplies the distance of what has each label 0, 1, ..., over the whole clip."""
    seen = (guess.depths > 0) & (labels >= 0)
    sizes = np.bincount(labels[seen], minlength=count)[:count]
    sums = np.bincount(labels[seen], weights=guess.change[seen], minlength=count)[:count]
    return rounded(np.exp(sums / np.maximum(sizes, 1)))


def as_guessed(truth: Truth, factors: Float[np.ndarray, "part"]) -> Truth:
    """The joints that explain best what is seen at these multiples of its true distance.

    Args:
        truth: World = the first camera's frame.
        factors: On the distance of each part, the base first.
    """
    joints, values = [], truth.trajectory.values.copy()
    for index, joint in enumerate(truth.articulated_object.joints):
        factor = float(factors[truth.articulated_object.link_index(joint.child)])
        if joint.type is JointType.PRISMATIC:
            values[:, index] *= factor
            joints.append(joint if joint.limits is None else dataclasses.replace(joint, limits=None))
        else:
            joints.append(dataclasses.replace(joint, pivot=None if joint.pivot is None else joint.pivot * factor))
    return dataclasses.replace(
        truth,
        articulated_object=dataclasses.replace(truth.articulated_object, joints=tuple(joints)),
        trajectory=dataclasses.replace(truth.trajectory, values=values),
    )


class GuessedFlow:
    """A `FlowSource` where depth is a guess: where a pixel goes is measured, how far that is says its body's motion."""

    def __init__(
        self,
        measured: MeasuredFlow,
        *,
        exact: ExactFlow,
        world_from_camera: Float[np.ndarray, "frame 4 4"],
        factors: Float[np.ndarray, "body"],
        motion_error: float,
        rng: np.random.Generator,
    ) -> None:
        """Take what is measured and what is guessed.

        Args:
            world_from_camera: Measured camera poses.
            factors: On the distance of each body (`mean_factors`).
            motion_error: Of how far away the images say that a body's motion is; a share.
        """
        self._measured = measured
        self._exact = exact
        self._world_from_camera = world_from_camera
        self._factors = factors * np.exp(motion_error * rng.standard_normal(len(factors)))

    def __call__(
        self, frame: int, baseline: int, pixels: Int[np.ndarray, "point 2"], points_world: Float[np.ndarray, "point 3"]
    ) -> tuple[Float[np.ndarray, "point 3"], Bool[np.ndarray, "point"]]:
        """Flow (world frame, m) from `frame` to `frame + baseline`, and whether it is known."""
        later, exact, poses = frame + baseline, self._exact, self._world_from_camera
        targets, trusted = self._measured.measure(frame, later, pixels, *exact.carry(frame, later, pixels))
        # What each body does of its own, in the camera's frame, at the distance at which it is guessed.
        back = inverse(exact.world_from_camera[frame]) @ exact.world_from_camera[later]
        moves = back @ exact.camera_from_body[later] @ exact.body_from_camera[frame]
        moves[:, :3, 3] *= self._factors[:, None]
        still = inverse(poses[later]) @ poses[frame]
        bodies = exact.bodies[frame, pixels[:, 1], pixels[:, 0]]
        camera = apply(inverse(poses[frame]), points_world)
        ends = apply(still @ moves[bodies], camera[:, None])[:, 0]
        known = trusted & (ends[:, 2] > 1e-3)
        ends = apply(poses[later], unproject(exact.intrinsics, targets, ends[:, 2]))
        return np.where(known[:, None], ends - points_world, 0.0), known
