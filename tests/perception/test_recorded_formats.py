"""Readers of other programs' recordings give the colour, depth, camera and poses that were written."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import OpenEXR
import pytest

from sim2art.errors import InvalidFileError, MissingPackageError
from sim2art.perception.captures.capture import Capture
from sim2art.perception.captures.convert import write_capture
from sim2art.perception.captures.exr import read_exr_channel
from sim2art.perception.captures.open_capture import open_capture, open_recording
from sim2art.perception.captures.record3d import unpack_lzfse
from sim2art.perception.captures.vipe_output import read_vipe_output
from tests.perception.recorded_files import (
    encode_exr,
    write_polycam,
    write_realsense,
    write_record3d,
    write_stray_scanner,
    write_vipe_output,
)
from tests.perception.sliding_scene import SlidingScene, render_scene


@pytest.fixture(scope="module")
def scene() -> SlidingScene:
    return render_scene(num_frames=5, width=64, height=48, camera_shift=0.3)


def _check(capture: Capture, scene: SlidingScene, *, has_poses: bool = True, step: int = 2) -> None:
    assert len(capture.frame_ids) == len(scene.images)
    np.testing.assert_allclose(capture.times, scene.times, atol=1e-3)
    np.testing.assert_allclose(capture.intrinsics, scene.intrinsics, atol=1e-3)
    difference = (capture.read_image(3).astype(int) - scene.images[3]) @ [0.299, 0.587, 0.114]
    assert np.abs(difference).mean() < 8  # JPEG and video lose a little, in colour most.
    depth = capture.read_depth(3)
    expected = scene.depths[3, ::step, ::step]
    assert depth.shape == expected.shape
    seen = depth > 0
    np.testing.assert_allclose(depth[seen], expected[seen], rtol=2e-3)
    if step == 2:  # The LiDAR formats, with confidence.
        assert not seen[:4, :4].any()  # Of low confidence.
        assert seen[4:].all()
    if has_poses:
        assert capture.world_from_camera is not None
        np.testing.assert_allclose(capture.world_from_camera, scene.world_from_camera, atol=1e-5)


def test_a_record3d_file_is_read(scene: SlidingScene, tmp_path: Path) -> None:
    _check(open_capture(write_record3d(scene, tmp_path / "clip.r3d")), scene)


def test_depth_packed_by_the_real_encoder_is_read(scene: SlidingScene, tmp_path: Path) -> None:
    lzfse = pytest.importorskip("lzfse")
    path = write_record3d(scene, tmp_path / "clip.r3d", pack=lzfse.compress)
    _check(open_capture(path), scene)
    packed = lzfse.compress(scene.depths[0].tobytes())
    assert packed[:4] in (b"bvx2", b"bvx1", b"bvxn")  # A block that no plain reader unpacks.
    with pytest.raises(InvalidFileError, match="is damaged"):
        unpack_lzfse(packed[: len(packed) // 2], "clip.r3d: rgbd/0.depth")


def test_an_unzipped_record3d_folder_is_read(scene: SlidingScene, tmp_path: Path) -> None:
    with zipfile.ZipFile(write_record3d(scene, tmp_path / "clip.r3d")) as archive:
        archive.extractall(tmp_path / "clip")
    _check(open_capture(tmp_path / "clip"), scene)


def test_a_stray_scanner_folder_is_read(scene: SlidingScene, tmp_path: Path) -> None:
    _check(open_capture(write_stray_scanner(scene, tmp_path / "clip")), scene)


def test_a_polycam_folder_is_read(scene: SlidingScene, tmp_path: Path) -> None:
    _check(open_capture(write_polycam(scene, tmp_path / "clip")), scene)


def test_phones_say_which_way_is_up(scene: SlidingScene, tmp_path: Path) -> None:
    expected = np.swapaxes(scene.world_from_camera[:, :3, :3], 1, 2) @ [0.0, 1.0, 0.0]  # ARKit's world has y up.
    for path in (
        write_record3d(scene, tmp_path / "clip.r3d"),
        write_stray_scanner(scene, tmp_path / "stray"),
        write_polycam(scene, tmp_path / "polycam"),
    ):
        capture = open_capture(path)
        assert capture.ups_camera is not None
        np.testing.assert_allclose(capture.ups_camera, expected, atol=1e-6)
        told = write_capture(capture, path.with_name(f"{path.stem}_converted"))
        assert told is not None
        again = open_capture(path.with_name(f"{path.stem}_converted"))
        assert again.ups_camera is not None
        np.testing.assert_allclose(again.ups_camera, expected, atol=1e-6)
    assert open_capture(write_realsense(scene, tmp_path / "realsense")).ups_camera is None


def test_an_up_without_poses_or_no_direction_is_refused(scene: SlidingScene, tmp_path: Path) -> None:
    folder = tmp_path / "clip"
    write_capture(open_capture(write_stray_scanner(scene, tmp_path / "stray")), folder)
    camera = json.loads((folder / "camera.json").read_text())
    for changed in ({"up_world": [0, 0, 0]}, {"up_world": "up"}, {"world_from_camera": None}):
        (folder / "camera.json").write_text(json.dumps(camera | changed))
        with pytest.raises(InvalidFileError, match="'up_world'"):
            open_capture(folder)


def test_realsense_pictures_are_read(scene: SlidingScene, tmp_path: Path) -> None:
    folder = write_realsense(scene, tmp_path / "clip")
    with_times = json.loads((folder / "camera_intrinsic.json").read_text()) | {"fps": 10}
    (folder / "camera_intrinsic.json").write_text(json.dumps(with_times))
    _check(open_capture(folder), scene, has_poses=False, step=1)


def test_names_of_librealsense_are_understood(scene: SlidingScene, tmp_path: Path) -> None:
    folder = write_realsense(scene, tmp_path / "clip")
    (folder / "camera_intrinsic.json").unlink()
    k = scene.intrinsics
    camera = {"fx": k[0, 0], "fy": k[1, 1], "ppx": k[0, 2], "ppy": k[1, 2], "depth_scale": 0.001, "fps": 10}
    (folder / "intrinsics.json").write_text(json.dumps(camera))
    _check(open_capture(folder), scene, has_poses=False, step=1)


def test_vipe_output_is_read_and_said_to_be_a_guess(scene: SlidingScene, tmp_path: Path) -> None:
    capture = open_capture(write_vipe_output(scene, tmp_path / "results"))
    _check(capture, scene, step=1)
    assert not capture.is_metric
    assert any("guess" in warning for warning in capture.warnings)


def test_vipe_output_of_several_videos_needs_a_name(scene: SlidingScene, tmp_path: Path) -> None:
    folder = write_vipe_output(scene, tmp_path / "results", "one")
    write_vipe_output(scene, folder, "two")
    with pytest.raises(InvalidFileError, match=r"2 videos \(one, two\).*--name"):
        open_recording(folder)
    assert len(open_recording(folder, "two").frame_ids) == 5
    with pytest.raises(InvalidFileError, match="'three' is not one of them"):
        read_vipe_output(folder, "three")


@pytest.mark.parametrize("compression", ["NO", "RLE", "ZIPS", "ZIP", "PIZ"])
@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_exr_depth_reads_back_exactly(compression: str, kind: type) -> None:
    image = np.random.default_rng(0).uniform(0.3, 4.0, (37, 23)).astype(kind)
    image[5:20] = image[5]
    found = read_exr_channel(encode_exr(image, compression=getattr(OpenEXR, f"{compression}_COMPRESSION")), "depth.exr")
    np.testing.assert_array_equal(found, image.astype(np.float32))


def test_exr_that_is_none_or_cut_off_is_refused() -> None:
    content = encode_exr(np.ones((20, 20), np.float16))
    with pytest.raises(InvalidFileError, match="cut off"):
        read_exr_channel(content[:-5], "depth.exr")
    with pytest.raises(InvalidFileError, match="no OpenEXR image"):
        read_exr_channel(b"PNG" * 9, "depth.exr")


def test_lzfse_that_is_compressed_is_read_or_says_what_is_missing() -> None:
    try:
        import lzfse
    except ImportError:
        with pytest.raises(MissingPackageError, match=r"sim2art\[captures\]"):
            unpack_lzfse(b"bvxn" + bytes(40), "0.depth")
    else:
        content = bytes(range(256)) * 40
        assert unpack_lzfse(lzfse.compress(content), "0.depth") == content
        with pytest.raises(InvalidFileError, match="damaged"):
            unpack_lzfse(b"bvxn" + bytes(40), "0.depth")
    with pytest.raises(InvalidFileError, match="no LZFSE stream"):
        unpack_lzfse(b"hello", "0.depth")


def _lose_depth(folder: Path) -> None:
    for file in (folder / "depth").rglob("*.png"):
        file.unlink()


def _cut(name: str, size: int) -> Callable[[Path], None]:
    def cut(path: Path) -> None:
        file = path / name if name else path
        file.write_bytes(file.read_bytes()[:size])

    return cut


@pytest.mark.parametrize(
    ("write", "name", "damage", "message"),
    [
        (write_record3d, "a.r3d", _cut("", 900), "not a whole .r3d"),
        (lambda s, p: write_record3d(s, p, has_depth=False), "a.r3d", lambda p: None, "5 colour and 0 depth"),
        (write_stray_scanner, "a", _lose_depth, "without LiDAR"),
        (write_stray_scanner, "a", _cut("odometry.csv", 60), "odometry.csv"),
        (write_stray_scanner, "a", _cut("rgb.mp4", 100), "cannot be opened"),
        (write_polycam, "a", lambda p: _lose_depth(p / "keyframes"), "LiDAR"),
        (write_realsense, "a", _lose_depth, "cannot be paired"),
        (write_vipe_output, "a", _cut("depth/clip.zip", 100), "stopped half way"),
        (write_vipe_output, "a", _cut("pose/clip.npz", 100), "run ViPE again"),
        (lambda s, p: write_vipe_output(s, p, camera="PANORAMA"), "a", lambda p: None, "only PINHOLE"),
    ],
)
def test_damaged_recordings_are_refused_in_words(
    scene: SlidingScene, tmp_path: Path, write: Callable, name: str, damage: Callable[[Path], None], message: str
) -> None:
    path = write(scene, tmp_path / name)
    damage(path)
    with pytest.raises(InvalidFileError, match=message):
        open_capture(path)


def test_frames_without_depth_are_left_out(scene: SlidingScene, tmp_path: Path) -> None:
    folder = write_stray_scanner(scene, tmp_path / "clip")
    (folder / "depth" / "000002.png").unlink()
    capture = open_capture(folder)
    assert capture.frame_ids == (0, 1, 3, 4)
    assert any("left out" in warning for warning in capture.warnings)
    np.testing.assert_allclose(capture.times, scene.times[[0, 1, 3, 4]], atol=1e-6)
