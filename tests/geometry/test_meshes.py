"""Meshes: shapes are closed and face outwards; joining and moving keep them whole; bad input is named."""

from dataclasses import replace

import numpy as np
import pytest

from sim2art.errors import InvalidValueError
from sim2art.geometry.hulls import make_hull
from sim2art.geometry.meshes import TriangleMesh, join_meshes, make_box, make_cylinder, spread_points
from sim2art.geometry.screws import revolute_transform


def volume(mesh: TriangleMesh) -> float:
    """Signed volume by the divergence theorem; positive when faces wind outwards."""
    a, b, c = (mesh.vertices[mesh.faces[:, i]] for i in range(3))
    return float(np.sum(np.cross(a, b) * c) / 6)


def is_closed(mesh: TriangleMesh) -> bool:
    """Whether each edge is used once in each direction."""
    edges = np.concatenate([mesh.faces[:, [i, (i + 1) % 3]] for i in range(3)])
    forward, backward = {tuple(edge) for edge in edges}, {tuple(edge[::-1]) for edge in edges}
    return len(forward) == len(edges) and forward == backward


def test_box_is_closed_and_has_its_volume() -> None:
    box = make_box(np.array([2.0, 3.0, 4.0]), np.array([1.0, 0.0, 0.0]))
    assert is_closed(box)
    assert volume(box) == pytest.approx(24.0)
    np.testing.assert_allclose(box.vertices.mean(axis=0), [1, 0, 0])


@pytest.mark.parametrize("top", [None, 0.2])
def test_cylinder_is_closed_and_faces_outwards(top: float | None) -> None:
    cylinder = make_cylinder(0.5, 2.0, segments=64, top_radius=top)
    assert is_closed(cylinder)
    radius = 0.5 if top is None else top
    assert volume(cylinder) == pytest.approx(np.pi * 2 / 3 * (0.25 + 0.5 * radius + radius**2), rel=0.01)


def test_joining_keeps_every_face_and_its_colour() -> None:
    box = make_box(np.ones(3), np.zeros(3))
    red = TriangleMesh(vertices=box.vertices, faces=box.faces, colors=np.full((12, 3), [200, 0, 0], dtype=np.uint8))
    other = red.transformed(revolute_transform(np.array([0.0, 0.0, 1.0]), np.array([5.0, 0.0, 0.0]), 1.0))
    joined = join_meshes([red, other])
    assert len(joined.faces) == 24 and volume(joined) == pytest.approx(2.0)
    assert joined.colors is not None and joined.colors.shape == (24, 3)
    assert join_meshes([red, box]).colors is None


def test_joining_nothing_gives_an_empty_mesh() -> None:
    assert len(join_meshes([]).faces) == 0


def test_faces_that_point_nowhere_are_named() -> None:
    with pytest.raises(InvalidValueError, match=r"face indices span 0\.\.3, but there are 3 vertices"):
        TriangleMesh(vertices=np.zeros((3, 3)), faces=np.array([[0, 1, 3]]))


def test_vertices_that_are_not_finite_are_refused() -> None:
    with pytest.raises(InvalidValueError, match="not finite"):
        TriangleMesh(vertices=np.full((3, 3), np.nan), faces=np.array([[0, 1, 2]]))


def test_faces_face_outwards_and_have_their_area() -> None:
    box = make_box(np.array([1.0, 2.0, 3.0]), np.zeros(3))
    normals, areas = box.face_normals()
    assert areas.sum() == pytest.approx(2 * (2 + 3 + 6))
    middles = box.vertices[box.faces].mean(axis=1)
    assert np.all(np.sum(normals * middles, axis=1) > 0)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1.0)
    flat = TriangleMesh(vertices=np.zeros((3, 3)), faces=np.array([[0, 1, 2]]))
    np.testing.assert_array_equal(flat.face_normals()[0], np.zeros((1, 3)))


def test_some_faces_keep_only_their_vertices_and_colours() -> None:
    box = make_box(np.ones(3), np.zeros(3))
    colors, kept = np.arange(36, dtype=np.uint8).reshape(12, 3), box.face_normals()[0][:, 0] > 0.5
    side = replace(box, colors=colors).with_faces(kept)
    assert len(side.vertices) == 4 and len(side.faces) == 2
    assert np.all(side.vertices[:, 0] == 0.5)
    assert side.colors is not None
    np.testing.assert_array_equal(side.colors, colors[kept])


def test_drawn_points_lie_on_their_faces() -> None:
    box = make_box(np.array([1.0, 2.0, 3.0]), np.zeros(3))
    points, faces = spread_points(box, 500, np.random.default_rng(0))
    normals = box.face_normals()[0][faces]
    np.testing.assert_allclose(np.sum((points - box.vertices[box.faces[faces, 0]]) * normals, axis=1), 0, atol=1e-12)
    long_side = np.abs(normals[:, 0]) > 0.5  # 2 x 3 of 11 in all.
    assert long_side.mean() == pytest.approx(12 / 22, abs=0.07)


def test_a_hull_is_closed_and_faces_outwards() -> None:
    points = np.random.default_rng(0).random((60, 3))
    hull = make_hull(np.concatenate([points, make_box(np.ones(3), np.full(3, 0.5)).vertices]))
    assert is_closed(hull)
    assert volume(hull) == pytest.approx(1.0)
