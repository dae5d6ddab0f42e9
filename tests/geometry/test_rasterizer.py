import numpy as np
import pytest

from sim2art.geometry.cameras import intrinsics_from_fov, unproject
from sim2art.geometry.meshes import TriangleMesh, make_box
from sim2art.geometry.rasterizer import body_ids, collect_bodies, render_frames
from sim2art.geometry.rotations import rotation_from_rotvec
from sim2art.geometry.transforms import make_transform

SIZE = 64
INTRINSICS = intrinsics_from_fov(SIZE, SIZE, np.deg2rad(60))


def render(meshes, motions=None):
    bodies = collect_bodies(meshes)
    camera_from_body = np.eye(4)[None].repeat(len(meshes), axis=0) if motions is None else np.stack(motions)
    rendered = render_frames(bodies, camera_from_body[None], INTRINSICS, width=SIZE, height=SIZE)
    return rendered.depths[0], body_ids(bodies, rendered.face_ids)[0]


def test_depth_of_a_facing_plane_is_its_distance():
    depths, bodies = render([make_box(np.array([9.0, 9.0, 1.0]), np.array([0.0, 0.0, 2.5]))])
    np.testing.assert_allclose(depths, 2.0, rtol=1e-6)
    assert np.all(bodies == 0)


def test_depth_of_a_slanted_plane_is_exact():
    normal, offset = np.array([0.3, -0.5, -1.0]), -2.0
    corners = np.array([[x, y, (offset - normal[0] * x - normal[1] * y) / normal[2]] for x in (-9, 9) for y in (-9, 9)])
    # In front of the camera only where z > 0: near-plane clipping is at work on the same face.
    depths, _ = render([TriangleMesh(vertices=corners, faces=np.array([[0, 1, 3], [0, 3, 2]]))])
    rows, columns = np.nonzero(depths)
    points = unproject(INTRINSICS, np.stack([columns, rows], 1).astype(float), depths[rows, columns].astype(float))
    assert len(points) > 1000
    np.testing.assert_allclose(points @ normal, offset, rtol=1e-5)


def test_nearer_body_hides_the_other():
    far = make_box(np.array([9.0, 9.0, 0.1]), np.array([0.0, 0.0, 3.0]))
    near = make_box(np.array([0.2, 0.2, 0.1]), np.array([0.0, 0.0, 1.0]))
    depths, bodies = render([far, near])
    middle = SIZE // 2
    assert bodies[middle, middle] == 1 and bodies[0, 0] == 0
    assert depths[middle, middle] == pytest.approx(0.95, rel=1e-6)
    other_depths, other_bodies = render([near, far])
    np.testing.assert_array_equal(other_depths, depths)
    np.testing.assert_array_equal(other_bodies, 1 - bodies)


def test_floor_under_the_camera_is_drawn_up_to_the_image_border():
    floor = make_box(np.array([40.0, 0.1, 40.0]), np.array([0.0, 1.05, 0.0]))  # y points down.
    depths, _ = render([floor])
    lower = depths[SIZE // 2 + 4 :]
    assert np.all(lower > 0)
    row = SIZE - 1
    np.testing.assert_allclose(lower[-1], INTRINSICS[1, 1] / (row - INTRINSICS[1, 2]), rtol=1e-5)


def test_what_is_behind_the_camera_is_not_drawn():
    depths, bodies = render([make_box(np.ones(3), np.array([0.0, 0.0, -2.0]))])
    assert not depths.any() and np.all(bodies == -1)


def test_adjacent_triangles_leave_no_crack():
    rng = np.random.default_rng(0)
    count = 24
    x, y = np.meshgrid(np.linspace(-4, 4, count), np.linspace(-4, 4, count))
    vertices = np.stack([x, y, 3 + 0.2 * rng.normal(size=x.shape)], -1).reshape(-1, 3)
    index = np.arange(count * count).reshape(count, count)
    a, b, c, d = index[:-1, :-1].ravel(), index[:-1, 1:].ravel(), index[1:, :-1].ravel(), index[1:, 1:].ravel()
    depths, _ = render([TriangleMesh(vertices=vertices, faces=np.concatenate([np.c_[a, b, d], np.c_[a, d, c]]))])
    assert np.all(depths > 0)


def test_moving_the_body_moves_the_depth():
    box = make_box(np.array([1.0, 1.0, 1.0]), np.zeros(3))
    turn = rotation_from_rotvec(np.array([0.0, 0.0, 0.7]))
    depths, _ = render([box], [make_transform(turn, np.array([0.0, 0.0, 4.0]))])
    assert depths[SIZE // 2, SIZE // 2] == pytest.approx(3.5, rel=1e-6)


def test_bodies_without_geometry_are_allowed():
    depths, bodies = render([None, make_box(np.ones(3), np.array([0.0, 0.0, 2.0])), None])
    assert depths.any() and set(np.unique(bodies)) == {-1, 1}
