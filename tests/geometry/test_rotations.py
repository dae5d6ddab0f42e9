"""SO(3): group axioms, exponential and logarithm near 0 and near pi, quaternions."""

import numpy as np
import pytest
from hypothesis import given

from sim2art.geometry.rotations import (
    any_perpendicular,
    quaternion_from_rotation,
    rotation_between,
    rotation_from_quaternion,
    rotation_from_rotvec,
    rotvec_from_rotation,
    skew,
)
from tests.strategies import axes, rotations, rotvecs, vectors


def assert_rotation(matrix: np.ndarray) -> None:
    np.testing.assert_allclose(
        matrix @ np.swapaxes(matrix, -1, -2), np.broadcast_to(np.eye(3), matrix.shape), atol=1e-12
    )
    np.testing.assert_allclose(np.linalg.det(matrix), 1.0, atol=1e-12)


@given(rotvecs())
def test_exponential_is_a_rotation(rotvec: np.ndarray) -> None:
    assert_rotation(rotation_from_rotvec(rotvec))


@given(rotvecs())
def test_logarithm_undoes_the_exponential(rotvec: np.ndarray) -> None:
    rotation = rotation_from_rotvec(rotvec)
    found = rotvec_from_rotation(rotation)
    assert np.linalg.norm(found) <= np.pi + 1e-9
    np.testing.assert_allclose(rotation_from_rotvec(found), rotation, atol=1e-9)
    if np.linalg.norm(rotvec) < np.pi - 1e-3:  # At pi the axis sign is free.
        np.testing.assert_allclose(found, rotvec, atol=1e-9)


@pytest.mark.parametrize("size", [0.0, 1e-12, 1e-9, 1e-6, 0.99e-4, 1.01e-4, 1e-3])
def test_small_rotations_keep_their_digits(size: float) -> None:
    rotvec = size * np.array([0.6, 0.0, 0.8])
    np.testing.assert_allclose(rotvec_from_rotation(rotation_from_rotvec(rotvec)), rotvec, rtol=1e-7, atol=1e-16)


def test_derivative_of_the_exponential_at_zero_is_the_skew_matrix() -> None:
    step, axis = 1e-6, np.array([0.36, -0.48, 0.8])
    difference = (rotation_from_rotvec(step * axis) - rotation_from_rotvec(-step * axis)) / (2 * step)
    np.testing.assert_allclose(difference, skew(axis), atol=1e-9)


@given(rotations(), rotations(), rotations())
def test_rotations_form_a_group(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> None:
    assert_rotation(a @ b)
    np.testing.assert_allclose((a @ b) @ c, a @ (b @ c), atol=1e-12)
    np.testing.assert_allclose(rotation_from_rotvec(-rotvec_from_rotation(a)) @ a, np.eye(3), atol=1e-8)


@given(rotations())
def test_quaternion_round_trip(rotation: np.ndarray) -> None:
    quaternion = quaternion_from_rotation(rotation)
    assert quaternion[0] >= 0
    assert np.linalg.norm(quaternion) == pytest.approx(1.0)
    np.testing.assert_allclose(rotation_from_quaternion(quaternion), rotation, atol=1e-9)


def test_quaternions_are_wxyz() -> None:
    quarter_turn = rotation_from_rotvec(np.array([0.0, 0.0, np.pi / 2]))
    np.testing.assert_allclose(quaternion_from_rotation(quarter_turn), [np.sqrt(0.5), 0, 0, np.sqrt(0.5)])


@given(axes(), axes())
def test_rotation_between_takes_start_to_end(start: np.ndarray, end: np.ndarray) -> None:
    rotation = rotation_between(start, end)
    assert_rotation_loosely(rotation)
    np.testing.assert_allclose(rotation @ start, end, atol=1e-4)


def assert_rotation_loosely(matrix: np.ndarray) -> None:
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-6)
    assert np.linalg.det(matrix) == pytest.approx(1.0, abs=1e-6)


@given(axes())
def test_rotation_between_opposites_is_a_half_turn(start: np.ndarray) -> None:
    rotation = rotation_between(start, -start)
    np.testing.assert_allclose(rotation @ start, -start, atol=1e-9)
    assert np.linalg.det(rotation) == pytest.approx(1.0)


@given(axes())
def test_any_perpendicular_is_a_unit_perpendicular(direction: np.ndarray) -> None:
    found = any_perpendicular(direction)
    assert found @ direction == pytest.approx(0.0, abs=1e-12)
    assert np.linalg.norm(found) == pytest.approx(1.0)


@given(vectors(), vectors())
def test_skew_is_the_cross_product(a: np.ndarray, b: np.ndarray) -> None:
    np.testing.assert_allclose(skew(a) @ b, np.cross(a, b), atol=1e-12)


@pytest.mark.parametrize("shape", [(), (5,), (2, 3)])
def test_every_function_takes_batches(shape: tuple[int, ...]) -> None:
    many = np.random.default_rng(0).normal(size=(*shape, 3))
    rotation = rotation_from_rotvec(many)
    assert rotation.shape == (*shape, 3, 3)
    np.testing.assert_allclose(rotation_from_rotvec(rotvec_from_rotation(rotation)), rotation, atol=1e-12)
    np.testing.assert_allclose(rotation_from_quaternion(quaternion_from_rotation(rotation)), rotation, atol=1e-12)
    for index in np.ndindex(shape):
        np.testing.assert_array_equal(rotation[index], rotation_from_rotvec(many[index]))
