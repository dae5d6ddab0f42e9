import numpy as np
import pytest

from sim2art.simulate.corruption import CORRUPTION_NONE, DEPTH_CAMERA, MaskNoise, PoseNoise
from sim2art.simulate.sensor_noise import corrupt_depths, corrupt_masks, corrupt_poses


def make_depths():
    depths = np.full((4, 60, 80), 2.0, dtype=np.float32)
    depths[:, 20:40, 30:50] = 1.0
    depths[:, :5] = 0.0
    return depths


def test_none_switches_every_effect_off():
    parts = ("white_noise", "depth", "mask", "poses", "flow", "hand")
    assert all(getattr(CORRUPTION_NONE, part) is None for part in parts)


def test_depth_noise_is_small_and_keeps_missing_depth_missing():
    clean = make_depths()
    noisy = corrupt_depths(clean, DEPTH_CAMERA, np.random.default_rng(0), 1.0)
    assert not noisy[clean == 0].any()
    inner = noisy[:, 45:, 5:25]
    measured = inner[inner > 0]
    assert len(measured) > 0.8 * inner.size
    assert abs(np.median(measured) - 2.0) < 0.03
    assert 0.003 < measured.std() < 0.03  # About 1.5 mm x z^2, and flicker.
    np.testing.assert_allclose(measured, np.rint(measured * 1000) / 1000, atol=1e-6)


def test_depth_noise_grows_with_the_square_of_the_depth():
    def spread(depth):
        flat = np.full((2, 64, 64), depth, dtype=np.float32)
        noisy = corrupt_depths(flat, DEPTH_CAMERA, np.random.default_rng(3), 1.0)
        values = np.where(noisy > 0, noisy, np.nan)
        return np.nanmedian(np.abs(values[:, :, 8:] - values[:, :, :-8]))

    assert 2.0 < spread(6.0) / spread(3.0) < 5.0


def test_edges_bleed_fly_and_break():
    clean = make_depths()
    noisy = corrupt_depths(clean, DEPTH_CAMERA, np.random.default_rng(1), 1.0)
    edge = noisy[:, 20:40, 28:32]
    assert (edge == 0).any()
    assert ((edge > 1.1) & (edge < 1.9)).any()


def test_corruption_of_depth_depends_on_the_seed_alone():
    a, b, c = (corrupt_depths(make_depths(), DEPTH_CAMERA, np.random.default_rng(s), 1.0) for s in (5, 5, 6))
    np.testing.assert_array_equal(a, b)
    assert (a != c).any()


def test_masks_stay_near_the_object():
    masks = np.zeros((6, 100, 100), dtype=bool)
    masks[:, 30:70, 30:70] = True
    for seed in range(20):
        noisy = corrupt_masks(masks, ~masks, MaskNoise(), np.random.default_rng(seed))
        union, common = (noisy | masks).sum(), (noisy & masks).sum()
        assert common / union > 0.6
    clean = MaskNoise(shift=0.0, leak_share=0.0, hole_share=0.0)
    close = corrupt_masks(masks, ~masks, clean, np.random.default_rng(0))
    assert (close != masks).mean() < 0.02


@pytest.mark.parametrize("seed", range(5))
def test_poses_keep_the_first_camera_and_drift_little(seed):
    poses = np.eye(4)[None].repeat(8, axis=0)
    noise = PoseNoise(exact_share=0.0)
    noisy = corrupt_poses(poses, 2.0, noise, np.random.default_rng(seed), 1.0)
    np.testing.assert_allclose(noisy[0], np.eye(4), atol=1e-12)
    travel = np.linalg.norm(noisy[:, :3, 3], axis=1)
    assert 0 < travel.max() < 0.15
    exact = corrupt_poses(poses, 2.0, PoseNoise(exact_share=1.0), np.random.default_rng(seed), 1.0)
    np.testing.assert_array_equal(exact, poses)
