"""Joints tried along directions: the one that carried a panel is found, and none where nothing moved."""

import numpy as np
import pytest

from sim2art.geometry.screws import prismatic_transform, revolute_transform
from sim2art.geometry.transforms import apply
from sim2art.inference.propose.surface_scan import CUT, measure_distances, scan

NUM_FRAMES = 12
STEP = 0.05


def panel(motions: np.ndarray) -> np.ndarray:
    """A panel across z, 0.6 by 0.4, carried by motions: (frame, point, 3)."""
    grid = np.stack(np.meshgrid(np.arange(0, 0.6, 0.05), np.arange(0, 0.4, 0.05), indexing="ij"), axis=-1)
    flat = np.concatenate([grid.reshape(-1, 2), np.zeros((grid.size // 2, 1))], axis=1)
    return apply(motions, flat[None])


def scan_panel(points: np.ndarray, frame: int = 0):
    field = measure_distances(points, np.ones(points.shape[:2], dtype=bool))
    # A part of the panel: where all of it is, its edges say.
    return scan(field, points[frame][::2], frame, np.array([0.0, 0.0, 1.0]), np.eye(3))


def test_distances_grow_from_the_surface_and_are_cut() -> None:
    points = np.zeros((1, 2, 3))
    points[0, 1] = 0.5
    field = measure_distances(points, np.array([[True, False]]))
    middle = field.shape[1] // 2
    assert field[0, middle, middle, middle] < 0.04
    assert field[0, middle + 2, middle, middle] == pytest.approx(0.1, abs=0.03)
    assert field[0, middle + 12, middle + 12, middle + 12] == np.float32(CUT)


@pytest.mark.parametrize("frame", [0, 6, NUM_FRAMES - 1])
def test_a_hinge_is_found_from_any_frame(frame: int) -> None:
    values = np.linspace(0, 1.0, NUM_FRAMES)
    motions = revolute_transform(np.array([0.0, 1.0, 0.0]), np.zeros(3), values)
    points = panel(motions)
    field = measure_distances(points, np.ones(points.shape[:2], dtype=bool))
    normal = motions[frame, :3, :3] @ np.array([0.0, 0.0, 1.0])
    best = scan(field, points[frame][::2], frame, normal, np.eye(3))[0]
    assert best.joint.is_revolute
    assert abs(best.joint.axis[1]) == pytest.approx(1)
    assert best.joint.values[0] == 0
    sign = np.sign(best.joint.axis[1])
    # Places of hinges are tried 0.12 apart, and the values make up for it.
    np.testing.assert_allclose(sign * best.joint.values, values, atol=0.2)
    assert np.linalg.norm(best.joint.pivot[[0, 2]]) < 0.12


def test_a_fast_slide_is_found() -> None:
    values = np.linspace(0, 1.0, NUM_FRAMES) ** 2
    found = scan_panel(panel(prismatic_transform(np.array([0.0, 0.0, 1.0]), values)))
    slides = [one.joint for one in found if not one.joint.is_revolute]
    assert abs(slides[0].axis[2]) == pytest.approx(1)
    np.testing.assert_allclose(np.sign(slides[0].axis[2]) * slides[0].values, values, atol=0.07)


def test_gains_are_shares_best_first_and_nothing_is_gained_at_rest() -> None:
    moving = scan_panel(panel(prismatic_transform(np.array([0.0, 0.0, 1.0]), np.linspace(0, 1, NUM_FRAMES))))
    gains = [one.gain for one in moving]
    assert gains == sorted(gains, reverse=True)
    assert 0 < gains[-1] <= gains[0] <= 1
    assert scan_panel(panel(np.tile(np.eye(4), (NUM_FRAMES, 1, 1)))) == []
