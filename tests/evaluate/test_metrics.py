"""Scores of hand-made answers with known errors."""

import dataclasses

import numpy as np
import pytest

from sim2art.articulation.estimate import ArticulationEstimate
from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.dataset.clip import Clip
from sim2art.errors import InvalidValueError
from sim2art.evaluate.metrics import axis_position, score_clip, score_failure
from sim2art.evaluate.scores import JointScore
from sim2art.geometry.rotations import rotation_from_rotvec
from tests.hand_made import DOOR_AXIS, DOOR_PIVOT, make_clip, one_hot, truth_as_estimate, with_joint


@pytest.fixture
def clip() -> Clip:
    return make_clip()


def door_of(clip: Clip, estimate: ArticulationEstimate) -> JointScore:
    return score_clip(clip, estimate).joints[0]


def replaced_axis(estimate: ArticulationEstimate, axis: np.ndarray, pivot: np.ndarray) -> ArticulationEstimate:
    return with_joint(estimate, 0, dataclasses.replace(estimate.joints[0].joint, axis=axis, pivot=pivot))


def test_truth_scores_zero_error(clip: Clip) -> None:
    score = score_clip(clip, truth_as_estimate(clip))
    assert score.mean_iou == 1.0 and score.moving_iou == 1.0
    assert score.count_error == 0 and score.precision == 1.0 and score.recall == 1.0
    door, drawer = score.joints
    assert door.is_type_right and drawer.is_type_right
    for value in (door.axis_deg, door.position_cm, door.line_cm, door.motion_deg, door.tangent_deg):
        assert value == pytest.approx(0.0, abs=1e-5)
    assert drawer.motion_cm == pytest.approx(0.0, abs=1e-9)
    assert drawer.position_cm is None and drawer.penalised_position_cm is None
    assert all(joint.is_success(max_deg=0.1, max_cm=0.1) for joint in score.joints)
    assert [claim.is_right for claim in score.claims] == [True, True]


def test_part_numbers_do_not_matter(clip: Clip) -> None:
    estimate = truth_as_estimate(clip)
    swapped = dataclasses.replace(
        estimate,
        part_probabilities=estimate.part_probabilities[..., [0, 2, 1]],
        joints=estimate.joints[::-1],
        trajectory=dataclasses.replace(estimate.trajectory, values=estimate.trajectory.values[:, ::-1].copy()),
    )
    assert score_clip(clip, swapped).joints == score_clip(clip, estimate).joints


def test_axis_sign_does_not_matter_when_values_flip_with_it(clip: Clip) -> None:
    estimate = truth_as_estimate(clip)
    flipped = with_joint(estimate, 0, estimate.joints[0].joint.flipped(), sign=-1.0)
    door = door_of(clip, flipped)
    assert door.axis_deg == pytest.approx(0.0, abs=1e-5)
    assert door.motion_deg == pytest.approx(0.0, abs=1e-5) and door.tangent_deg == pytest.approx(0.0, abs=1e-5)


def test_values_of_the_wrong_sign_are_an_error(clip: Clip) -> None:
    estimate = truth_as_estimate(clip)
    wrong = with_joint(estimate, 0, estimate.joints[0].joint, sign=-1.0)
    assert door_of(clip, wrong).motion_deg == pytest.approx(2 * 45.0)


def test_pivot_may_slide_along_axis(clip: Clip) -> None:
    estimate = truth_as_estimate(clip)
    slid = replaced_axis(estimate, DOOR_AXIS, DOOR_PIVOT + 7.0 * DOOR_AXIS)
    assert door_of(clip, slid).position_cm == pytest.approx(0.0, abs=1e-9)


def test_tilted_axis_has_the_known_angle_and_position(clip: Clip) -> None:
    # Tilted by 10 deg about x through the middle of the door's hinge (z = 0.5): the hinge spans z 0..1, so the
    # distance to the tilted line grows as |z - 0.5| sin(10 deg), mean 0.25 sin(10 deg).
    middle = DOOR_PIVOT + np.array([0, 0, 0.5])
    tilted = rotation_from_rotvec(np.array([np.deg2rad(10.0), 0, 0])) @ DOOR_AXIS
    door = door_of(clip, replaced_axis(truth_as_estimate(clip), tilted, middle))
    assert door.axis_deg == pytest.approx(10.0, abs=1e-6)
    assert door.position_cm == pytest.approx(25 * np.sin(np.deg2rad(10.0)), rel=0.03)
    assert door.line_cm == pytest.approx(0.0, abs=1e-6)  # What peers print: blind to the tilt.


def test_displaced_axis_has_the_known_position(clip: Clip) -> None:
    door = door_of(clip, replaced_axis(truth_as_estimate(clip), DOOR_AXIS, DOOR_PIVOT + np.array([0.03, 0.04, 0])))
    assert door.axis_deg == pytest.approx(0.0, abs=1e-5)
    assert door.position_cm == pytest.approx(5.0)
    assert door.line_cm == pytest.approx(5.0)
    assert door.is_success(max_deg=10, max_cm=5.1) and not door.is_success(max_deg=10, max_cm=4.9)


def test_axis_angle_is_folded_at_90_degrees(clip: Clip) -> None:
    turned = rotation_from_rotvec(np.array([np.deg2rad(170.0), 0, 0])) @ DOOR_AXIS
    assert door_of(clip, replaced_axis(truth_as_estimate(clip), turned, DOOR_PIVOT)).axis_deg == pytest.approx(10.0)


def test_motion_error_is_the_mean_over_frames(clip: Clip) -> None:
    estimate = truth_as_estimate(clip)
    values = estimate.trajectory.values.copy()
    values[3, 0] += np.deg2rad(12.0)
    values[:, 1] += 0.02
    shifted = dataclasses.replace(estimate, trajectory=dataclasses.replace(estimate.trajectory, values=values))
    door, drawer = score_clip(clip, shifted).joints
    assert door.motion_deg == pytest.approx(12.0 / 6)
    assert drawer.motion_cm == pytest.approx(2.0)


def test_tangent_of_a_far_pivot_is_small_where_its_position_is_not(clip: Clip) -> None:
    # The drawer slides along -y; a hinge 50 m to the side moves its points almost alike.
    estimate = truth_as_estimate(clip)
    far = dataclasses.replace(
        estimate.joints[1].joint, type=JointType.REVOLUTE, axis=DOOR_AXIS, pivot=np.array([50.0, 0.0, 0.0])
    )
    drawer = score_clip(clip, with_joint(estimate, 1, far)).joints[1]
    assert drawer.tangent_deg is not None and drawer.tangent_deg < 0.5
    assert drawer.axis_deg == pytest.approx(90.0)
    assert not drawer.is_type_right and drawer.motion_cm is None


def test_wrong_type_keeps_the_axis_and_loses_the_position(clip: Clip) -> None:
    estimate = truth_as_estimate(clip)
    slide = dataclasses.replace(estimate.joints[0].joint, type=JointType.PRISMATIC, pivot=None)
    score = score_clip(clip, with_joint(estimate, 0, slide))
    door = score.joints[0]
    assert door.is_matched and not door.is_type_right
    assert door.axis_deg == pytest.approx(0.0, abs=1e-5)
    assert door.position_cm is None and door.penalised_position_cm == 100.0
    assert not door.is_success(max_deg=90, max_cm=100)
    assert not score.claims[0].is_right


def drawer_missed(clip: Clip) -> ArticulationEstimate:
    """The drawer taken for the base."""
    estimate = truth_as_estimate(clip)
    part_ids = np.where(clip.part_ids == 2, 0, clip.part_ids)
    trajectory = JointTrajectory(
        joint_names=("joint_1",), times=clip.trajectory.times.copy(), values=clip.trajectory.values[:, :1].copy()
    )
    return ArticulationEstimate(
        part_probabilities=one_hot(part_ids, 2), joints=estimate.joints[:1], trajectory=trajectory
    )


def test_missing_part_is_penalised(clip: Clip) -> None:
    score = score_clip(clip, drawer_missed(clip))
    # Body 1/2 (it holds the drawer too), door 1, drawer 0.
    assert score.mean_iou == pytest.approx((0.5 + 1.0 + 0.0) / 3)
    assert score.moving_iou == pytest.approx(0.5)
    assert score.count_error == -1
    assert score.precision == pytest.approx(1 / 2) and score.recall == pytest.approx(1 / 3)
    drawer = score.joints[1]
    assert not drawer.is_matched and not drawer.is_type_right
    assert drawer.axis_deg is None and drawer.penalised_axis_deg == 90.0


def test_part_taken_for_the_base_is_answered_by_no_joint(clip: Clip) -> None:
    # Base and drawer trade places: part 0 holds the drawer's points. Its IoU counts, but part 0 has no joint.
    estimate = truth_as_estimate(clip)
    traded = dataclasses.replace(estimate, part_probabilities=estimate.part_probabilities[..., [2, 1, 0]])
    score = score_clip(clip, traded)
    assert score.mean_iou == 1.0
    assert not score.joints[1].is_matched
    assert [claim.is_right for claim in score.claims] == [True, False]
    assert score.claims[1].axis_deg == 90.0


def test_invented_part_costs_precision(clip: Clip) -> None:
    estimate = truth_as_estimate(clip)
    part_ids = clip.part_ids.copy()
    part_ids[:, ::6] = 3  # Half of the body's points.
    extra = dataclasses.replace(estimate.joints[0], joint=dataclasses.replace(estimate.joints[0].joint, name="extra"))
    invented = ArticulationEstimate(
        part_probabilities=one_hot(part_ids, 4),
        joints=(*estimate.joints, extra),
        trajectory=JointTrajectory(
            joint_names=("joint_1", "joint_2", "extra"),
            times=clip.trajectory.times.copy(),
            values=clip.trajectory.values[:, [0, 1, 0]].copy(),
        ),
    )
    score = score_clip(clip, invented)
    assert score.count_error == 1
    assert score.precision == pytest.approx(2 / 4)  # The body's IoU is exactly one half: not above it.
    assert sum(not claim.is_right for claim in score.claims) == 1


def test_points_that_are_not_valid_do_not_count(clip: Clip) -> None:
    estimate = truth_as_estimate(clip)
    probabilities = estimate.part_probabilities.copy()
    probabilities[:, :30] = np.array([0.0, 0.0, 1.0])
    wrong = dataclasses.replace(estimate, part_probabilities=probabilities)
    assert score_clip(clip, wrong).mean_iou < 0.95
    valid = clip.video.valid.copy()
    valid[:, :30] = False
    video = dataclasses.replace(clip.video, valid=valid, flow_valid=clip.video.flow_valid & valid[None])
    assert score_clip(dataclasses.replace(clip, video=video), wrong).mean_iou == 1.0


def test_parts_are_matched_over_all_frames_jointly(clip: Clip) -> None:
    # Door and drawer swap numbers halfway: each part holds half of each, IoU 1/3.
    part_ids = clip.part_ids.copy()
    part_ids[3:] = np.array([0, 2, 1])[part_ids[3:]]
    estimate = dataclasses.replace(truth_as_estimate(clip), part_probabilities=one_hot(part_ids, 3))
    assert score_clip(clip, estimate).mean_iou == pytest.approx((1 + 1 / 3 + 1 / 3) / 3)


def test_failure_pays_every_penalty(clip: Clip) -> None:
    score = score_failure(clip, "ValueError: no")
    assert score.mean_iou == 0.0 and score.recall == 0.0 and score.precision == 0.0
    assert [joint.penalised_axis_deg for joint in score.joints] == [90.0, 90.0]
    assert [joint.penalised_position_cm for joint in score.joints] == [100.0, None]


def test_estimate_of_another_clip_is_refused(clip: Clip) -> None:
    with pytest.raises(InvalidValueError, match="Score an estimate with its own clip"):
        score_clip(clip, truth_as_estimate(make_clip(num_points=150)))


def test_axis_position_needs_no_crossing_of_the_lines() -> None:
    hinge = Joint(name="a", type=JointType.REVOLUTE, parent="p", child="c", axis=DOOR_AXIS, pivot=np.zeros(3))
    crossing = dataclasses.replace(hinge, axis=np.array([1.0, 0, 0]), pivot=np.zeros(3))
    points = np.stack([np.zeros(101), np.ones(101), np.linspace(1, 3, 101)], axis=1)
    # The lines cross at the origin, yet the part sits at z = 1..3: the mean distance there is 2 m.
    assert axis_position(hinge, crossing, points) == pytest.approx(2.0, rel=0.01)
