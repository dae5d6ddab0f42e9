"""Depth smoothing takes noise from planes, keeps edges and holes; readings never mix two surfaces."""

import numpy as np

from sim2art.perception.depth.filter import read_depth_between, smooth_depth

Y, X = np.mgrid[0:120, 0:160]
SLANTED = (1.0 / (0.6 + 0.001 * X - 0.0008 * Y)).astype(np.float32)
"""A plane: its inverse depth is linear in the pixel coordinates."""


def test_noise_on_a_plane_shrinks_several_times() -> None:
    noisy = SLANTED + 0.004 * SLANTED**2 * np.random.default_rng(0).standard_normal(SLANTED.shape).astype(np.float32)
    before, after = (np.abs(depth - SLANTED)[20:-20, 20:-20].std() for depth in (noisy, smooth_depth(noisy)))
    assert after < before / 4


def test_steps_and_holes_stay_where_they_are() -> None:
    depth = SLANTED.copy()
    depth[:, 80:] += 0.5
    depth[30:40, 20:30] = 0
    noisy = np.where(depth > 0, depth + 0.002 * np.random.default_rng(1).standard_normal(depth.shape), 0)
    smooth = smooth_depth(noisy.astype(np.float32))
    assert np.all(smooth[30:40, 20:30] == 0)
    assert np.abs(smooth - depth)[:, 70:90].max() < 0.02


def test_a_reading_on_one_surface_is_exact_and_across_a_step_is_refused() -> None:
    x, y = np.array([40.25, 79.5], np.float32), np.array([50.75, 60.0], np.float32)
    depth = SLANTED.copy()
    depth[:, 80:] += 0.5
    read, one_surface = read_depth_between(depth, x, y)
    assert one_surface.tolist() == [True, False]
    assert abs(read[0] - 1.0 / (0.6 + 0.001 * 40.25 - 0.0008 * 50.75)) < 1e-5


def test_nothing_is_read_outside_the_image_or_at_holes() -> None:
    depth = SLANTED.copy()
    depth[10, 10] = 0
    _, one_surface = read_depth_between(depth, np.array([-3.0, 500.0, 9.5]), np.array([5.0, 5.0, 9.5]))
    assert not one_surface.any()
