"""What the perception chain asks of its exchangeable steps."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8

ReadDepth = Callable[[int], Float32[np.ndarray, "height width"]]
"""Depth (m, 0 = none) of a frame by its position."""


@dataclass(frozen=True, kw_only=True)
class CameraTrack:
    """Camera poses of a recording, and how far to trust them."""

    world_from_camera: Float[np.ndarray, "frame 4 4"]
    """OpenCV axes; world is the first camera's frame."""
    tracked: Bool[np.ndarray, "frame"]
    """False where the camera was lost; the pose there is the last good one."""
    is_static: bool
    """Whether the camera stood still (then every pose is the identity)."""
    residual: float
    """Median reprojection error of the static points, px."""
    agreement: float
    """Share of the tracked points that agree with the poses, 0..1."""


@runtime_checkable
class CameraTracker(Protocol):
    """Finds the camera's poses."""

    def __call__(
        self,
        grays: UInt8[np.ndarray, "frame height width"],
        read_depth: ReadDepth,
        intrinsics: Float[np.ndarray, "3 3"],
    ) -> CameraTrack:
        """Poses of all frames; `intrinsics` in px."""
        ...


@runtime_checkable
class ImageFlow(Protocol):
    """Dense optical flow between two images."""

    def __call__(
        self,
        gray_a: UInt8[np.ndarray, "height width"],
        gray_b: UInt8[np.ndarray, "height width"],
        start: Float32[np.ndarray, "height width 2"] | None,
    ) -> Float32[np.ndarray, "height width 2"]:
        """Where each pixel of `gray_a` goes in `gray_b`, px (x right, y down); `start` is a first guess."""
        ...


@runtime_checkable
class ObjectMasker(Protocol):
    """Finds the object of interest in single images."""

    def __call__(self, image: UInt8[np.ndarray, "height width 3"]) -> Float32[np.ndarray, "height width"]:
        """Probability, 0..1, that a pixel belongs to the object."""
        ...
