"""Bad input: `sim2art run` ends with exit code 2 and a sentence that says what is wrong and how to mend it, or repairs it.

Whatever happens, nothing is written half.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sim2art.cli.main import main
from sim2art.errors import InvalidFileError
from sim2art.perception.captures.open_capture import open_capture
from sim2art.perception.frames.intake import IntakeOptions, take_in
from sim2art.perception.pipeline import ObserveOptions, observe
from tests.perception.recorded_files import write_video
from tests.perception.sliding_scene import change_camera, render_scene, write_scene

SCENE = render_scene(num_frames=10, width=120, height=90, camera_shift=0.05)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scene(SCENE, tmp_path_factory.mktemp("recording") / "clip")


@pytest.fixture
def copy(recording: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(recording, tmp_path / "clip"))


def _frame(folder: Path, kind: str, index: int) -> Path:
    return folder / kind / f"{index:06d}.png"


def _keep_one_frame(folder: Path) -> None:
    change_camera(folder, frames=[0], world_from_camera=None)


def _make_empty(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def _remove_depth(folder: Path) -> None:
    shutil.rmtree(folder / "depth")


def _remove_half_of_the_depth(folder: Path) -> None:
    for index in range(0, 10, 2):
        _frame(folder, "depth", index).unlink()


def _crop_depth(folder: Path) -> None:
    for index in range(10):
        path = _frame(folder, "depth", index)
        Image.fromarray(np.array(Image.open(path))[:60]).save(path)


def _zero_depth(folder: Path) -> None:
    for index in range(10):
        Image.fromarray(np.zeros((90, 120), np.uint16)).save(_frame(folder, "depth", index))


def _eight_bit_depth(folder: Path) -> None:
    for index in range(10):
        Image.fromarray(np.full((90, 120), 90, np.uint8)).save(_frame(folder, "depth", index))


def _truncate_many(folder: Path) -> None:
    for index in range(6):
        path = _frame(folder, "rgb", index)
        path.write_bytes(path.read_bytes()[:2000])


def _break_json(folder: Path) -> None:
    (folder / "camera.json").write_text('{"fps": ')


def _far_away(folder: Path) -> None:
    change_camera(folder, depth_scale=1.0)


def _microscopic(folder: Path) -> None:
    change_camera(folder, depth_scale=1e-6)


def _principal_point_outside(folder: Path) -> None:
    change_camera(folder, intrinsics=[[100, 0, 900], [0, 100, 45], [0, 0, 1]])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (shutil.rmtree, "does not exist"),
        (_make_empty, "empty folder"),
        (_keep_one_frame, "1 frame"),
        (_remove_depth, "LiDAR"),
        (_remove_half_of_the_depth, "Each frame needs both"),
        (_crop_depth, "Align depth to colour"),
        (_zero_depth, "zero everywhere"),
        (_eight_bit_depth, "16-bit"),
        (_far_away, "depth_scale"),
        (_microscopic, "depth_scale"),
        (_truncate_many, "cut off"),
        (_break_json, "not readable JSON"),
        (_principal_point_outside, "principal point"),
    ],
)
def test_run_refuses_it_in_words_and_writes_nothing(
    copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: Callable[[Path], None], message: str
) -> None:
    damage(copy)
    output = tmp_path / "out"
    assert main(["run", str(copy), "-o", str(output), "--method", "flow_clustering"]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert "Traceback" not in told
    assert not output.exists()


def test_a_plain_video_is_told_how_to_get_depth(tmp_path: Path) -> None:
    video = write_video(tmp_path / "clip.mp4", np.zeros((3, 48, 64, 3), np.uint8))
    with pytest.raises(InvalidFileError, match=r"without depth.*ViPE"):
        open_capture(video)


def test_a_folder_of_pictures_is_told_how_to_get_depth(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "0.jpg")
    with pytest.raises(InvalidFileError, match="without depth"):
        open_capture(tmp_path)


def test_a_folder_of_something_else_is_told_what_is_known(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(InvalidFileError, match=r"notes\.txt.*camera\.json"):
        open_capture(tmp_path)


def test_a_box_outside_the_image_is_refused(copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "out"
    words = ["run", str(copy), "-o", str(output), "--method", "flow_clustering"]
    assert main([*words, "--box", "500,500,10,10"]) == 2
    assert "outside" in capsys.readouterr().err
    assert main([*words, "--box", "a,b"]) == 2
    assert "x,y,width,height" in capsys.readouterr().err


def test_an_output_folder_with_files_is_refused(copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("years of work")
    assert main(["run", str(copy), "-o", str(tmp_path / "out")]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert (tmp_path / "out" / "thesis.txt").read_text() == "years of work"


def test_one_damaged_frame_is_left_out(copy: Path) -> None:
    path = _frame(copy, "rgb", 4)
    path.write_bytes(path.read_bytes()[:3000])
    recording = take_in(open_capture(copy), IntakeOptions())
    assert recording.num_frames == 9
    assert any("cut off" in warning for warning in recording.warnings)


def test_a_truncated_jpeg_is_noticed(copy: Path) -> None:
    path = _frame(copy, "rgb", 4)
    Image.open(path).save(path.with_suffix(".jpg"), quality=95)
    path.unlink()
    path = path.with_suffix(".jpg")
    path.write_bytes(path.read_bytes()[:-1000])
    recording = take_in(open_capture(copy), IntakeOptions())
    assert recording.num_frames == 9


def test_depth_of_half_the_size_is_resized(copy: Path) -> None:
    for index in range(10):
        path = _frame(copy, "depth", index)
        Image.fromarray(np.array(Image.open(path))[::2, ::2]).save(path)
    recording = take_in(open_capture(copy), IntakeOptions())
    assert recording.read_depth(0).shape == (90, 120)
    assert any("resized" in warning for warning in recording.warnings)


def test_nan_poses_are_left_out_or_estimated(copy: Path) -> None:
    poses = json.loads((copy / "camera.json").read_text())["world_from_camera"]
    poses[3][0][0] = float("nan")
    change_camera(copy, world_from_camera=poses)
    recording = take_in(open_capture(copy), IntakeOptions())
    assert recording.num_frames == 9
    assert any("left out" in warning for warning in recording.warnings)
    change_camera(copy, world_from_camera=[[[0.0] * 4] * 4] * 10)
    recording = take_in(open_capture(copy), IntakeOptions())
    assert recording.world_from_camera is None
    assert any("estimated instead" in warning for warning in recording.warnings)


def test_a_camera_that_jumps_is_cut_at_the_jump(copy: Path) -> None:
    poses = json.loads((copy / "camera.json").read_text())["world_from_camera"]
    for pose in poses[7:]:
        pose[0][3] += 2.0
    change_camera(copy, world_from_camera=poses)
    observation = observe(open_capture(copy), ObserveOptions(num_points=200, mask="motion"))
    assert max(observation.frame_ids) <= 6
    assert any("jumps at frame 7" in warning for warning in observation.warnings)
