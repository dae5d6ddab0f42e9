"""Folders of datasets and tools give the colour, depth, camera and poses that were written, and say what was assumed."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sim2art.errors import InvalidFileError
from sim2art.perception.captures.capture import Capture
from sim2art.perception.captures.open_capture import open_capture, open_recording
from sim2art.perception.captures.registration import DepthCamera, Registration
from sim2art.perception.frames.intake import IntakeOptions, take_in
from tests.perception.recorded_files import write_depth_file
from tests.perception.recorded_folders import (
    write_bundlesdf,
    write_nerfstudio,
    write_record3d_exr,
    write_scannet,
    write_seven_scenes,
)
from tests.perception.sliding_scene import SlidingScene, render_scene


@pytest.fixture(scope="module")
def scene() -> SlidingScene:
    return render_scene(num_frames=5, width=64, height=48, camera_shift=0.3)


def _check(capture: Capture, scene: SlidingScene, *, has_poses: bool = True, step: int = 1) -> None:
    assert len(capture.frame_ids) == 5
    np.testing.assert_allclose(capture.intrinsics, scene.intrinsics, atol=1e-3)
    assert np.abs((capture.read_image(3).astype(int) - scene.images[3]) @ [0.299, 0.587, 0.114]).mean() < 8
    depth, expected = capture.read_depth(3), scene.depths[3, ::step, ::step]
    seen = depth > 0
    assert seen[4:].all()
    np.testing.assert_allclose(depth[seen], expected[seen], rtol=2e-3)
    if has_poses:
        assert capture.world_from_camera is not None
        np.testing.assert_allclose(capture.world_from_camera, scene.world_from_camera, atol=1e-5)
    else:
        assert capture.world_from_camera is None


def test_nerfstudio_data_with_depth_is_read_in_the_order_of_its_names(scene: SlidingScene, tmp_path: Path) -> None:
    folder = write_nerfstudio(scene, tmp_path / "clip")
    _check(open_capture(folder), scene)
    _check(open_capture(folder / "transforms.json"), scene)


def test_nerfstudio_data_says_the_unit_of_its_depth(scene: SlidingScene, tmp_path: Path) -> None:
    capture = open_capture(write_nerfstudio(scene, tmp_path / "clip", depth_unit_scale_factor=0.002))
    np.testing.assert_allclose(capture.read_depth(0), 2 * scene.depths[0], rtol=2e-3)


def test_nerfstudio_data_without_depth_is_colour_with_its_camera(scene: SlidingScene, tmp_path: Path) -> None:
    capture = open_recording(write_nerfstudio(scene, tmp_path / "clip", has_depth=False))
    assert not isinstance(capture, Capture)
    assert capture.intrinsics is not None
    np.testing.assert_allclose(capture.intrinsics, scene.intrinsics, atol=1e-6)
    assert capture.world_from_camera is not None
    np.testing.assert_allclose(capture.world_from_camera, scene.world_from_camera, atol=1e-6)


def test_nerfstudio_data_that_names_no_images_is_refused(tmp_path: Path, scene: SlidingScene) -> None:
    folder = write_nerfstudio(scene, tmp_path / "clip")
    for image in (folder / "images").iterdir():
        image.unlink()
    with pytest.raises(InvalidFileError, match="names 5 images, and none is there"):
        open_capture(folder)
    (folder / "transforms.json").write_text('{"frames": 3}')
    with pytest.raises(InvalidFileError, match="'frames' must be a list"):
        open_capture(folder)


def test_a_scannet_export_is_read(scene: SlidingScene, tmp_path: Path) -> None:
    _check(open_capture(write_scannet(scene, tmp_path / "scene0000_00")), scene)


def test_depth_of_a_wider_camera_is_brought_into_the_view_of_colour(scene: SlidingScene, tmp_path: Path) -> None:
    capture = open_capture(write_scannet(scene, tmp_path / "scene0000_00", depth_factor=1.3))
    depth = capture.read_depth(2)
    assert np.mean(depth > 0) > 0.9
    height, width = depth.shape
    row = np.clip(np.rint((np.arange(height) + 0.5) * 48 / height - 0.5).astype(int), 0, 47)
    column = np.clip(np.rint((np.arange(width) + 0.5) * 64 / width - 0.5).astype(int), 0, 63)
    expected = scene.depths[2][row[:, None], column]
    assert np.mean(np.abs(depth - expected)[depth > 0] < 0.01) > 0.95  # But for the board's edges.


def test_frames_that_scannet_lost_are_left_out(tmp_path: Path) -> None:
    scene = render_scene(num_frames=8, width=64, height=48, camera_shift=0.3)
    folder = write_scannet(scene, tmp_path / "scene0000_00")
    (folder / "pose" / "3.txt").write_text("-inf -inf -inf -inf\n" * 4)
    recording = take_in(open_capture(folder), IntakeOptions())
    assert [recording.capture.frame_ids[i] for i in recording.indices] == [0, 1, 2, 4, 5, 6, 7]
    assert any("left out" in warning for warning in recording.warnings)


def test_a_sequence_of_seven_scenes_is_read(scene: SlidingScene, tmp_path: Path) -> None:
    capture = open_capture(write_seven_scenes(scene, tmp_path / "seq-01"))
    _check(capture, scene)
    assert (capture.read_depth(3)[:4, :4] == 0).all()


def test_intrinsics_that_seven_scenes_does_not_say_are_assumed_aloud(scene: SlidingScene, tmp_path: Path) -> None:
    capture = open_capture(write_seven_scenes(scene, tmp_path / "seq-01", has_camera=False))
    assert capture.intrinsics[0, 0] == pytest.approx(58.5)
    assert any("585 px" in warning for warning in capture.warnings)


def test_a_bundlesdf_folder_is_read_and_its_object_poses_are_not_taken_for_the_cameras(
    scene: SlidingScene, tmp_path: Path
) -> None:
    _check(open_capture(write_bundlesdf(scene, tmp_path / "milk")), scene, has_poses=False)


def test_a_record3d_exr_export_is_read(scene: SlidingScene, tmp_path: Path) -> None:
    folder = write_record3d_exr(scene, tmp_path / "clip")
    _check(open_capture(folder), scene, step=2)
    _check(open_capture(folder / "EXR_RGBD"), scene, step=2)
    assert (open_capture(folder).read_depth(3)[:4, :4] == 0).all()


@pytest.mark.parametrize("suffix", [".npy", ".exr", ".tiff"])
def test_float_depth_in_a_folder_is_read_and_its_unit_said(scene: SlidingScene, tmp_path: Path, suffix: str) -> None:
    folder = write_bundlesdf(scene, tmp_path / "milk")
    for index, file in enumerate(sorted((folder / "depth").iterdir())):
        write_depth_file(folder / "depth", suffix, 1000 * scene.depths[index]).rename(file.with_suffix(suffix))
        file.unlink()
    capture = open_capture(folder)
    _check(capture, scene, has_poses=False)
    assert any("in mm" in warning for warning in capture.warnings)


def test_colour_and_depth_without_a_camera_file_are_told_what_to_give(scene: SlidingScene, tmp_path: Path) -> None:
    folder = write_bundlesdf(scene, tmp_path / "milk")
    (folder / "cam_K.txt").unlink()
    with pytest.raises(InvalidFileError, match=r"rgb/ and depth/, but no file that says the camera.*camera\.json"):
        open_capture(folder)


def test_intrinsics_of_another_size_are_refused_with_both_sizes(scene: SlidingScene, tmp_path: Path) -> None:
    folder = write_bundlesdf(scene, tmp_path / "milk")
    np.savetxt(folder / "cam_K.txt", np.diag([2.0, 2.0, 1.0]) @ scene.intrinsics)
    with pytest.raises(InvalidFileError, match=r"about 12\dx9\d px; these have 64x48"):
        open_capture(folder)


def test_what_is_not_read_gets_advice(scene: SlidingScene, tmp_path: Path) -> None:
    for name, words in (("a.zip", "unpack it"), ("a.sens", "SensReader"), ("a.svo", "ZED"), ("a.ply", "point cloud")):
        (tmp_path / name).write_bytes(b"1")
        with pytest.raises(InvalidFileError, match=words):
            open_recording(tmp_path / name)
    converted = tmp_path / "converted"
    converted.mkdir()
    for kind in ("Color", "Depth"):
        Image.fromarray(scene.images[0]).save(converted / f"door_{kind}_1599.123.png")
    with pytest.raises(InvalidFileError, match=r"rs-convert -p.*Pass the \.bag"):
        open_recording(converted)


def test_a_nearer_surface_hides_what_is_behind_it() -> None:
    k = np.array([[50.0, 0, 31.5], [0, 50, 23.5], [0, 0, 1]])
    shift = np.eye(4)
    shift[0, 3] = 0.1  # Seen from 10 cm further left, all lies further right.
    register = Registration(DepthCamera(intrinsics=k, size=(64, 48), color_from_depth=shift), k, (64, 48))
    assert register.is_needed
    depth = np.full((48, 64), 2.0, np.float32)
    depth[:, 20:30] = 0.5
    found = register(depth)
    assert found.shape == (48, 64)
    np.testing.assert_allclose(found[24, 31:39], 0.5)  # Shifted by 0.1 * 50 / 0.5 px.
    np.testing.assert_allclose(found[24, 41:60], 2.0)
    same = DepthCamera(intrinsics=k, size=(64, 48), color_from_depth=np.eye(4))
    assert not Registration(same, k, (64, 48)).is_needed


def test_the_lens_of_nerfstudio_data_is_taken_out(scene: SlidingScene, tmp_path: Path) -> None:
    folder = write_nerfstudio(scene, tmp_path / "clip")
    scene_file = json.loads((folder / "transforms.json").read_text())
    (folder / "transforms.json").write_text(json.dumps(scene_file | {"k1": -0.3}))
    capture = open_capture(folder)
    assert any("straightened" in warning for warning in capture.warnings)
    assert not np.array_equal(capture.read_image(0), scene.images[0])
    np.testing.assert_array_equal(capture.read_image(0)[22:26, 30:34], scene.images[0][22:26, 30:34])
