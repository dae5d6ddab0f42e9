"""A posed RGB-D video: what a simulated clip and a real recording both become."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, UInt8

from sim2art.errors import InvalidValueError
from sim2art.geometry.transforms import is_rigid


@dataclass(frozen=True, kw_only=True)
class RgbdVideo:
    """Frames with depth and camera poses. World is the first camera's frame for a real video."""

    times: Float[np.ndarray, "frame"]
    """s, increasing."""
    images: UInt8[np.ndarray, "frame height width 3"]
    """RGB."""
    depths: Float[np.ndarray, "frame height width"]
    """Depth along the camera's z axis, m; 0 where none was measured."""
    object_masks: Bool[np.ndarray, "frame height width"]
    """Pixels that belong to the object of interest (all true: the whole scene is the object)."""
    intrinsics: Float[np.ndarray, "3 3"]
    """px, pinhole."""
    world_from_camera: Float[np.ndarray, "frame 4 4"]
    """Camera poses, OpenCV axes."""
    is_metric: bool
    """Whether lengths are metres, or known up to one unknown scale."""

    def __post_init__(self) -> None:
        if not is_rigid(self.world_from_camera):
            raise InvalidValueError("RgbdVideo: world_from_camera holds a matrix that is not a finite rigid transform.")
        if len(self.times) > 1 and not np.all(np.diff(self.times) > 0):
            raise InvalidValueError("RgbdVideo: times must increase from frame to frame.")
        for name in ("times", "images", "depths", "object_masks", "intrinsics", "world_from_camera"):
            getattr(self, name).flags.writeable = False
