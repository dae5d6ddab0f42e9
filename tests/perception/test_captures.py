"""Readers give what was recorded and say clearly what is missing or wrong."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sim2art.errors import InvalidFileError
from sim2art.geometry.rotations import quaternion_from_rotation
from sim2art.perception.captures.open_capture import open_capture
from tests.perception.sliding_scene import SlidingScene, change_camera, render_scene, write_scene


@pytest.fixture(scope="module")
def scene() -> SlidingScene:
    return render_scene(num_frames=4, width=64, height=48, camera_shift=0.1)


def test_a_capture_folder_reads_back_what_was_written(scene: SlidingScene, tmp_path: Path) -> None:
    capture = open_capture(write_scene(scene, tmp_path / "clip"))
    assert capture.frame_ids == (0, 1, 2, 3)
    np.testing.assert_array_equal(capture.read_image(2), scene.images[2])
    np.testing.assert_allclose(capture.read_depth(2), scene.depths[2], atol=1e-6)
    np.testing.assert_allclose(capture.times, scene.times)
    np.testing.assert_allclose(capture.intrinsics, scene.intrinsics)
    assert capture.world_from_camera is not None
    np.testing.assert_allclose(capture.world_from_camera, scene.world_from_camera)
    assert capture.warnings == ()


def test_intrinsics_follow_images_of_another_size(scene: SlidingScene, tmp_path: Path) -> None:
    folder = write_scene(scene, tmp_path / "clip")
    change_camera(folder, width=128, height=96)
    capture = open_capture(folder)
    assert capture.intrinsics[0, 0] == pytest.approx(scene.intrinsics[0, 0] / 2)
    assert "scaled" in capture.warnings[0]


def test_a_few_missing_frames_are_left_out(scene: SlidingScene, tmp_path: Path) -> None:
    folder = write_scene(render_scene(num_frames=8, width=64, height=48), tmp_path / "clip")
    (folder / "depth" / "000003.png").unlink()
    capture = open_capture(folder)
    assert capture.frame_ids == (0, 1, 2, 4, 5, 6, 7)
    assert "1 of 8 frames" in capture.warnings[0]


def test_a_tum_folder_pairs_frames_by_time(scene: SlidingScene, tmp_path: Path) -> None:
    folder = tmp_path / "rgbd_dataset_freiburg3_clip"
    (folder / "rgb").mkdir(parents=True)
    (folder / "depth").mkdir()
    lists = {"rgb.txt": ["# time file"], "depth.txt": [], "groundtruth.txt": []}
    for index, pose in enumerate(scene.world_from_camera):
        time = 100 + 0.1 * index
        Image.fromarray(scene.images[index]).save(folder / "rgb" / f"{index}.png")
        raw = (scene.depths[index] * 5000).round().astype(np.uint16)
        Image.fromarray(raw).save(folder / "depth" / f"{index}.png")
        lists["rgb.txt"].append(f"{time:.4f} rgb/{index}.png")
        if index != 1:  # No depth for this one.
            lists["depth.txt"].append(f"{time + 0.008:.4f} depth/{index}.png")
        w, x, y, z = quaternion_from_rotation(pose[:3, :3])
        lists["groundtruth.txt"].append(f"{time:.4f} {' '.join(map(str, pose[:3, 3]))} {x} {y} {z} {w}")
    for name, lines in lists.items():
        (folder / name).write_text("\n".join(lines))
    capture = open_capture(folder)
    assert capture.frame_ids == (0, 2, 3)
    np.testing.assert_allclose(capture.read_depth(1), scene.depths[2], atol=2e-4)
    np.testing.assert_allclose(capture.world_from_camera[2], scene.world_from_camera[3], atol=1e-6)
    np.testing.assert_allclose(capture.times, [0, 0.2, 0.3], atol=1e-9)
    assert capture.intrinsics[0, 0] == pytest.approx(535.4 * 64 / 640)  # Published for 640x480.
    assert any("intrinsics were scaled" in warning for warning in capture.warnings)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"depth_scale": None}, "depth_scale"),
        ({"depth_scale": -1.0}, "depth_scale"),
        ({"intrinsics": [[1, 2], [3, 4]]}, "3x3"),
        ({"intrinsics": None}, "intrinsics"),
        ({"frames": [0, 0, 1, 2]}, "twice"),
        ({"fps": "fast"}, "fps"),
        ({"times": [0.0, 0.0, 0.1, 0.2]}, "increasing"),
        ({"world_from_camera": [[1, 0]]}, "4x4"),
        ({"width": 64, "height": 64}, "another shape"),
    ],
)
def test_a_wrong_camera_file_is_refused_in_words(
    scene: SlidingScene, tmp_path: Path, change: dict[str, object], message: str
) -> None:
    folder = write_scene(scene, tmp_path / "clip")
    change_camera(folder, **change)
    with pytest.raises(InvalidFileError, match=message):
        open_capture(folder)
