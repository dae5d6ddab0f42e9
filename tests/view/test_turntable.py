"""Pictures of the reconstruction show the moving parts, whole."""

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject, Link
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.geometry.meshes import join_meshes, make_box
from sim2art.view.turntable import frame_object, render_motion, render_turntable
from tests.scenes import make_cabinet

VALUES = np.array([[0.0, 0.0], [0.7, 0.1], [1.4, 0.25]])
MOTION = JointTrajectory(joint_names=("joint_1", "joint_2"), times=np.arange(3.0), values=VALUES)


def test_a_room_around_the_object_does_not_shrink_it() -> None:
    cabinet = make_cabinet()
    base = cabinet.links[0]
    assert base.mesh is not None
    room = join_meshes([base.mesh, make_box(np.array([20.0, 20.0, 0.1]), np.array([0.0, 0, 9.0]))])
    big = ArticulatedObject(
        name="room", links=(Link(name="base", mesh=room), *cabinet.links[1:]), joints=cabinet.joints
    )
    center, radius = frame_object(big, MOTION)
    assert np.linalg.norm(center - [0, 0, 1.3]) < 0.4
    assert radius < 1.2


def test_every_picture_shows_the_object_inside_its_borders() -> None:
    for pictures in (
        render_motion(make_cabinet(), MOTION, steps=3, size=(80, 60)),
        render_turntable(make_cabinet(), MOTION, steps=3, size=(80, 60)),
    ):
        assert len(pictures) == 3
        for picture in pictures:
            assert picture.shape == (60, 80, 4)
            covered = picture[..., 3] > 0
            assert covered.mean() > 0.1
            assert not covered[0].any()  # The floor may run out of the bottom of the picture.


def test_motion_changes_the_picture() -> None:
    first, _, last = render_motion(make_cabinet(), MOTION, steps=3, size=(80, 60))
    assert np.mean(np.abs(first.astype(float) - last)) > 3
