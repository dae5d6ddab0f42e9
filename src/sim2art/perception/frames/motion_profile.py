"""How much the scene moves between neighbouring frames, after the camera's own motion is taken away. Coarse and cheap."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8

from sim2art.geometry.transforms import inverse
from sim2art.perception.captures.capture import scale_intrinsics
from sim2art.perception.flow.camera_flow import camera_flow, image_in
from sim2art.perception.flow.dis import DisFlow, compose_flows, forward_backward_error, map_in_threads, resize_flow
from sim2art.perception.flow.texture import measure_texture
from sim2art.perception.frames.intake import Recording
from sim2art.perception.frames.unexplained_change import find_change

_MAX_RESIDUAL = 4.0
"""px at the coarse size: beyond it a pixel counts no further, so that one wild match cannot rule the profile; so much
counts a pixel that flow lost."""
_MIN_SLOPE = 2.0
"""Grey levels a px: flatter patches say nothing of motion."""
_FLOOR = 0.12
"""px: below it the coarse flow is noise."""
_CAMERA_SHARE = 0.1
"""What the camera brings is known to this share: depth and poses err."""
_TURN_COSINE = -0.2
"""Cosine between the motion before and after a frame below which motion turns back there."""


@dataclass(frozen=True, kw_only=True)
class MotionProfile:
    """Motion from each frame to the next."""

    forward: Float32[np.ndarray, "step height width 2"]
    """Optical flow to the next frame, px at the coarse size."""
    backward: Float32[np.ndarray, "step height width 2"]
    """Optical flow from the next frame back, px at the coarse size."""
    motion: Float[np.ndarray, "step"]
    """Mean over the image of the motion (px at the coarse size) that is left once camera motion and noise are taken away."""
    reversal: Float[np.ndarray, "step"]
    """How much motion turns back at each step's first frame, px^2 at the coarse size; 0 where it does not."""


def measure_motion(
    recording: Recording,
    world_from_camera: Float[np.ndarray, "frame 4 4"],
    people: Bool[np.ndarray, "frame small_height small_width"] | None = None,
) -> MotionProfile:
    """Coarse flow between neighbouring frames and what of it the camera does not explain; motion of `people` does not count."""
    height, width = recording.small_depths.shape[1:]
    factor = width / recording.size[0]
    smalls = [cv2.resize(gray, (width, height), interpolation=cv2.INTER_AREA) for gray in recording.grays]
    k = scale_intrinsics(recording.intrinsics, factor, height / recording.size[1])
    flow = DisFlow(quality="coarse")
    steps = list(range(recording.num_frames - 1))
    forward = map_in_threads(lambda i: flow(smalls[i], smalls[i + 1], None), steps)
    backward = map_in_threads(lambda i: flow(smalls[i + 1], smalls[i], None), steps)
    motion = []
    residuals = np.zeros((len(steps), height, width, 2), dtype=np.float16)
    for i in steps:
        pair = [(i, i + 1, forward[i], backward[i]), (i + 1, i, backward[i], forward[i])]
        found = [_measure_step(recording, smalls, k, world_from_camera, step, people) for step in pair]
        # What is uncovered is told by the one direction, what comes by the other.
        motion.append(float(np.mean([amount for amount, _ in found])))
        residuals[i] = found[0][1]
    return MotionProfile(
        forward=np.array(forward),
        backward=np.array(backward),
        motion=np.array(motion),
        reversal=np.array([measure_reversal(residuals, i) for i in steps]),
    )


def _measure_step(
    recording: Recording,
    smalls: list[UInt8[np.ndarray, "height width"]],
    intrinsics: Float[np.ndarray, "3 3"],
    world_from_camera: Float[np.ndarray, "frame 4 4"],
    step: tuple[int, int, Float32[np.ndarray, "height width 2"], Float32[np.ndarray, "height width 2"]],
    people: Bool[np.ndarray, "frame height width"] | None,
) -> tuple[float, Float32[np.ndarray, "height width 2"]]:
    """Mean motion (px) from one frame to another, and the residual flow of what was matched.

    Where flow is not confirmed by its way back although the image changed by more than the camera brings, the step is
    taken for what flow cannot reach.
    """
    a, b, flow, back = step
    still, seen = camera_flow(recording.small_depths[a], intrinsics, world_from_camera[a], world_from_camera[b])
    error, inside = forward_backward_error(flow, back)
    told = measure_texture(smalls[a], window=5)[1] > _MIN_SLOPE
    matched = seen & inside & told & (error < 0.5 + 0.1 * np.linalg.norm(flow, axis=-1))
    residual = np.where(matched[..., None], flow - still, 0.0)
    length = np.linalg.norm(residual, axis=-1)
    # The moving part may fill most of the image, so what stands still is looked for in the lowest quarter.
    quiet = float(np.quantile(length[matched], 0.25)) if matched.any() else 0.0
    floor = _FLOOR + 2.0 * min(quiet, 1.0) + _CAMERA_SHARE * np.linalg.norm(still, axis=-1)
    counts = np.ones_like(told) if people is None else ~(people[a] | people[b])
    excess = np.where(counts, np.clip(length - floor, 0.0, _MAX_RESIDUAL), 0.0)
    b_from_a = inverse(world_from_camera[b]) @ world_from_camera[a]
    changed = find_change(
        (smalls[a], smalls[b]),
        recording.small_depths[b],
        still,
        image_in(recording.small_depths[a], intrinsics, b_from_a)[2].astype(np.float32),
        seen,
        depth_is_guessed=recording.capture.depth_is_guessed,
    )
    lost = changed & ~matched & counts
    total = float(excess.sum()) + _MAX_RESIDUAL * float(lost.sum())
    return total / told.size, np.where((excess > 0)[..., None], residual, 0.0)


def chain_flow(
    steps: Float32[np.ndarray, "step height width 2"], size: tuple[int, int]
) -> Float32[np.ndarray, "new_height new_width 2"]:
    """Flow (px at `size`, width and height) across several steps, by following the coarse flows one after another."""
    total = steps[0].astype(np.float32)
    for step in steps[1:]:
        total = compose_flows(total, step.astype(np.float32))
    return resize_flow(total, size)


def measure_reversal(residuals: Float[np.ndarray, "step height width 2"], step: int) -> float:
    """How much motion turns back at a step's first frame, px^2, from the residual flow (px) of all steps.

    It is minus the inner product of the mean residual flow of the three steps from `step` on and of the three before, which
    is largest where each side holds motion of one direction only. A cosine tells whether motion turns back, but hardly in
    which frame: it forgives a small step on the wrong side.
    """
    before, after = residuals[max(0, step - 3) : step], residuals[step : step + 3]
    if not len(before):
        return 0.0
    a, b = before.astype(np.float32).mean(axis=0).ravel(), after.astype(np.float32).mean(axis=0).ravel()
    product, norms = float(a @ b), float(np.linalg.norm(a) * np.linalg.norm(b))
    return -2.0 * product / len(a) if product < _TURN_COSINE * norms else 0.0


def sharp_enough(sharpness: Float[np.ndarray, "frame"]) -> np.ndarray:
    """Frames at least half as sharp as the median of the nine frames around them."""
    padded = np.pad(sharpness, 4, mode="edge")
    return sharpness >= 0.5 * np.median(np.lib.stride_tricks.sliding_window_view(padded, 9), axis=1)
