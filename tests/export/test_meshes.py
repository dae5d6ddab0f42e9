"""Fused part meshes lie on the true surfaces of the cabinet."""

import dataclasses

import numpy as np
import pytest
import trimesh
from scipy.spatial import KDTree

from sim2art.errors import InvalidValueError
from sim2art.export.fusion import PartView, find_normals, make_frame, without_edge_pixels
from sim2art.export.meshes import (
    FusionConfig,
    fuse_part,
    fuse_part_meshes,
    rest_points,
)
from sim2art.geometry.meshes import TriangleMesh
from tests.scenes import Scene, make_scene

INTRINSICS = np.array([[120.0, 0, 79.5], [0, 120, 59.5], [0, 0, 1]])


def make_slanted_plane(slant: float) -> PartView:
    """A plane through (0, 0, 1.2) that the line of sight meets at this angle (rad), tipped about x; no noise."""
    rows, columns = np.indices((120, 160))
    rays = np.stack([(columns - 79.5) / 120, (rows - 59.5) / 120, np.ones((120, 160))], axis=-1)
    normal = np.array([0.0, -np.cos(slant), -np.sin(slant)])
    depths = (normal @ [0.0, 0.0, 1.2]) / (rays @ normal)
    depths = np.where((depths > 0.2) & (depths < 3.0), depths, 0.0)
    return PartView(
        frame=make_frame(depths, np.zeros((120, 160, 3), np.uint8), INTRINSICS),
        on_part=np.ones((120, 160), dtype=bool),
        camera_from_rest=np.eye(4),
    )


@pytest.fixture(scope="module")
def scene() -> Scene:
    return make_scene(size=(320, 240), num_frames=8)


@pytest.fixture(scope="module")
def meshes(scene: Scene) -> list[TriangleMesh | None]:
    return fuse_part_meshes(scene.video, scene.labels, scene.estimate)


def test_each_part_lies_on_its_true_surface_in_the_rest_pose(scene: Scene, meshes: list[TriangleMesh | None]) -> None:
    assert len(meshes) == 3
    for mesh, link in zip(meshes, scene.truth.links, strict=True):
        assert mesh is not None
        assert mesh.colors is not None
        assert link.mesh is not None
        true_surface = trimesh.Trimesh(link.mesh.vertices, link.mesh.faces, process=False)
        _, distance, _ = trimesh.proximity.closest_point(true_surface, mesh.vertices[::23])
        assert np.median(distance) < 0.004
        assert np.percentile(distance, 95) < 0.025


def test_a_surface_seen_at_a_slant_has_no_steps() -> None:
    # A floor at 15 deg to the line of sight: along the rays a voxel would take its distance from pixels far apart.
    floor = make_slanted_plane(np.deg2rad(15.0))
    mesh, trouble = fuse_part([floor], rest_points([floor], INTRINSICS), INTRINSICS, FusionConfig())
    assert trouble is None
    assert mesh is not None
    normal = np.array([0.0, -np.cos(np.deg2rad(15.0)), -np.sin(np.deg2rad(15.0))])
    inner = (np.abs(mesh.vertices[:, 0]) < 0.2) & (np.abs(mesh.vertices[:, 2] - 1.2) < 0.3)
    offset = mesh.vertices[inner] @ normal - np.array([0.0, 0.0, 1.2]) @ normal
    assert np.abs(offset).max() < 1e-3
    corners = mesh.vertices[mesh.faces]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    angles = np.arccos(np.clip(cross @ normal / np.linalg.norm(cross, axis=1), -1, 1))
    assert np.rad2deg(np.median(angles)) < 3.0


@pytest.mark.parametrize("slant", [10.0, 40.0, 90.0])
def test_normals_of_a_plane_are_its_own(slant: float) -> None:
    view = make_slanted_plane(np.deg2rad(slant))
    normals = find_normals(view.frame.depths.astype(np.float64), INTRINSICS)
    found = normals[np.linalg.norm(normals, axis=-1) > 0]
    assert len(found) > 2000
    expected = [0.0, -np.cos(np.deg2rad(slant)), -np.sin(np.deg2rad(slant))]
    np.testing.assert_allclose(found, np.broadcast_to(expected, found.shape), atol=2e-3)


def test_a_near_frame_counts_more_than_a_far_one() -> None:
    # The same wall, measured 10 mm too far from 2 m, and exactly from 1 m: noise of depth grows with its square.
    views = []
    for distance, error in ((1.0, 0.0), (2.0, 0.01)):
        frame = make_frame(np.full((120, 160), distance + error), np.zeros((120, 160, 3), np.uint8), INTRINSICS)
        pose = np.eye(4)
        pose[2, 3] = distance - 1.0
        views.append(PartView(frame=frame, on_part=np.ones((120, 160), dtype=bool), camera_from_rest=pose))
    mesh, _ = fuse_part(views, rest_points(views, INTRINSICS), INTRINSICS, FusionConfig())
    assert mesh is not None
    inner = np.all(np.abs(mesh.vertices[:, :2]) < 0.3, axis=1)
    assert np.median(mesh.vertices[inner, 2]) == pytest.approx(1.0 + 0.01 / 17, abs=3e-4)


def test_the_base_ends_where_the_object_does_unless_the_room_is_kept(scene: Scene) -> None:
    few = FusionConfig(max_faces=12_000)
    cropped = fuse_part_meshes(scene.video, scene.labels, scene.estimate, config=few)[0]
    whole = dataclasses.replace(few, keep_room=True)
    room = fuse_part_meshes(scene.video, scene.labels, scene.estimate, config=whole)[0]
    assert cropped is not None
    assert room is not None
    assert np.ptp(room.vertices[:, 0]) > 1.5  # The floor.
    assert np.ptp(cropped.vertices[:, 0]) < 1.2
    carcass = room.vertices[np.all(np.abs(room.vertices - [0.0, 0.0, 1.5]) < [0.28, 0.35, 0.19], axis=1)]
    assert KDTree(cropped.vertices).query(carcass)[0].max() < 0.04


def test_the_door_keeps_its_paint(meshes: list[TriangleMesh | None]) -> None:
    door = meshes[1]
    assert door is not None
    assert door.colors is not None
    median = np.median(door.colors.astype(float), axis=0)
    assert median.min() > 120
    assert np.ptp(median) < 30


def test_faces_stay_under_the_bound(scene: Scene) -> None:
    meshes = fuse_part_meshes(scene.video, scene.labels, scene.estimate, config=FusionConfig(max_faces=1500))
    assert all(mesh is not None and 20 < len(mesh.faces) <= 1500 for mesh in meshes)


def test_wrong_labels_in_one_frame_leave_no_ghost(scene: Scene) -> None:
    labels = scene.labels.copy()
    labels[5][labels[5] == 1] = 0  # The half-open door is taken for the base once.
    base = fuse_part_meshes(scene.video, labels, scene.estimate, config=FusionConfig(max_faces=20_000))[0]
    link = scene.truth.links[0].mesh
    assert base is not None
    assert link is not None
    true_surface = trimesh.Trimesh(link.vertices, link.faces, process=False)
    _, distance, _ = trimesh.proximity.closest_point(true_surface, base.vertices[::23])
    assert np.percentile(distance, 97) < 0.03


def test_few_pixels_give_a_hull_and_none_give_no_mesh(scene: Scene) -> None:
    labels = scene.labels.copy()
    rows, columns = np.nonzero(labels[0] == 1)
    labels[labels == 1] = 255
    labels[labels == 2] = 255
    labels[0, rows[::200], columns[::200]] = 1
    warnings: list[str] = []
    meshes = fuse_part_meshes(
        scene.video, labels, scene.estimate, config=FusionConfig(max_faces=5000), on_warning=warnings.append
    )
    assert meshes[0] is not None
    assert meshes[1] is not None
    assert trimesh.Trimesh(meshes[1].vertices, meshes[1].faces).volume > 0
    assert meshes[2] is None
    assert len(warnings) == 2
    assert "part_1" in warnings[0]
    assert "convex hull" in warnings[0]
    assert "part_2" in warnings[1]
    assert "no mesh" in warnings[1]


def test_labels_of_other_frames_are_refused(scene: Scene) -> None:
    with pytest.raises(InvalidValueError, match="do not belong together"):
        fuse_part_meshes(scene.video, scene.labels[:-1], scene.estimate)


def test_a_video_without_depth_gives_no_meshes(scene: Scene) -> None:
    blind = dataclasses.replace(scene.video, depths=np.zeros_like(scene.video.depths))
    assert fuse_part_meshes(blind, scene.labels, scene.estimate) == [None, None, None]


def test_pixels_between_two_surfaces_are_dropped_and_those_on_their_borders_stay() -> None:
    depths = np.full((6, 7), 1.0) + np.random.default_rng(0).normal(0, 0.001, (6, 7))
    depths[:, 4:] *= 2.0
    depths[:, 3] = np.linspace(1.1, 1.9, 6)  # Anew in each row, as the edge lies anew in each pixel.
    cleaned = without_edge_pixels(depths)
    assert np.all(cleaned[:, 3] == 0)
    assert np.all(cleaned[1:-1, [0, 1, 2, 4, 5, 6]] > 0)


def test_a_plane_at_a_low_angle_stays_and_a_pixel_between_two_surfaces_goes() -> None:
    rows = np.arange(40)[:, None]
    ramp = np.broadcast_to(1.0 / (1.0 - 0.018 * rows), (40, 9)).copy()  # A floor: inverse depth falls evenly.
    assert np.ptp(ramp[28:31]) > 0.06 * ramp[28].max()  # More than the plain rule bears.
    cleaned = without_edge_pixels(ramp)
    assert np.all(cleaned[2:-2, 1:-1] > 0)
    edge = np.full((9, 9), 1.0)
    edge[:, 5:] = 1.2
    edge[:, 4] = 2 / (1 / 1.0 + 1 / 1.2)  # Midway, so that three pixels lie on a steep plane.
    assert np.all(without_edge_pixels(edge)[:, 4] == 0)
