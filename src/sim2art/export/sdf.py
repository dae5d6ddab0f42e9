"""A model folder for Gazebo: `model.config`, `model.sdf` (SDFormat 1.9) and its own copy of the meshes.

The model's frame is the exports' z-up root. The object's base is held in the world by a fixed joint. Link frames are those
of the URDF, and every pose is written in the model's frame, so that readers which know no `relative_to` find them too.
"""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
from jaxtyping import Float

from sim2art.articulation.joint import Joint, JointType
from sim2art.export.mesh_files import unused_name
from sim2art.export.model_meshes import PartFiles, write_part_meshes
from sim2art.export.physics import JointPhysics, PhysicsModel
from sim2art.export.urdf import numbers, roll_pitch_yaw
from sim2art.geometry.transforms import make_transform

VERSION = "1.9"


def write_gazebo_model(model: PhysicsModel, folder: Path) -> None:
    """Write the folder, which Gazebo finds by its name when the folder that holds it is in GZ_SIM_RESOURCE_PATH."""
    files = write_part_meshes(model, folder)
    articulated_object, origins = model.articulated_object, model.origins
    top = ElementTree.Element("sdf", version=VERSION)
    top.append(ElementTree.Comment(" Units: m, kg, rad. Made from a video: inertia, damping, friction are assumed. "))
    top.append(ElementTree.Comment(f" z up; {model.up.words}. "))
    body = ElementTree.SubElement(top, "model", name=articulated_object.name)
    poses = model.root_from_world @ make_transform(np.eye(3), origins)
    hold = unused_name("root_from_world", {joint.name for joint in articulated_object.joints})
    _add_joint(body, hold, "fixed", "world", articulated_object.root)
    for index, link in enumerate(articulated_object.links):
        element = ElementTree.SubElement(body, "link", name=link.name)
        _add(element, "pose", _pose(poses[index]))
        _add_inertia(element, model, index)
        _add_shapes(element, files[index], model, index)
    for joint, physics in zip(articulated_object.joints, model.joints, strict=True):
        element = _add_joint(body, joint.name, joint.type.value, joint.parent, joint.child)
        if joint.type is not JointType.FIXED:
            _add_motion(element, joint, physics)
    _write(top, folder / "model.sdf")
    config = ElementTree.Element("model")
    _add(config, "name", articulated_object.name)
    _add(config, "version", "1.0")
    ElementTree.SubElement(config, "sdf", version=VERSION).text = "model.sdf"
    _add(config, "description", "Articulated model of a filmed object, by sim2art.")
    _write(config, folder / "model.config")


def _add_inertia(link: ElementTree.Element, model: PhysicsModel, index: int) -> None:
    inertia = model.inertias[index]
    element = ElementTree.SubElement(link, "inertial")
    _add(element, "pose", numbers(np.array([*(inertia.center - model.origins[index]), 0, 0, 0])))
    _add(element, "mass", f"{inertia.mass:.9g}")
    matrix = ElementTree.SubElement(element, "inertia")
    for row, first in enumerate("xyz"):
        for column in range(row, 3):
            _add(matrix, f"i{first}{'xyz'[column]}", f"{inertia.matrix[row, column]:.9g}")


def _add_shapes(link: ElementTree.Element, part: PartFiles, model: PhysicsModel, index: int) -> None:
    """What is seen, what was invented and what collides; the files stand in the world of the result."""
    place = numbers(np.array([*-model.origins[index], 0, 0, 0]))
    shapes = [("visual", "seen", part.visual), ("visual", "invented", part.invented)]
    shapes += [("collision", Path(piece).stem, piece) for piece in part.collisions]
    for kind, name, path in shapes:
        if path is None:
            continue
        element = ElementTree.SubElement(link, kind, name=name)
        _add(element, "pose", place)
        _add(ElementTree.SubElement(ElementTree.SubElement(element, "geometry"), "mesh"), "uri", path)
        if kind == "collision":
            friction = ElementTree.SubElement(ElementTree.SubElement(element, "surface"), "friction")
            ode = ElementTree.SubElement(friction, "ode")
            for name in ("mu", "mu2"):
                _add(ode, name, f"{model.config.contact_friction:g}")


def _add_joint(body: ElementTree.Element, name: str, kind: str, parent: str, child: str) -> ElementTree.Element:
    element = ElementTree.SubElement(body, "joint", name=name, type=kind)
    _add(element, "parent", parent)
    _add(element, "child", child)
    return element


def _add_motion(element: ElementTree.Element, joint: Joint, physics: JointPhysics) -> None:
    """Axis, limits with where they come from, and dynamics. The joint's frame is its child's, where axes read as ours."""
    axis = ElementTree.SubElement(element, "axis")
    _add(axis, "xyz", numbers(joint.axis))
    axis.append(ElementTree.Comment(f" limits: {physics.source.value} "))
    limit = ElementTree.SubElement(axis, "limit")
    for name, value in (
        ("lower", physics.limits[0]),
        ("upper", physics.limits[1]),
        ("effort", physics.effort),
        ("velocity", physics.velocity),
    ):
        _add(limit, name, f"{value:.9g}")
    dynamics = ElementTree.SubElement(axis, "dynamics")
    _add(dynamics, "damping", f"{physics.damping:.6g}")
    _add(dynamics, "friction", f"{physics.friction:.6g}")


def _add(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, name).text = text


def _pose(transform: Float[np.ndarray, "4 4"]) -> str:
    return numbers(np.concatenate([transform[:3, 3], roll_pitch_yaw(transform[:3, :3])]))


def _write(top: ElementTree.Element, path: Path) -> None:
    ElementTree.indent(top)
    path.write_text('<?xml version="1.0"?>\n' + ElementTree.tostring(top, encoding="unicode") + "\n", encoding="utf-8")
