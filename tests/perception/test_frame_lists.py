"""Frames are paired by time fast and in little memory; times that do not go on are said; TUM's unit is not assumed in silence."""

import dataclasses
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sim2art.errors import InvalidFileError
from sim2art.perception.captures.frame_lists import drop_stale_times, nearest, nearest_pairs
from sim2art.perception.captures.open_capture import open_capture
from sim2art.perception.captures.tum import read_tum
from sim2art.perception.frames.intake import IntakeOptions, take_in
from tests.perception.recorded_files import write_stray_scanner
from tests.perception.recorded_folders import write_tum
from tests.perception.sliding_scene import SlidingScene, render_scene

TIMES = st.lists(st.integers(0, 400), min_size=1, max_size=30, unique=True)


@pytest.fixture(scope="module")
def scene() -> SlidingScene:
    return render_scene(num_frames=8, width=64, height=48, camera_shift=0.3)


@given(TIMES, TIMES)
def test_pairs_are_those_that_comparing_all_with_all_finds(a: list[int], b: list[int]) -> None:
    times_a, times_b = np.sort(np.array(a, float)), np.sort(np.array(b, float)) + 0.3
    distance = np.abs(times_a[:, None] - times_b)
    to_b, to_a = distance.argmin(axis=1), distance.argmin(axis=0)
    expected = [(i, int(j)) for i, j in enumerate(to_b) if to_a[j] == i and distance[i, j] <= 9]
    assert nearest_pairs(times_a, times_b, 9) == expected
    np.testing.assert_allclose(nearest(times_a, times_b)[1], distance.min(axis=1))


def test_five_minutes_with_poses_at_200_hz_are_paired_at_once(tmp_path: Path, scene: SlidingScene) -> None:
    folder = write_tum(scene, tmp_path / "clip")
    rgb = np.arange(0, 300, 1 / 30)
    (folder / "rgb.txt").write_text("\n".join(f"{t:.6f} rgb/{i % 8}.png" for i, t in enumerate(rgb)))
    (folder / "depth.txt").write_text("\n".join(f"{t + 0.004:.6f} depth/{i % 8}.png" for i, t in enumerate(rgb)))
    poses = np.arange(0, 300, 1 / 200)
    (folder / "groundtruth.txt").write_text("\n".join(f"{t:.6f} {t:.4f} 0 0 0 0 0 1" for t in poses))
    took = []
    for _ in range(3):  # A collection of what other tests left behind falls into one of them.
        began = time.process_time()
        capture = read_tum(folder)
        took.append(time.process_time() - began)
    assert min(took) < 1.0
    assert len(capture.frame_ids) == 9000
    assert capture.world_from_camera is not None
    np.testing.assert_allclose(capture.world_from_camera[:, 0, 3], rgb, atol=0.0026)
    tracemalloc.start()
    read_tum(folder)
    assert tracemalloc.get_traced_memory()[1] < 200e6
    tracemalloc.stop()


def test_tum_depth_without_a_word_of_its_unit_is_taken_as_the_benchmark_has_it_and_said(
    scene: SlidingScene, tmp_path: Path
) -> None:
    capture = open_capture(write_tum(scene, tmp_path / "clip"))
    np.testing.assert_allclose(capture.read_depth(2), scene.depths[2], atol=2e-4)
    assert any("at 5000 units a metre" in warning and "5 times as long" in warning for warning in capture.warnings)
    known = open_capture(write_tum(scene, tmp_path / "rgbd_dataset_freiburg1_clip"))
    assert not any("units" in warning for warning in known.warnings)


def test_tum_depth_in_mm_that_would_lie_too_near_is_taken_in_mm(scene: SlidingScene, tmp_path: Path) -> None:
    capture = open_capture(write_tum(scene, tmp_path / "clip", units=1000.0))
    np.testing.assert_allclose(capture.read_depth(2), scene.depths[2], atol=1e-3)
    assert any("in mm" in warning and "too near" in warning for warning in capture.warnings)


def test_tum_intrinsics_of_another_shape_are_refused_with_both_sizes(scene: SlidingScene, tmp_path: Path) -> None:
    folder = write_tum(scene, tmp_path / "rgbd_dataset_freiburg1_clip")
    for file in (folder / "rgb").iterdir():
        Image.open(file).resize((64, 36)).save(file)
    with pytest.raises(InvalidFileError, match="640x480 px, the images have 64x36"):
        open_capture(folder)


@pytest.mark.parametrize("name", ["rgb.txt", "groundtruth.txt"])
def test_times_that_repeat_or_fall_back_name_file_and_line(scene: SlidingScene, tmp_path: Path, name: str) -> None:
    folder = write_tum(scene, tmp_path / "clip")
    lines = (folder / name).read_text().splitlines()
    lines.insert(5, lines[4])
    (folder / name).write_text("\n".join(lines))
    capture = open_capture(folder)
    assert np.all(np.diff(capture.times) > 0)
    assert len(capture.times) == 8
    assert any(f"{name}: the time does not go on at 1 line(s), first line 6" in w for w in capture.warnings)


def test_a_pose_that_is_none_drops_its_frame_only(scene: SlidingScene, tmp_path: Path) -> None:
    folder = write_tum(scene, tmp_path / "clip")
    lines = (folder / "groundtruth.txt").read_text().splitlines()
    lines[3] = f"{lines[3].split()[0]} nan nan nan nan nan nan nan"
    (folder / "groundtruth.txt").write_text("\n".join(lines))
    recording = take_in(open_capture(folder), IntakeOptions())
    assert recording.world_from_camera is not None
    assert [recording.capture.frame_ids[i] for i in recording.indices] == [0, 1, 2, 4, 5, 6, 7]
    assert any("1 of 8 frames have a camera pose that is not" in warning for warning in recording.warnings)


def test_a_stray_scanner_row_that_is_none_or_late_drops_its_frame_only(scene: SlidingScene, tmp_path: Path) -> None:
    folder = write_stray_scanner(scene, tmp_path / "clip")
    rows = [row.split(", ") for row in (folder / "odometry.csv").read_text().splitlines()]
    rows[3][4] = "nan"
    rows[6][0] = rows[5][0]
    (folder / "odometry.csv").write_text("\n".join(", ".join(row) for row in rows))
    capture = open_capture(folder)
    assert capture.frame_ids == (0, 1, 2, 3, 4, 6, 7)
    assert any("1 of 8 frames have a time that does not go on" in warning for warning in capture.warnings)
    recording = take_in(capture, IntakeOptions())
    assert [recording.capture.frame_ids[i] for i in recording.indices] == [0, 1, 3, 4, 6, 7]


def test_times_that_fall_back_everywhere_are_refused_by_name(scene: SlidingScene) -> None:
    capture = dataclasses.replace(scene.capture(), times=np.array([0, 3, 1, 2, 1, 2, 1, 4.0]))
    with pytest.raises(InvalidFileError, match=r"5 of 8 frames.*frame 2: 1\.0+ s, after 3\.0+ s"):
        drop_stale_times(capture)
    straight = scene.capture()
    assert drop_stale_times(straight) is straight
