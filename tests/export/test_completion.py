"""Completion closes what was not seen and leaves open what was seen through."""

import numpy as np
import pytest

from sim2art.export.completion import complete_part
from sim2art.geometry.meshes import TriangleMesh, make_box
from sim2art.geometry.rotations import rotation_from_rotvec
from sim2art.geometry.transforms import make_transform
from tests.export.test_collision import make_tray


def seen_from(mesh: TriangleMesh, *directions: tuple[float, float, float]) -> TriangleMesh:
    """The faces that look towards any of the directions: what cameras there would have shown, hidden faces apart."""
    a, b, c = (mesh.vertices[mesh.faces[:, i]] for i in range(3))
    normals = np.cross(b - a, c - a)
    kept = np.any(normals @ np.array(directions).T > 1e-9, axis=1)
    return TriangleMesh(vertices=mesh.vertices, faces=mesh.faces[kept])


TURN = make_transform(rotation_from_rotvec(np.array([0.3, -0.5, 0.8])), np.array([0.2, 0.1, 1.4]))
BOX = make_box(np.array([0.5, 0.3, 0.2]), np.zeros(3))


def test_a_whole_box_needs_nothing() -> None:
    found = complete_part(BOX.transformed(TURN), "box")
    assert found is not None
    assert found.seen > 0.97
    assert found.invented is None or len(found.invented.faces) < 20


@pytest.mark.parametrize("method", ["box", "symmetry", "convex"])
def test_the_back_of_a_box_is_filled_in(method: str) -> None:
    half = seen_from(BOX, (1, 0, 0), (0, 1, 0), (0, 0, 1)).transformed(TURN)
    found = complete_part(half, method)
    assert found is not None
    assert 0.3 < found.seen < 0.7
    assert found.invented is not None
    if method == "symmetry":  # Half a box maps onto itself at one plane only: one side is missing still.
        assert len(found.invented.faces) > 0
        return
    whole = BOX.transformed(TURN).vertices
    both = np.concatenate([half.vertices[np.unique(half.faces)], found.invented.vertices])
    axis = TURN[:3, :3]
    np.testing.assert_allclose(np.ptp(both @ axis, axis=0), np.ptp(whole @ axis, axis=0), atol=0.03)


def test_a_panel_seen_from_its_front_gets_a_back_of_a_board() -> None:
    front = seen_from(make_box(np.array([0.5, 0.7, 0.02]), np.zeros(3)), (0, 0, 1))
    found = complete_part(front, "box")
    assert found is not None
    assert found.invented is not None
    # The front is at z = 0.01: the back lies behind it, by a board's thickness.
    assert -0.03 < found.invented.vertices[:, 2].min() < -0.005
    assert found.invented.vertices[:, 2].max() < 0.02
    np.testing.assert_allclose(np.ptp(found.invented.vertices, axis=0)[:2], [0.5, 0.7], atol=0.04)


@pytest.mark.parametrize("method", ["box", "convex"])
def test_a_drawer_that_was_seen_from_above_stays_hollow(method: str) -> None:
    seen = seen_from(make_tray(), (0, 0, 1), (0, 1, 0), (1, 0, 0))
    found = complete_part(seen, method)
    assert found is not None
    assert found.invented is not None
    centers = found.invented.vertices[found.invented.faces].mean(axis=1)
    above = np.all(np.abs(centers[:, :2]) < [0.15, 0.1], axis=1) & (centers[:, 2] > 0.04)
    assert not above.any()


def test_nothing_is_invented_unless_asked() -> None:
    found = complete_part(seen_from(BOX, (0, 0, 1)), "none")
    assert found is not None
    assert found.invented is None
    assert found.seen < 0.6


def test_a_part_without_a_mesh_has_no_completion() -> None:
    assert complete_part(None, "box") is None
    assert (
        complete_part(TriangleMesh(vertices=np.arange(9.0).reshape(3, 3), faces=np.array([[0, 1, 2]])), "box") is None
    )


def test_a_part_of_ten_points_is_survived() -> None:
    points = np.random.default_rng(0).uniform(0, 0.02, (10, 3))
    faces = np.random.default_rng(1).permutation(10)[:9].reshape(3, 3)
    few = TriangleMesh(vertices=points, faces=np.concatenate([faces, faces[:, ::-1]]))
    for method in ("none", "box", "symmetry", "convex"):
        found = complete_part(few, method)
        assert found is not None
        assert 0.0 <= found.seen <= 1.0
