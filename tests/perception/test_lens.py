"""Lens distortion is taken out of colour and depth where it matters, and left where it does not."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2art.errors import InvalidFileError
from sim2art.perception.captures.lens import Lens, border_shift, lens_from_names, straighten
from sim2art.perception.captures.open_capture import open_capture
from tests.perception.sliding_scene import SlidingScene, change_camera, render_scene, write_scene

K = np.array([[190.0, 0, 119.5], [0, 190, 89.5], [0, 0, 1]])
SIZE = (240, 180)


@pytest.fixture(scope="module")
def scene() -> SlidingScene:
    return render_scene(num_frames=3)


def test_the_shift_at_the_border_follows_the_formula() -> None:
    corner = np.array([119.5, 89.5]) / 190
    expected = 190 * 0.1 * np.linalg.norm(corner) ** 3  # r grows by k1 r^3.
    assert border_shift(Lens(coefficients=(0.1,) + (0.0,) * 4), K, SIZE) == pytest.approx(expected, rel=1e-6)


@given(st.floats(-0.15, 0.15), st.floats(-0.02, 0.02))
def test_the_inverse_model_undoes_the_other(k1: float, p1: float) -> None:
    values = (k1, 0.0, p1, 0.0, 0.0)
    there, back = (
        border_shift(Lens(coefficients=values, model=model), K, SIZE) for model in ("brown", "inverse_brown")
    )
    assert there == pytest.approx(back, rel=0.35, abs=0.3)  # Opposite ways, to first order as far.


def test_a_straightened_recording_is_what_a_pinhole_camera_sees(scene: SlidingScene, tmp_path: Path) -> None:
    lens = Lens(coefficients=(-0.25, 0.05, 0.0, 0.0, 0.0))
    bend = Lens(coefficients=lens.coefficients, model="inverse_brown")
    bent = straighten(scene.capture(), bend, SIZE)  # By the inverse of the lens, so that straightening brings it back.
    folder = write_scene(
        SlidingScene(
            images=np.array([bent.read_image(i) for i in range(3)]),
            depths=np.array([bent.read_depth(i) for i in range(3)]),  # pyright: ignore[reportAttributeAccessIssue]
            times=scene.times,
            intrinsics=scene.intrinsics,
            world_from_camera=scene.world_from_camera,
            on_board=scene.on_board,
            slides=scene.slides,
        ),
        tmp_path / "clip",
    )
    crooked = open_capture(folder)
    change_camera(folder, distortion=list(lens.coefficients))
    straight = open_capture(folder)
    assert any("px: colour and depth were straightened" in warning for warning in straight.warnings)
    middle = (slice(30, 150), slice(40, 200))
    wrong = np.abs(crooked.read_image(1).astype(int) - scene.images[1])[middle].mean()
    left = np.abs(straight.read_image(1).astype(int) - scene.images[1])[middle].mean()
    assert left < 0.3 * wrong
    # On tilted depth one pixel matters little; the board's edge does.
    near = np.isclose(straight.read_depth(1), scene.depths[1], atol=0.01)[middle]
    assert near.mean() > 0.97


def test_a_lens_that_moves_nothing_by_a_pixel_is_left(scene: SlidingScene, tmp_path: Path) -> None:
    folder = write_scene(scene, tmp_path / "clip")
    change_camera(folder, distortion=[0.005, 0, 0, 0, 0])
    capture = open_capture(folder)
    np.testing.assert_array_equal(capture.read_image(0), scene.images[0])
    assert capture.warnings == ()


def test_names_of_coefficients_are_understood() -> None:
    assert lens_from_names({"k1": 0.1, "p2": 0.01}) == Lens(coefficients=(0.1, 0, 0, 0.01, 0, 0, 0, 0))
    assert lens_from_names({"coeffs": [0.1, 0, 0, 0, 0], "model": "Inverse Brown Conrady"}) == Lens(
        coefficients=(0.1, 0, 0, 0, 0), model="inverse_brown"
    )
    fisheye = lens_from_names({"k1": 0.1, "k4": 0.2, "camera_model": "OPENCV_FISHEYE"})
    assert fisheye == Lens(coefficients=(0.1, 0, 0, 0.2), model="fisheye")
    assert lens_from_names({"coeffs": [0, 0, 0, 0, 0]}) is None
    assert lens_from_names({"fx": 500.0}) is None


def test_a_fisheye_is_straightened() -> None:
    shift = border_shift(Lens(coefficients=(0.0, 0, 0, 0), model="fisheye"), K, SIZE)
    radius = np.linalg.norm([119.5, 89.5])
    assert shift == pytest.approx(radius - 190 * np.arctan(radius / 190), rel=1e-6)  # Equidistant against pinhole.


def test_coefficients_that_are_no_numbers_are_refused(scene: SlidingScene, tmp_path: Path) -> None:
    folder = write_scene(scene, tmp_path / "clip")
    camera = json.loads((folder / "camera.json").read_text()) | {"k1": "large"}
    (folder / "camera.json").write_text(json.dumps(camera))
    with pytest.raises(InvalidFileError, match="lens coefficient is no number"):
        open_capture(folder)
