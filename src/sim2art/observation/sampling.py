"""From a posed RGB-D video to a `PointVideo`. Simulated clips and real recordings both pass through here.

Where the flow comes from is the caller's choice (`FlowSource`): exact motion from the simulator, or optical flow
lifted with depth. Pixels are drawn at random inside the object mask, anew in every frame (sim2art Sec. 3.1).
"""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int

from sim2art.errors import InvalidValueError
from sim2art.geometry.cameras import unproject
from sim2art.geometry.transforms import apply
from sim2art.observation.point_video import PointVideo
from sim2art.observation.rgbd_video import RgbdVideo

DEFAULT_BASELINES = (1, 3, 8)
"""To the next frame, and further: a single step is barely above its noise."""


@runtime_checkable
class FlowSource(Protocol):
    """Where seen points move between two frames."""

    def __call__(
        self, frame: int, baseline: int, pixels: Int[np.ndarray, "point 2"], points_world: Float[np.ndarray, "point 3"]
    ) -> tuple[Float[np.ndarray, "point 3"], Bool[np.ndarray, "point"]]:
        """Flow (world frame, m) from `frame` to `frame + baseline`, and whether it was measured."""
        ...


def sample_point_video(
    video: RgbdVideo,
    flow: FlowSource,
    *,
    rng: np.random.Generator,
    num_points: int = 2048,
    baselines: tuple[int, ...] = DEFAULT_BASELINES,
) -> PointVideo:
    """Draw `num_points` pixels with depth inside each frame's mask, lift them and ask `flow` where they move.

    A frame with fewer usable pixels leaves the remaining slots invalid.

    Raises:
        InvalidValueError: When no frame has a pixel with depth inside its mask.
    """
    num_frames = len(video.times)
    points_world = np.zeros((num_frames, num_points, 3))
    pixels = np.zeros((num_frames, num_points, 2))
    valid = np.zeros((num_frames, num_points), dtype=bool)
    flow_world = np.zeros((len(baselines), num_frames, num_points, 3))
    flow_valid = np.zeros((len(baselines), num_frames, num_points), dtype=bool)
    for frame in range(num_frames):
        chosen = sample_pixels(video.object_masks[frame] & (video.depths[frame] > 0), num_points, rng)
        count = len(chosen)
        if count == 0:
            continue
        depths = video.depths[frame][chosen[:, 1], chosen[:, 0]]
        points = apply(
            video.world_from_camera[frame],
            unproject(video.intrinsics, chosen.astype(np.float64), depths.astype(np.float64)),
        )
        points_world[frame, :count] = points
        pixels[frame, :count] = chosen
        valid[frame, :count] = True
        for index, baseline in enumerate(baselines):
            if frame + baseline >= num_frames:
                continue
            moved, measured = flow(frame, baseline, chosen, points)
            flow_world[index, frame, :count] = np.where(measured[:, None], moved, 0.0)
            flow_valid[index, frame, :count] = measured
    if not valid.any():
        raise InvalidValueError(
            "No frame has a pixel with depth inside the object mask: check the mask (or pass --box) and the depth unit."
        )
    return PointVideo(
        times=video.times.copy(),
        points_world=points_world,
        valid=valid,
        baselines=tuple(baselines),
        flow_world=flow_world,
        flow_valid=flow_valid,
        world_from_camera=video.world_from_camera.copy(),
        pixels=pixels,
        is_metric=video.is_metric,
    )


def sample_pixels(
    mask: Bool[np.ndarray, "height width"], num_points: int, rng: np.random.Generator
) -> Int[np.ndarray, "point 2"]:
    """At most `num_points` different pixels (x, y) of a mask, in random order."""
    candidates = np.flatnonzero(mask)
    if len(candidates) > num_points:
        candidates = rng.choice(candidates, num_points, replace=False, shuffle=False)
    return np.stack([candidates % mask.shape[1], candidates // mask.shape[1]], axis=1)
