"""Optical flow between used frames that a network matched, made finer by another component where the images tell.

A network follows blank surfaces by their edges, so what it says needs no texture: it must come back, and the images must
not speak for the camera's motion alone.
"""

import numpy as np
from jaxtyping import Float, Float32, UInt8

from sim2art.perception.flow.dis import forward_backward_error, map_in_threads
from sim2art.perception.flow.lifted_flow import (
    ALONG,
    RETURN_SHARE,
    PixelFlow,
    camera_flows,
    clear_gain,
    mismatch,
    returns,
    texture_masks,
)  # fmt: skip
from sim2art.perception.tasks import FlowMatcher, ImageFlow

_COARSE_ERROR = 3.0
"""px that a network's flow may be off, which was found at an eighth of the size."""


def match_flows(
    grays: UInt8[np.ndarray, "frame height width"],
    depths: Float32[np.ndarray, "frame height width"],
    intrinsics: Float[np.ndarray, "3 3"],
    world_from_camera: Float[np.ndarray, "frame 4 4"],
    *,
    matcher: FlowMatcher,
    image_flow: ImageFlow,
    baselines: tuple[int, ...],
) -> dict[tuple[int, int], PixelFlow]:
    """What `measure_flows` gives, by the network's flow of each pair, which `image_flow` makes finer."""
    textures = [texture_masks(gray) for gray in grays]

    def match(pair: tuple[int, int]) -> tuple[PixelFlow, PixelFlow]:
        (a, b), (there, back) = pair, matcher(*pair)
        still, still_back = camera_flows(pair, depths, intrinsics, world_from_camera)
        fine, fine_back = image_flow(grays[a], grays[b], there), image_flow(grays[b], grays[a], back)
        forward = _make_finer(there, fine, fine_back, textures[a])
        backward = _make_finer(back, fine_back, fine, textures[b])
        return (
            _judge_matched(forward, backward, still, grays[a], grays[b], textures[a]),
            _judge_matched(backward, forward, still_back, grays[b], grays[a], textures[b]),
        )

    pairs = [(frame, frame + baseline) for baseline in baselines for frame in range(len(grays) - baseline)]
    result: dict[tuple[int, int], PixelFlow] = {}
    for (a, b), (forward, backward) in zip(pairs, map_in_threads(match, pairs), strict=True):
        result[a, b], result[b, a] = forward, backward
    return result


def _make_finer(
    coarse: np.ndarray, fine: np.ndarray, fine_back: np.ndarray, textures: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """A network's flow, which is right to a few pixels, made finer where the images have texture to tell it by."""
    near = np.linalg.norm(fine - coarse, axis=-1) < _COARSE_ERROR + RETURN_SHARE * np.linalg.norm(coarse, axis=-1)
    error, inside = forward_backward_error(fine, fine_back)
    return np.where((near & inside & returns(coarse, error) & textures[0])[..., None], fine, coarse)


def _judge_matched(
    flow: np.ndarray, backward: np.ndarray, still: np.ndarray, gray_a: np.ndarray, gray_b: np.ndarray,
    textures: tuple[np.ndarray, np.ndarray],
) -> PixelFlow:  # fmt: skip
    """Which pixels' flow to believe that a network gave: it follows blank surfaces by their edges, so they need no texture."""
    error, inside = forward_backward_error(flow, backward)
    loss = mismatch(gray_a, gray_b, flow) - mismatch(gray_a, gray_b, still)
    believed = inside & returns(flow, error) & (loss < clear_gain(gray_a))
    return PixelFlow(
        flow=flow, confident=believed, beats_still=believed & (np.linalg.norm(flow - still, axis=-1) > ALONG), cornered=believed & textures[1],
    )  # fmt: skip
