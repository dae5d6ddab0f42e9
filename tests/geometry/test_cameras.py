"""Pinhole cameras: projecting and lifting are inverse; pixels follow the stated conventions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2art.geometry.cameras import intrinsics_from_fov, project, unproject
from tests.strategies import cameras


@given(cameras(), st.integers(0, 2**32 - 1))
def test_lifting_undoes_projecting(camera: tuple[np.ndarray, np.ndarray], seed: int) -> None:
    intrinsics, _ = camera
    rng = np.random.default_rng(seed)
    points = rng.uniform([-2, -2, 0.2], [2, 2, 8], size=(20, 3))
    np.testing.assert_allclose(unproject(intrinsics, project(intrinsics, points), points[:, 2]), points, atol=1e-9)


@given(cameras(), st.integers(0, 2**32 - 1))
def test_projecting_undoes_lifting(camera: tuple[np.ndarray, np.ndarray], seed: int) -> None:
    intrinsics, _ = camera
    rng = np.random.default_rng(seed)
    pixels, depths = rng.uniform(-50, 2000, size=(20, 2)), rng.uniform(0.1, 9, size=20)
    np.testing.assert_allclose(project(intrinsics, unproject(intrinsics, pixels, depths)), pixels, atol=1e-6)


def test_optical_axis_meets_the_image_centre() -> None:
    intrinsics = intrinsics_from_fov(640, 480, np.deg2rad(60))
    np.testing.assert_allclose(project(intrinsics, np.array([0.0, 0.0, 2.0])), [319.5, 239.5])


def test_field_of_view_spans_the_width() -> None:
    intrinsics = intrinsics_from_fov(640, 480, np.deg2rad(60))
    edge = np.array([np.tan(np.deg2rad(30)), 0.0, 1.0])
    # Pixel centres are whole numbers, so the image ends half a pixel after the last one.
    assert project(intrinsics, edge)[0] == pytest.approx(639.5)


def test_x_is_right_and_y_is_down() -> None:
    intrinsics = intrinsics_from_fov(100, 100, 1.0)
    pixel = project(intrinsics, np.array([0.1, 0.2, 1.0]))
    assert pixel[0] > 49.5 and pixel[1] > pixel[0]


def test_points_beside_the_camera_raise_no_warning() -> None:
    with np.errstate(all="raise"):
        assert not np.all(np.isfinite(project(intrinsics_from_fov(10, 10, 1.0), np.array([1.0, 1.0, 0.0]))))
