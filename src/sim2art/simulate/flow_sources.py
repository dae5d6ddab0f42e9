"""Exact motion of seen surface points: where the body that a pixel shows carries it, and whether it is still seen."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, Int32
from numba import njit

from sim2art.geometry.transforms import apply

OCCLUSION_TOLERANCE = 0.01
"""Relative difference of depth beyond which a point counts as hidden by something nearer."""


@dataclass(frozen=True, kw_only=True)
class ExactFlow:
    """A `FlowSource` that knows the truth. The camera poses and depths are those of the world, not of a sensor."""

    depths: Float32[np.ndarray, "frame height width"]
    """m; 0 where nothing is."""
    bodies: Int32[np.ndarray, "frame height width"]
    """Body seen at each pixel; -1 where nothing is."""
    camera_from_body: Float[np.ndarray, "frame body 4 4"]
    body_from_camera: Float[np.ndarray, "frame body 4 4"]
    world_from_camera: Float[np.ndarray, "frame 4 4"]
    intrinsics: Float[np.ndarray, "3 3"]

    def __call__(
        self, frame: int, baseline: int, pixels: Int[np.ndarray, "point 2"], points_world: Float[np.ndarray, "point 3"]
    ) -> tuple[Float[np.ndarray, "point 3"], Bool[np.ndarray, "point"]]:
        """Flow (world frame, m) from `frame` to `frame + baseline`, and whether the point is still seen there."""
        start_camera, end_camera = self.carry(frame, frame + baseline, pixels)
        start = apply(self.world_from_camera[frame], start_camera)
        end = apply(self.world_from_camera[frame + baseline], end_camera)
        return end - start, self.is_seen(frame + baseline, end_camera)

    def select(self, frames: Sequence[int]) -> "ExactFlow":
        """The flow between some of the frames, whose positions then count; the world stays the same."""
        chosen = np.asarray(frames, dtype=np.int64)
        return ExactFlow(
            depths=self.depths[chosen],
            bodies=self.bodies[chosen],
            camera_from_body=self.camera_from_body[chosen],
            body_from_camera=self.body_from_camera[chosen],
            world_from_camera=self.world_from_camera[chosen],
            intrinsics=self.intrinsics,
        )

    def carry(
        self, frame: int, later: int, pixels: Int[np.ndarray, "point 2"]
    ) -> tuple[Float[np.ndarray, "point 3"], Float[np.ndarray, "point 3"]]:
        """Camera-frame points of pixels of `frame`, and the same points in the camera frame of `later`."""
        later_from_frame = self.camera_from_body[later] @ self.body_from_camera[frame]
        k = self.intrinsics
        return _carry(
            self.depths[frame], self.bodies[frame], later_from_frame, pixels, k[0, 0], k[1, 1], k[0, 2], k[1, 2]
        )

    def is_seen(self, frame: int, points_camera: Float[np.ndarray, "point 3"]) -> Bool[np.ndarray, "point"]:
        """Whether camera-frame points lie in the frame's image with nothing nearer in front of them."""
        k = self.intrinsics
        return _is_seen(self.depths[frame], points_camera, k[0, 0], k[1, 1], k[0, 2], k[1, 2])


@njit(cache=True, nogil=True)
def _carry(depths, bodies, later_from_frame, pixels, fx, fy, cx, cy):
    start, end = np.empty((len(pixels), 3)), np.empty((len(pixels), 3))
    for i in range(len(pixels)):
        column, row = pixels[i, 0], pixels[i, 1]
        z = np.float64(depths[row, column])
        x, y = (column - cx) / fx * z, (row - cy) / fy * z
        start[i, 0], start[i, 1], start[i, 2] = x, y, z
        m = later_from_frame[bodies[row, column]]
        for axis in range(3):
            end[i, axis] = m[axis, 0] * x + m[axis, 1] * y + m[axis, 2] * z + m[axis, 3]
    return start, end


@njit(cache=True, nogil=True)
def _is_seen(depths, points, fx, fy, cx, cy):
    height, width = depths.shape
    seen = np.zeros(len(points), dtype=np.bool_)
    for i in range(len(points)):
        x, y, z = points[i]
        if z <= 1e-3:
            continue
        u, v = x / z * fx + cx, y / z * fy + cy
        if not (-0.5 <= u < width - 0.5 and -0.5 <= v < height - 0.5):
            continue
        # The farthest of the four pixels around: at a slanted surface or an edge one of them sees the point itself.
        column, row = min(max(int(u), 0), width - 2), min(max(int(v), 0), height - 2)
        farthest = max(
            depths[row, column], depths[row, column + 1], depths[row + 1, column], depths[row + 1, column + 1]
        )
        seen[i] = z < farthest * (1 + OCCLUSION_TOLERANCE) + 2e-3
    return seen
