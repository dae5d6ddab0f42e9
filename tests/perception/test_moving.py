"""What moves is found by flow and by depth; specks do not blow up the box."""

import cv2
import numpy as np
import pytest

from sim2art.errors import InvalidValueError
from sim2art.perception.cameras.pose_refinement import apply_scales, refine_poses
from sim2art.perception.components import Choice
from sim2art.perception.flow.dis import DisFlow
from sim2art.perception.flow.lifted_flow import PixelFlow, measure_flows
from sim2art.perception.masks.choice import FramesWithMotion, choose_masks, lift_box
from sim2art.perception.masks.moving import Box, box_masks, find_known, find_moving, moving_box
from tests.perception.sliding_scene import BOARD, SlidingScene, board_points_world, render_scene


@pytest.fixture(scope="module")
def scene() -> SlidingScene:
    return render_scene(num_frames=6, width=200, height=150, camera_shift=0.06, depth_noise=0.001)


def _flows(scene: SlidingScene, poses: np.ndarray) -> dict[tuple[int, int], PixelFlow]:
    grays = np.array([image.mean(axis=-1).astype(np.uint8) for image in scene.images])
    return measure_flows(grays, scene.depths, scene.intrinsics, poses, image_flow=DisFlow(), baselines=(1, 3))


def test_the_board_is_what_moves(scene: SlidingScene) -> None:
    moving = find_moving(
        scene.depths, _flows(scene, scene.world_from_camera), scene.intrinsics, scene.world_from_camera
    )
    on_board = scene.on_board[:, ::2, ::2]
    assert moving[on_board].mean() > 0.5
    assert moving[~on_board].mean() < 0.02
    box = moving_box(moving, scene.depths, scene.intrinsics, scene.world_from_camera)
    assert box is not None
    assert np.mean(box.expanded(1.6).contains(board_points_world(scene, 0))) > 0.95


def test_a_few_specks_far_away_do_not_count(scene: SlidingScene) -> None:
    moving = scene.on_board[:, ::2, ::2].copy()
    plain = moving_box(moving, scene.depths, scene.intrinsics, scene.world_from_camera)
    moving[2:4, :4, :4] = True
    specks = moving_box(moving, scene.depths, scene.intrinsics, scene.world_from_camera)
    assert plain is not None
    assert specks is not None
    np.testing.assert_allclose(specks.low, plain.low, atol=0.02)
    np.testing.assert_allclose(specks.high, plain.high, atol=0.02)


def test_what_comes_near_the_camera_does_not_hide_what_moves_behind(scene: SlidingScene) -> None:
    moving = scene.on_board[:, ::2, ::2].copy()
    plain = moving_box(moving, scene.depths, scene.intrinsics, scene.world_from_camera)
    depths = scene.depths.copy()
    # An arm a tenth as far as the board: it fills more of the image than the board does, and little space.
    depths[2:5, :, 110:] = 0.1 * float(np.median(scene.depths[scene.on_board]))
    moving[2:5, :, 55:] = True
    assert moving.sum() > 2 * scene.on_board[:, ::2, ::2].sum()
    behind_arm = moving_box(moving, depths, scene.intrinsics, scene.world_from_camera)
    assert plain is not None
    assert behind_arm is not None
    middle = 0.5 * (plain.low + plain.high)
    assert np.all(behind_arm.contains(middle[None]))


def test_what_is_known_holds_what_moves_and_what_two_flows_tell_of(scene: SlidingScene) -> None:
    flows = _flows(scene, scene.world_from_camera)
    moving = scene.on_board[:, ::2, ::2]
    known = find_known(flows, moving)
    assert np.all(known[moving])
    assert known[~moving].mean() > 0.5
    assert not np.any(find_known({}, moving)[~moving])


def test_the_crop_grows_until_it_holds_what_is_known_to_stand_still(scene: SlidingScene) -> None:
    moving = scene.on_board[:, ::2, ::2]
    no_flow = np.zeros((*scene.depths.shape[1:], 2), np.float32)

    def area(known: np.ndarray) -> float:
        flows = {
            (frame, frame + step): PixelFlow(flow=no_flow, confident=told, beats_still=told, cornered=told)
            for frame, told in enumerate(known.repeat(2, axis=1).repeat(2, axis=2))
            for step in (1, 2)
        }
        return choose_masks(
            FramesWithMotion(
                images=scene.images, depths=scene.depths, flows=flows, moving=moving, intrinsics=scene.intrinsics,
                world_from_camera=scene.world_from_camera,
            ),
            choice=Choice(name="motion"), frame_ids=tuple(range(6)), box=None, crop_factor=1.6,
        ).masks.mean()  # fmt: skip

    assert area(moving) > 1.2 * area(np.ones_like(moving))


def test_without_moving_pixels_there_is_no_box(scene: SlidingScene) -> None:
    nothing = np.zeros((6, 75, 100), dtype=bool)
    assert moving_box(nothing, scene.depths, scene.intrinsics, scene.world_from_camera) is None


def test_depth_alone_shows_a_flat_board_moving_away() -> None:
    y, x = np.mgrid[0:90, 0:120]
    depths = np.array([np.where((x > 20 + 8 * t) & (x < 60 + 8 * t) & (y > 20) & (y < 70), 1.0, 1.5) for t in range(5)])
    poses = np.broadcast_to(np.eye(4), (5, 4, 4)).copy()
    k = np.array([[120.0, 0, 59.5], [0, 120.0, 44.5], [0, 0, 1]])
    moving = find_moving(depths.astype(np.float32), {}, k, poses)
    assert moving[0].sum() > 100
    assert np.all(depths[0, ::2, ::2][moving[0]] == 1.0)


def _bar(*, move: float, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Noisy depths of a bar 3 px wide before a wall, 0.06 % of the image, that slides by `move` px a frame.

    The image, wall and all, is drawn `shift` px off in each second frame, as by a pose that errs.
    """
    y, x = np.mgrid[0:240, 0:320]
    rng = np.random.default_rng(0)
    depths = []
    for t in range(8):
        at = x + shift * (t % 2)
        flat = np.where((at > 100 + move * t) & (at < 104 + move * t) & (y > 100) & (y < 116), 1.5, 1.7)
        depths.append(flat + rng.normal(0, 0.003, flat.shape))
    k = np.array([[300.0, 0, 159.5], [0, 300.0, 119.5], [0, 0, 1]])
    return np.array(depths, np.float32), k, np.broadcast_to(np.eye(4), (8, 4, 4)).copy()


def test_a_part_as_narrow_as_an_edge_is_seen_to_move() -> None:
    depths, k, poses = _bar(move=3.0)
    moving = find_moving(depths, {}, k, poses)
    on_bar = depths[:, ::2, ::2] < 1.6
    assert moving[on_bar].mean() > 0.5
    assert not moving[~on_bar].any()
    box = moving_box(moving, depths, k, poses)
    assert box is not None
    assert (box.high - box.low)[2] < 0.05


def test_a_panel_that_fills_most_of_the_image_does_not_pass_for_what_stands_still() -> None:
    rng = np.random.default_rng(0)
    k, poses = np.array([[300.0, 0, 159.5], [0, 300.0, 119.5], [0, 0, 1]]), np.broadcast_to(np.eye(4), (8, 4, 4)).copy()
    depths = np.full((8, 240, 320), 1.7) + rng.normal(0, 0.003, (8, 240, 320))
    depths[:, :, 120:] = 1.0 + 0.05 * np.arange(8)[:, None, None] + rng.normal(0, 0.003, (8, 240, 200))
    moving = find_moving(depths.astype(np.float32), {}, k, poses)
    assert moving[0, :, 64:].mean() > 0.9
    assert not moving[:, :, :56].any()


def test_edges_that_are_missed_by_a_pixel_do_not_move() -> None:
    depths, k, poses = _bar(move=0.0, shift=1.0)
    assert not find_moving(depths, {}, k, poses).any()


def test_a_far_wall_whose_depth_scatters_does_not_move_behind_a_near_board() -> None:
    """Errors of depth cameras grow with the square of depth: the near board's are not those of the wall."""
    k, poses = np.array([[150.0, 0, 79.5], [0, 150.0, 59.5], [0, 0, 1]]), np.tile(np.eye(4), (8, 1, 1))
    true = np.full((8, 120, 160), 9.0)
    true[:, 40:] = 0.8
    noise = cv2.GaussianBlur(np.random.default_rng(0).normal(size=(120, 160, 8)), (0, 0), 2.0).transpose(2, 0, 1)
    depths = (true + 0.003 * true**2 * noise / noise.std()).astype(np.float32)
    assert find_moving(depths, {}, k, poses).mean() < 0.002


def test_depths_between_two_surfaces_at_an_edge_do_not_move() -> None:
    depths, k, poses = _bar(move=0.0)
    # Where the bar ends the camera reads what lies between bar and wall, anew in each frame.
    depths[:, 100:116, 104] = np.random.default_rng(1).uniform(1.52, 1.68, (8, 16))
    assert not find_moving(depths, {}, k, poses).any()


def test_a_box_holds_its_masks(scene: SlidingScene) -> None:
    box = Box(low=np.array([-9.0, -9.0, 0.0]), high=np.array([9.0, 9.0, BOARD + 0.06]))
    masks = box_masks(box, scene.depths, scene.intrinsics, scene.world_from_camera)
    assert (masks[0] == scene.on_board[0]).mean() > 0.99


def test_a_box_drawn_where_no_depth_is_is_refused(scene: SlidingScene) -> None:
    with pytest.raises(InvalidValueError, match="no pixel with depth"):
        lift_box(np.array([5.0, 5.0, 20.0, 20.0]), np.zeros((150, 200), np.float32), scene.intrinsics, None)


def test_poses_and_depth_scales_are_corrected_by_what_stands_still(scene: SlidingScene) -> None:
    rng = np.random.default_rng(2)
    poses = scene.world_from_camera.copy()
    poses[1:, :3, 3] += rng.normal(0, 0.004, (5, 3))
    depths = apply_scales(scene.depths, 1 + rng.normal(0, 0.003, 6))
    flows = _flows(scene, poses)
    moving = scene.on_board[:, ::2, ::2]
    better, scales = refine_poses(depths, flows, moving, scene.intrinsics, poses, rng=np.random.default_rng(0))

    def off(found: np.ndarray) -> float:
        """How far (m) the cameras are from where they were."""
        return float(np.linalg.norm(found[1:, :3, 3] - scene.world_from_camera[1:, :3, 3], axis=1).mean())

    assert off(better) < 0.4 * off(poses)
    np.testing.assert_allclose(
        scales * np.median(depths / np.maximum(scene.depths, 1e-6), axis=(1, 2)), 1.0, atol=0.003
    )
    np.testing.assert_array_equal(better[0], poses[0])
