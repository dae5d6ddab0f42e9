"""Recorded poses that mean "none" are found by the images; those of a camera that stood still are believed."""

import dataclasses
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from sim2art.geometry.rotations import rotvec_from_rotation
from sim2art.perception.captures.capture import poses_from_quaternions
from sim2art.perception.captures.open_capture import open_capture
from sim2art.perception.frames.intake import IntakeOptions, take_in
from sim2art.perception.pipeline import ObserveOptions, observe
from tests.perception.recorded_files import write_record3d
from tests.perception.sliding_scene import SlidingScene, change_camera, render_scene, write_scene

OPTIONS = ObserveOptions(num_points=200, num_frames=6, baselines=(1, 3), mask="motion")


@pytest.fixture(scope="module")
def moving() -> SlidingScene:
    return render_scene(num_frames=12, camera_shift=0.15)


def _with_poses(scene: SlidingScene, folder: Path, poses: np.ndarray) -> Path:
    write_scene(scene, folder)
    change_camera(folder, world_from_camera=poses.tolist())
    return folder


def _same(scene: SlidingScene) -> np.ndarray:
    return np.tile(np.eye(4), (len(scene.images), 1, 1))


def _handful(scene: SlidingScene) -> np.ndarray:
    """A tracker that gave a new pose every fourth frame only."""
    return scene.world_from_camera[4 * (np.arange(len(scene.images)) // 4)]


def _in_turn(scene: SlidingScene) -> np.ndarray:
    return scene.world_from_camera[np.arange(len(scene.images)) % 2]


@pytest.mark.parametrize("make", [_same, _handful, _in_turn])
def test_repeated_poses_count_as_none_where_the_image_moves(moving: SlidingScene, tmp_path: Path, make: object) -> None:
    assert callable(make)
    recording = take_in(open_capture(_with_poses(moving, tmp_path / "clip", make(moving))), IntakeOptions())
    assert recording.world_from_camera is None
    assert any("the recorded poses count as none" in warning for warning in recording.warnings)


def test_a_camera_that_stands_still_keeps_its_poses() -> None:
    still = render_scene(num_frames=12)
    recording = take_in(still.capture(), IntakeOptions())
    assert recording.world_from_camera is not None
    assert not any("count as none" in warning for warning in recording.warnings)


def test_poses_of_a_camera_that_moves_are_believed(moving: SlidingScene) -> None:
    assert take_in(moving.capture(), IntakeOptions()).world_from_camera is not None


def test_a_camera_that_stood_at_a_few_places_keeps_its_poses(moving: SlidingScene) -> None:
    places = 4 * (np.arange(12) // 4)
    stepping = dataclasses.replace(
        moving,
        images=moving.images[places],
        depths=moving.depths[places],
        world_from_camera=moving.world_from_camera[places],
    )
    assert take_in(stepping.capture(), IntakeOptions()).world_from_camera is not None


def test_record3d_with_the_front_camera_is_tracked(moving: SlidingScene, tmp_path: Path) -> None:
    path = write_record3d(moving, tmp_path / "clip.r3d")
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    meta = json.loads(files["metadata"])
    meta["poses"] = [[0, 0, 0, 1, 0, 0, 0]] * len(meta["poses"])  # What the app writes then.
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (files | {"metadata": json.dumps(meta).encode()}).items():
            archive.writestr(name, content)
    observation = observe(open_capture(path), OPTIONS)
    assert any("it counts as none" in warning for warning in observation.warnings)
    assert open_capture(path).ups_camera is None
    first, last = observation.indices[[0, -1]]
    truth = np.linalg.inv(moving.world_from_camera[first]) @ moving.world_from_camera[last]
    error = np.linalg.inv(truth) @ observation.video.world_from_camera[-1]
    assert np.linalg.norm(truth[:3, 3]) > 0.1
    assert np.linalg.norm(error[:3, 3]) < 0.01
    assert np.linalg.norm(rotvec_from_rotation(error[:3, :3])) < np.deg2rad(0.7)


def test_quaternions_that_are_none_make_poses_that_are_none() -> None:
    rows = np.tile([0.0, 0.0, 0.0, 2.0], (4, 1))
    rows[1], rows[2, 0] = 0.0, np.nan
    places = np.zeros((4, 3))
    places[3, 1] = np.inf
    poses = poses_from_quaternions(places, rows)
    np.testing.assert_array_equal(poses[0], np.eye(4))
    assert np.isnan(poses[1:]).all()
