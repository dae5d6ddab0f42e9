"""Aggregates of scores with known values."""

import pytest

from sim2art.articulation.joint import JointType
from sim2art.evaluate.scores import Claim, ClipScore, JointScore
from sim2art.evaluate.summary import group_by_family, measure_risk_coverage, spread, summarize


def make_score(*, joints: tuple[JointScore, ...] = (), claims: tuple[Claim, ...] = (), **changes: object) -> ClipScore:
    facts = {
        "clip": "door/0", "family": "door", "num_true_parts": 1 + len(joints), "num_parts": 1 + len(claims),
        "mean_iou": 0.8, "moving_iou": 0.7 if joints else None, "num_found": 1, "seconds": 1.0,
    }  # fmt: skip
    return ClipScore(joints=joints, claims=claims, **{**facts, **changes})  # type: ignore[arg-type]


def make_joint(axis_deg: float | None, **changes: object) -> JointScore:
    kind = None if axis_deg is None else JointType.REVOLUTE
    facts = {"estimated_type": kind, "axis_deg": axis_deg, "position_cm": axis_deg}
    return JointScore(name="j", true_type=JointType.REVOLUTE, part_iou=0.9, **{**facts, **changes})  # type: ignore[arg-type]


def test_spread_leaves_out_what_was_not_measured() -> None:
    values = spread([[1.0, None], [], [2.0, 9.0]])
    assert (values.count, values.mean, values.median) == (3, 4.0, 2.0)
    assert values.p90 == pytest.approx(2.0 + 0.8 * 7.0)
    assert spread([[None]]).mean is None


def test_missed_joints_count_as_wrong_type_and_pay_the_penalty() -> None:
    summary = summarize([make_score(joints=(make_joint(2.0), make_joint(None)))])
    assert summary.type_accuracy == 0.5
    assert summary.axis_deg.mean == 2.0 and summary.axis_deg.count == 1
    assert summary.axis_deg_penalised.mean == (2.0 + 90.0) / 2
    assert summary.position_cm_penalised.mean == (2.0 + 100.0) / 2
    assert summary.success == {"10 deg, 10 cm": 0.5, "5 deg, 5 cm": 0.5}


def test_type_right_axis_leaves_out_joints_of_another_type() -> None:
    other = make_joint(50.0, estimated_type=JointType.PRISMATIC, position_cm=None)
    summary = summarize([make_score(joints=(make_joint(2.0), other))])
    assert summary.axis_deg.mean == 26.0
    assert summary.axis_deg_type_right.mean == 2.0


def test_success_needs_both_bounds() -> None:
    summary = summarize([make_score(joints=(make_joint(2.0, position_cm=7.0),))])
    assert summary.success == {"10 deg, 10 cm": 1.0, "5 deg, 5 cm": 0.0}


def test_still_clips_are_right_when_no_joint_is_claimed() -> None:
    wrong = Claim(confidence=0.6, is_right=False, axis_deg=90.0)
    summary = summarize([make_score(), make_score(claims=(wrong,)), make_score(joints=(make_joint(1.0),))])
    assert summary.still_clips == 2 and summary.still_right == 0.5


def test_failures_are_counted() -> None:
    summary = summarize([make_score(failure="ValueError: no"), make_score()])
    assert (summary.num_clips, summary.num_failures) == (2, 1)


def test_confidence_that_sorts_well_has_low_risk_where_it_is_sure() -> None:
    right = [Claim(confidence=0.9, is_right=True, axis_deg=1.0)] * 3
    wrong = [Claim(confidence=0.2, is_right=False, axis_deg=45.0)]
    curve = measure_risk_coverage([*wrong, *right])
    assert curve.coverages == (0.25, 0.5, 0.75, 0.9, 1.0)
    assert curve.wrong == (0.0, 0.0, 0.0, 0.25, 0.25)
    assert curve.axis_deg[0] == 1.0 and curve.axis_deg[-1] == 12.0
    assert curve.area == pytest.approx(0.25 / 4)
    # Bins: 0.9 is always right (gap 0.1, three claims), 0.2 never (gap 0.2, one claim).
    assert curve.calibration_error == pytest.approx((3 * 0.1 + 0.2) / 4)


def test_risk_without_claims_is_unknown_not_zero() -> None:
    assert measure_risk_coverage([]).area is None


def test_intervals_count_truths_inside_the_stated_sigma() -> None:
    joints = tuple(make_joint(error, axis_sigma_deg=1.0) for error in (1.0, 1.4, 3.0, 9.0))
    inside = summarize([make_score(joints=joints)]).inside_intervals
    assert inside["axis 68 %"] == 0.5  # Within 1.51 sigma.
    assert inside["axis 95 %"] == 0.75  # The tails are those of Student's law.
    assert inside["position 68 %"] is None


def test_families_are_grouped_in_order() -> None:
    scores = [make_score(family="oven"), make_score(family="door"), make_score(family="oven")]
    assert {family: len(group) for family, group in group_by_family(scores).items()} == {"door": 1, "oven": 2}


def test_mixed_up_types_are_counted_over_sure_answers_and_clear_arcs() -> None:
    slide = JointType.PRISMATIC
    joints = (
        make_joint(2.0, true_swing=0.5),
        make_joint(50.0, true_swing=0.5, estimated_type=slide),
        make_joint(50.0, true_swing=0.1, estimated_type=slide),
        make_joint(50.0, true_swing=0.5, estimated_type=slide, is_open=True),
        make_joint(None, true_swing=0.5),
    )
    mistakes = summarize([make_score(joints=joints)]).type_mistakes
    assert mistakes.turns_called_slides == 0.5
    assert mistakes.slides_called_turns is None
    assert mistakes.open == 0.25


def test_numbers_carry_intervals_over_clips() -> None:
    scores = [make_score(joints=(make_joint(float(index)), make_joint(None))) for index in range(30)]
    summary = summarize(scores)
    assert summary.axis_deg.mean_95 is not None and summary.axis_deg.mean is not None
    assert summary.axis_deg.mean_95[0] < summary.axis_deg.mean < summary.axis_deg.mean_95[1]
    # Every clip has one of two types right: there is no spread over clips, whatever that over joints.
    assert summary.intervals_95["type_accuracy"] == (0.5, 0.5)
    assert summary.found_share == 1.0 and summarize(scores[:1]).intervals_95["type_accuracy"] is None
    assert summary.intervals_95["still_right"] is None
