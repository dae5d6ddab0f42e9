"""A stretch of time of any recording is a recording of its own."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2art.cli.main import main
from sim2art.errors import InvalidFileError, InvalidValueError
from sim2art.perception.captures.capture import Capture
from sim2art.perception.captures.derived import cut_times, derive, keep_frames
from sim2art.perception.captures.open_capture import open_capture, open_recording
from sim2art.perception.frames.intake import IntakeOptions
from sim2art.perception.options import ObserveOptions
from sim2art.perception.prepare import prepare
from tests.perception.recorded_files import write_record3d, write_video
from tests.perception.sliding_scene import colour_of, render_scene, write_scene

SCENE = render_scene(num_frames=10, width=64, height=48, camera_shift=0.2)


@given(st.floats(0, 0.7), st.floats(0.1, 2.0))
def test_a_stretch_holds_the_frames_of_its_time(start: float, length: float) -> None:
    capture = SCENE.capture()
    inside = np.flatnonzero((SCENE.times >= start - 1e-9) & (SCENE.times <= start + length + 1e-9))
    if len(inside) < 2:
        with pytest.raises(InvalidFileError, match="at least 2 are needed"):
            cut_times(capture, start, start + length)
        return
    cut = cut_times(capture, start, start + length)
    assert isinstance(cut, Capture)
    assert cut.frame_ids == tuple(inside)
    np.testing.assert_array_equal(cut.read_image(1), SCENE.images[inside[1]])
    np.testing.assert_array_equal(cut.read_depth(0), SCENE.depths[inside[0]])
    assert cut.world_from_camera is not None
    np.testing.assert_array_equal(cut.world_from_camera, SCENE.world_from_camera[inside])


def test_times_count_from_the_recordings_own_beginning(tmp_path: Path) -> None:
    cut = cut_times(open_capture(write_record3d(SCENE, tmp_path / "clip.r3d")), 0.35, None)
    assert cut.frame_ids == (4, 5, 6, 7, 8, 9)
    video = open_recording(write_video(tmp_path / "clip.mp4", SCENE.images))
    assert cut_times(video, None, 0.3).frame_ids == (0, 1, 2, 3)
    assert cut_times(video, None, None) is video


@pytest.mark.parametrize(("start", "end"), [(1.0, 0.5), (-1.0, None), (float("nan"), None), (0.2, 0.2)])
def test_what_is_no_stretch_of_time_is_refused(start: float, end: float | None) -> None:
    with pytest.raises(InvalidValueError, match="is no stretch of time"):
        cut_times(SCENE.capture(), start, end)


def test_the_chain_sees_only_the_stretch() -> None:
    options = ObserveOptions(intake=IntakeOptions(start=0.2, end=0.6))
    assert prepare(SCENE.capture(), options).frame_ids == (2, 3, 4, 5, 6)


def test_a_stretch_can_be_converted(tmp_path: Path) -> None:
    folder = write_scene(SCENE, tmp_path / "clip")
    words = ["capture", "convert", str(folder), str(tmp_path / "part"), "--start", "0.5", "--end", "0.8"]
    assert main(words) == 0
    assert open_capture(tmp_path / "part").frame_ids == (5, 6, 7, 8)


def test_colour_stays_colour() -> None:
    colour = colour_of(SCENE)
    kept = keep_frames(colour, [3, 1])
    assert not isinstance(kept, Capture)
    assert kept.frame_ids == (3, 1)
    assert derive(colour, warnings=("a",)).warnings == ("a",)
