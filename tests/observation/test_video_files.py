"""The used frames and points of a result come back from their files."""

from pathlib import Path

import numpy as np
import pytest

from sim2art.errors import InvalidFileError
from sim2art.observation.video_files import read_points, read_video, write_points, write_video
from tests.hand_made import make_clip, one_hot
from tests.scenes import make_scene


def test_a_video_comes_back_within_the_precision_of_its_files(tmp_path: Path) -> None:
    video = make_scene(size=(80, 60), num_frames=3).video
    write_video(tmp_path, video, (4, 7, 9))
    back = read_video(tmp_path)
    np.testing.assert_allclose(back.depths, video.depths, atol=1e-4)
    np.testing.assert_array_equal(back.object_masks, video.object_masks)
    np.testing.assert_array_equal(back.times, video.times)
    np.testing.assert_allclose(back.world_from_camera, video.world_from_camera)
    assert np.abs(back.images.astype(int) - video.images.astype(int)).mean() < 6
    assert back.is_metric


def test_the_folder_is_a_capture_folder(tmp_path: Path) -> None:
    from sim2art.perception.captures.open_capture import open_capture

    video = make_scene(size=(80, 60), num_frames=3).video
    write_video(tmp_path, video, (4, 7, 9))
    capture = open_capture(tmp_path)
    assert capture.frame_ids == (4, 7, 9)
    np.testing.assert_allclose(capture.read_depth(1), video.depths[1], atol=1e-4)


def test_points_come_back(tmp_path: Path) -> None:
    clip = make_clip(num_frames=3, num_points=30)
    write_points(tmp_path / "points.npz", clip.video, one_hot(clip.part_ids, 3))
    points, probabilities = read_points(tmp_path / "points.npz")
    np.testing.assert_allclose(points.points_world, clip.video.points_world, atol=1e-6)
    np.testing.assert_allclose(points.flow_world, clip.video.flow_world, atol=1e-6)
    np.testing.assert_array_equal(np.argmax(probabilities, axis=-1), clip.part_ids)
    assert points.baselines == (1,)


def test_missing_and_damaged_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidFileError, match="Run the recording again"):
        read_video(tmp_path)
    (tmp_path / "points.npz").write_bytes(b"no archive")
    with pytest.raises(InvalidFileError, match="Run the recording again"):
        read_points(tmp_path / "points.npz")
