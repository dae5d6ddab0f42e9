"""Marks of joints, and the room in which an axis may lie."""

import numpy as np
import pytest

from sim2art.articulation.error_law import error_radius
from sim2art.articulation.estimate import JointEstimate
from sim2art.articulation.joint import Joint, JointType
from sim2art.view.axes import mark_joint, uncertainty_cone

POINTS = np.random.default_rng(0).uniform([0.0, -0.02, 0.0], [0.6, 0.02, 1.0], (400, 3))
HINGE = Joint(
    name="hinge",
    type=JointType.REVOLUTE,
    parent="base",
    child="door",
    axis=np.array([0.0, 0.0, 1.0]),
    pivot=np.zeros(3),
)
MARK = mark_joint(HINGE, POINTS, np.array([0.0, 1.0]), 0)


def doubtful(axis_sigma: float | None, pivot_sigma: float | None) -> JointEstimate:
    return JointEstimate(
        joint=HINGE,
        type_probabilities={JointType.REVOLUTE: 1.0},
        confidence=0.9,
        axis_sigma=axis_sigma,
        pivot_sigma=pivot_sigma,
    )


def test_the_mark_of_a_hinge_runs_along_its_axis_past_the_part() -> None:
    assert MARK.segment[:, :2] == pytest.approx(np.zeros((2, 2)), abs=1e-9)
    assert MARK.segment[0, 2] < 0.03 and MARK.segment[1, 2] > 0.97
    assert MARK.ring is not None


def test_the_waist_holds_95_of_100_pivots_and_the_ends_95_of_100_directions() -> None:
    cone = uncertainty_cone(MARK, doubtful(0.01, 0.004))
    assert cone is not None
    radii = np.linalg.norm(cone.vertices[:, :2], axis=1)
    length = float(np.ptp(MARK.segment[:, 2]))
    waist = error_radius(0.95) * 0.004
    assert radii.min() == pytest.approx(waist, abs=2e-4 * length)
    assert radii.max() == pytest.approx(waist + length / 2 * np.tan(error_radius(0.95) * 0.01), abs=2e-4 * length)


def test_no_room_is_drawn_where_the_doubt_is_unknown() -> None:
    assert uncertainty_cone(MARK, doubtful(None, None)) is None
