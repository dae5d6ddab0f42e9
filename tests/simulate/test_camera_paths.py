import numpy as np

from sim2art.geometry.cameras import project
from sim2art.geometry.transforms import apply, inverse, is_rigid
from sim2art.simulate.camera_paths import CameraConfig, sample_camera_path
from sim2art.simulate.rooms import sample_room

LOW, HIGH = np.array([-0.4, -0.5, 0.0]), np.array([0.4, 0.2, 0.9])


def draw(seed, config=None):
    return sample_camera_path(
        LOW,
        HIGH,
        phase=np.linspace(0.0, 1.0, 12),
        width=128,
        height=96,
        rng=np.random.default_rng(seed),
        config=CameraConfig() if config is None else config,
    )


def test_paths_are_rigid_and_see_the_object():
    corners = np.array([[x, y, z] for x in (-0.4, 0.4) for y in (-0.5, 0.2) for z in (0.0, 0.9)])
    shares = []
    for seed in range(100):
        path = draw(seed)
        assert is_rigid(path.stage_from_camera)
        points = apply(inverse(path.stage_from_camera), corners)
        center = project(path.intrinsics, points.mean(axis=1))
        assert np.all(points.mean(axis=1)[:, 2] > 0)
        assert np.all((center > -10) & (center < [138, 106]))
        pixels = project(path.intrinsics, points)
        shares.append((np.ptp(pixels, axis=1) / [128, 96]).max(axis=1).mean())
    assert 0.2 < np.quantile(shares, 0.05) and np.quantile(shares, 0.95) < 2.2


def test_some_cameras_stand_still():
    moved = [np.ptp(draw(seed).stage_from_camera[:, :3, 3], axis=0).max() for seed in range(100)]
    still = sum(travel < 1e-9 for travel in moved)
    assert 8 < still < 35
    assert max(moved) > 0.5


def test_consecutive_poses_are_close():
    for seed in range(50):
        eyes = draw(seed).stage_from_camera[:, :3, 3]
        distance = np.linalg.norm(eyes - (LOW + HIGH) / 2, axis=1).mean()
        assert np.linalg.norm(np.diff(eyes, axis=0), axis=1).max() < 0.35 * distance


def test_rooms_leave_the_object_and_the_camera_free():
    for seed in range(60):
        eyes = draw(seed).stage_from_camera[:, :3, 3]
        for mesh in sample_room(LOW, HIGH, eyes, np.random.default_rng(seed), is_enclosed=seed % 2 == 0):
            inside = np.all((mesh.vertices > LOW) & (mesh.vertices < HIGH), axis=1)
            assert not inside.any()
            low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
            assert not np.any(np.all((eyes > low) & (eyes < high), axis=1))
