"""Stored depth becomes metres in one place: what means none is none in every format, and the unit is told or said."""

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sim2art.errors import InvalidFileError
from sim2art.perception.captures.depth_images import (
    depth_from_raw,
    find_depth_scale,
    keep_confident,
    read_depth_image,
)
from sim2art.perception.captures.open_capture import open_capture
from sim2art.perception.frames.intake import IntakeOptions, take_in
from tests.perception.recorded_files import write_depth_file
from tests.perception.sliding_scene import render_scene, write_scene

DEPTH = np.random.default_rng(0).uniform(0.4, 4.0, (12, 17)).astype(np.float32)


@pytest.mark.parametrize("none", [0, 65534, 65535])
def test_the_largest_16_bit_values_are_none(tmp_path: Path, none: int) -> None:
    raw = np.rint(DEPTH * 1000).astype(np.uint16)
    raw[3:6] = none
    for name in ("a.png", "a.tiff"):
        Image.fromarray(raw).save(tmp_path / name)
        depth = read_depth_image(tmp_path / name, 0.001)
        assert (depth[3:6] == 0).all()
        np.testing.assert_allclose(depth[6:], DEPTH[6:], atol=6e-4)


@pytest.mark.parametrize("none", [np.nan, np.inf, -np.inf, -1.0, 0.0, 65504.0, 1e10])
def test_float_values_that_cannot_be_are_none(none: float) -> None:
    raw = DEPTH.copy()
    raw[2] = none
    depth = depth_from_raw(raw, 1.0, "a.npy")
    assert (depth[2] == 0).all()
    np.testing.assert_array_equal(depth[3:], DEPTH[3:])


@given(st.integers(1, 65533), st.floats(1e-4, 1e-2))
def test_what_was_measured_is_kept(value: int, scale: float) -> None:
    depth = depth_from_raw(np.full((2, 2), value, np.uint16), scale, "a.png")
    np.testing.assert_allclose(depth, value * scale, rtol=1e-5)


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".exr", ".tiff"])
@pytest.mark.parametrize(("factor", "unit"), [(1.0, "in m "), (1000.0, "in mm ")])
def test_floats_in_metres_or_millimetres_are_told_apart_and_said(
    tmp_path: Path, suffix: str, factor: float, unit: str
) -> None:
    path = write_depth_file(tmp_path, suffix, DEPTH * np.float32(factor))
    scale, told = find_depth_scale([path])
    np.testing.assert_allclose(read_depth_image(path, scale), DEPTH, rtol=1e-4)
    assert unit in told[0]


def test_integers_are_millimetres_unless_the_recording_says_otherwise(tmp_path: Path) -> None:
    path = write_depth_file(tmp_path, ".png", np.rint(DEPTH * 1000).astype(np.uint16))
    assert find_depth_scale([path])[0] == 0.001
    assert "mm" in find_depth_scale([path])[1][0]
    assert find_depth_scale([path], 0.0002) == (0.0002, [])


def test_a_scale_that_speaks_of_integers_does_not_shrink_metres(tmp_path: Path) -> None:
    path = write_depth_file(tmp_path, ".npy", DEPTH)
    scale, told = find_depth_scale([path], 0.001)
    assert scale == 1.0
    assert "0.001" in told[0]
    assert find_depth_scale([path], 0.5) == (0.5, [])


def test_pictures_of_depth_and_damaged_arrays_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidFileError, match="8-bit or colour picture"):
        depth_from_raw(np.zeros((4, 4, 3), np.uint8), 0.001, "a.png")
    with pytest.raises(InvalidFileError, match="8-bit"):
        depth_from_raw(np.zeros((4, 4), np.uint8), 0.001, "a.png")
    buffer = io.BytesIO()
    np.save(buffer, DEPTH)
    (tmp_path / "0.npy").write_bytes(buffer.getvalue()[:150])
    with pytest.raises(InvalidFileError, match=r"0\.npy is no NumPy array, or damaged"):
        read_depth_image(tmp_path / "0.npy", 1.0)
    np.save(tmp_path / "1.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(InvalidFileError, match="no NumPy array"):
        read_depth_image(tmp_path / "1.npy", 1.0)


def test_low_confidence_is_left_out() -> None:
    confidence = np.full(DEPTH.shape, 2, np.uint8)
    confidence[:2] = 0
    kept = keep_confident(DEPTH, confidence)
    assert (kept[:2] == 0).all()
    np.testing.assert_array_equal(kept[2:], DEPTH[2:])
    np.testing.assert_array_equal(keep_confident(DEPTH, confidence[:5]), DEPTH)


def test_a_recording_with_the_largest_value_as_none_has_no_far_depth(tmp_path: Path) -> None:
    scene = render_scene(num_frames=4, width=64, height=48)
    folder = write_scene(scene, tmp_path / "clip")
    hole = np.random.default_rng(0).uniform(size=(48, 64)) < 0.15
    for file in (folder / "depth").iterdir():
        raw = np.array(Image.open(file))
        raw[hole] = 65535
        Image.fromarray(raw).save(file)
    recording = take_in(open_capture(folder), IntakeOptions())
    depth = recording.read_depth(1)
    assert (depth[hole] == 0).all()
    np.testing.assert_allclose(depth[~hole], scene.depths[1][~hole], atol=1e-6)
    assert recording.small_depths.max() < 2.0
