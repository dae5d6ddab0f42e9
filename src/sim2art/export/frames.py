"""Where the exported links' frames sit, and how the z-up root of an export sees the world of the result.

An `ArticulatedObject` keeps all geometry in one frame. File formats want a frame per link, on the joint that moves it.
All link frames are parallel to the object frame in the rest pose, so they differ by an offset only.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.articulation.joint import JointType
from sim2art.geometry.rotations import rotation_between
from sim2art.geometry.screws import nearest_point_on_line
from sim2art.geometry.transforms import make_transform

ROOT_FROM_CAMERA_AXES = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
"""Camera axes (x right, y down, z forward) to z-up axes (x forward, y left, z up), rows are the new axes."""
_CAMERA_UP = np.array([0.0, -1.0, 0.0])
_MAX_TILT = np.deg2rad(45.0)  # Of a camera that films an object; beyond it a front is taken for a top.
_SQUARE = np.deg2rad(6.0)
_MIN_SUPPORT = 0.5


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
        middle = None if mesh is None or len(mesh.vertices) == 0 else np.ptp(mesh.vertices, axis=0) / 2
        if middle is not None and mesh is not None:
            middle = middle + mesh.vertices.min(axis=0)
        if joint.type is JointType.REVOLUTE:
            assert joint.pivot is not None
            origins[child] = joint.pivot if middle is None else nearest_point_on_line(middle, joint.axis, joint.pivot)
        else:
            origins[child] = origins[articulated_object.link_index(joint.parent)] if middle is None else middle
    return origins


def root_from_world(articulated_object: ArticulatedObject) -> Float[np.ndarray, "4 4"]:
    """The z-up frame of an export from the world of the result (first camera, OpenCV axes).

    x points where the first camera looked, as far as that is level. The origin is below the middle of the object's
    rest-pose box, on its lowest point.
    """
    up = estimate_up(articulated_object).direction
    rotation = rotation_between(up, _CAMERA_UP)  # Levels the camera first, then its axes become z-up ones.
    axes = ROOT_FROM_CAMERA_AXES @ rotation
    meshes = [link.mesh for link in articulated_object.links if link.mesh is not None and len(link.mesh.vertices)]
    if not meshes:
        return make_transform(axes, np.zeros(3))
    points = np.concatenate([mesh.vertices for mesh in meshes]) @ axes.T
    low, high = points.min(axis=0), points.max(axis=0)
    return make_transform(axes, -np.array([*((low + high) / 2)[:2], low[2]]))


@dataclass(frozen=True, kw_only=True)
class Up:
    """Which way is up, and how that is known."""

    direction: Float[np.ndarray, "3"]
    """Unit, object frame."""
    source: Literal["surfaces", "camera"]
    """surfaces: the level and upright faces and the hinges agree on it; camera: the first camera's up."""


def estimate_up(articulated_object: ArticulatedObject) -> Up:
    """Which way is up in the world of a result; gravity is not measured, but made things stand upright.

    Among the directions of hinges and of the normals of faces, those count that are within 45 deg of the first camera's
    up. Each is rated by the area of the faces that are level or upright with it. Where no direction explains most of
    the area, the first camera's own up is taken.
    """
    normals, areas = _face_normals(articulated_object)
    if len(normals) == 0:
        return Up(direction=_CAMERA_UP, source="camera")
    hinges = [joint.axis for joint in articulated_object.joints if joint.type is JointType.REVOLUTE]
    spread = np.searchsorted(np.cumsum(areas), np.linspace(0, areas.sum(), 130)[1:-1])
    candidates = np.concatenate([np.reshape(hinges, (-1, 3)), normals[spread], _CAMERA_UP[None]])
    candidates *= np.where(candidates @ _CAMERA_UP < 0, -1.0, 1.0)[:, None]
    candidates = candidates[candidates @ _CAMERA_UP > np.cos(_MAX_TILT)]
    refined = np.stack([_aligned(direction, normals, areas) for direction in candidates])
    support = np.array([areas @ (_level(x, normals) | _upright(x, normals)) for x in refined]) / areas.sum()
    # A box is as square to its front as to its top: of directions that explain about as much, the one nearest the
    # camera's up.
    good = refined[(support >= 0.9 * support.max()) & (support >= _MIN_SUPPORT)]
    if len(good) == 0:
        return Up(direction=_CAMERA_UP, source="camera")
    return Up(direction=good[np.argmax(good @ _CAMERA_UP)], source="surfaces")


def _face_normals(articulated_object: ArticulatedObject, *, most: int = 8000) -> tuple[np.ndarray, np.ndarray]:
    """Unit normals and areas of (some of) all faces."""
    crosses = [np.zeros((0, 3))]
    for link in articulated_object.links:
        if link.mesh is not None:
            a, b, c = (link.mesh.vertices[link.mesh.faces[:, i]] for i in range(3))
            crosses.append(np.cross(b - a, c - a) / 2)
    cross = np.concatenate(crosses)
    cross = cross[:: max(1, len(cross) // most)]
    areas = np.linalg.norm(cross, axis=1)
    return cross[areas > 0] / areas[areas > 0, None], areas[areas > 0]


def _level(up: np.ndarray, normals: np.ndarray) -> np.ndarray:
    return np.abs(normals @ up) > np.cos(_SQUARE)


def _upright(up: np.ndarray, normals: np.ndarray) -> np.ndarray:
    return np.abs(normals @ up) < np.sin(_SQUARE)


def _aligned(up: np.ndarray, normals: np.ndarray, areas: np.ndarray) -> np.ndarray:
    """The direction most parallel to the level normals and most square to the upright ones, near `up`."""
    level, upright = _level(up, normals), _upright(up, normals)
    scatter = (normals[upright].T * areas[upright]) @ normals[upright]
    scatter -= (normals[level].T * areas[level]) @ normals[level]
    direction = np.linalg.eigh(scatter)[1][:, 0]
    direction = direction * (1.0 if direction @ up >= 0 else -1.0)
    return direction if direction @ up > np.cos(2 * _SQUARE) else up
