"""`RgbdVideo` and `PointVideo` refuse what cannot be, in words, and cannot be changed afterwards."""

import dataclasses

import numpy as np
import pytest

from sim2art.errors import InvalidValueError
from sim2art.geometry.cameras import intrinsics_from_fov
from sim2art.observation.rgbd_video import RgbdVideo
from tests.hand_made import make_clip

VIDEO = make_clip(num_points=30).video


def make_rgbd(**changes: object) -> RgbdVideo:
    facts = {
        "times": np.array([0.0, 0.1]),
        "images": np.zeros((2, 4, 6, 3), dtype=np.uint8),
        "depths": np.ones((2, 4, 6)),
        "object_masks": np.ones((2, 4, 6), dtype=bool),
        "intrinsics": intrinsics_from_fov(6, 4, 1.0),
        "world_from_camera": np.broadcast_to(np.eye(4), (2, 4, 4)).copy(),
        "is_metric": True,
    }
    return RgbdVideo(**{**facts, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"world_from_camera": np.zeros((2, 4, 4))},
            "RgbdVideo: world_from_camera holds a matrix that is not a finite rigid transform.",
        ),
        ({"times": np.array([0.1, 0.1])}, "RgbdVideo: times must increase from frame to frame."),
    ],
)
def test_impossible_rgbd_videos_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        make_rgbd(**changes)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"baselines": (2,)}, "PointVideo has baselines (2,) and flows for 1; the first baseline is 1 and each needs its flow."),
        (
            {"points_world": np.full_like(VIDEO.points_world, np.inf)},
            "PointVideo: points_world holds values that are not finite; mark those points invalid.",
        ),
        (
            {"flow_world": np.full_like(VIDEO.flow_world, np.nan)},
            "PointVideo: flow_world holds values that are not finite; mark those points invalid.",
        ),
        ({"valid": np.zeros_like(VIDEO.valid)}, "PointVideo: flow is marked valid for points that are not valid."),
    ],
)  # fmt: skip
def test_impossible_point_videos_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        dataclasses.replace(VIDEO, **changes)  # type: ignore[arg-type]
    assert str(caught.value) == message


def test_sizes_that_disagree_are_caught_by_the_shape_check() -> None:
    with pytest.raises(Exception, match=r"type-check|Type-check"):
        make_rgbd(depths=np.ones((2, 5, 6)))


def test_videos_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        make_rgbd().depths[0, 0, 0] = 2.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        VIDEO.is_metric = False  # type: ignore[misc]


def test_counts() -> None:
    assert (VIDEO.num_frames, VIDEO.num_points) == (6, 30)
