"""Joints: identity at 0, free axis sign, sliding pivot, a far pivot, and what is refused in which words."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2art.articulation.joint import Joint, JointType
from sim2art.errors import InvalidValueError
from sim2art.geometry.transforms import apply, inverse
from tests.strategies import assert_same_joint, coordinates, joint_values, joints, point_sets, transforms

Z = np.array([0.0, 0.0, 1.0])


def make_hinge(**changes: object) -> Joint:
    facts = {"name": "hinge", "type": JointType.REVOLUTE, "parent": "a", "child": "b", "axis": Z, "pivot": np.zeros(3)}
    return Joint(**{**facts, **changes})  # type: ignore[arg-type]


@given(joints())
def test_value_0_is_the_identity(joint: Joint) -> None:
    np.testing.assert_allclose(joint.transform(0.0), np.eye(4), atol=1e-12)


@given(joints(), joint_values(), joint_values())
def test_motions_of_one_joint_add_up(joint: Joint, first: float, second: float) -> None:
    np.testing.assert_allclose(
        joint.transform(first) @ joint.transform(second), joint.transform(first + second), atol=1e-9
    )


@given(joints(), joint_values())
def test_opposite_axis_with_opposite_value_is_the_same_motion(joint: Joint, value: float) -> None:
    np.testing.assert_allclose(joint.flipped().transform(-value), joint.transform(value), atol=1e-9)
    assert assert_same_joint(joint.flipped(), joint) == -1.0


@given(joints().filter(lambda joint: joint.pivot is not None), coordinates(), joint_values())
def test_pivot_may_slide_along_axis(joint: Joint, distance: float, value: float) -> None:
    assert joint.pivot is not None
    slid = dataclasses.replace(joint, pivot=joint.pivot + distance * joint.axis)
    np.testing.assert_allclose(slid.transform(value), joint.transform(value), atol=1e-9)
    np.testing.assert_allclose(slid.pivot, joint.pivot, atol=1e-9)


@given(joints().filter(lambda joint: joint.pivot is not None))
def test_pivot_is_the_axis_point_nearest_the_origin(joint: Joint) -> None:
    assert joint.pivot is not None
    assert joint.pivot @ joint.axis == pytest.approx(0.0, abs=1e-9)


@given(joints(), joint_values(), transforms(), point_sets())
def test_moving_the_frame_moves_the_motion_along(
    joint: Joint, value: float, new_from_old: np.ndarray, points: np.ndarray
) -> None:
    moved = joint.moved(new_from_old).transform(value)
    np.testing.assert_allclose(
        apply(moved, apply(new_from_old, points)), apply(new_from_old, apply(joint.transform(value), points)), atol=1e-8
    )
    assert_same_joint(joint.moved(new_from_old).moved(inverse(new_from_old)), joint, tolerance=1e-6)


def test_a_far_pivot_tends_to_a_prismatic_joint() -> None:
    points = np.random.default_rng(0).uniform(-1, 1, size=(20, 3))
    slide = Joint(name="s", type=JointType.PRISMATIC, parent="a", child="b", axis=np.array([0.0, 1.0, 0.0]))
    errors = []
    for radius in (10.0, 100.0, 1000.0):
        hinge = make_hinge(pivot=np.array([-radius, 0.0, 0.0]))
        moved = apply(hinge.transform(0.3 / radius), points)
        errors.append(np.abs(moved - apply(slide.transform(0.3), points)).max())
    assert errors[2] < 1e-3
    assert errors[0] > 5 * errors[1] > 25 * errors[2]


@given(joints(), st.sampled_from([(), (4,), (2, 3)]))
def test_values_may_come_in_any_shape(joint: Joint, shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(0).normal(size=shape)
    many = joint.transform(values)
    assert many.shape == (*shape, 4, 4)
    for index in np.ndindex(shape):
        np.testing.assert_allclose(many[index], joint.transform(float(values[index])), atol=1e-12)


def test_fixed_joint_never_moves() -> None:
    fixed = make_hinge(type=JointType.FIXED)
    assert fixed.pivot is None
    np.testing.assert_array_equal(fixed.transform(np.array([0.5, -3.0])), np.broadcast_to(np.eye(4), (2, 4, 4)))


def test_prismatic_joint_forgets_its_pivot() -> None:
    assert make_hinge(type=JointType.PRISMATIC, pivot=np.ones(3)).pivot is None


def test_limits_flip_with_the_axis() -> None:
    flipped = make_hinge(limits=(-0.5, 2.0), observed_range=(0.0, 1.0)).flipped()
    assert flipped.limits == (-2.0, 0.5) and flipped.observed_range == (-1.0, 0.0)


def test_arrays_are_read_only_and_the_callers_are_untouched() -> None:
    axis = Z.copy()
    joint = make_hinge(axis=axis)
    axis[0] = 5.0
    assert joint.axis[0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        joint.axis[0] = 1.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"axis": 0.98 * Z},
            "Joint 'hinge': axis has length 0.98; unit length is needed (normalise it before building the Joint).",
        ),
        (
            {"axis": np.array([0.0, 0.0, np.nan])},
            "Joint 'hinge': axis has length nan; unit length is needed (normalise it before building the Joint).",
        ),
        ({"pivot": None}, "Joint 'hinge' is revolute and needs a finite pivot; found None."),
        ({"limits": (1.0, 0.0)}, "Joint 'hinge': limits (1.0, 0.0) must go from low to high."),
        ({"observed_range": (0.0, np.nan)}, "Joint 'hinge': observed_range (0.0, nan) must go from low to high."),
    ],
)
def test_what_is_wrong_is_said(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        make_hinge(**changes)
    assert str(caught.value) == message
