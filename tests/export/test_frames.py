"""Link frames sit on their joints; the root is z-up."""

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject, Link
from sim2art.articulation.joint import JointType
from sim2art.export.frames import estimate_up, link_origins, root_from_world
from sim2art.geometry.meshes import TriangleMesh
from sim2art.geometry.rotations import rotation_from_rotvec
from sim2art.geometry.screws import nearest_point_on_line
from sim2art.geometry.transforms import apply, is_rigid, make_transform
from tests.export.test_urdf import make_random_chain
from tests.scenes import make_cabinet


def test_a_hinged_link_has_its_origin_on_the_axis() -> None:
    for seed in range(5):
        chain = make_random_chain(seed)
        origins = link_origins(chain)
        np.testing.assert_array_equal(origins[chain.link_index(chain.root)], 0)
        for joint in chain.joints:
            if joint.type is JointType.REVOLUTE:
                assert joint.pivot is not None
                origin = origins[chain.link_index(joint.child)]
                np.testing.assert_allclose(nearest_point_on_line(origin, joint.axis, joint.pivot), origin, atol=1e-9)


def test_the_camera_looks_along_x_with_z_up() -> None:
    cabinet = make_cabinet()
    transform = root_from_world(cabinet)
    assert is_rigid(transform)
    np.testing.assert_allclose(transform[:3, :3] @ [0, 0, 1], [1, 0, 0])
    np.testing.assert_allclose(transform[:3, :3] @ [0, -1, 0], [0, 0, 1])
    points = np.concatenate([apply(transform, link.mesh.vertices) for link in cabinet.links if link.mesh is not None])
    assert abs(points[:, 2].min()) < 1e-9


def test_a_tilted_camera_still_gives_an_upright_root() -> None:
    cabinet = make_cabinet()
    for tilt in ([0.5, 0.0, 0.0], [-0.4, 0.0, 0.25], [0.1, 0.7, -0.3]):
        rotation = rotation_from_rotvec(np.array(tilt))
        seen = cabinet.moved(make_transform(rotation, np.array([0.1, -0.2, 0.5])))
        up = estimate_up(seen)
        assert up.source == "surfaces"
        np.testing.assert_allclose(up.direction, rotation @ [0.0, -1.0, 0.0], atol=1e-6)
        root_from_seen = root_from_world(seen)
        assert is_rigid(root_from_seen)
        np.testing.assert_allclose(root_from_seen[:3, :3] @ rotation @ [0.0, -1.0, 0.0], [0, 0, 1], atol=1e-6)


def test_shapes_without_level_faces_leave_up_to_the_camera() -> None:
    rng = np.random.default_rng(0)
    soup = TriangleMesh(vertices=rng.standard_normal((900, 3)), faces=np.arange(900).reshape(-1, 3))
    blob = ArticulatedObject(name="blob", links=(Link(name="base", mesh=soup),), joints=())
    up = estimate_up(blob)
    assert up.source == "camera"
    np.testing.assert_array_equal(up.direction, [0, -1, 0])
    assert estimate_up(ArticulatedObject(name="bare", links=(Link(name="base"),), joints=())).source == "camera"
