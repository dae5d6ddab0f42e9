"""What people read."""

import dataclasses

import numpy as np
import pytest

from sim2art.articulation.estimate import ArticulationEstimate, JointEstimate, Status
from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.view.words import NOTHING, make_headline, show_doubt, show_value

R, P = JointType.REVOLUTE, JointType.PRISMATIC


def make_estimate(*kinds: JointType) -> ArticulationEstimate:
    joints = tuple(
        JointEstimate(
            joint=Joint(
                name=f"joint_{i}",
                type=kind,
                parent="base",
                child=f"part_{i}",
                axis=np.array([0.0, 0, 1]),
                pivot=np.zeros(3),
            ),
            type_probabilities={kind: 1.0},
            confidence=0.5,
            axis_sigma=0.01,
        )
        for i, kind in enumerate(kinds, start=1)
    )
    names = tuple(x.joint.name for x in joints)
    return ArticulationEstimate(
        part_probabilities=np.ones((2, 1, len(kinds) + 1)) / (len(kinds) + 1),
        joints=joints,
        trajectory=JointTrajectory(joint_names=names, times=np.arange(2.0), values=np.zeros((2, len(kinds)))),
    )


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ((), "No moving part was found"),
        ((R,), "One moving part that turns"),
        ((P,), "One moving part that slides"),
        ((R, R), "Two moving parts: all turn"),
        ((R, P), "Two moving parts: one turns, one slides"),
        ((P, P, R), "Three moving parts: one turns, two slide"),
        ((P,) * 12, "12 moving parts: all slide"),
    ],
)
def test_the_headline_counts_the_parts(kinds: tuple[JointType, ...], expected: str) -> None:
    assert make_headline(make_estimate(*kinds), Status.OK) == expected


def test_a_failed_result_does_not_boast() -> None:
    assert make_headline(make_estimate(R), Status.FAILED) == "No usable answer"


def test_values_are_in_degrees_and_centimetres() -> None:
    assert show_value(np.pi / 2, R, is_metric=True) == "90.0°"
    assert show_value(-0.123, P, is_metric=True) == "\N{MINUS SIGN}12.3 cm"
    assert show_value(-1e-9, P, is_metric=True) == "0.0 cm"
    assert show_value(0.5, P, is_metric=False) == "0.500 units"


def test_doubt_is_told_as_the_radius_of_95_of_100_errors_and_a_dash_where_unknown() -> None:
    found = make_estimate(P).joints[0]
    assert show_doubt(found, is_metric=True) == ["axis ±2.0°"]
    assert show_doubt(dataclasses.replace(found, axis_sigma=None), is_metric=True) == [NOTHING]
