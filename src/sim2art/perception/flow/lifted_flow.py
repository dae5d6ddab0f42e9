"""Optical flow between used frames, lifted to scene flow with the depth of both ends: a `FlowSource`.

Flow over long baselines starts from shorter flows chained together, and from what the camera's motion alone would
give; of several candidates each pixel keeps the one that comes back closest to where it began.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8

from sim2art.geometry.cameras import unproject
from sim2art.geometry.transforms import apply
from sim2art.perception.depth.filter import read_depth_between
from sim2art.perception.flow.camera_flow import camera_flow
from sim2art.perception.flow.dis import compose_flows, flow_targets, forward_backward_error, map_in_threads
from sim2art.perception.flow.texture import measure_noise, measure_texture
from sim2art.perception.tasks import ImageFlow

_MAX_RETURN_ERROR = 1.0
"""px, plus the share below of the flow's length."""
RETURN_SHARE = 0.05
_MIN_SLOPE = 1.0
"""Grey levels a px along the strongest direction, and a share of the image noise: flatter patches carry no flow."""
_MIN_SLOPE_TO_NOISE = 0.45

_PATCH = 9
"""px: side of the patches that are compared."""
_MIN_GAIN = 0.8
"""Grey levels by which flow must explain a patch better than the camera's motion alone, and a share of the noise."""
_MIN_GAIN_TO_NOISE = 0.5
ALONG = 1.5
"""px: flow this near to the camera's motion need not be better than it."""


@dataclass(frozen=True, kw_only=True)
class PixelFlow:
    """Optical flow of one pair of frames."""

    flow: Float32[np.ndarray, "height width 2"]
    """px."""
    confident: Bool[np.ndarray, "height width"]
    """Came back, stayed in the image, has texture."""
    beats_still: Bool[np.ndarray, "height width"]
    """Explains the image clearly better than the camera's motion alone does."""
    cornered: Bool[np.ndarray, "height width"]
    """Has texture in both directions, so that it cannot slide along an edge."""


@dataclass(frozen=True, kw_only=True)
class LiftedFlow:
    """Scene flow from optical flow and the depth at both ends."""

    flows: dict[tuple[int, int], PixelFlow]
    """By (frame, other frame)."""
    depths: Float32[np.ndarray, "frame height width"]
    """m."""
    intrinsics: Float[np.ndarray, "3 3"]
    world_from_camera: Float[np.ndarray, "frame 4 4"]

    def __call__(
        self, frame: int, baseline: int, pixels: Int[np.ndarray, "point 2"], points_world: Float[np.ndarray, "point 3"]
    ) -> tuple[Float[np.ndarray, "point 3"], Bool[np.ndarray, "point"]]:
        """Flow (world frame, m) of pixels from `frame` to `frame + baseline`, and whether it was measured."""
        other = frame + baseline
        pair = self.flows.get((frame, other))
        if pair is None:
            return np.zeros_like(points_world), np.zeros(len(points_world), dtype=bool)
        x, y = pixels[:, 0], pixels[:, 1]
        targets = pixels + pair.flow[y, x].astype(np.float64)
        depth, one_surface = read_depth_between(self.depths[other], targets[:, 0], targets[:, 1])
        moved = apply(self.world_from_camera[other], unproject(self.intrinsics, targets, depth.astype(np.float64)))
        measured = pair.confident[y, x] & one_surface
        return np.where(measured[:, None], moved - points_world, 0.0), measured


def measure_flows(
    grays: UInt8[np.ndarray, "frame height width"],
    depths: Float32[np.ndarray, "frame height width"],
    intrinsics: Float[np.ndarray, "3 3"],
    world_from_camera: Float[np.ndarray, "frame 4 4"],
    *,
    image_flow: ImageFlow,
    baselines: tuple[int, ...],
    starts: dict[tuple[int, int], Float32[np.ndarray, "height width 2"]] | None = None,
    known: Callable[[int, int], np.ndarray | None] | None = None,
) -> dict[tuple[int, int], PixelFlow]:
    """Optical flow both ways for every pair of frames that lie a baseline apart.

    Args:
        grays: The frames.
        depths: m, 0 where there is none.
        intrinsics: px.
        world_from_camera: Of each frame.
        image_flow: Measures the flow of a pair.
        baselines: Frames between the two of a pair.
        known: Flow that is known from elsewhere, by the places of the two frames; None where it is to be measured.
        starts: First guesses (px) of some pairs, such as coarse flow chained through the frames that are not used.
    """
    starts = starts or {}
    num_frames = len(grays)
    textures = [texture_masks(gray) for gray in grays]
    raw: dict[tuple[int, int], np.ndarray] = {}
    result: dict[tuple[int, int], PixelFlow] = {}

    def flow_of(i: int, j: int, start: np.ndarray) -> np.ndarray:
        given = None if known is None else known(i, j)
        return image_flow(grays[i], grays[j], start) if given is None else given

    for baseline in sorted(baselines):
        pairs = [(frame, frame + baseline) for frame in range(num_frames - baseline)]

        def measure(pair: tuple[int, int]) -> tuple[PixelFlow, PixelFlow]:
            a, b = pair
            guesses = _guesses(pair, raw, starts, depths, intrinsics, world_from_camera)
            candidates = [(flow_of(a, b, there), flow_of(b, a, back)) for there, back in guesses]
            there = pick_flow(candidates)
            back = pick_flow([(backward, forward) for forward, backward in candidates])
            still, still_back = guesses[0]
            return (
                judge_flow(*there, still, grays[a], grays[b], textures[a]),
                judge_flow(*back, still_back, grays[b], grays[a], textures[b]),
            )

        for (a, b), (forward, backward) in zip(pairs, map_in_threads(measure, pairs), strict=True):
            raw[a, b], raw[b, a] = forward.flow, backward.flow
            result[a, b], result[b, a] = forward, backward
    return result


def texture_masks(gray: UInt8[np.ndarray, "height width"]) -> tuple[np.ndarray, np.ndarray]:
    """Where there is any texture, and where there is some in both directions."""
    weakest, strongest = measure_texture(gray)
    least = max(_MIN_SLOPE, _MIN_SLOPE_TO_NOISE * measure_noise(gray))
    return strongest > least, weakest > least


def camera_flows(
    pair: tuple[int, int], depths: np.ndarray, intrinsics: np.ndarray, world_from_camera: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What the camera's motion alone does, there and back."""
    a, b = pair
    return (
        camera_flow(depths[a], intrinsics, world_from_camera[a], world_from_camera[b])[0],
        camera_flow(depths[b], intrinsics, world_from_camera[b], world_from_camera[a])[0],
    )


def _guesses(
    pair: tuple[int, int],
    raw: dict[tuple[int, int], np.ndarray],
    starts: dict[tuple[int, int], np.ndarray],
    depths: np.ndarray,
    intrinsics: np.ndarray,
    world_from_camera: np.ndarray,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs of first guesses (there, back): the camera's motion alone, and shorter flows chained together."""
    a, b = pair
    guesses = [camera_flows(pair, depths, intrinsics, world_from_camera)]
    if (a, b) in starts and (b, a) in starts:
        guesses.append((starts[a, b], starts[b, a]))
    if b - a > 1 and all((i, i + 1) in raw for i in range(a, b)):
        there, back = raw[a, a + 1], raw[b, b - 1]
        for i in range(a + 1, b):
            there = compose_flows(there, raw[i, i + 1])
        for i in range(b - 1, a, -1):
            back = compose_flows(back, raw[i, i - 1])
        guesses.append((there, back))
    return guesses


def pick_flow(candidates: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Per pixel the candidate that comes back closest to where it began, and whether it came back.

    The first one wins when they are as good.
    """
    (forward, backward), *others = candidates
    best, (best_error, best_inside) = forward.copy(), forward_backward_error(forward, backward)
    for forward, backward in others:
        error, inside = forward_backward_error(forward, backward)
        better = error < best_error - 0.25
        best[better], best_error[better], best_inside[better] = forward[better], error[better], inside[better]
    return best, best_inside & returns(best, best_error)


def returns(
    flow: Float32[np.ndarray, "height width 2"], error: Float32[np.ndarray, "height width"]
) -> Bool[np.ndarray, "height width"]:
    """Whether flow leads there and back to where it began, as nearly as it is believed to be known."""
    return error < _MAX_RETURN_ERROR + RETURN_SHARE * np.linalg.norm(flow, axis=-1)


def judge_flow(
    flow: np.ndarray, came_back: np.ndarray, still: np.ndarray, gray_a: np.ndarray, gray_b: np.ndarray,
    textures: tuple[np.ndarray, np.ndarray],
) -> PixelFlow:  # fmt: skip
    """Which pixels' flow to believe.

    Flow that leads elsewhere than the camera's motion does must explain the image better than it: on stripes and other
    repeated texture, and on flat patches, flow comes back from wrong places too.
    """
    gain = mismatch(gray_a, gray_b, still) - mismatch(gray_a, gray_b, flow)
    beats_still = gain > clear_gain(gray_a)
    goes_along = np.linalg.norm(flow - still, axis=-1) < ALONG
    believed = came_back & (goes_along | beats_still)
    return PixelFlow(
        flow=flow,
        confident=believed & textures[0],
        beats_still=beats_still,
        cornered=believed & textures[1],
    )


def clear_gain(gray: UInt8[np.ndarray, "height width"]) -> float:
    """Grey levels by which one flow must explain patches better than another to be taken for the better one."""
    return max(_MIN_GAIN, _MIN_GAIN_TO_NOISE * measure_noise(gray))


def mismatch(gray_a: np.ndarray, gray_b: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Mean difference (grey levels) of the patches around a pixel and its target, after their means are taken away."""
    image_a, image_b = (
        gray.astype(np.float32) - cv2.boxFilter(gray.astype(np.float32), -1, (_PATCH, _PATCH))
        for gray in (gray_a, gray_b)
    )
    moved = cv2.remap(image_b, *flow_targets(flow), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return cv2.boxFilter(np.abs(image_a - moved), -1, (_PATCH, _PATCH))
