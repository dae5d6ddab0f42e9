"""Videos and point videos as plain named arrays, for files that hold arrays (.npz)."""

from collections.abc import Mapping

import numpy as np

from sim2art.observation.point_video import PointVideo
from sim2art.observation.rgbd_video import RgbdVideo


def video_to_arrays(video: RgbdVideo) -> dict[str, np.ndarray]:
    """Every field as an array; masks are packed to bits, depths are single precision."""
    return {
        "video_times": video.times,
        "video_images": video.images,
        "video_depths": video.depths.astype(np.float32),
        "video_object_masks": np.packbits(video.object_masks, axis=-1),
        "video_intrinsics": video.intrinsics,
        "video_world_from_camera": video.world_from_camera,
        "video_is_metric": np.array(video.is_metric),
    }


def video_from_arrays(arrays: Mapping[str, np.ndarray]) -> RgbdVideo:
    """The video that `video_to_arrays` gave."""
    depths = arrays["video_depths"]
    masks = np.unpackbits(arrays["video_object_masks"], axis=-1, count=depths.shape[2]).astype(bool)
    return RgbdVideo(
        times=arrays["video_times"],
        images=arrays["video_images"],
        depths=depths,
        object_masks=masks,
        intrinsics=arrays["video_intrinsics"],
        world_from_camera=arrays["video_world_from_camera"],
        is_metric=bool(arrays["video_is_metric"]),
    )


_POINT_FIELDS = ("times", "points_world", "valid", "flow_world", "flow_valid", "world_from_camera", "pixels")


def points_to_arrays(points: PointVideo) -> dict[str, np.ndarray]:
    """Every field as an array."""
    arrays = {f"points_{name}": getattr(points, name) for name in _POINT_FIELDS}
    arrays["points_baselines"] = np.array(points.baselines)
    arrays["points_is_metric"] = np.array(points.is_metric)
    if points.features is not None:
        arrays["points_features"] = points.features
    return arrays


def points_from_arrays(arrays: Mapping[str, np.ndarray]) -> PointVideo:
    """The points that `points_to_arrays` gave."""
    return PointVideo(
        **{name: arrays[f"points_{name}"] for name in _POINT_FIELDS},
        baselines=tuple(int(k) for k in arrays["points_baselines"]),
        is_metric=bool(arrays["points_is_metric"]),
        features=arrays.get("points_features"),
    )
