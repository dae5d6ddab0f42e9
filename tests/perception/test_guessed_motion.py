"""Motion told from images where depth was guessed."""

import dataclasses

import numpy as np
import pytest

from sim2art.geometry.cameras import project, unproject
from sim2art.geometry.rotations import rotation_from_rotvec
from sim2art.geometry.screws import line_distance
from sim2art.geometry.transforms import apply, inverse
from sim2art.perception.features.vanishing_points import NO_DIRECTIONS, SceneDirections
from sim2art.perception.flow.lifted_flow import PixelFlow
from sim2art.perception.guessed.image_joint_fit import fit_from_around, fit_joint, frame_values
from sim2art.perception.guessed.image_joint_search import find_image_joints
from sim2art.perception.guessed.image_joint_shape import fit_shape
from sim2art.perception.guessed.image_joints import Edges, ImageJoint, MovingPoints, collect_moving
from sim2art.perception.guessed.image_motions import STILL, UNKNOWN, ImageMotions, find_image_motions
from sim2art.perception.guessed.motion import GuessedMotion, find_moving_in_images, fit_guessed_motion
from sim2art.perception.guessed.steady_depth import steady_depths
from tests.perception.guessed_scene import (
    AXIS,
    HEIGHT,
    INTRINSICS,
    NUM_FRAMES,
    PIVOT,
    SLIDE,
    SLIPS,
    WIDTH,
    GuessedScene,
    make_scene,
    pixel_grid,
)

HALF_SLIPS = SLIPS[:, ::2, ::2]
NO_EDGES = Edges(HALF_SLIPS, NO_DIRECTIONS)


def angle(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.degrees(np.arccos(min(1.0, abs(a @ b) / np.linalg.norm(a) / np.linalg.norm(b)))))


def free_motions(scene: GuessedScene, depths: np.ndarray) -> dict[tuple[int, int], ImageMotions]:
    rng = np.random.default_rng(0)
    return {
        (a, b): find_image_motions(flow, HALF_SLIPS[a], depths[a], INTRINSICS, np.eye(4), rng=rng)
        for (a, b), flow in scene.flows.items()
    }


def moving_of(scene: GuessedScene) -> np.ndarray:
    return find_moving_in_images(scene.depths, scene.flows, INTRINSICS, scene.poses)


def movers_of(scene: GuessedScene) -> tuple[MovingPoints, np.ndarray]:
    collected = collect_moving(
        list(scene.flows), scene.flows, HALF_SLIPS, moving_of(scene), scene.depths, INTRINSICS, scene.poses,
        np.random.default_rng(0),
    )  # fmt: skip
    assert collected is not None
    return collected


def settle(scene: GuessedScene) -> GuessedMotion:
    return fit_guessed_motion(scene.depths, scene.flows, NO_EDGES, INTRINSICS, scene.poses, seed=0)


def seen_from(scene: GuessedScene, poses: np.ndarray, a: int, b: int) -> PixelFlow:
    """Flow of the scene at rest while the camera moves."""
    points = unproject(INTRINSICS, pixel_grid(), scene.true_depths[a])
    carried = project(INTRINSICS, apply(inverse(poses[b]) @ poses[a], points.reshape(-1, 3))).reshape(HEIGHT, WIDTH, 2)
    flow = (carried - pixel_grid()).astype(np.float32)
    inside = np.all((carried >= 0) & (carried < (WIDTH, HEIGHT)), axis=-1)
    return PixelFlow(flow=flow, confident=inside, beats_still=inside, cornered=inside)


def joints_of(scene: GuessedScene) -> list[ImageJoint]:
    motions = free_motions(scene, scene.depths)
    joints, unexplained = find_image_joints(
        scene.flows, NO_EDGES, moving_of(scene), motions, scene.depths, INTRINSICS, scene.poses,
        rng=np.random.default_rng(0),
    )  # fmt: skip
    assert unexplained < 0.3
    return joints


def test_one_pair_shows_the_motion_of_the_panel() -> None:
    scene = make_scene("turn")
    found = find_image_motions(
        scene.flows[2, 10], HALF_SLIPS[2], scene.depths[2], INTRINSICS, np.eye(4), rng=np.random.default_rng(0)
    )
    true = scene.world_from_panel[10] @ inverse(scene.world_from_panel[2])
    assert len(found.motions) == 2
    assert np.abs(found.motions[1][:3, :3] - true[:3, :3]).max() < 0.01
    panel = scene.on_panel[2, ::2, ::2]
    assert (found.labels[panel] == 1).mean() > 0.85
    assert (found.labels[~panel] == 1).mean() < 0.03


@pytest.mark.parametrize("factor", [0.2, 1.0, 30.0])
def test_the_unit_of_depth_does_not_matter(factor: float) -> None:
    scene = make_scene("turn")
    depth = (factor * scene.depths[2]).astype(np.float32)
    found = find_image_motions(
        scene.flows[2, 10], HALF_SLIPS[2], depth, INTRINSICS, np.eye(4), rng=np.random.default_rng(0)
    )
    true = scene.world_from_panel[10] @ inverse(scene.world_from_panel[2])
    assert np.abs(found.motions[1][:3, :3] - true[:3, :3]).max() < 0.01
    assert np.linalg.norm(found.motions[1][:3, 3] - factor * true[:3, 3]) < 0.02 * factor


def test_nothing_moves_in_a_scene_at_rest() -> None:
    scene = make_scene("rest", tremble=0.1)
    settled = settle(scene)
    assert not moving_of(scene).any()
    assert all(len(found.motions) == 1 for found in settled.motions.values())
    assert all((found.labels == STILL).mean() > 0.9 for found in settled.motions.values())


def test_a_turn_is_found_though_the_depth_trembles_and_is_flat() -> None:
    joints = joints_of(make_scene("turn", tremble=0.06, flatten=0.4))
    best = joints[0]
    assert not best.slides
    assert angle(best.axis, AXIS) < 8.0
    assert line_distance(best.axis, best.pivot, AXIS, PIVOT) < 0.2


@pytest.mark.parametrize("seed", [2, 7])
def test_a_fit_that_ends_at_a_wrong_axis_is_mended_from_axes_around_it(seed: int) -> None:
    movers, cost = movers_of(make_scene("turn", tremble=0.06, flatten=0.4))
    across = np.cross(AXIS, np.random.default_rng(seed).normal(size=3))
    begin = ImageJoint(
        axis=rotation_from_rotvec(np.radians(60) * across / np.linalg.norm(across)) @ AXIS, pivot=PIVOT, slides=False,
        steps=np.zeros(movers.num_pairs), relief=np.zeros((NUM_FRAMES, 3)), body=movers.points,
    )  # fmt: skip
    gain, joint = fit_joint(movers, begin, cost)
    assert angle(joint.axis, AXIS) > 30  # Else this tells nothing.
    better_gain, better = fit_from_around(movers, gain, joint, cost)
    assert better_gain > 0.99 * cost.sum() > gain
    assert angle(better.axis, AXIS) < 1.0


def test_a_turn_is_exact_on_true_depth() -> None:
    scene = make_scene("turn")
    (best,) = joints_of(scene)
    assert angle(best.axis, AXIS) < 0.5
    assert line_distance(best.axis, best.pivot, AXIS, PIVOT) < 0.01
    steps = dict(zip(scene.flows, best.steps * np.sign(best.axis @ AXIS), strict=True))
    for (a, b), step in steps.items():
        assert step == pytest.approx(np.radians(45) * (b - a) / (NUM_FRAMES - 1), abs=np.radians(0.5))
    for a in range(NUM_FRAMES - 3):
        assert steps[a, a + 1] + steps[a + 1, a + 2] + steps[a + 2, a + 3] == pytest.approx(steps[a, a + 3], abs=1e-9)


def test_a_part_of_one_shape_tells_its_angle_where_depth_of_each_frame_makes_good_a_wrong_one() -> None:
    scene = make_scene("turn", tremble=0.06, flatten=0.4)
    movers, cost = movers_of(scene)
    pairs = movers.pairs
    steps = 1.6 * np.radians(45) * (pairs[:, 1] - pairs[:, 0]) / (NUM_FRAMES - 1)
    wrong = ImageJoint(
        axis=AXIS, pivot=PIVOT, slides=False, steps=steps, relief=np.zeros((NUM_FRAMES, 3)), body=movers.points
    )
    found = fit_shape(movers, wrong, cost)
    values = frame_values(found, pairs, NUM_FRAMES)
    np.testing.assert_allclose(values, np.radians(45) * np.linspace(0, 1, NUM_FRAMES), atol=np.radians(2.0))
    assert line_distance(found.axis, found.pivot, AXIS, PIVOT) < 0.05
    assert np.all(found.axis == AXIS)


def test_a_slide_is_found_though_the_depth_trembles() -> None:
    best = joints_of(make_scene("slide", tremble=0.06, flatten=0.2))[0]
    assert best.slides
    assert angle(best.axis, SLIDE) < 8.0


def test_depth_is_steadier_than_it_was_guessed() -> None:
    scene = make_scene("turn", tremble=0.08)
    steady = steady_depths(scene.depths, free_motions(scene, scene.depths), INTRINSICS)
    panel = scene.on_panel

    def tremble(depths: np.ndarray) -> float:
        return float(
            np.std([np.log(depths[t][panel[t]] / scene.true_depths[t][panel[t]]).mean() for t in range(NUM_FRAMES)])
        )

    assert tremble(steady) < 0.5 * tremble(scene.depths)
    assert np.abs(steady[~panel] / scene.true_depths[~panel] - 1).mean() < 0.01


def test_holes_stay_holes() -> None:
    scene = make_scene("turn", tremble=0.05)
    depths = scene.depths.copy()
    depths[:, :30, :40] = 0.0
    steady = steady_depths(depths, free_motions(scene, depths), INTRINSICS)
    assert np.all(steady[:, :30, :40] == 0)
    assert np.all(np.isfinite(steady))
    assert np.all(steady[depths > 0] > 0)


def test_points_are_carried_by_what_the_images_show() -> None:
    scene = make_scene("turn", tremble=0.06)
    settled = settle(scene)
    assert isinstance(settled, GuessedMotion)
    y, x = np.nonzero(scene.on_panel[1])
    pixels = np.stack([x, y], axis=1)
    rays = (pixels - INTRINSICS[:2, 2]) / 150.0
    points = np.concatenate([rays, np.ones((len(x), 1))], axis=1) * settled.depths[1][y, x][:, None]
    flow, known = settled(1, 8, pixels, points)
    true_points = points / settled.depths[1][y, x][:, None] * scene.true_depths[1][y, x][:, None]
    motion = scene.world_from_panel[9] @ inverse(scene.world_from_panel[1])
    true = true_points @ motion[:3, :3].T + motion[:3, 3] - true_points
    assert known.mean() > 0.6
    error = np.linalg.norm(flow - true, axis=1)[known]
    assert np.median(error) < 0.25 * np.median(np.linalg.norm(true, axis=1))
    assert np.all(flow[~known] == 0)
    nothing, never = settled(NUM_FRAMES - 1, 8, pixels, points)
    assert not never.any()
    assert not nothing.any()


def test_what_moves_is_seen_whatever_its_depth() -> None:
    scene = make_scene("slide", tremble=0.2)
    moving = moving_of(scene)
    panel = scene.on_panel[:, ::2, ::2]
    assert moving[4][panel[4]].mean() > 0.5
    assert moving[~panel].mean() < 0.01


@pytest.mark.parametrize("factor", [0.4, 1.5])
def test_a_wall_whose_depth_is_guessed_wrong_is_no_moving_part(factor: float) -> None:
    scene = make_scene("rest")
    poses = scene.poses.copy()
    poses[:, 0, 3] = np.linspace(0.0, 0.5, NUM_FRAMES)
    depths = scene.depths.copy()
    depths[~scene.on_panel] *= factor
    flows = {pair: seen_from(scene, poses, *pair) for pair in scene.flows}
    settled = fit_guessed_motion(depths, flows, NO_EDGES, INTRINSICS, poses, seed=0)
    assert settled.joints == ()
    assert settled.unexplained == 0.0


def test_without_flow_nothing_moves() -> None:
    scene = make_scene("turn")
    settled = settle(dataclasses.replace(scene, flows={}))
    assert settled.joints == ()
    assert settled.doubts() == ()
    np.testing.assert_allclose(settled.depths, scene.depths, rtol=1e-5)


def test_pixels_that_follow_no_motion_are_unknown() -> None:
    scene = make_scene("turn")
    flow = scene.flows[2, 10]
    wild = flow.flow.copy()
    wild[80:100, 20:60] += np.random.default_rng(0).normal(0, 25, (20, 40, 2)).astype(np.float32)
    broken = type(flow)(flow=wild, confident=flow.confident, beats_still=flow.beats_still, cornered=flow.cornered)
    found = find_image_motions(
        broken, HALF_SLIPS[2], scene.depths[2], INTRINSICS, np.eye(4), rng=np.random.default_rng(0)
    )
    assert (found.labels[42:48, 13:27] == UNKNOWN).mean() > 0.8


def test_what_no_joint_explains_is_doubted() -> None:
    scene = make_scene("turn")
    settled = settle(scene)
    assert settled.doubts() == ()
    (doubt,) = dataclasses.replace(settled, unexplained=0.7).doubts()
    assert "70 %" in doubt
    rival = dataclasses.replace(settled.joints[0], margin=0.02)
    (doubt,) = dataclasses.replace(settled, joints=(rival,)).doubts()
    assert "turning hardly more than for sliding" in doubt


def test_flow_that_wanders_leaves_much_unexplained() -> None:
    scene = make_scene("rest")
    rng = np.random.default_rng(0)
    flows = {}
    for pair, flow in scene.flows.items():
        wild = flow.flow.copy()
        wild[20:80, 30:110] += rng.normal(0, 6, 2) + rng.normal(0, 10, (60, 80, 2))
        flows[pair] = dataclasses.replace(flow, flow=wild.astype(np.float32), beats_still=np.ones_like(flow.confident))
    settled = settle(dataclasses.replace(scene, flows=flows))
    assert settled.unexplained > 0.5
    assert settled.doubts()


def test_flow_that_slips_along_edges_is_believed_across_them_only() -> None:
    scene = make_scene("turn")
    rng = np.random.default_rng(0)
    direction = np.array([0.0, 1.0])  # The door's edges are upright: how far they go up or down is not seen.
    slips = np.broadcast_to(4.0 * direction, SLIPS.shape).astype(np.float32)
    slips = np.where(scene.on_panel[..., None], slips, 0.0).astype(np.float32)
    flows = {
        (a, b): dataclasses.replace(
            flow,
            flow=flow.flow + (scene.on_panel[a] * rng.normal(2.0, 2.0))[..., None].astype(np.float32) * direction.astype(np.float32),
        )
        for (a, b), flow in scene.flows.items()
    }  # fmt: skip

    def error(slips: np.ndarray) -> float:
        found = fit_guessed_motion(
            scene.depths, flows, Edges(slips[:, ::2, ::2], NO_DIRECTIONS), INTRINSICS, scene.poses, seed=0
        )
        return min(angle(joint.axis, AXIS) for joint in found.joints if not joint.slides)

    assert error(slips) < 5.0 < error(SLIPS)


def test_a_joint_lies_along_an_edge_of_the_scene_where_that_explains_as_much() -> None:
    scene = make_scene("turn", tremble=0.03, flatten=0.3)
    across = np.cross(AXIS, np.array([0.0, 0.0, 1.0]))
    edges = SceneDirections(np.array([across / np.linalg.norm(across), AXIS]), np.array([0.5, 0.2]))
    joint = fit_guessed_motion(
        scene.depths, scene.flows, Edges(HALF_SLIPS, edges), INTRINSICS, scene.poses, seed=0
    ).joints[0]
    assert not joint.slides
    assert angle(joint.axis, AXIS) < 1e-6


def test_an_edge_that_explains_less_is_no_axis() -> None:
    scene = make_scene("turn")
    tilted = rotation_from_rotvec(np.radians(20) * np.array([1.0, 0, 0])) @ AXIS
    edges = SceneDirections(tilted[None], np.ones(1))
    joint = fit_guessed_motion(
        scene.depths, scene.flows, Edges(HALF_SLIPS, edges), INTRINSICS, scene.poses, seed=0
    ).joints[0]
    assert angle(joint.axis, AXIS) < 1.0


def test_what_moves_where_arms_can_reach_makes_no_joint() -> None:
    scene = make_scene("turn")
    arms = scene.on_panel[:, ::2, ::2]
    found = fit_guessed_motion(scene.depths, scene.flows, NO_EDGES, INTRINSICS, scene.poses, reach=arms, seed=0)
    assert settle(scene).joints and not found.joints
    joints = settle(scene).seen_joints()
    assert joints.values.shape == (len(scene.depths), len(joints.axes)) and not joints.values[0].any()
