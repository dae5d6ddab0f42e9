"""Real sensors' recordings: poses that mean none, and formats written from real images and depth.

The recordings are not part of the repository: they are looked for in `../shared/data`, beside the checkout.
"""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sim2art.perception.captures.derived import derive
from sim2art.perception.captures.open_capture import open_capture
from sim2art.perception.frames.intake import IntakeOptions, take_in
from tests.perception.recorded_folders import (
    write_bundlesdf,
    write_nerfstudio,
    write_record3d_exr,
    write_scannet,
    write_seven_scenes,
)
from tests.perception.sliding_scene import SlidingScene

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
OFFICE = DATA / "real" / "rgbd_still" / "office"

pytestmark = pytest.mark.shared


def test_one_pose_for_a_camera_that_was_carried_through_an_office_counts_as_none() -> None:
    office = open_capture(OFFICE)
    same = derive(office, world_from_camera=np.tile(np.eye(4), (len(office.frame_ids), 1, 1)))
    recording = take_in(same, IntakeOptions())  # pyright: ignore[reportArgumentType]
    assert recording.world_from_camera is None
    assert any("count as none" in warning for warning in recording.warnings)


def test_one_pose_for_a_camera_that_stood_before_a_door_is_believed() -> None:
    door = open_capture(DATA / "door" / "rgbd")
    assert "world_from_camera" in json.loads((DATA / "door" / "rgbd" / "camera.json").read_text())
    assert take_in(door, IntakeOptions()).world_from_camera is not None


@pytest.mark.parametrize(
    ("write", "step"),
    [(write_nerfstudio, 1), (write_scannet, 1), (write_seven_scenes, 1), (write_bundlesdf, 1), (write_record3d_exr, 2)],
)
def test_real_depth_comes_back_from_every_folder_format(
    tmp_path: Path, write: Callable[[SlidingScene, Path], Path], step: int
) -> None:
    office = open_capture(OFFICE)
    frames = range(0, 12, 4)
    depths = np.array([office.read_depth(i) for i in frames])
    scene = SlidingScene(
        images=np.array([office.read_image(i) for i in frames]), depths=depths, times=np.arange(3) / 10,
        intrinsics=office.intrinsics, world_from_camera=np.tile(np.eye(4), (3, 1, 1)),
        on_board=np.zeros(depths.shape, bool), slides=np.zeros((3, 3)),
    )  # fmt: skip
    found = open_capture(write(scene, tmp_path / "clip")).read_depth(1)
    expected = depths[1, ::step, ::step]
    np.testing.assert_allclose(found[4:], expected[4:], atol=1e-5)  # Some writers put none into the corner.
