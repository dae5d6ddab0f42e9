"""What holds for every procedural family."""

import functools
from collections.abc import Iterator

import numpy as np
import pytest
import trimesh

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.articulation.joint import JointType
from sim2art.articulation.kinematics import link_motions
from sim2art.assets.library import make_asset
from sim2art.assets.procedural import FAMILIES, NOVEL_FAMILIES, TRAINING_FAMILIES, VALIDATION_FAMILIES
from sim2art.assets.procedural.blocks import clutter
from sim2art.geometry.meshes import TriangleMesh
from sim2art.geometry.transforms import apply

SEEDS = range(12)
MOVES_WITHIN_ITS_OUTLINE = {
    "wardrobe", "sliding_window", "dishwasher", "toilet", "toaster", "monitor", "office_chair", "safe", "desk_lamp",
    "control_panel",
}  # fmt: skip
"""Families with parts that open without leaving the extents of the closed object (they slide past, turn or tilt)."""


@functools.cache  # Objects are frozen, so tests may share them.
def draw(family: str, seed: int) -> ArticulatedObject:
    return make_asset(family, np.random.default_rng(seed))


def draw_all(family: str) -> Iterator[ArticulatedObject]:
    return (draw(family, seed) for seed in SEEDS)


def mesh_of(drawn: ArticulatedObject, link: int | str) -> TriangleMesh:
    mesh = drawn.links[drawn.link_index(link) if isinstance(link, str) else link].mesh
    assert mesh is not None
    return mesh


def all_vertices(drawn: ArticulatedObject) -> np.ndarray:
    return np.concatenate([mesh_of(drawn, index).vertices for index in range(len(drawn.links))])


def test_training_and_novel_families_are_many_and_disjoint() -> None:
    assert len(TRAINING_FAMILIES) >= 20
    assert len(NOVEL_FAMILIES) >= 6
    assert not set(TRAINING_FAMILIES) & set(NOVEL_FAMILIES)
    assert set(VALIDATION_FAMILIES) < set(TRAINING_FAMILIES)
    assert set(FAMILIES) == set(TRAINING_FAMILIES) | set(NOVEL_FAMILIES)


@pytest.mark.parametrize("family", FAMILIES)
def test_same_seed_gives_the_same_object_and_another_seed_another(family: str) -> None:
    first, again, other = draw(family, 3), make_asset(family, np.random.default_rng(3)), draw(family, 4)
    assert [link.name for link in first.links] == [link.name for link in again.links]
    for index in range(len(first.links)):
        a, b = mesh_of(first, index), mesh_of(again, index)
        assert np.array_equal(a.vertices, b.vertices)
        assert np.array_equal(a.faces, b.faces)
        assert a.colors is not None
        assert b.colors is not None
        assert np.array_equal(a.colors, b.colors)
    for mine, yours in zip(first.joints, again.joints, strict=True):
        assert (mine.name, mine.type, mine.limits) == (yours.name, yours.type, yours.limits)
        assert np.array_equal(mine.axis, yours.axis)
    extents, other_extents = np.ptp(all_vertices(first), axis=0), np.ptp(all_vertices(other), axis=0)
    assert not np.allclose(extents, other_extents, atol=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_objects_stand_centred_on_the_floor_and_are_lifesize(family: str) -> None:
    for drawn in draw_all(family):
        assert drawn.name == family
        assert drawn.links[0].name == drawn.root == "body"
        vertices = all_vertices(drawn)
        low, high = vertices.min(axis=0), vertices.max(axis=0)
        assert low[2] == pytest.approx(0.0, abs=1e-9)
        assert np.allclose(low[:2] + high[:2], 0.0, atol=1e-9)
        assert 0.05 < (high - low).max() < 3.5


@pytest.mark.parametrize("family", FAMILIES)
def test_links_are_closed_outward_solids_of_few_faces(family: str) -> None:
    for drawn in draw_all(family):
        meshes = [mesh_of(drawn, index) for index in range(len(drawn.links))]
        assert 40 <= sum(len(mesh.faces) for mesh in meshes) <= 1500
        for mesh in meshes:
            assert mesh.colors is not None
            assert len(mesh.colors) == len(mesh.faces)
            corners = mesh.vertices[mesh.faces]
            areas = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
            assert areas.min() > 1e-9
            solid = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
            assert solid.is_watertight
            assert solid.is_winding_consistent
            assert solid.volume > 0


@pytest.mark.parametrize("family", FAMILIES)
def test_joints_have_limits_around_rest_and_move_their_child(family: str) -> None:
    for drawn in draw_all(family):
        size = np.linalg.norm(np.ptp(all_vertices(drawn), axis=0))
        assert 1 <= len(drawn.joints) <= 8
        for joint in drawn.joints:
            assert joint.limits is not None
            low, high = joint.limits
            assert low <= 0.0 < high
            assert high - low < (np.pi + 1.0 if joint.type is JointType.REVOLUTE else 2.5)
            vertices = mesh_of(drawn, joint.child).vertices
            travel = np.linalg.norm(
                apply(joint.transform(high), vertices) - apply(joint.transform(low), vertices), axis=1
            )
            assert travel.max() > 0.04 * size, f"{joint.name} hardly moves"


@pytest.mark.parametrize("family", [name for name in FAMILIES if name not in MOVES_WITHIN_ITS_OUTLINE])
def test_positive_values_open_out_of_the_closed_outline(family: str) -> None:
    for drawn in draw_all(family):
        vertices = all_vertices(drawn)
        low, high = vertices.min(axis=0), vertices.max(axis=0)
        for joint in drawn.joints:
            assert joint.limits is not None
            for value in np.linspace(0.0, joint.limits[1], 5)[1:]:
                moved = apply(joint.transform(value), mesh_of(drawn, joint.child).vertices)
                if np.any(moved.min(axis=0) < low - 1e-3) or np.any(moved.max(axis=0) > high + 1e-3):
                    break
            else:
                pytest.fail(f"{joint.name} of {family} stays inside the closed object.")


@pytest.mark.parametrize("family", FAMILIES)
def test_links_do_not_run_into_each_other(family: str) -> None:
    for seed in range(2):
        drawn = draw(family, seed)
        solids = [_convex_solids(mesh_of(drawn, index)) for index in range(len(drawn.links))]
        samples = [_surface_samples(mesh_of(drawn, index)) for index in range(len(drawn.links))]
        highest = np.array([joint.limits[1] for joint in drawn.joints if joint.limits])
        poses = [share * highest for share in (0.0, 0.3, 0.65, 1.0)]
        poses += [np.where(np.arange(len(highest)) == joint, highest, 0.0) for joint in range(len(highest))]
        for motions in link_motions(drawn, np.stack(poses)):
            for a, points in enumerate(samples):
                for b in range(len(samples)):
                    if a != b:
                        b_from_a = np.linalg.inv(motions[b]) @ motions[a]
                        assert _deepest(apply(b_from_a, points), solids[b]) < 0.004, (seed, a, b)


def _surface_samples(mesh: TriangleMesh) -> np.ndarray:
    """Corners, edge points and points inside each face."""
    weights = np.array([[a, b, 4 - a - b] for a in range(5) for b in range(5 - a)]) / 4.0
    return (weights @ mesh.vertices[mesh.faces]).reshape(-1, 3)


def _convex_solids(mesh: TriangleMesh) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Normals, offsets and bounds of the convex pieces; the few that are not convex are left out."""
    pieces = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False).split(only_watertight=False)
    return [
        (piece.face_normals, np.einsum("ij,ij->i", piece.face_normals, piece.triangles[:, 0]), piece.bounds)
        for piece in pieces
        if piece.is_convex
    ]


def _deepest(points: np.ndarray, solids: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> float:
    """How deep (m) the deepest point lies inside any solid."""
    deepest = 0.0
    for normals, offsets, bounds in solids:
        near = points[np.all((points > bounds[0]) & (points < bounds[1]), axis=1)]
        if len(near):
            deepest = max(deepest, float((offsets - near @ normals.T).min(axis=1).max()))
    return deepest


def test_a_room_too_flat_for_clutter_stays_empty():
    rng = np.random.default_rng(0)
    assert clutter(rng, (0.0, 0.3), (0.0, 0.2), (0.0425, 0.0420), count=3) == []
    assert len(clutter(rng, (0.0, 0.3), (0.0, 0.2), (0.04, 0.14), count=3)) == 3
