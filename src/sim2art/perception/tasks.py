"""What the perception chain asks of its exchangeable steps."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8

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


FlowMatcher = Callable[[int, int], tuple[Float32[np.ndarray, "height width 2"], Float32[np.ndarray, "height width 2"]]]
"""Optical flow (px) from one of a recording's used frames to another, and back, by their places."""


@dataclass(frozen=True, kw_only=True)
class SparseCameras:
    """Camera poses from colour alone, with the depth of the points that they were found by; of no known scale."""

    world_from_camera: Float[np.ndarray, "frame 4 4"]
    """OpenCV axes; world is the first solved camera's frame. The identity where not `solved`."""
    solved: Bool[np.ndarray, "frame"]
    """Whether the camera of a frame was found."""
    intrinsics: Float[np.ndarray, "3 3"]
    """px."""
    frame: Int[np.ndarray, "observation"]
    pixels: Float[np.ndarray, "observation 2"]
    """Where a point that stands still was seen, px."""
    depths: Float[np.ndarray, "observation"]
    """Its depth in that frame, in the scale of the poses."""
    residual: float
    """Mean reprojection error, px."""


class DepthKind(StrEnum):
    """What the numbers of a depth estimate are."""

    DEPTH = "depth"
    """Along the camera's z axis, up to a factor (metres, if the method is right)."""
    DISPARITY = "disparity"
    """One over depth, up to a factor and an offset."""


@dataclass(frozen=True, kw_only=True)
class DepthGuess:
    """Depth of one image by a method that looks at one image at a time."""

    values: Float32[np.ndarray, "height width"]
    """At any size with the image's shape; 0 where there is none (of depth)."""
    kind: DepthKind
    focal_length: float | None = None
    """px, at the image's size, when the method estimates it."""


@runtime_checkable
class DepthEstimator(Protocol):
    """Guesses depth from colour."""

    def __call__(self, image: UInt8[np.ndarray, "height width 3"], frame_id: int) -> DepthGuess:
        """Depth of an image; `frame_id` is the recording's number of it, for depth that lies in files."""
        ...


@runtime_checkable
class VideoMasker(Protocol):
    """Follows an object through a video from a box in one frame."""

    def __call__(
        self, images: UInt8[np.ndarray, "frame height width 3"], frame: int, box: Float[np.ndarray, "4"]
    ) -> Bool[np.ndarray, "frame height width"]:
        """Masks of all frames; `box` is x, y, width, height (px) of the object in `frame`."""
        ...


@runtime_checkable
class FeatureExtractor(Protocol):
    """Semantic features at pixels."""

    @property
    def name(self) -> str:
        """The model and its number of channels, such as "dinov2-384": features of different models do not compare."""
        ...

    def __call__(
        self, image: UInt8[np.ndarray, "height width 3"], pixels: Float[np.ndarray, "point 2"]
    ) -> Float32[np.ndarray, "point channel"]:
        """Features at pixels (px), read between patch centres."""
        ...


@runtime_checkable
class HandModel(Protocol):
    """Detects palms, and locates a hand in a crop that may show one."""

    def detect(
        self, image: UInt8[np.ndarray, "192 192 3"]
    ) -> tuple[Float32[np.ndarray, "2016 18"], Float32[np.ndarray, "2016"]]:
        """Offsets (px) and logits of all anchors."""
        ...

    def locate(self, crop: UInt8[np.ndarray, "224 224 3"]) -> tuple[Float32[np.ndarray, "21 2"], float]:
        """Landmarks (px of the crop), and how surely there is a hand, 0..1."""
        ...
