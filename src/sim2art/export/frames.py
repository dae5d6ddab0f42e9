"""Where the exported links' frames sit, and how the z-up root of an export sees the world of the result.

An `ArticulatedObject` keeps all geometry in one frame. File formats want a frame per link, on the joint that moves it.
All link frames are parallel to the object frame in the rest pose, so they differ by an offset only.
"""

import numpy as np
from jaxtyping import Float

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.articulation.joint import JointType
from sim2art.export.up import CAMERA_UP, estimate_up
from sim2art.geometry.screws import nearest_point_on_line
from sim2art.geometry.transforms import make_transform

_LOOKING = np.array([0.0, 0.0, 1.0])
"""Where the first camera looks, world of the result."""
_STEEPEST = np.cos(np.deg2rad(5.0))


def link_origins(articulated_object: ArticulatedObject) -> Float[np.ndarray, "link 3"]:
    """Origin of each link's frame in the rest pose, object frame, m.

    The root keeps the object's origin. The child of a revolute joint has its origin on the axis, beside the middle of
    its mesh; that of a prismatic or fixed joint in the middle of its mesh (without a mesh: on its parent's origin).
    """
    origins = np.zeros((len(articulated_object.links), 3))
    for index in articulated_object.joint_order:
        joint = articulated_object.joints[index]
        child = articulated_object.link_index(joint.child)
        mesh = articulated_object.links[child].mesh
        middle = None
        if mesh is not None and len(mesh.vertices):
            middle = np.ptp(mesh.vertices, axis=0) / 2 + mesh.vertices.min(axis=0)
        if joint.type is JointType.REVOLUTE:
            assert joint.pivot is not None
            origins[child] = joint.pivot if middle is None else nearest_point_on_line(middle, joint.axis, joint.pivot)
        else:
            origins[child] = origins[articulated_object.link_index(joint.parent)] if middle is None else middle
    return origins


def root_from_world(
    articulated_object: ArticulatedObject, up: Float[np.ndarray, "3"] | None = None
) -> Float[np.ndarray, "4 4"]:
    """The z-up frame of an export from the world of the result (first camera, OpenCV axes).

    x points where the first camera looked, as far as that is level (for one that looks straight down: where the top of its
    picture is). The origin is below the middle of the object's rest-pose box, on its lowest point.

    Args:
        articulated_object: In the rest pose.
        up: Unit, world of the result; None estimates it from the surfaces.
    """
    up = estimate_up(articulated_object).direction if up is None else up
    ahead = _LOOKING if abs(up @ _LOOKING) < _STEEPEST else CAMERA_UP
    ahead = ahead - (ahead @ up) * up
    ahead /= np.linalg.norm(ahead)
    axes = np.stack([ahead, np.cross(up, ahead), up])
    meshes = [link.mesh for link in articulated_object.links if link.mesh is not None and len(link.mesh.vertices)]
    if not meshes:
        return make_transform(axes, np.zeros(3))
    points = np.concatenate([mesh.vertices for mesh in meshes]) @ axes.T
    low, high = points.min(axis=0), points.max(axis=0)
    return make_transform(axes, -np.array([*((low + high) / 2)[:2], low[2]]))
