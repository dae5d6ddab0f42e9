"""The whole chain on a board that slides before a wall: crop, flow and points agree with the truth."""

import dataclasses

import numpy as np
import pytest

from sim2art.errors import InvalidFileError
from sim2art.perception.observation_io import observation_from_stage, observation_to_stage
from sim2art.perception.observed import SeenJoints
from sim2art.perception.pipeline import NO_MOTION, Observation, ObserveOptions, Truth, observe
from tests.perception.sliding_scene import SlidingScene, render_scene

OPTIONS = ObserveOptions(num_frames=8, num_points=600, baselines=(1, 3), mask="motion")


@pytest.fixture(scope="module")
def scene() -> SlidingScene:
    return render_scene(num_frames=14, camera_shift=0.12, depth_noise=0.002)


@pytest.fixture(scope="module")
def observation(scene: SlidingScene) -> Observation:
    return observe(scene.capture(), OPTIONS)


def _flow_errors(scene: SlidingScene, observation: Observation) -> tuple[np.ndarray, np.ndarray]:
    """Errors (m) of the measured flow of the board's and of the wall's points."""
    points, on_board, on_wall = observation.points, [], []
    for index, baseline in enumerate(points.baselines):
        for frame in range(points.num_frames - baseline):
            a, b = observation.indices[frame], observation.indices[frame + baseline]
            turn = np.linalg.inv(scene.world_from_camera[observation.indices[0]])[:3, :3]
            true = turn @ (scene.slides[b] - scene.slides[a])
            x, y = points.pixels[frame].astype(int).T
            is_board = scene.on_board[a][y, x]
            measured = points.flow_valid[index, frame]
            flow = points.flow_world[index, frame]
            on_board.append(np.linalg.norm(flow - true, axis=1)[measured & is_board])
            on_wall.append(np.linalg.norm(flow, axis=1)[measured & ~is_board])
    return np.concatenate(on_board), np.concatenate(on_wall)


def test_motion_is_seen_and_the_board_is_in_the_crop(scene: SlidingScene, observation: Observation) -> None:
    assert observation.moves
    assert observation.reasons == ()
    masks, truth = observation.video.object_masks, scene.on_board[observation.indices]
    assert (masks & truth).sum() > 0.97 * truth.sum()


def test_flow_agrees_with_the_truth(scene: SlidingScene, observation: Observation) -> None:
    on_board, on_wall = _flow_errors(scene, observation)
    assert len(on_board) > 500
    assert np.median(on_board) < 0.002
    assert np.quantile(on_board, 0.9) < 0.01
    assert np.median(on_wall) < 0.002


def test_most_points_have_flow(observation: Observation) -> None:
    assert observation.points.flow_valid[0, :-1].mean() > 0.6


def test_the_same_recording_gives_the_same_points(scene: SlidingScene, observation: Observation) -> None:
    again = observe(scene.capture(), OPTIONS)
    np.testing.assert_array_equal(again.points.points_world, observation.points.points_world)
    np.testing.assert_array_equal(again.points.flow_world, observation.points.flow_world)


def test_tracked_poses_do_as_well_as_recorded_ones(scene: SlidingScene) -> None:
    tracked = observe(scene.capture(has_poses=False), OPTIONS)
    assert any("no usable camera poses" in warning for warning in tracked.warnings)
    on_board, _ = _flow_errors(scene, tracked)
    assert np.median(on_board) < 0.004


@pytest.mark.parametrize("cameras", ["auto", "klt"])
def test_gravity_is_handed_on_in_the_world_of_the_result(scene: SlidingScene, cameras: str) -> None:
    up = np.array([0.1, 0.7, -0.7]) / np.linalg.norm([0.1, 0.7, -0.7])
    ups = np.swapaxes(scene.world_from_camera[:, :3, :3], 1, 2) @ up
    ups[3] = np.nan  # Of a frame whose pose is damaged.
    capture = dataclasses.replace(scene.capture(), ups_camera=ups)
    seen = observe(capture, dataclasses.replace(OPTIONS, cameras=cameras))
    assert seen.up is not None
    expected = scene.world_from_camera[seen.indices[0]][:3, :3].T @ up
    np.testing.assert_allclose(seen.up, expected, atol=2e-3)
    kept = observation_from_stage(observation_to_stage(seen))
    assert kept.up is not None
    np.testing.assert_array_equal(kept.up, seen.up)


def test_without_gravity_no_up_is_said(observation: Observation) -> None:
    assert observation.up is None
    kept = observation_from_stage(observation_to_stage(observation))
    assert kept.up is None and kept.joints is None


def test_joints_of_the_images_are_kept(observation: Observation) -> None:
    count = len(observation.frame_ids)
    for number in (0, 2):
        joints = SeenJoints(
            axes=np.eye(3)[:number], pivots=np.ones((number, 3)), slides=np.array([True, False])[:number],
            values=np.arange(count * number, dtype=float).reshape(count, number),
        )  # fmt: skip
        kept = observation_from_stage(observation_to_stage(dataclasses.replace(observation, joints=joints))).joints
        assert kept is not None
        np.testing.assert_array_equal(kept.values, joints.values)
        np.testing.assert_array_equal(kept.slides, joints.slides)


def test_where_nothing_moves_no_motion_is_seen() -> None:
    still = observe(render_scene(num_frames=10, slide=0.0, camera_shift=0.1, depth_noise=0.002).capture(), OPTIONS)
    assert not still.moves
    assert still.reasons == (NO_MOTION,)
    assert still.video.object_masks.mean() > 0.95


def test_a_box_overrides_the_crop(scene: SlidingScene) -> None:
    boxed = observe(scene.capture(), dataclasses.replace(OPTIONS, box=(60, 50, 80, 70)))
    assert 0.05 < boxed.video.object_masks.mean() < 0.7


def test_the_truth_can_replace_frames_and_masks(scene: SlidingScene) -> None:
    chosen = np.array([0, 4, 8, 12])
    given = observe(scene.capture(), OPTIONS, truth=Truth(frames=chosen, masks=lambda frames: scene.on_board[frames]))
    assert given.indices.tolist() == chosen.tolist()
    np.testing.assert_array_equal(given.video.object_masks, scene.on_board[chosen])


def test_wide_images_are_worked_on_smaller(scene: SlidingScene) -> None:
    options = dataclasses.replace(OPTIONS, intake=dataclasses.replace(OPTIONS.intake, max_side=120))
    small = observe(scene.capture(), options)
    assert small.video.depths.shape[1:] == (90, 120)
    assert small.input_size == (240, 180)
    on_board = scene.on_board[small.indices][:, ::2, ::2]
    assert (small.video.object_masks & on_board).sum() > 0.95 * on_board.sum()


def test_poses_that_do_not_fit_the_images_are_said() -> None:
    swaying = render_scene(num_frames=14, camera_shift=0.5)
    wrong = dataclasses.replace(swaying, world_from_camera=swaying.world_from_camera[::-1].copy())
    assert any("--cameras klt" in warning for warning in observe(wrong.capture(), OPTIONS).warnings)
    tracked = observe(wrong.capture(), dataclasses.replace(OPTIONS, cameras="klt"))
    assert not any("do not fit" in warning for warning in tracked.warnings)


def test_a_camera_said_to_be_static_stays_put(scene: SlidingScene) -> None:
    options = dataclasses.replace(OPTIONS, cameras="static", refine_poses=False)
    np.testing.assert_array_equal(
        observe(scene.capture(), options).video.world_from_camera, np.eye(4)[None].repeat(8, 0)
    )


def test_wrong_intrinsics_are_said() -> None:
    swaying = render_scene(num_frames=14, camera_shift=0.5)
    for factor, said in ((1.0, False), (1.3, True), (0.75, True)):
        intrinsics = swaying.intrinsics.copy()
        intrinsics[[0, 1], [0, 1]] *= factor
        capture = dataclasses.replace(swaying.capture(), intrinsics=intrinsics)
        assert any("intrinsics look wrong" in warning for warning in observe(capture, OPTIONS).warnings) == said


def test_a_mask_that_cannot_be_tried_changes_nothing_but_a_warning(
    scene: SlidingScene, observation: Observation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The weight in the cache without its runtime, or neither: `auto` is then what `motion` is."""
    monkeypatch.setattr("sim2art.perception.components.is_installed", lambda module: module != "onnxruntime")
    fallen_back = observe(scene.capture(), dataclasses.replace(OPTIONS, mask="auto"))
    np.testing.assert_array_equal(fallen_back.points.flow_world, observation.points.flow_world)
    assert (fallen_back.mask, observation.mask) == ("motion", "motion")
    (told,) = set(fallen_back.warnings) - set(observation.warnings)
    assert "package onnxruntime is missing: pip install 'sim2art[mask]'" in told
    with pytest.raises(InvalidFileError, match="--mask u2net cannot run here"):
        observe(scene.capture(), dataclasses.replace(OPTIONS, mask="u2net"))


def test_poses_in_other_axes_are_named_and_the_focal_length_is_not_blamed() -> None:
    swaying = render_scene(num_frames=8, camera_shift=0.4)
    flipped = swaying.world_from_camera @ np.diag([1.0, -1, -1, 1])
    warnings = observe(dataclasses.replace(swaying, world_from_camera=flipped).capture(), OPTIONS).warnings
    assert any("in OpenGL axes" in warning for warning in warnings)
    assert not any("focal length" in warning for warning in warnings)
