"""Fused part meshes lie on the true surfaces of the cabinet."""

import dataclasses

import numpy as np
import pytest
import trimesh

from sim2art.errors import InvalidValueError
from sim2art.export.fusion import without_edge_pixels
from sim2art.export.meshes import FusionConfig, fuse_part_meshes
from sim2art.geometry.meshes import TriangleMesh
from tests.scenes import Scene, make_scene


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


def test_pixels_on_a_depth_edge_are_dropped() -> None:
    depths = np.full((5, 6), 1.0)
    depths[:, 3:] = 2.0
    cleaned = without_edge_pixels(depths)
    assert np.all(cleaned[:, 2:4] == 0)
    assert np.all(cleaned[:, [0, 1, 4, 5]] > 0)


def test_a_plane_at_a_low_angle_stays_and_a_pixel_between_two_surfaces_goes() -> None:
    rows = np.arange(40)[:, None]
    ramp = np.broadcast_to(1.0 / (1.0 - 0.018 * rows), (40, 9)).copy()  # A floor: inverse depth falls evenly.
    assert np.ptp(ramp[28:31]) > 0.06 * ramp[28].max()  # More than the plain rule bears.
    cleaned = without_edge_pixels(ramp)
    assert np.all(cleaned[2:-2, 1:-1] > 0)
    edge = np.full((9, 9), 1.0)
    edge[:, 5:] = 1.2
    edge[:, 4] = 2 / (1 / 1.0 + 1 / 1.2)  # Midway, so that three pixels lie on a steep plane.
    assert np.all(without_edge_pixels(edge)[:, 3:6] == 0)
