"""One similarity per clip that brings its points to [-1, 1]; joints, motions and sigmas go back to metres through it."""

import dataclasses
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from sim2art.observation.point_video import PointVideo


@dataclass(frozen=True, kw_only=True)
class Normalization:
    """normalised = (world - center) / scale."""

    center: Float[np.ndarray, "3"]
    """m."""
    scale: float
    """m a normalised unit."""

    def apply(self, points_world: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
        """World points in normalised coordinates."""
        return (points_world - self.center) / self.scale

    def undo(self, points: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
        """Normalised points in world coordinates (m)."""
        return points * self.scale + self.center


def fit_normalization(video: PointVideo) -> Normalization:
    """Centre and half-extent of a robust bounding box.

    Departs from the paper's plain box: masks leak onto the background, and a few far points would shrink the object
    to a dot. So the box spans the 4th to 96th percentile, widened by a tenth.
    """
    return normalize_box(video.points_world[video.valid])


def normalize_box(points: Float[np.ndarray, "point 3"]) -> Normalization:
    """The same for bare points."""
    if len(points) == 0:
        return Normalization(center=np.zeros(3), scale=1.0)
    low, high = np.percentile(points, [4, 96], axis=0)
    return Normalization(center=(low + high) / 2, scale=max(1.1 * float(np.max(high - low)) / 2, 1e-6))


def normalize(video: PointVideo, normalization: Normalization) -> PointVideo:
    """The video in normalised coordinates; flow is scaled, not shifted; camera centres move along."""
    world_from_camera = video.world_from_camera.copy()
    world_from_camera[:, :3, 3] = normalization.apply(world_from_camera[:, :3, 3])
    return dataclasses.replace(
        video,
        points_world=np.where(video.valid[..., None], normalization.apply(video.points_world), 0.0),
        flow_world=video.flow_world / normalization.scale,
        world_from_camera=world_from_camera,
    )
