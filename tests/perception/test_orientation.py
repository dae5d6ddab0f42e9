"""Flags that say how to show an image turn colour, depth, intrinsics and poses together, in every reader."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sim2art.geometry.cameras import project
from sim2art.geometry.transforms import apply, inverse
from sim2art.perception.captures.capture import Capture
from sim2art.perception.captures.open_capture import open_capture, open_recording
from sim2art.perception.captures.orientation import turned_intrinsics, turned_poses
from tests.perception.recorded_files import write_polycam, write_stray_scanner, write_video
from tests.perception.recorded_folders import write_bundlesdf, write_nerfstudio, write_tum
from tests.perception.sliding_scene import SlidingScene, render_scene, write_scene

UPRIGHT = render_scene(num_frames=4, width=48, height=64, camera_shift=0.3)
FLAGS = {3: 2, 6: 3, 8: 1}
"""EXIF's value -> quarter turns, counter-clockwise, that bring the image upright."""


def _stored(turns: int) -> SlidingScene:
    """The scene as a sensor sees it that must be turned by `turns` to show it upright."""
    size = (48, 64)
    return SlidingScene(
        images=np.ascontiguousarray(np.rot90(UPRIGHT.images, k=-turns, axes=(1, 2))),
        depths=np.ascontiguousarray(np.rot90(UPRIGHT.depths, k=-turns, axes=(1, 2))),
        times=UPRIGHT.times,
        intrinsics=turned_intrinsics(UPRIGHT.intrinsics, size, -turns),
        world_from_camera=turned_poses(UPRIGHT.world_from_camera, -turns),
        on_board=np.rot90(UPRIGHT.on_board, k=-turns, axes=(1, 2)),
        slides=UPRIGHT.slides,
    )


def _flag(folder: Path, value: int) -> None:
    """Set the EXIF orientation of all colour images."""
    for file in sorted(folder.rglob("*")):
        if file.suffix in (".png", ".jpg") and not {"depth", "confidence", "masks"} & set(file.parts[-3:]):
            with Image.open(file) as image:
                exif = image.getexif()
                exif[0x0112] = value
                image.load()
                image.save(file, exif=exif, **({"quality": 97} if file.suffix == ".jpg" else {}))


def _check(capture: Capture, *, step: int = 1, has_poses: bool = True) -> None:
    difference = (capture.read_image(2).astype(int) - UPRIGHT.images[2]) @ [0.299, 0.587, 0.114]
    assert np.abs(difference).mean() < 8
    depth, expected = capture.read_depth(2), UPRIGHT.depths[2, ::step, ::step]
    assert depth.shape == expected.shape
    close = np.isclose(depth, expected, rtol=2e-3 if step == 1 else 0.03)  # Halving picks other pixels after a turn.
    assert close.mean() > 0.9
    np.testing.assert_allclose(capture.intrinsics, UPRIGHT.intrinsics, atol=1e-6)
    if has_poses:
        assert capture.world_from_camera is not None
        np.testing.assert_allclose(capture.world_from_camera, UPRIGHT.world_from_camera, atol=1e-5)
    assert any("turned upright" in warning for warning in capture.warnings)


@pytest.mark.parametrize("flag", FLAGS)
@pytest.mark.parametrize(
    ("write", "step", "has_poses"),
    [(write_scene, 1, True), (write_bundlesdf, 1, False), (write_nerfstudio, 1, True), (write_polycam, 2, True)],
)
def test_an_exif_flag_turns_everything(
    tmp_path: Path, write: Callable[[SlidingScene, Path], Path], step: int, has_poses: bool, flag: int
) -> None:
    folder = write(_stored(FLAGS[flag]), tmp_path / "clip")
    _flag(folder, flag)
    _check(open_capture(folder), step=step, has_poses=has_poses)


def test_an_exif_flag_turns_a_tum_recording_whose_camera_file_speaks_of_the_stored_size(tmp_path: Path) -> None:
    stored = _stored(3)
    folder = write_tum(stored, tmp_path / "clip")
    height, width = stored.depths.shape[1:]
    camera = {"width": width, "height": height, "intrinsics": stored.intrinsics.tolist(), "depth_scale": 0.0002}
    (folder / "camera.json").write_text(json.dumps(camera))
    _flag(folder, 6)
    _check(open_capture(folder))


def test_depth_and_camera_that_are_upright_already_stay(tmp_path: Path) -> None:
    stored = _stored(3)
    folder = write_scene(stored, tmp_path / "clip")
    for index, depth in enumerate(UPRIGHT.depths):
        Image.fromarray((1000 * depth).round().astype(np.uint16)).save(folder / "depth" / f"{index:06d}.png")
    camera = json.loads((folder / "camera.json").read_text())
    camera |= {"width": 48, "height": 64, "intrinsics": UPRIGHT.intrinsics.tolist()}
    camera |= {"world_from_camera": UPRIGHT.world_from_camera.tolist()}
    (folder / "camera.json").write_text(json.dumps(camera))
    _flag(folder, 6)
    _check(open_capture(folder))


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_rotation_flag_turns_all_of_a_stray_scanner_recording(tmp_path: Path, rotation: int) -> None:
    stored = _stored(-rotation // 90)
    folder = write_stray_scanner(stored, tmp_path / "clip")
    write_video(folder / "rgb.mp4", stored.images, rotation=rotation)
    _check(open_capture(folder), step=2)


@pytest.mark.parametrize("flag", FLAGS)
def test_colour_with_intrinsics_turns_with_them(tmp_path: Path, flag: int) -> None:
    folder = write_nerfstudio(_stored(FLAGS[flag]), tmp_path / "clip", has_depth=False)
    _flag(folder, flag)
    capture = open_recording(folder)
    np.testing.assert_array_equal(capture.read_image(1), UPRIGHT.images[1])
    assert capture.intrinsics is not None
    np.testing.assert_allclose(capture.intrinsics, UPRIGHT.intrinsics, atol=1e-6)


@given(st.integers(0, 3), st.integers(0, 47), st.integers(0, 63))
def test_a_pixel_shows_the_same_point_before_and_after_a_turn(turns: int, x: int, y: int) -> None:
    marked = np.zeros((64, 48), bool)
    marked[y, x] = True
    pose = UPRIGHT.world_from_camera[2]
    ray = np.linalg.inv(UPRIGHT.intrinsics) @ [x, y, 1.0]
    point_world = apply(pose, 1.7 * ray[None])
    seen = apply(inverse(turned_poses(pose[None], turns)[0]), point_world)
    pixel = project(turned_intrinsics(UPRIGHT.intrinsics, (48, 64), turns), seen)
    row, column = np.argwhere(np.rot90(marked, k=turns))[0]
    np.testing.assert_allclose(pixel[0], [column, row], atol=1e-6)


def test_up_turns_with_the_camera(tmp_path: Path) -> None:
    for flag, turns in FLAGS.items():
        folder = write_polycam(_stored(turns), tmp_path / str(flag))
        _flag(folder, flag)
        capture = open_capture(folder)
        assert capture.ups_camera is not None
        expected = np.swapaxes(UPRIGHT.world_from_camera[:, :3, :3], 1, 2) @ [0.0, 1.0, 0.0]
        np.testing.assert_allclose(capture.ups_camera, expected, atol=1e-6)
