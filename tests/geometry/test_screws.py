"""Motions with one degree of freedom, lines, and Cayley's form of a turn."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sim2art.geometry.screws import line_distance, nearest_point_on_line, prismatic_transform, revolute_transform
from sim2art.geometry.transforms import apply, is_rigid
from tests.strategies import axes, coordinates, point_sets, transforms, vectors

turns = st.floats(-np.pi, np.pi, allow_nan=False)


@given(axes(), vectors(), turns)
def test_turn_keeps_its_axis(axis: np.ndarray, pivot: np.ndarray, angle: float) -> None:
    on_axis = pivot + np.linspace(-2, 2, 5)[:, None] * axis
    np.testing.assert_allclose(apply(revolute_transform(axis, pivot, angle), on_axis), on_axis, atol=1e-9)


@given(axes(), vectors(), turns, turns)
def test_turns_about_one_axis_add_up(axis: np.ndarray, pivot: np.ndarray, first: float, second: float) -> None:
    both = revolute_transform(axis, pivot, first) @ revolute_transform(axis, pivot, second)
    np.testing.assert_allclose(both, revolute_transform(axis, pivot, first + second), atol=1e-9)


def test_turn_follows_the_right_hand_rule() -> None:
    quarter = revolute_transform(np.array([0.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0]), np.pi / 2)
    np.testing.assert_allclose(apply(quarter, np.array([[2.0, 0.0, 0.0]])), [[1.0, 1.0, 0.0]], atol=1e-12)


@given(axes(), vectors(), st.floats(-3.0, 3.0), point_sets())
def test_cayley_identity_holds_for_finite_turns(
    axis: np.ndarray, pivot: np.ndarray, angle: float, points: np.ndarray
) -> None:
    moved = apply(revolute_transform(axis, pivot, angle), points)
    middle = (points + moved) / 2
    expected = 2 * np.tan(angle / 2) * np.cross(axis, middle - pivot)
    np.testing.assert_allclose(moved - points, expected, atol=1e-8)


@given(axes(), coordinates(), point_sets())
def test_slide_moves_along_its_axis(axis: np.ndarray, distance: float, points: np.ndarray) -> None:
    moved = apply(prismatic_transform(axis, distance), points)
    np.testing.assert_allclose(moved - points, np.broadcast_to(distance * axis, points.shape), atol=1e-12)


@pytest.mark.parametrize("shape", [(4,), (2, 3)])
def test_one_axis_takes_many_values(shape: tuple[int, ...]) -> None:
    axis, values = np.array([0.0, 0.6, 0.8]), np.linspace(0, 1, int(np.prod(shape))).reshape(shape)
    for many in (revolute_transform(axis, np.ones(3), values), prismatic_transform(axis, values)):
        assert many.shape == (*shape, 4, 4)
        assert is_rigid(many)


@given(axes(), vectors(), point_sets())
def test_nearest_point_is_on_the_line_and_square_to_it(axis: np.ndarray, pivot: np.ndarray, points: np.ndarray) -> None:
    nearest = nearest_point_on_line(points, axis, pivot)
    np.testing.assert_allclose(np.cross(nearest - pivot, axis), 0, atol=1e-9)
    np.testing.assert_allclose((points - nearest) @ axis, 0, atol=1e-9)


def test_distance_of_known_lines() -> None:
    x, y = np.array([1.0, 0, 0]), np.array([0, 1.0, 0])
    assert line_distance(x, np.zeros(3), y, np.array([5.0, -3.0, 2.0])) == pytest.approx(2.0)
    assert line_distance(x, np.zeros(3), -x, np.array([9.0, 3.0, 4.0])) == pytest.approx(5.0)


@given(axes(), vectors(), axes(), vectors(), transforms())
def test_line_distance_is_symmetric_and_moves_along(
    axis_a: np.ndarray, pivot_a: np.ndarray, axis_b: np.ndarray, pivot_b: np.ndarray, motion: np.ndarray
) -> None:
    # Between nearly parallel lines (below some 1e-6 rad) the distance jumps to that of parallel ones.
    assume(np.linalg.norm(np.cross(axis_a, axis_b)) > 1e-3)
    distance = line_distance(axis_a, pivot_a, axis_b, pivot_b)
    assert line_distance(axis_b, pivot_b, axis_a, pivot_a) == pytest.approx(distance, abs=1e-8)
    turn = motion[:3, :3]
    moved_a, moved_b = apply(motion, np.stack([pivot_a, pivot_b]))
    assert line_distance(turn @ axis_a, moved_a, turn @ axis_b, moved_b) == pytest.approx(distance, abs=1e-7)
