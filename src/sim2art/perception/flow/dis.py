"""DIS optical flow (Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016) by OpenCV, Apache-2.0.

Input: 8-bit grey images. Output: float32 (x right, y down), px. OpenCV cuts the image into one stripe a thread, and
the result depends on the number of stripes; so each call runs on one thread and several calls run at a time.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from os import cpu_count
from typing import Literal, TypeVar

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

T = TypeVar("T")
R = TypeVar("R")


class DisFlow:
    """Dense optical flow; one OpenCV object a thread, as they hold buffers."""

    def __init__(self, *, quality: Literal["coarse", "fine"] = "fine") -> None:
        self._quality = quality
        self._local = threading.local()

    def __call__(
        self,
        gray_a: UInt8[np.ndarray, "height width"],
        gray_b: UInt8[np.ndarray, "height width"],
        start: Float32[np.ndarray, "height width 2"] | None,
    ) -> Float32[np.ndarray, "height width 2"]:
        """Where each pixel of `gray_a` goes in `gray_b`, px."""
        if not hasattr(self._local, "solver"):
            self._local.solver = self._make_solver()
        guess = np.zeros((*gray_a.shape, 2), np.float32) if start is None else np.ascontiguousarray(start).copy()
        return self._local.solver.calc(gray_a, gray_b, guess)

    def _make_solver(self) -> cv2.DISOpticalFlow:
        solver = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        solver.setFinestScale(0 if self._quality == "coarse" else 1)
        solver.setUseSpatialPropagation(True)
        return solver


def flow_targets(
    flow: Float32[np.ndarray, "height width 2"],
) -> tuple[Float32[np.ndarray, "height width"], Float32[np.ndarray, "height width"]]:
    """Where flow takes each pixel, x and y (px), as OpenCV's remap wants it."""
    height, width = flow.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return x + flow[..., 0], y + flow[..., 1]


def forward_backward_error(
    forward: Float32[np.ndarray, "height width 2"], backward: Float32[np.ndarray, "height width 2"]
) -> tuple[Float32[np.ndarray, "height width"], Bool[np.ndarray, "height width"]]:
    """How far a pixel lands from where it began after going forth and back (px), and whether it stayed in the image."""
    height, width = forward.shape[:2]
    to_x, to_y = flow_targets(forward)
    inside = (to_x >= 0) & (to_x <= width - 1) & (to_y >= 0) & (to_y <= height - 1)
    back = cv2.remap(backward, to_x, to_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.hypot(forward[..., 0] + back[..., 0], forward[..., 1] + back[..., 1]), inside


def compose_flows(
    first: Float32[np.ndarray, "height width 2"], second: Float32[np.ndarray, "height width 2"]
) -> Float32[np.ndarray, "height width 2"]:
    """Flow a -> c from a -> b and b -> c, px."""
    return first + cv2.remap(second, *flow_targets(first), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def resize_flow(
    flow: Float32[np.ndarray, "height width 2"], size: tuple[int, int]
) -> Float32[np.ndarray, "new_height new_width 2"]:
    """Flow at another image size (width, height); lengths are scaled along."""
    factor = np.array([size[0] / flow.shape[1], size[1] / flow.shape[0]], dtype=np.float32)
    return cv2.resize(flow, size, interpolation=cv2.INTER_LINEAR) * factor


@contextmanager
def one_opencv_thread() -> Iterator[None]:
    """Let each OpenCV call run on one thread, for results that do not depend on the machine."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def map_in_threads(function: Callable[[T], R], items: list[T]) -> list[R]:
    """`[function(item) for item in items]`, a few at a time; OpenCV lets go of the interpreter while it works."""
    count = min(4, cpu_count() or 1)
    with one_opencv_thread():
        if count == 1 or len(items) < 2:
            return [function(item) for item in items]
        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(function, items))
