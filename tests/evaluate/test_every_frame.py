"""Scores over all frames: zero for the truth, known for a known error."""

import numpy as np
import pytest

from sim2art.articulation.estimate import ArticulationEstimate, JointEstimate, Status
from sim2art.articulation.frame_states import FrameStates
from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.evaluate.every_frame import RecordingScore, TrueMotion, compare, score_states, summarise

USED = np.array([1, 3])
TRUE = np.deg2rad(np.array([[0.0], [10.0], [40.0], [70.0]]))


def hinge(sign: float) -> Joint:
    return Joint(
        name="joint_1", type=JointType.REVOLUTE, parent="base", child="part_1", axis=sign * np.array([0.0, 1.0, 0.0]),
        pivot=np.zeros(3),
    )  # fmt: skip


def score(values: np.ndarray, *, sign: float = 1.0, status: Status = Status.OK, part: int = 1) -> RecordingScore:
    labels = np.zeros((2, 4, 6), np.uint8)
    labels[:, :, 3:] = part
    part_images = np.where(np.arange(6) >= 3, 1, 0)[None, None].repeat(2, 0).repeat(4, 1)
    estimate = ArticulationEstimate(
        part_probabilities=np.full((2, 4, 2), 0.5),
        joints=(JointEstimate(joint=hinge(sign), type_probabilities={JointType.REVOLUTE: 1.0}, confidence=0.9),),
        trajectory=JointTrajectory(
            joint_names=("joint_1",), times=np.array([0.1, 0.3]), values=np.ascontiguousarray(values[USED])
        ),
        status=status,
    )
    states = FrameStates(
        frame_ids=(0, 1, 2, 3), times=np.arange(4) / 10, values=values.copy(), sigmas=np.full((4, 1), 1e-3),
        visible=np.ones((4, 1), dtype=bool), followed=(True,),
    )  # fmt: skip
    truth = TrueMotion(joints=(hinge(1.0),), values=TRUE, part_images=part_images, shares=(0.02,))
    return score_states(estimate, status, labels, values, states, USED, truth)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_truth_scores_zero_whatever_the_sign_of_the_axis(sign: float) -> None:
    (joint,) = score(sign * (TRUE - TRUE[1]), sign=sign).joints
    assert joint.is_found and joint.motion == pytest.approx(0.0, abs=1e-9)
    assert joint.range_error == pytest.approx(0.0, abs=1e-9) and joint.is_ok and not joint.is_wrongly_ok


def test_a_lost_swing_counts_in_all_frames_and_as_wrongly_ok() -> None:
    lost = TRUE.copy()
    lost[2:] -= np.deg2rad(20.0)
    found = score(lost)
    assert found.joints[0].motion == pytest.approx(10.0)
    assert found.joints[0].range_error == pytest.approx(20 / 70)
    assert found.joints[0].is_wrongly_ok
    assert not score(lost, status=Status.AMBIGUOUS).joints[0].is_wrongly_ok


def test_a_part_that_matches_none_is_missed() -> None:
    found = score(TRUE, part=0)
    assert not found.joints[0].is_found and found.num_invented == 1
    assert "1 to 3 % of the image" in summarise([found])


def test_sigmas_are_true_where_errors_are_no_larger() -> None:
    off = TRUE + np.array([[0.0], [0.0], [1.5e-3], [5e-3]])
    (joint,) = score(off).joints
    assert joint.frames is not None
    assert joint.frames.within(1.0) == pytest.approx(0.5) and joint.frames.within(1.96) == pytest.approx(0.75)
    assert joint.range_sigmas == pytest.approx(5e-3 / np.hypot(1e-3, 1e-3))


def test_a_comparison_tells_what_the_second_has_more() -> None:
    lost = TRUE.copy()
    lost[2:] -= np.deg2rad(20.0)
    rows = compare([score(TRUE)] * 3, [score(lost)] * 3).splitlines()
    (motion,) = (row for row in rows if "turns, deg, mean" in row)
    assert "+10.00" in motion and "[10.00 10.00]" in motion and motion.endswith("of 3")
