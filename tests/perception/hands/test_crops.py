"""Crops turn, grow and move with the hand, and lead back to the image."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sim2art.perception.people.hands.crops import (
    CROP_SIZE,
    HandCrop,
    crop_of_landmarks,
    crop_of_palm,
    crop_of_region,
)
from tests.perception.hands.drawn_hand import HAND


def _similarity(seed: int) -> tuple[np.ndarray, np.ndarray, float]:
    rng = np.random.default_rng(seed)
    angle, scale = rng.uniform(-np.pi, np.pi), rng.uniform(0.3, 3.0)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return scale * turn, rng.uniform(-200, 200, 2), scale


def test_an_upright_palm_gives_an_upright_crop_above_its_box() -> None:
    points = np.zeros((7, 2))
    points[0], points[2] = (50.0, 90.0), (50.0, 50.0)
    crop = crop_of_palm(np.array([30.0, 50.0, 70.0, 90.0]), points)
    np.testing.assert_allclose(crop.fingers, [0.0, -1.0])
    np.testing.assert_allclose(crop.center, [50.0, 50.0])
    assert crop.side == 2.6 * 40.0
    np.testing.assert_allclose(crop.to_image(np.array([[0.0, 0.0]])), [[50.0 - 52.0, 50.0 - 52.0]])


@given(seed=st.integers(0, 10_000))
def test_crop_pixels_lead_to_the_image_and_back(seed: int) -> None:
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, 2 * np.pi)
    crop = HandCrop(
        center=rng.uniform(-50, 700, 2),
        side=float(rng.uniform(5, 900)),
        fingers=np.array([np.cos(angle), np.sin(angle)]),
    )
    points = rng.uniform(0, CROP_SIZE, (9, 2))
    matrix = crop.crop_from_image()
    np.testing.assert_allclose(crop.to_image(points) @ matrix[:, :2].T + matrix[:, 2], points, atol=1e-6)
    np.testing.assert_allclose(crop.to_image(np.full((1, 2), CROP_SIZE / 2)), crop.center[None], atol=1e-6)


@given(seed=st.integers(0, 10_000))
def test_the_crop_of_landmarks_moves_with_the_hand(seed: int) -> None:
    matrix, shift, scale = _similarity(seed)
    still, moved = crop_of_landmarks(HAND), crop_of_landmarks(HAND @ matrix.T + shift)
    np.testing.assert_allclose(moved.center, matrix @ still.center + shift, atol=1e-6)
    np.testing.assert_allclose(moved.fingers, matrix @ still.fingers / scale, atol=1e-9)
    assert np.isclose(moved.side, scale * still.side)
    matrix = moved.crop_from_image()
    inside = (HAND @ _similarity(seed)[0].T + shift) @ matrix[:, :2].T + matrix[:, 2]
    assert ((inside > 0) & (inside < CROP_SIZE)).all()


def test_fingers_point_up_in_the_crop() -> None:
    image = np.zeros((300, 300, 3), np.uint8)
    image[140:160, 200:260] = 255  # Fingers to the right of a palm at (150, 150).
    part = HandCrop(center=np.array([150.0, 150.0]), side=224.0, fingers=np.array([1.0, 0.0])).cut(image)
    rows, columns = np.nonzero(part[..., 0] > 100)
    assert rows.max() < 0.35 * CROP_SIZE
    assert abs(columns.mean() - CROP_SIZE / 2) < 2


def test_the_fingers_of_what_reaches_in_point_away_from_the_border() -> None:
    pixels = np.array([[0.0, 170.0], [64.0, 202.0], [30.0, 180.0]])
    crop = crop_of_region(pixels, (640, 480))
    np.testing.assert_allclose(crop.fingers, [1, 0])
    np.testing.assert_allclose(crop.center, [32, 186])
    assert crop.side == 128
    np.testing.assert_allclose(crop_of_region(pixels + [300, 277], (640, 480)).fingers, [0, -1])
