"""Two videos of one object as one: the second follows the first, in the first one's world and seen through its lens."""

import dataclasses

import numpy as np
from jaxtyping import Float, UInt8

from sim2art.errors import InvalidValueError
from sim2art.observation.point_video import PointVideo
from sim2art.observation.rgbd_video import RgbdVideo

PAUSE = 1.0
"""s between the last frame of the first video and the first of the second."""


def join_videos(first: RgbdVideo, second: RgbdVideo, first_from_second: Float[np.ndarray, "4 4"]) -> RgbdVideo:
    """All frames of both; those of the second are resampled to the first one's size and intrinsics.

    Args:
        first: Its world is that of the result.
        second: Of the same scale.
        first_from_second: Takes the second video's world to the first one's.
    """
    height, width = first.depths.shape[1:]
    rows, columns, inside = _same_lens(first, second)

    def resampled(frames: np.ndarray) -> np.ndarray:
        taken = frames[:, rows, columns]
        taken[:, ~inside] = 0
        return taken

    assert rows.shape == (height, width)
    return RgbdVideo(
        times=np.concatenate([first.times, _later(first, second)]),
        images=np.concatenate([first.images, resampled(second.images)]),
        depths=np.concatenate([first.depths, resampled(second.depths)]),
        object_masks=np.concatenate([first.object_masks, resampled(second.object_masks)]),
        intrinsics=first.intrinsics.copy(),
        world_from_camera=np.concatenate([first.world_from_camera, first_from_second @ second.world_from_camera]),
        is_metric=first.is_metric and second.is_metric,
    )


def join_labels(
    first: RgbdVideo,
    second: RgbdVideo,
    labels_first: UInt8[np.ndarray, "frame_a height_a width_a"],
    labels_second: UInt8[np.ndarray, "frame_b height_b width_b"],
    *,
    no_label: int,
) -> UInt8[np.ndarray, "frame height_a width_a"]:
    """Labels of the joined video from those of both; `no_label` where the second one's lens did not reach."""
    rows, columns, inside = _same_lens(first, second)
    taken = labels_second[:, rows, columns]
    taken[:, ~inside] = no_label
    return np.concatenate([labels_first, taken])


def join_points(first: PointVideo, second: PointVideo, first_from_second: Float[np.ndarray, "4 4"]) -> PointVideo:
    """All frames of both point videos, padded to the larger number of points; no flow leads from one to the other.

    Raises:
        InvalidValueError: When their flows have different baselines.
    """
    if first.baselines != second.baselines:
        raise InvalidValueError(
            f"The two results have flows to {first.baselines} and {second.baselines} frames ahead; run both recordings with "
            "the same options."
        )
    rotation, shift = first_from_second[:3, :3], first_from_second[:3, 3]
    points = np.where(second.valid[..., None], second.points_world @ rotation.T + shift, 0.0)
    count = max(first.num_points, second.num_points)
    pairs = {
        "points_world": (first.points_world, points),
        "valid": (first.valid, second.valid),
        "pixels": (first.pixels, second.pixels),
        "flow_world": (first.flow_world, second.flow_world @ rotation.T),
        "flow_valid": (first.flow_valid, second.flow_valid),
    }
    joined = {}
    for name, (a, b) in pairs.items():
        axis = 1 if name.startswith("flow") else 0
        joined[name] = np.concatenate([_padded(a, axis + 1, count), _padded(b, axis + 1, count)], axis=axis)
    return dataclasses.replace(
        first,
        **joined,
        times=np.concatenate([first.times, _later(first, second)]),
        world_from_camera=np.concatenate([first.world_from_camera, first_from_second @ second.world_from_camera]),
        is_metric=first.is_metric and second.is_metric,
        features=None,
    )


def _later(first: RgbdVideo | PointVideo, second: RgbdVideo | PointVideo) -> np.ndarray:
    """Times of the second video, after the first."""
    return second.times - second.times[0] + first.times[-1] + PAUSE


def _padded(array: np.ndarray, axis: int, count: int) -> np.ndarray:
    widths = [(0, 0)] * array.ndim
    widths[axis] = (0, count - array.shape[axis])
    return np.pad(array, widths)


def _same_lens(first: RgbdVideo, second: RgbdVideo) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row and column of the second video's image that each pixel of the first one's sees, and whether there is one."""
    height, width = first.depths.shape[1:]
    other_height, other_width = second.depths.shape[1:]
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    a, b = first.intrinsics, second.intrinsics
    columns = np.rint((x - a[0, 2]) / a[0, 0] * b[0, 0] + b[0, 2]).astype(int)
    rows = np.rint((y - a[1, 2]) / a[1, 1] * b[1, 1] + b[1, 2]).astype(int)
    inside = (rows >= 0) & (rows < other_height) & (columns >= 0) & (columns < other_width)
    return np.clip(rows, 0, other_height - 1), np.clip(columns, 0, other_width - 1), inside
