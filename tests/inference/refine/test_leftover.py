"""Motion that no joint explains is counted, and said."""

import dataclasses

import numpy as np

from sim2art.articulation.estimate import Status
from sim2art.articulation.joint import JointType
from sim2art.inference.refine.leftover import measure_leftover
from sim2art.inference.refine.parts import parts_from_estimate
from sim2art.inference.refine.refine import refine
from sim2art.observation.normalization import fit_normalization, normalize
from tests.hand_made import truth_as_estimate
from tests.inference.refine.test_refine import without_joints
from tests.point_clips import make_point_clip


def test_a_missed_part_is_left_over_and_a_found_one_is_not() -> None:
    clip = make_point_clip(JointType.REVOLUTE)
    normalization = fit_normalization(clip.video)
    video = normalize(clip.video, normalization)
    shares = [
        measure_leftover(video, parts_from_estimate(video, normalization, estimate))
        for estimate in (truth_as_estimate(clip), without_joints(clip))
    ]
    assert shares[0] < 0.02 and shares[1] > 0.2


def test_an_answer_that_leaves_motion_unexplained_says_so() -> None:
    clip = make_point_clip(JointType.REVOLUTE)
    answer = refine(clip.video, without_joints(clip))
    assert not answer.joints and answer.status is Status.AMBIGUOUS
    assert any("parts may be missing" in reason for reason in answer.reasons)


def test_no_points_leave_nothing() -> None:
    clip = make_point_clip(JointType.PRISMATIC)
    empty = dataclasses.replace(
        clip.video, valid=np.zeros_like(clip.video.valid), flow_valid=np.zeros_like(clip.video.flow_valid)
    )
    normalization = fit_normalization(empty)
    video = normalize(empty, normalization)
    assert measure_leftover(video, parts_from_estimate(video, normalization, without_joints(clip))) == 0.0
