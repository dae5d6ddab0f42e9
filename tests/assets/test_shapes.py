"""Shapes are closed solids that face outwards."""

import numpy as np
import pytest
import trimesh

from sim2art.assets.procedural.shapes import (
    bevelled_panel,
    box,
    circle,
    ellipse,
    prism,
    rectangle_around,
    ring_prism,
    rod,
    shifted,
    tube,
    turned,
)
from sim2art.geometry.meshes import TriangleMesh

RED = (200, 30, 30)
CIRCLE_AREA = 0.5 * 16 * np.sin(2 * np.pi / 16)  # Of the regular 16-gon of radius 1.

SOLIDS: dict[str, tuple[TriangleMesh, float]] = {
    "box": (box((0.0, 2.0), (1.0, 2.0), (-1.0, 2.0), RED), 6.0),
    "rod": (rod((0, 0, 0), (0, 3, 4), 0.5, RED, segments=16), 5.0 * 0.25 * CIRCLE_AREA),
    "prism_x": (prism(circle(1.0), 0, (0.0, 2.0), RED), 2.0 * CIRCLE_AREA),
    "prism_y": (prism(circle(1.0), 1, (0.0, 2.0), RED), 2.0 * CIRCLE_AREA),
    "prism_z_clockwise": (prism(circle(1.0)[::-1], 2, (0.0, 2.0), RED), 2.0 * CIRCLE_AREA),
    "ring": (ring_prism(ellipse((2.0, 1.0)), ellipse((1.0, 0.5)), 1, (-0.5, 0.5), RED), 1.5 * CIRCLE_AREA),
    "tube": (tube((5.0, 5.0), (0.0, 2.0), (1.0, 1.0), 0.5, RED), 1.5 * CIRCLE_AREA),
    "bevelled": (bevelled_panel((0.0, 1.0), (0.0, 0.5), (0.0, 1.0), 0.1, RED), 0.4 + 0.1 * (1 + 0.8 + 0.64) / 3),
    "turned": (turned(box((0.0, 2.0), (1.0, 2.0), (-1.0, 2.0), RED), 0, 1.1, (0.3, 0.2, 0.1)), 6.0),
}


@pytest.mark.parametrize("name", SOLIDS)
def test_solids_are_closed_and_enclose_their_volume_outwards(name: str) -> None:
    mesh, volume = SOLIDS[name]
    solid = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    assert solid.is_watertight
    assert solid.is_winding_consistent
    assert solid.volume == pytest.approx(volume, rel=1e-9)


def test_every_face_has_the_colour_asked_for() -> None:
    mesh = tube((0.0, 0.0), (0.0, 1.0), (0.5, 0.4), 0.1, RED)
    assert mesh.colors is not None
    assert np.array_equal(mesh.colors, np.tile(RED, (len(mesh.faces), 1)))


def test_plate_with_round_hole_keeps_its_corners() -> None:
    hole = circle(0.2, (1.0, 2.0), 12)
    border = rectangle_around(hole, (1.0, 2.0), (0.5, 0.4))
    for corner in ((0.5, 1.6), (1.5, 1.6), (1.5, 2.4), (0.5, 2.4)):
        # The ray at 45 degrees meets the corner of a square; of a rectangle it meets the border near it.
        assert np.abs(border - corner).sum(axis=1).min() < 0.11
    plate = ring_prism(rectangle_around(hole, (1.0, 2.0), (0.5, 0.5)), hole, 2, (0.0, 1.0), RED)
    solid = trimesh.Trimesh(plate.vertices, plate.faces, process=False)
    assert solid.volume == pytest.approx(1.0 - 0.04 * 0.5 * 12 * np.sin(2 * np.pi / 12))


def test_shift_moves_by_the_offset() -> None:
    mesh = box((0.0, 1.0), (0.0, 1.0), (0.0, 1.0), RED)
    assert np.allclose(shifted(mesh, (1.0, 2.0, 3.0)).vertices, mesh.vertices + np.array([1.0, 2.0, 3.0]))
