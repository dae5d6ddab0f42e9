"""Recordings that nobody meant to make: refused in words, or done with what they show and said."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from sim2art.cli.main import main
from sim2art.errors import InvalidFileError
from sim2art.perception.pipeline import NO_MOTION, ObserveOptions, observe
from tests.perception.recorded_files import write_sound, write_video
from tests.perception.sliding_scene import render_scene, write_scene

OPTIONS = ObserveOptions(num_frames=6, num_points=300, baselines=(1, 3), mask="motion")


def write_no_frames(path: Path) -> Path:
    """A video whose stream holds nothing."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.start_encoding()
    return path


def write_cut_off(path: Path) -> Path:
    """The first bytes of a video."""
    write_video(path, np.random.default_rng(0).integers(0, 255, (8, 48, 64, 3)).astype(np.uint8))
    path.write_bytes(path.read_bytes()[:400])
    return path


def write_noise(path: Path) -> Path:
    """No video at all."""
    path.write_bytes(np.random.default_rng(0).bytes(5000))
    return path


@pytest.mark.parametrize(
    ("write", "name", "words"),
    [
        (write_sound, "a.m4v", "no video stream, only: audio"),
        (write_no_frames, "a.avi", "holds no frames"),
        (write_cut_off, "a.mp4", "cut off"),
        (write_noise, "a.mp4", "cannot be opened as a video"),
    ],
)
def test_a_file_without_pictures_is_refused_in_words_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], write: Callable[[Path], Path], name: str, words: str
) -> None:
    output = tmp_path / "out"
    assert main(["run", str(write(tmp_path / name)), "-o", str(output), "--chain", "light"]) == 2
    assert words in capsys.readouterr().err
    assert not output.exists() or not any(output.iterdir())


@pytest.mark.parametrize("has_poses", [True, False])
def test_one_colour_shows_no_motion(has_poses: bool) -> None:
    plain = render_scene(num_frames=8)
    grey = dataclasses.replace(
        plain, images=np.full_like(plain.images, 128), depths=np.full_like(plain.depths, 1.5)
    )  # fmt: skip
    try:
        observation = observe(grey.capture(has_poses=has_poses), OPTIONS)
    except InvalidFileError as error:
        assert not has_poses  # A camera cannot be followed without anything to see.
        assert "the camera jumps or is lost" in str(error)
        return
    assert not observation.moves
    assert NO_MOTION in observation.reasons
    assert not any("Hands or arms" in warning for warning in observation.warnings)


def test_motion_in_jumps_is_seen_all_the_same() -> None:
    jumping = render_scene(num_frames=6)  # Up to 6 cm, a fifth of the board, from one frame to the next.
    observation = observe(jumping.capture(), OPTIONS)
    assert observation.moves
    truth = jumping.on_board[observation.indices]
    assert (observation.video.object_masks & truth).sum() > 0.9 * truth.sum()


def test_frames_without_any_depth_are_left_out_and_said(tmp_path: Path) -> None:
    scene = render_scene(num_frames=10)
    depths = scene.depths.copy()
    depths[4] = 0
    capture = dataclasses.replace(scene, depths=depths).capture()
    observation = observe(capture, OPTIONS)
    assert 4 not in observation.indices
    assert any("zero everywhere" in warning and "left out" in warning for warning in observation.warnings)


def test_a_video_filmed_upright_goes_through_the_chain_upright(tmp_path: Path) -> None:
    scene = render_scene(num_frames=6)
    turned = np.ascontiguousarray(np.rot90(scene.images, k=1, axes=(1, 2)))  # As the sensor sees it.
    video = write_video(tmp_path / "clip.mp4", turned, rotation=90)
    depth = write_scene(scene, tmp_path / "depth")
    from sim2art.perception.captures.open_capture import open_recording

    options = dataclasses.replace(OPTIONS, depth=f"file:{depth}", cameras="static")
    observation = observe(open_recording(video), options)
    assert observation.input_size == (240, 180)
    assert observation.moves
    truth = scene.on_board[observation.indices]
    assert (observation.video.object_masks & truth).sum() > 0.9 * truth.sum()
