"""Rigid transforms: group axioms, naming order, cameras that look at something, rejection of what is not rigid."""

import numpy as np
import pytest
from hypothesis import assume, given

from sim2art.geometry.rotations import rotation_from_rotvec
from sim2art.geometry.transforms import apply, inverse, is_rigid, look_at, make_transform
from tests.strategies import point_sets, transforms, vectors


@given(transforms(), transforms(), point_sets())
def test_product_applies_the_right_one_first(a_from_b: np.ndarray, b_from_c: np.ndarray, points_c: np.ndarray) -> None:
    np.testing.assert_allclose(
        apply(a_from_b @ b_from_c, points_c), apply(a_from_b, apply(b_from_c, points_c)), atol=1e-10
    )


@given(transforms())
def test_inverse_is_the_group_inverse(transform: np.ndarray) -> None:
    np.testing.assert_allclose(transform @ inverse(transform), np.eye(4), atol=1e-10)
    np.testing.assert_allclose(inverse(inverse(transform)), transform, atol=1e-10)


@given(transforms(), point_sets())
def test_rigid_motion_keeps_distances(transform: np.ndarray, points: np.ndarray) -> None:
    moved = apply(transform, points)
    np.testing.assert_allclose(
        np.linalg.norm(moved[1:] - moved[:-1], axis=1), np.linalg.norm(points[1:] - points[:-1], axis=1), atol=1e-9
    )
    assert is_rigid(transform)


@pytest.mark.parametrize(("left", "right"), [((), (5,)), ((5,), ()), ((5,), (5,)), ((1,), (5,)), ((2, 1), (3,))])
def test_batches_broadcast(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    shape = np.broadcast_shapes(left, right)
    rotation = rotation_from_rotvec(rng.normal(size=(*left, 3)))
    made = make_transform(rotation, rng.normal(size=(*right, 3)))
    assert made.shape == (*shape, 4, 4)
    points = rng.normal(size=(*right, 7, 3))
    many = make_transform(rotation, np.zeros((*left, 3)))
    assert apply(many, points).shape == (*shape, 7, 3)


@given(vectors(), vectors())
def test_camera_sees_its_target_straight_ahead(eye: np.ndarray, target: np.ndarray) -> None:
    assume(np.linalg.norm(target - eye) > 0.1)
    world_from_camera = look_at(eye, target, np.array([0.0, 0.0, 1.0]))
    assert is_rigid(world_from_camera)
    target_camera = apply(inverse(world_from_camera), target[None])[0]
    np.testing.assert_allclose(target_camera, [0, 0, np.linalg.norm(target - eye)], atol=1e-9)


def test_level_camera_has_y_down_and_x_right() -> None:
    world_from_camera = look_at(np.array([0.0, -2.0, 0.0]), np.zeros(3), np.array([0.0, 0.0, 1.0]))
    np.testing.assert_allclose(world_from_camera[:3, 1], [0, 0, -1], atol=1e-12)
    np.testing.assert_allclose(world_from_camera[:3, 0], [1, 0, 0], atol=1e-12)


def test_camera_may_look_straight_down() -> None:
    world_from_camera = look_at(np.array([0.0, 0.0, 3.0]), np.zeros(3), np.array([0.0, 0.0, 1.0]))
    assert is_rigid(world_from_camera)
    np.testing.assert_allclose(world_from_camera[:3, 2], [0, 0, -1], atol=1e-12)


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((4, 4)),
        np.full((4, 4), np.nan),
        np.diag([1.0, 1.0, -1.0, 1.0]),
        np.diag([1.1, 1.1, 1.1, 1.0]),
        np.eye(4)[[0, 1, 3, 2]],
    ],
    ids=["zero", "nan", "mirror", "scaled", "last row"],
)
def test_what_is_not_rigid_is_recognised(wrong: np.ndarray) -> None:
    assert not is_rigid(wrong)
    assert not is_rigid(np.stack([np.eye(4), wrong]))
