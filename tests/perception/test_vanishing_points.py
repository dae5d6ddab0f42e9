"""Directions of edges from line segments of posed images."""

import cv2
import numpy as np
import pytest

from sim2art.geometry.cameras import project
from sim2art.geometry.rotations import rotation_from_rotvec
from sim2art.geometry.transforms import apply, inverse
from sim2art.perception.features.vanishing_points import NO_DIRECTIONS, find_directions

INTRINSICS = np.array([[400.0, 0, 319.5], [0, 400.0, 239.5], [0, 0, 1.0]])
SIDES = rotation_from_rotvec(np.array([0.3, -0.5, 0.1]))
"""Directions of the box's edges, as columns."""


def draw_box(world_from_camera: np.ndarray, sides: np.ndarray) -> np.ndarray:
    image = np.full((480, 640), 200, np.uint8)
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-0.7, 0.7) for z in (-0.5, 0.5)]) @ sides.T
    pixels = project(INTRINSICS, apply(inverse(world_from_camera), corners + [0, 0, 4.0]))
    for a in range(8):
        for bit in (1, 2, 4):
            if not a & bit:
                ends = [tuple(round(16 * value) for value in pixels[k]) for k in (a, a | bit)]
                cv2.line(image, ends[0], ends[1], 30, 3, cv2.LINE_AA, 4)
    return image


def poses() -> np.ndarray:
    result = np.tile(np.eye(4), (3, 1, 1))
    for k, pose in enumerate(result):
        pose[:3, :3] = rotation_from_rotvec(np.array([0.0, 0.06 * k, 0.02 * k]))
        pose[:3, 3] = [0.2 * k, 0.05 * k, 0.0]
    return result


def test_edges_of_a_box_are_found_from_several_sides() -> None:
    world_from_camera = poses()
    images = np.array([draw_box(pose, SIDES) for pose in world_from_camera])
    found = find_directions(images, INTRINSICS, world_from_camera, np.random.default_rng(0))
    for side in SIDES.T:
        assert np.degrees(np.arccos(min(1.0, np.abs(found.axes @ side).max()))) < 1.5
    assert np.all(np.diff(found.support) <= 1e-9), "the strongest first"
    assert found.support.sum() <= 1 + 1e-9


@pytest.mark.parametrize("grey", [0, 128])
def test_images_without_edges_have_no_directions(grey: int) -> None:
    images = np.full((3, 480, 640), grey, np.uint8)
    found = find_directions(images, INTRINSICS, poses(), np.random.default_rng(0))
    assert len(found.axes) == len(NO_DIRECTIONS.axes) == 0
