"""Estimates and trajectories: parts and joints must agree; assembly gives a tree with observed ranges."""

import dataclasses

import numpy as np
import pytest

from sim2art.articulation.assembly import PART_COLORS, assemble_object, part_color
from sim2art.articulation.estimate import ArticulationEstimate, Status, part_name
from sim2art.articulation.estimate_io import OPEN_PARTS, keep_parts
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.errors import InvalidValueError
from tests.hand_made import make_clip, truth_as_estimate


def test_parts_without_their_joint_are_refused() -> None:
    estimate = truth_as_estimate(make_clip(num_points=30))
    with pytest.raises(InvalidValueError, match="3 parts and 1 joints; one joint per part besides the base is needed"):
        ArticulationEstimate(
            part_probabilities=estimate.part_probabilities, joints=estimate.joints[:1], trajectory=estimate.trajectory
        )


def test_trajectory_of_another_number_of_joints_is_refused() -> None:
    estimate = truth_as_estimate(make_clip(num_points=30))
    short = JointTrajectory(joint_names=("a",), times=np.arange(6.0), values=np.zeros((6, 1)))
    with pytest.raises(InvalidValueError, match="Estimate has 2 joints, its trajectory 1"):
        ArticulationEstimate(part_probabilities=estimate.part_probabilities, joints=estimate.joints, trajectory=short)


def test_trajectory_values_match_times_and_names() -> None:
    with pytest.raises(InvalidValueError, match=r"values have shape \(3, 2\); 3 times and 1 joints were given"):
        JointTrajectory(joint_names=("a",), times=np.arange(3.0), values=np.zeros((3, 2)))


def test_part_ids_are_the_likeliest_parts() -> None:
    clip = make_clip(num_points=30)
    np.testing.assert_array_equal(truth_as_estimate(clip).part_ids, clip.part_ids)


def test_assembled_object_states_what_was_observed_not_limits() -> None:
    estimate = truth_as_estimate(make_clip(num_points=30))
    made = assemble_object(estimate, [None, None, None], name="cabinet")
    assert [link.name for link in made.links] == ["base", "part_1", "part_2"]
    assert [joint.limits for joint in made.joints] == [None, None]
    assert made.joints[0].observed_range == pytest.approx((0.0, np.pi / 2))
    assert made.joints[1].observed_range == pytest.approx((0.0, 0.3))


def test_part_colors_repeat_without_the_base_color() -> None:
    assert part_color(0) == PART_COLORS[0]
    assert part_color(len(PART_COLORS)) == PART_COLORS[1]
    assert all(part_color(index) != PART_COLORS[0] for index in range(1, 40))


def test_fewer_joints_get_new_names_also_in_the_reason_that_names_the_open_ones() -> None:
    estimate = truth_as_estimate(make_clip(num_points=30))
    first, second = estimate.joints
    doubted = dataclasses.replace(second, status=Status.AMBIGUOUS, reasons=("hardly seen",))
    whole = dataclasses.replace(
        estimate, joints=(first, doubted), reasons=("cut short", f"{OPEN_PARTS}part_2"), status=Status.AMBIGUOUS
    )
    second_alone = keep_parts(whole, [1])
    assert second_alone.reasons == ("cut short", f"{OPEN_PARTS}part_1")
    assert second_alone.joints[0].joint.child == "part_1"
    assert keep_parts(whole, [0]).reasons == ("cut short",)
    assert keep_parts(whole, []).reasons == ("cut short",)
    np.testing.assert_allclose(keep_parts(whole, []).part_probabilities, 1.0)


def test_part_names() -> None:
    assert [part_name(index) for index in range(3)] == ["base", "part_1", "part_2"]
