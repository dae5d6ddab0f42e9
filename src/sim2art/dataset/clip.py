"""One simulated example: what was seen, and the truth."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Int

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.errors import InvalidValueError
from sim2art.observation.point_video import PointVideo


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A `PointVideo` with exact labels.

    The truth is in the video's world frame, at rest in frame 0 (all joint values 0 there), and holds only what moves:
    link 0 is the static base, and links that never moved are part of their parent.
    """

    video: PointVideo
    truth: ArticulatedObject
    """Object frame = the video's world frame; link index = part id; meshes may be None."""
    part_ids: Int[np.ndarray, "frame point"]
    """Part of each point; the background is part 0."""
    trajectory: JointTrajectory
    """Joint order is that of `truth.joints`; values are 0 at frame 0."""
    provenance: dict[str, Any] = field(default_factory=dict)
    """Family, seed, corruption, generator version."""

    def __post_init__(self) -> None:
        if len(self.part_ids) and self.part_ids.max() >= len(self.truth.links):
            raise InvalidValueError(
                f"Clip has part ids up to {self.part_ids.max()}, but its object has {len(self.truth.links)} links."
            )
