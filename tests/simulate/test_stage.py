"""The pieces between a scenario and its clip: stage, truth, quality gates, crops, hands."""

import numpy as np
import pytest

from sim2art.articulation.kinematics import link_motions
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.geometry.cameras import intrinsics_from_fov, unproject
from sim2art.geometry.transforms import apply, look_at
from sim2art.simulate.camera_paths import CameraPath
from sim2art.simulate.crops import crop_masks, sample_crop_box
from sim2art.simulate.hands import sample_hand
from sim2art.simulate.quality import Rejection, check_motion, check_visibility
from sim2art.simulate.scenario import Scenario
from sim2art.simulate.stage import render_stage
from sim2art.simulate.truth import derive_truth
from tests.simulate.objects import make_cupboard

SIZE = 128


def make_scenario(drawer, door, eye=(0.3, -2.0, 1.0)):
    """The cupboard seen from a fixed point, with the given joint values in each frame."""
    cupboard = make_cupboard()
    values = np.stack([np.asarray(drawer, dtype=float), np.asarray(door, dtype=float)], axis=1)
    pose = look_at(np.array(eye, dtype=float), np.array([0.0, 0.0, 0.3]), np.array([0.0, 0.0, 1.0]))
    return Scenario(
        family="cupboard",
        seed=0,
        attempt=0,
        articulated_object=cupboard,
        trajectory=JointTrajectory(joint_names=("slide", "hinge"), times=np.arange(len(values)) * 0.1, values=values),
        camera_path=CameraPath(
            stage_from_camera=np.stack([pose] * len(values)),
            intrinsics=intrinsics_from_fov(SIZE, SIZE, np.deg2rad(50)),
            width=SIZE,
            height=SIZE,
        ),
        link_motions=link_motions(cupboard, values),
        room=(),
    )


@pytest.fixture(scope="module")
def both_open():
    return make_scenario(np.linspace(0.05, 0.3, 6), np.linspace(0.2, 1.4, 6))


def test_truth_lists_what_moves_in_the_order_of_the_parts(both_open):
    truth = derive_truth(both_open)
    assert [link.name for link in truth.articulated_object.links] == ["body", "drawer", "door"]
    assert truth.part_of_link.tolist() == [0, 1, 2]
    np.testing.assert_allclose(truth.trajectory.values[-1], [0.25, 1.2])


def test_truth_of_frames_without_motion_has_one_part():
    scenario = make_scenario([0.1, 0.1, 0.1, 0.3], [0.5] * 4)
    assert len(derive_truth(scenario, frames=[0, 1, 2]).articulated_object.links) == 1
    assert len(derive_truth(scenario, frames=[1, 3]).articulated_object.links) == 2


def test_stage_shows_parts_where_they_are(both_open):
    stage = render_stage(both_open)
    truth = derive_truth(both_open)
    parts = stage.part_images(truth.part_of_link)
    assert set(np.unique(parts[3])) == {0, 1, 2}
    # Points of a part, carried back to frame 0, lie on that part's mesh box.
    motions = link_motions(truth.articulated_object, truth.trajectory.values)
    rows, columns = np.nonzero(parts[3] == 1)
    pixels = np.stack([columns, rows], 1).astype(float)
    points = unproject(stage.intrinsics, pixels, stage.depths[3, rows, columns].astype(float))
    back = apply(np.linalg.inv(motions[3, 1]), apply(stage.world_from_camera[3], points))
    rest = derive_truth(both_open, keep_meshes=True).articulated_object.links[1].mesh
    assert rest is not None
    low, high = rest.vertices.min(axis=0), rest.vertices.max(axis=0)
    assert np.all((back > low - 1e-3) & (back < high + 1e-3))


def test_gates_pass_what_is_plain_to_see(both_open):
    stage, truth = render_stage(both_open), derive_truth(both_open)
    assert check_motion(both_open, truth) is None
    parts = stage.part_images(truth.part_of_link)
    assert check_visibility(parts, stage.bodies >= 0, 3) is None


def test_gates_refuse_tiny_motion_and_hidden_parts():
    tiny = make_scenario(np.linspace(0.1, 0.104, 6), [0.5] * 6)
    assert check_motion(tiny, derive_truth(tiny)) is Rejection.MOTION_TOO_SMALL
    from_behind = make_scenario(np.linspace(0.0, 0.3, 6), [0.0] * 6, eye=(0.0, 2.0, 0.4))
    truth = derive_truth(from_behind)
    stage = render_stage(from_behind)
    parts = stage.part_images(truth.part_of_link)
    assert check_visibility(parts, stage.bodies >= 0, 2) is Rejection.PART_HIDDEN
    assert check_visibility(np.zeros_like(parts), np.zeros(parts.shape, dtype=bool), 1) is Rejection.OBJECT_HIDDEN


def test_crops_hold_what_moves_and_some_of_the_rest(both_open):
    stage, truth = render_stage(both_open), derive_truth(both_open)
    moving = stage.part_images(truth.part_of_link) > 0
    boxes = [sample_crop_box(stage, moving, np.random.default_rng(seed)) for seed in range(40)]
    assert sum(box is None for box in boxes) < 8
    for box in boxes:
        if box is None:
            continue
        masks = crop_masks(stage.depths, stage.world_from_camera, stage.intrinsics, *box)
        assert masks[moving].mean() > 0.85
        assert not masks[stage.depths == 0].any()
    assert sample_crop_box(stage, np.zeros_like(moving), np.random.default_rng(0)) is None


def test_crop_is_the_box_in_world_coordinates(both_open):
    stage = render_stage(both_open)
    center, half = np.array([0.1, 0.0, 2.0]), np.array([0.2, 0.15, 0.4])
    masks = crop_masks(stage.depths, stage.world_from_camera, stage.intrinsics, center, half)
    rows, columns = np.nonzero(stage.depths[2])
    pixels = np.stack([columns, rows], 1).astype(float)
    points = unproject(stage.intrinsics, pixels, stage.depths[2, rows, columns].astype(float))
    inside = np.all(np.abs(apply(stage.world_from_camera[2], points) - center) < half, axis=1)
    assert 0 < inside.sum() < len(inside)
    assert (masks[2, rows, columns] == inside).mean() > 0.999


def test_hand_follows_a_moving_part_and_is_no_part(both_open):
    truth = derive_truth(both_open)
    seen = 0
    for seed in range(10):
        hand = sample_hand(both_open, truth.part_of_link, np.random.default_rng(seed))
        assert hand is not None
        stage = render_stage(both_open, hand)
        is_hand = stage.bodies == stage.hand_body
        seen += is_hand.any()
        assert not stage.part_images(truth.part_of_link)[is_hand].any()
    assert seen >= 7


def test_no_hand_without_motion():
    still = make_scenario([0.1] * 4, [0.5] * 4)
    assert sample_hand(still, derive_truth(still).part_of_link, np.random.default_rng(0)) is None
