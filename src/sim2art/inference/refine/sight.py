"""What one round of refining looks at: the clip, with rows of flow and surfaces for the labels of the moment."""

import dataclasses
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from sim2art.inference.refine.correspondences import (
    CorrespondenceConfig,
    PartSurfaces,
    gather_flow_rows,
    index_surfaces,
)
from sim2art.inference.refine.parts import Parts
from sim2art.inference.refine.residuals import Rows
from sim2art.observation.point_video import PointVideo


@dataclass(frozen=True, kw_only=True)
class Sight:
    """A clip seen with labels; in normalised coordinates."""

    video: PointVideo
    config: CorrespondenceConfig
    rows: Rows
    """Rows of flow of all parts and the base."""
    surfaces: PartSurfaces
    """Of the moving parts."""

    @property
    def num_kinds(self) -> int:
        """Kinds of rows: flow at each baseline, and surfaces."""
        return len(self.video.baselines) + 1

    @property
    def centers(self) -> Float[np.ndarray, "joint 3"]:
        """Middle of each part's points."""
        clouds = [np.concatenate(frames) for frames in self.surfaces.points]
        return np.array([np.median(cloud, axis=0) if len(cloud) else np.zeros(3) for cloud in clouds]).reshape(-1, 3)

    def held_out(self, parts: Parts) -> Rows:
        """Rows of flow of points that `rows` leaves out, for the same labels."""
        labels = parts.labels(self.video)
        return gather_flow_rows(self.video, labels, parts.probabilities.max(axis=-1), self.config, held_out=True)

    def again(self, parts: Parts) -> "Sight":
        """The same clip with the labels of other parts."""
        return look_at(self.video, parts, self.config)


def look_at(video: PointVideo, parts: Parts, config: CorrespondenceConfig) -> Sight:
    """Rows and surfaces for the current labels.

    Args:
        video: In normalised coordinates.
    """
    labels = parts.labels(video)
    return Sight(
        video=video,
        config=config,
        rows=gather_flow_rows(video, labels, parts.probabilities.max(axis=-1), config),
        surfaces=index_surfaces(video, labels, parts.num_joints),
    )


def with_finite_poses(video: PointVideo) -> PointVideo:
    """The same clip, a pose that holds no finite numbers replaced by the one before; the points stand as they are."""
    finite = np.all(np.isfinite(video.world_from_camera), axis=(1, 2))
    if finite.all():
        return video
    poses = video.world_from_camera.copy()
    last = poses[np.argmax(finite)] if finite.any() else np.eye(4)
    for frame, known in enumerate(finite):
        last = poses[frame] if known else last
        poses[frame] = last
    return dataclasses.replace(video, world_from_camera=poses)
