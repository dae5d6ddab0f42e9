"""Convex pieces keep hollows; what cannot be split gets its hull, with the reason."""

import numpy as np
import pytest
from scipy.spatial import ConvexHull

from sim2art.export import collision
from sim2art.export.collision import CollisionConfig, collide_as_hulls, convex_hull, decompose_parts
from sim2art.geometry.meshes import TriangleMesh, join_meshes, make_box


def make_tray(*, wall: float = 0.02) -> TriangleMesh:
    """An open box 0.4 x 0.3 x 0.15 m, z up."""
    walls = [((0.4, 0.3, wall), (0, 0, 0))]
    walls += [((wall, 0.3, 0.15), (x, 0, 0.075)) for x in (-0.19, 0.19)]
    walls += [((0.4, wall, 0.15), (0, y, 0.075)) for y in (-0.14, 0.14)]
    return join_meshes([make_box(np.array(size), np.array(middle, dtype=float)) for size, middle in walls])


def contains(piece: TriangleMesh, point: np.ndarray) -> bool:
    equations = ConvexHull(piece.vertices).equations
    return bool(np.all(equations[:, :3] @ point + equations[:, 3] < 0))


def test_a_tray_keeps_its_hollow() -> None:
    pytest.importorskip("coacd")
    (shape,) = decompose_parts([make_tray()], CollisionConfig())
    assert shape.kind == "pieces"
    assert 4 <= len(shape.pieces) <= 16
    assert not any(contains(piece, np.array([0.0, 0.0, 0.09])) for piece in shape.pieces)
    assert any(contains(piece, np.array([0.19, 0.0, 0.1])) for piece in shape.pieces)
    assert all(len(piece.vertices) <= CollisionConfig().max_corners for piece in shape.pieces)


def test_one_hull_fills_it() -> None:
    (shape,) = collide_as_hulls([make_tray()], CollisionConfig())
    assert shape.kind == "hull"
    assert shape.trouble is None
    assert contains(shape.pieces[0], np.array([0.0, 0.0, 0.09]))


def test_without_coacd_there_are_hulls_and_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collision, "find_spec", lambda _: None)
    (shape,) = decompose_parts([make_tray()], CollisionConfig())
    assert shape.kind == "hull"
    assert "pip install 'sim2art[export]'" in (shape.trouble or "")


def test_a_worker_that_dies_costs_only_the_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collision.sys, "executable", "/bin/false")
    (shape,) = decompose_parts([make_tray()], CollisionConfig())
    assert shape.kind == "hull"
    assert "failed" in (shape.trouble or "")


def test_a_worker_out_of_time_is_said() -> None:
    pytest.importorskip("coacd")
    (shape,) = decompose_parts([make_tray()], CollisionConfig(max_seconds=0.01))
    assert shape.kind == "hull"
    assert "longer than" in (shape.trouble or "")


def test_parts_without_geometry_do_not_collide() -> None:
    empty = TriangleMesh(vertices=np.zeros((0, 3)), faces=np.zeros((0, 3), dtype=np.int64))
    assert [shape.kind for shape in decompose_parts([None, empty], CollisionConfig())] == ["none", "none"]


def test_a_part_of_ten_points_gets_a_hull() -> None:
    points = np.random.default_rng(0).uniform(0, 0.01, (10, 3))
    few = TriangleMesh(vertices=points, faces=np.array([[0, 1, 2], [3, 4, 5], [6, 7, 8]]))
    (shape,) = decompose_parts([few], CollisionConfig())
    assert shape.kind == "hull"
    hull = convex_hull(few, CollisionConfig())
    a, b, c = (hull.vertices[hull.faces[:, i]] for i in range(3))
    assert np.einsum("fi,fi->", a, np.cross(b, c)) > 0
