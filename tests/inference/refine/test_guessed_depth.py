"""A joint that rests on guessed depth is ok only when the images show its motion."""

import dataclasses

import numpy as np
import pytest

from sim2art.articulation.estimate import ArticulationEstimate, Status
from sim2art.articulation.joint import JointType
from sim2art.geometry.cameras import intrinsics_from_fov
from sim2art.inference.refine.guessed_depth import doubts_of, judge_guessed_depth, measure_shown_motion
from sim2art.observation.point_video import PointVideo
from tests.hand_made import truth_as_estimate
from tests.point_clips import make_point_clip

K = intrinsics_from_fov(640, 480, 1.0)


def _clip(kind: JointType = JointType.REVOLUTE) -> tuple[PointVideo, ArticulationEstimate]:
    clip = make_point_clip(kind)
    return clip.video, truth_as_estimate(clip)


@pytest.mark.parametrize("kind", [JointType.REVOLUTE, JointType.PRISMATIC])
def test_a_joint_that_the_images_show_stays_ok(kind: JointType) -> None:
    video, estimate = _clip(kind)
    (shown,) = measure_shown_motion(video, K, estimate)
    assert shown.shift > 5 and shown.image_miss < 0.2 and shown.space_miss < 0.1
    judged = judge_guessed_depth(video, K, estimate)
    assert judged.status is estimate.status and judged.reasons == estimate.reasons
    assert judged.joints[0].reasons == estimate.joints[0].reasons


def test_depth_that_trembles_along_the_rays_is_no_motion() -> None:
    video, estimate = _clip()
    flow = 0.06 * video.points_world[None] * np.random.default_rng(0).normal(1.0, 0.1, (3, *video.valid.shape, 1))
    trembling = dataclasses.replace(video, flow_world=np.where(video.flow_valid[..., None], flow, 0.0))
    (shown,) = measure_shown_motion(trembling, K, estimate)
    assert shown.shift < 1
    assert any("px only" in reason for reason in doubts_of(shown, 1.0))
    judged = judge_guessed_depth(trembling, K, estimate)
    assert judged.status is Status.AMBIGUOUS and "guessed" in judged.reasons[-1]
    assert not judged.joints


def test_motion_that_is_not_rigid_is_doubted() -> None:
    video, estimate = _clip()
    rng = np.random.default_rng(0)
    loose = video.flow_world + 0.25 * rng.normal(size=video.flow_world.shape) * np.linalg.norm(
        video.flow_world, axis=-1, keepdims=True
    )
    judged = judge_guessed_depth(dataclasses.replace(video, flow_world=loose), K, estimate)
    assert any("one rigid piece" in reason for reason in judged.joints[0].reasons)


def test_the_joint_of_another_motion_is_left_out() -> None:
    video, estimate = _clip()
    back = dataclasses.replace(estimate.trajectory, values=-estimate.trajectory.values)
    judged = judge_guessed_depth(video, K, dataclasses.replace(estimate, trajectory=back))
    assert not judged.joints and judged.status is Status.AMBIGUOUS
    assert "left more of the motion" in judged.reasons[-1]
    assert (judged.part_ids == 0).all()


def test_a_joint_that_explains_part_of_the_motion_is_doubted() -> None:
    video, estimate = _clip()
    short = dataclasses.replace(estimate.trajectory, values=0.6 * estimate.trajectory.values)
    judged = judge_guessed_depth(video, K, dataclasses.replace(estimate, trajectory=short))
    assert judged.joints[0].status is Status.AMBIGUOUS
    assert any("of the motion in the images" in reason for reason in judged.joints[0].reasons)


def test_without_flow_nothing_is_shown() -> None:
    video, estimate = _clip()
    unseen = dataclasses.replace(video, flow_valid=np.zeros_like(video.flow_valid))
    (shown,) = measure_shown_motion(unseen, K, estimate)
    assert shown.num_rows == 0
    assert len(doubts_of(shown, 1.0)) == 1


def test_an_open_type_is_doubted_and_a_doubted_answer_stays_so() -> None:
    video, estimate = _clip()
    (joint,) = estimate.joints
    even = dataclasses.replace(joint, type_probabilities={JointType.REVOLUTE: 0.6, JointType.PRISMATIC: 0.4})
    failed = dataclasses.replace(estimate, joints=(even,), status=Status.FAILED, reasons=("before",))
    judged = judge_guessed_depth(video, K, failed)
    assert judged.joints[0].status is Status.AMBIGUOUS
    assert judged.status is Status.FAILED and judged.reasons[0] == "before"


def test_a_part_that_little_speaks_for_is_doubted() -> None:
    video, estimate = _clip()
    unsure = tuple(dataclasses.replace(found, confidence=0.2) for found in estimate.joints)
    judged = judge_guessed_depth(video, K, dataclasses.replace(estimate, joints=unsure))
    assert judged.joints[0].status is Status.AMBIGUOUS
    assert any("20 %" in reason for reason in judged.joints[0].reasons)


def test_sigmas_hold_the_error_of_guessed_depth() -> None:
    video, estimate = _clip()
    sure = tuple(dataclasses.replace(found, axis_sigma=0.002, pivot_sigma=0.001) for found in estimate.joints)
    (judged,) = judge_guessed_depth(video, K, dataclasses.replace(estimate, joints=sure)).joints
    assert judged.axis_sigma == pytest.approx(np.radians(7), rel=0.01)
    assert judged.pivot_sigma is not None and judged.pivot_sigma > 0.02
    (silent,) = judge_guessed_depth(video, K, estimate).joints
    assert silent.axis_sigma is None or silent.axis_sigma >= np.radians(7)
