import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2art.articulation.joint import JointType
from sim2art.geometry.rotations import line_angle, rotation_from_rotvec
from sim2art.geometry.screws import revolute_transform
from sim2art.geometry.transforms import apply
from sim2art.inference.fit.joint_fit import (
    PartFlow,
    compare_costs,
    fit_joint,
    gather_part_flow,
    joint_residuals,
    start_other_type,
)  # fmt: skip
from sim2art.inference.hypotheses import JointGuess
from tests.point_clips import make_point_clip


def _part(clip):
    return gather_part_flow(clip.video, (clip.part_ids == 1).astype(float))


def _true_guess(clip, *, tilt=0.0):
    joint = clip.truth.joints[0]
    axis = rotation_from_rotvec(np.array([tilt, 0.0, 0.5 * tilt])) @ joint.axis
    is_revolute = joint.type is JointType.REVOLUTE
    pivot = joint.pivot + 0.1 * np.array([1.0, 0, -1]) * (tilt != 0) if is_revolute else np.zeros(3)
    return JointGuess(is_revolute=is_revolute, axis=axis, pivot=pivot, values=clip.trajectory.values[:, 0].copy())


@pytest.mark.parametrize("kind", [JointType.REVOLUTE, JointType.PRISMATIC])
def test_fit_recovers_joint_from_a_tilted_guess(kind):
    clip = make_point_clip(kind)
    fitted = fit_joint(_part(clip), _true_guess(clip, tilt=0.3))
    joint = clip.truth.joints[0]
    assert np.rad2deg(line_angle(fitted.axis, joint.axis)) < 0.7
    sign = np.sign(fitted.axis @ joint.axis)
    np.testing.assert_allclose(sign * fitted.values, clip.trajectory.values[:, 0], atol=0.02)
    if kind is JointType.REVOLUTE:
        off = fitted.pivot - joint.pivot
        assert np.linalg.norm(off - (off @ joint.axis) * joint.axis) < 0.02


@pytest.mark.parametrize("kind", [JointType.REVOLUTE, JointType.PRISMATIC])
def test_right_type_explains_flow_better(kind):
    clip = make_point_clip(kind)
    part = _part(clip)
    own = fit_joint(part, _true_guess(clip))
    other = fit_joint(part, start_other_type(part, own))
    assert own.is_revolute != other.is_revolute
    turn, slide = (own, other) if own.is_revolute else (other, own)
    odds = compare_costs(part, turn, slide)
    # A turn with a far axis can imitate a slide, so a slide wins by little and a turn by a lot.
    assert odds > 1.0 if kind is JointType.REVOLUTE else odds < 0.1


def test_sigma_grows_with_noise():
    sigmas = []
    for noise in (0.002, 0.02):
        clip = make_point_clip(JointType.REVOLUTE, noise=noise)
        sigmas.append(fit_joint(_part(clip), _true_guess(clip)).axis_sigma)
    assert 0 < sigmas[0] < sigmas[1] < 0.2


def test_too_little_flow_returns_the_guess():
    clip = make_point_clip(JointType.REVOLUTE)
    empty = gather_part_flow(clip.video, np.zeros(clip.part_ids.shape))
    guess = _true_guess(clip, tilt=0.2)
    fitted = fit_joint(empty, guess)
    np.testing.assert_array_equal(fitted.axis, guess.axis)
    assert fitted.axis_sigma == np.inf
    assert compare_costs(empty, guess, guess) == 0.0
    assert start_other_type(empty, guess).is_revolute is False


@given(
    rotvec=st.tuples(*[st.floats(-2, 2)] * 3),
    pivot=st.tuples(*[st.floats(-2, 2)] * 3),
    angle=st.floats(-2.0, 2.0).filter(lambda x: abs(x) > 0.05),
)
def test_true_joint_leaves_no_residual(rotvec, pivot, angle):
    axis = rotation_from_rotvec(np.array(rotvec)) @ np.array([0, 0, 1.0])
    pivot = np.array(pivot)
    rng = np.random.default_rng(0)
    points = rng.uniform(-1, 1, (40, 3))
    flows = apply(revolute_transform(axis, pivot, angle), points) - points
    part = PartFlow(
        midpoints=points + 0.5 * flows,
        flows=flows,
        weights=np.ones(40),
        start=np.zeros(40, dtype=int),
        stop=np.ones(40, dtype=int),
        num_frames=2,
    )
    guess = JointGuess(is_revolute=True, axis=axis, pivot=pivot, values=np.array([0.0, angle]))
    np.testing.assert_allclose(joint_residuals(part, guess), 0, atol=1e-9)
    fitted = fit_joint(part, guess)
    assert line_angle(fitted.axis, axis) < 1e-4


def test_values_do_not_run_on_where_flow_ends():
    clip = make_point_clip(JointType.PRISMATIC)
    weights = (clip.part_ids == 1).astype(float)
    weights[4:] = 0.0
    fitted = fit_joint(gather_part_flow(clip.video, weights), _true_guess(clip))
    seen = clip.trajectory.values[4 + 8 if len(clip.trajectory.values) > 12 else -1, 0]
    assert np.abs(fitted.values).max() < abs(seen) * 1.5


@pytest.mark.parametrize("kind", [JointType.REVOLUTE, JointType.PRISMATIC])
def test_a_held_direction_stays_and_the_rest_is_fitted(kind):
    clip = make_point_clip(kind)
    joint = clip.truth.joints[0]
    start = _true_guess(clip, tilt=0.3)
    straight = dataclasses.replace(start, axis=joint.axis.copy(), values=0.6 * start.values)
    fitted = fit_joint(_part(clip), straight, hold_direction=True)
    assert abs(fitted.axis @ joint.axis) > 1 - 1e-12
    np.testing.assert_allclose(
        np.sign(fitted.axis @ joint.axis) * fitted.values, clip.trajectory.values[:, 0], atol=0.02
    )
    if kind is JointType.REVOLUTE:
        off = fitted.pivot - joint.pivot
        assert np.linalg.norm(off - (off @ joint.axis) * joint.axis) < 0.02
