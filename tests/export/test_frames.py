"""Link frames sit on their joints; the root is z-up."""

import numpy as np

from sim2art.articulation.joint import JointType
from sim2art.export.frames import link_origins, root_from_world
from sim2art.geometry.screws import nearest_point_on_line
from sim2art.geometry.transforms import apply, is_rigid
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
