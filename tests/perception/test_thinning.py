"""Long recordings are thinned out to where something happens, and converted a frame at a time."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sim2art.cli.main import main
from sim2art.errors import InvalidFileError, OutputExistsError
from sim2art.perception.captures.capture import ColorSource
from sim2art.perception.captures.convert import write_capture
from sim2art.perception.captures.open_capture import open_capture, open_recording
from sim2art.perception.frames.thinning import thin_out
from tests.perception.recorded_files import write_record3d, write_video
from tests.perception.sliding_scene import SlidingScene, render_scene


def _long(total: int, moving: range, damaged: tuple[int, ...] = ()) -> ColorSource:
    """A square that goes across the image while `moving`, and stands still before and after."""

    def image(index: int) -> np.ndarray:
        if index in damaged:
            raise InvalidFileError("damaged", path="clip")
        picture = np.full((48, 64, 3), 100, np.uint8)
        share = np.clip((index - moving.start) / len(moving), 0, 1)
        left = int(44 * share)
        picture[10:30, left : left + 20] = 220
        return picture

    return ColorSource(
        path=Path("clip"), frame_ids=tuple(range(total)), times=np.arange(total) / 30.0, images=image
    )  # fmt: skip


def test_more_frames_are_kept_where_something_moves() -> None:
    kept = thin_out(_long(900, range(400, 460)), 40)
    assert kept[0] == 0 and kept[-1] == 899
    assert len(kept) <= 40
    assert np.sum((kept >= 398) & (kept <= 462)) >= 14  # An even choice would keep three.


def test_where_nothing_moves_frames_are_even() -> None:
    kept = thin_out(_long(300, range(1000, 1001)), 30)
    assert np.ptp(np.diff(kept)) <= 1


def test_damaged_frames_do_not_stop_the_choice() -> None:
    assert len(thin_out(_long(200, range(50, 90), damaged=(0, 60, 61)), 30)) > 20


def test_short_recordings_are_kept_whole() -> None:
    np.testing.assert_array_equal(thin_out(_long(12, range(3, 6)), 30), np.arange(12))


@pytest.fixture(scope="module")
def scene() -> SlidingScene:
    return render_scene(num_frames=5, width=64, height=48, camera_shift=0.2)


def test_a_converted_recording_reads_back(scene: SlidingScene, tmp_path: Path) -> None:
    source = write_record3d(scene, tmp_path / "clip.r3d")
    assert main(["capture", "convert", str(source), str(tmp_path / "out")]) == 0
    before, after = open_capture(source), open_capture(tmp_path / "out")
    assert after.frame_ids == before.frame_ids
    np.testing.assert_allclose(after.times, before.times, atol=1e-9)
    np.testing.assert_allclose(after.read_depth(2), before.read_depth(2), atol=6e-4)
    assert after.world_from_camera is not None and before.world_from_camera is not None
    np.testing.assert_allclose(after.world_from_camera, before.world_from_camera)


def test_a_converted_video_has_colour_and_times_only(scene: SlidingScene, tmp_path: Path) -> None:
    video = open_recording(write_video(tmp_path / "clip.mp4", scene.images, times=[0.0, 0.1, 0.3, 0.4, 0.8]))
    write_capture(video, tmp_path / "out", every=2)
    after = open_recording(tmp_path / "out")
    assert after.frame_ids == (0, 2, 4)
    np.testing.assert_allclose(after.times, [0.0, 0.3, 0.8], atol=2e-3)
    with pytest.raises(OutputExistsError, match="not empty"):
        write_capture(video, tmp_path / "out")


def test_depth_of_unknown_unit_stays_of_unknown_unit(scene: SlidingScene, tmp_path: Path) -> None:
    from tests.perception.recorded_files import write_vipe_output

    before = open_capture(write_vipe_output(scene, tmp_path / "results"))
    write_capture(before, tmp_path / "out")
    after = open_capture(tmp_path / "out")
    assert not after.is_metric
    np.testing.assert_allclose(after.read_depth(1), before.read_depth(1), rtol=2e-3)


def test_a_conversion_of_damaged_frames_says_so_or_leaves_nothing(tmp_path: Path) -> None:
    told = write_capture(_long(10, range(3, 6), damaged=(4,)), tmp_path / "out")
    assert any("1 of 10 frames are damaged" in words for words in told)
    assert len(json.loads((tmp_path / "out" / "camera.json").read_text())["frames"]) == 9
    with pytest.raises(InvalidFileError, match="no frame can be read"):
        write_capture(_long(3, range(1, 2), damaged=(0, 1, 2)), tmp_path / "none")
    assert not any((tmp_path / "none").rglob("*.json"))


def test_show_says_what_a_recording_holds(
    scene: SlidingScene, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["capture", "show", str(write_video(tmp_path / "clip.mp4", scene.images))]) == 0
    printed = capsys.readouterr().out
    assert "64x48 px" in printed and "none" in printed
    assert main(["capture", "convert", str(tmp_path / "clip.mp4")]) == 2
    assert main(["capture", "show", str(tmp_path / "nothing.mp4")]) == 2


def test_pictures_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for number in (1, 2, 10):
        Image.new("RGB", (16, 12), (10 * number, 0, 0)).save(tmp_path / f"img{number}.png")
    capture = open_recording(tmp_path)
    assert capture.frame_ids == (1, 2, 10)
    assert [capture.read_image(i)[0, 0, 0] for i in range(3)] == [10, 20, 100]
    assert any("no times" in warning for warning in capture.warnings)
    (tmp_path / "camera.json").write_text(json.dumps({"fps": 5, "frames": [10, 2, 99]}))
    with_times = open_recording(tmp_path)
    assert with_times.frame_ids == (10, 2)
    assert any("have no picture" in warning for warning in with_times.warnings)
