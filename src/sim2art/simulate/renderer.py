"""What scenarios need of a renderer, so that ours can be exchanged for a simulator's."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Float32, Int32

from sim2art.geometry.rasterizer import BodyMeshes


@dataclass(frozen=True, kw_only=True)
class BodyFrames:
    """What a renderer sees."""

    depths: Float32[np.ndarray, "frame height width"]
    """Depth along the camera's z axis, m; 0 where nothing is."""
    bodies: Int32[np.ndarray, "frame height width"]
    """Body seen at each pixel; -1 where nothing is."""


@runtime_checkable
class Renderer(Protocol):
    """Renders rigid bodies; the centre of the first pixel is (0, 0), cameras have OpenCV axes."""

    def __call__(
        self,
        bodies: BodyMeshes,
        camera_from_body: Float[np.ndarray, "frame body 4 4"],
        intrinsics: Float[np.ndarray, "3 3"],
        *,
        width: int,
        height: int,
    ) -> BodyFrames:
        """Depth and body of every pixel of every frame; intrinsics and image size in px."""
        ...
