"""Depth that was seen by a camera of its own, brought into the colour camera's view."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, Float32

from sim2art.perception.captures.capture import Capture, ColorSource, scale_intrinsics
from sim2art.perception.captures.derived import with_depth
from sim2art.perception.captures.lens import Lens, rays_of_pixels, straighten

_SAME = 0.005
"""Views whose rays differ by less than this share of the image's width are one view; a depth pixel is about as wide."""


@dataclass(frozen=True, kw_only=True)
class DepthCamera:
    """A depth camera beside the colour camera."""

    intrinsics: Float[np.ndarray, "3 3"]
    """px."""
    size: tuple[int, int]
    """Width and height, px."""
    color_from_depth: Float[np.ndarray, "4 4"]
    """m."""
    lens: Lens | None = None


def with_registered_depth(
    color: ColorSource,
    size: tuple[int, int],
    lens: Lens | None,
    depths: Callable[[int], Float32[np.ndarray, "height width"]],
    camera: DepthCamera,
) -> Capture:
    """Colour, and depth of a camera beside it, as one recording of a pinhole camera.

    Args:
        color: With intrinsics, as it is stored.
        size: Width and height of its images, px.
        lens: Of the colour camera.
        depths: m, as the depth camera sees them.
        camera: The depth camera.
    """
    assert color.intrinsics is not None, "Whoever has extrinsics has intrinsics."
    straight = straighten(color, lens, size)
    register = Registration(camera, color.intrinsics, size)
    told = tuple(warning.replace("colour and depth were", "colour was") for warning in straight.warnings)
    shown = dataclasses.replace(color, images=straight.read_image, warnings=told)
    return with_depth(shown, (lambda index: register(depths(index))) if register.is_needed else depths)


class Registration:
    """From a depth camera's view to the colour camera's, at about the depth camera's resolution."""

    def __init__(
        self, camera: DepthCamera, color_intrinsics: Float[np.ndarray, "3 3"], color_size: tuple[int, int]
    ) -> None:
        """The colour camera's intrinsics are px of images of `color_size`; it is a pinhole camera."""
        scale = min(1.0, camera.intrinsics[0, 0] / color_intrinsics[0, 0])
        self.size = round(color_size[0] * scale), round(color_size[1] * scale)
        self._color_k = scale_intrinsics(color_intrinsics, self.size[0] / color_size[0], self.size[1] / color_size[1])
        self._color_from_depth = np.asarray(camera.color_from_depth, dtype=np.float64)
        width, height = camera.size
        pixels = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).reshape(-1, 2)
        rays = rays_of_pixels(camera.lens, camera.intrinsics, pixels.astype(np.float64))
        self._rays = np.concatenate([rays, np.ones((len(rays), 1))], axis=1).reshape(height, width, 3)

    @property
    def is_needed(self) -> bool:
        """Whether the two views differ by more than a scale."""
        if np.linalg.norm(self._color_from_depth[:3, 3]) > 1e-3:
            return True
        corners = self._rays[[0, 0, -1, -1], [0, -1, 0, -1]] @ self._color_from_depth[:3, :3].T @ self._color_k.T
        pixels = corners[:, :2] / corners[:, 2:]
        width, height = self.size
        wanted = np.array([[0, 0], [width - 1, 0], [0, height - 1], [width - 1, height - 1]])
        return bool(np.abs(pixels - wanted).max() > _SAME * width)

    def __call__(self, depth: Float32[np.ndarray, "height width"]) -> Float32[np.ndarray, "rows columns"]:
        """Depth (m, 0 = none) in the colour camera's view; what is nearer hides what is behind."""
        seen = depth > 0
        points = self._rays[seen] * depth[seen][:, None]
        points = points @ self._color_from_depth[:3, :3].T + self._color_from_depth[:3, 3]
        points = points[points[:, 2] > 1e-6]
        pixels = np.rint((points @ self._color_k.T)[:, :2] / points[:, 2:]).astype(np.int64)
        width, height = self.size
        inside = np.all((pixels >= 0) & (pixels < [width, height]), axis=1)
        order = np.argsort(-points[inside, 2], kind="stable")
        x, y = pixels[inside][order].T
        found = np.zeros((height, width), np.float32)
        found[y, x] = points[inside][order, 2]  # The last one written, the nearest, stays.
        # Single pixels that no ray met are closed where most of their neighbours have depth.
        return np.where(found > 0, found, cv2.medianBlur(found, 3))
