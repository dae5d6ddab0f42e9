"""Two videos in a row are one video, seen through one lens."""

import dataclasses

import numpy as np
import pytest

from sim2art.errors import InvalidValueError
from sim2art.geometry.rotations import rotation_from_rotvec
from sim2art.geometry.transforms import make_transform
from sim2art.observation.joining import join_labels, join_points, join_videos
from tests.hand_made import make_clip
from tests.scenes import make_scene

PLACE = make_transform(rotation_from_rotvec(np.array([0.0, 0.3, 0.0])), np.array([0.1, 0.2, 0.3]))


def test_frames_of_another_lens_are_resampled() -> None:
    first = make_scene(size=(80, 60), num_frames=2).video
    second = make_scene(size=(160, 120), num_frames=3).video
    joined = join_videos(first, second, np.eye(4))
    assert joined.depths.shape == (5, 60, 80)
    assert np.all(np.diff(joined.times) > 0)
    same = make_scene(size=(80, 60), num_frames=3).video
    both = (joined.depths[2] > 0) & (same.depths[0] > 0)
    assert np.median(np.abs(joined.depths[2] - same.depths[0])[both]) < 0.01
    labels = make_scene(size=(160, 120), num_frames=3).labels
    taken = join_labels(first, second, make_scene(size=(80, 60), num_frames=2).labels, labels, no_label=255)
    assert np.mean(taken[2] == make_scene(size=(80, 60), num_frames=3).labels[0]) > 0.97


def test_points_are_padded_and_no_flow_crosses() -> None:
    first, second = make_clip(num_frames=3, num_points=30).video, make_clip(num_frames=4, num_points=50, seed=1).video
    joined = join_points(first, second, PLACE)
    assert joined.points_world.shape == (7, 50, 3)
    assert not joined.valid[:3, 30:].any()
    assert not joined.flow_valid[:, 2].any()
    np.testing.assert_allclose(
        joined.points_world[3:, :50], second.points_world @ PLACE[:3, :3].T + PLACE[:3, 3], atol=1e-12
    )
    np.testing.assert_allclose(
        np.linalg.norm(joined.flow_world[0, 3], axis=1), np.linalg.norm(second.flow_world[0, 0], axis=1)
    )
    other = dataclasses.replace(
        second,
        baselines=(1, 2),
        flow_world=np.concatenate([second.flow_world] * 2),
        flow_valid=np.concatenate([second.flow_valid] * 2),
    )
    with pytest.raises(InvalidValueError, match="same options"):
        join_points(first, other, PLACE)
