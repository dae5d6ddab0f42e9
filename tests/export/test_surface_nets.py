"""Surfaces of known distance fields."""

import numpy as np
import trimesh

from sim2art.export.surface_nets import extract_surface


def ball(radius: float = 8.0, center: float = 12.3) -> tuple[np.ndarray, np.ndarray]:
    coordinates = np.argwhere(np.ones((25, 25, 25), dtype=bool))
    return coordinates, np.linalg.norm(coordinates - center, axis=1) - radius


def test_a_ball_is_closed_faces_outward_and_has_its_volume() -> None:
    vertices, faces = extract_surface(*ball())
    mesh = trimesh.Trimesh(vertices, faces, process=False)
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert abs(mesh.volume / (4 / 3 * np.pi * 8**3) - 1) < 0.03
    assert np.abs(np.linalg.norm(vertices - 12.3, axis=1) - 8).max() < 0.15


def test_unseen_voxels_leave_a_hole() -> None:
    coordinates, distances = ball()
    seen = coordinates[:, 2] < 13
    vertices, faces = extract_surface(coordinates[seen], distances[seen])
    assert vertices[:, 2].max() < 13
    assert not trimesh.Trimesh(vertices, faces, process=False).is_watertight


def test_a_flat_surface_is_exact() -> None:
    coordinates = np.argwhere(np.ones((6, 6, 6), dtype=bool)) + 40
    vertices, faces = extract_surface(coordinates, coordinates[:, 1] - 42.25)
    np.testing.assert_allclose(vertices[:, 1], 42.25)
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    assert np.all(np.cross(b - a, c - a)[:, 1] > 0)


def test_nothing_gives_an_empty_mesh() -> None:
    vertices, faces = extract_surface(np.zeros((0, 3), dtype=np.int64), np.zeros(0))
    assert vertices.shape == (0, 3)
    assert faces.shape == (0, 3)
