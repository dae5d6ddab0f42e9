"""Camera tracking: the mover does not carry the camera off, a still camera is known as still."""

import numpy as np

from sim2art.geometry.rotations import rotvec_from_rotation
from sim2art.geometry.transforms import inverse
from sim2art.perception.cameras.bundle_adjustment import Observations, adjust
from sim2art.perception.cameras.klt_pnp import track_camera
from tests.perception.sliding_scene import SlidingScene, render_scene


def _track_errors(scene: SlidingScene) -> tuple[float, float]:
    grays = np.array([image.mean(axis=-1).astype(np.uint8) for image in scene.images])
    track = track_camera(grays, lambda i: scene.depths[i], scene.intrinsics)
    assert track.tracked.all()
    off = inverse(scene.world_from_camera) @ track.world_from_camera
    turn = np.linalg.norm(rotvec_from_rotation(off[:, :3, :3]), axis=1)
    return float(np.median(np.linalg.norm(off[:, :3, 3], axis=1))), float(np.rad2deg(np.median(turn)))


def test_a_moving_camera_is_tracked_past_a_moving_board() -> None:
    shift, turn = _track_errors(render_scene(num_frames=12, camera_shift=0.25, depth_noise=0.002))
    assert shift < 0.004
    assert turn < 0.15


def test_a_still_camera_is_exactly_still() -> None:
    scene = render_scene(num_frames=12, depth_noise=0.002)
    grays = np.array([image.mean(axis=-1).astype(np.uint8) for image in scene.images])
    track = track_camera(grays, lambda i: scene.depths[i], scene.intrinsics)
    assert track.is_static
    np.testing.assert_array_equal(track.world_from_camera, np.broadcast_to(np.eye(4), (12, 4, 4)))


def test_bundle_adjustment_recovers_disturbed_poses() -> None:
    rng = np.random.default_rng(3)
    points = rng.uniform([-1, -1, 2], [1, 1, 4], (60, 3))
    scene = render_scene(num_frames=6, width=64, height=48, camera_shift=0.3)
    true = inverse(scene.world_from_camera)
    k = scene.intrinsics
    frame, point = (grid.ravel() for grid in np.meshgrid(np.arange(6), np.arange(60), indexing="ij"))
    seen = (true[frame, :3, :3] @ points[point][..., None])[..., 0] + true[frame, :3, 3]
    pixels = seen[:, :2] / seen[:, 2:] * k[[0, 1], [0, 1]] + k[:2, 2]
    start = true.copy()
    start[1:, :3, 3] += rng.normal(0, 0.02, (5, 3))
    found, residual = adjust(
        Observations(frame=frame, point=point, pixels=pixels, depths=seen[:, 2]), start, k, num_iterations=15
    )
    np.testing.assert_allclose(found, true, atol=1e-4)
    assert residual < 0.01
