"""Small stand-in objects for the simulator's tests."""

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject, Link
from sim2art.articulation.joint import Joint, JointType
from sim2art.geometry.meshes import make_box


def make_cupboard() -> ArticulatedObject:
    """A box with a drawer (0..0.3 m, towards -y) and a door (0..1.5 rad, hinge on its left side)."""
    body = make_box(np.array([0.8, 0.4, 0.6]), np.array([0.0, 0.0, 0.3]))
    drawer = make_box(np.array([0.35, 0.35, 0.5]), np.array([0.2, -0.05, 0.3]))
    door = make_box(np.array([0.35, 0.02, 0.5]), np.array([-0.2, -0.22, 0.3]))
    return ArticulatedObject(
        name="cupboard",
        links=(Link(name="body", mesh=body), Link(name="drawer", mesh=drawer), Link(name="door", mesh=door)),
        joints=(
            Joint(
                name="slide",
                type=JointType.PRISMATIC,
                parent="body",
                child="drawer",
                axis=np.array([0.0, -1.0, 0.0]),
                limits=(0.0, 0.3),
            ),
            Joint(
                name="hinge",
                type=JointType.REVOLUTE,
                parent="body",
                child="door",
                axis=np.array([0.0, 0.0, -1.0]),
                pivot=np.array([-0.375, -0.21, 0.0]),
                limits=(0.0, 1.5),
            ),
        ),
    )
