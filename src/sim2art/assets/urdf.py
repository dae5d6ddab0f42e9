"""URDF files as articulated objects: the tree, its visual geometry and the limits; nothing about masses or contacts."""

import dataclasses
import logging
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
from jaxtyping import Float

from sim2art.articulation.articulated_object import ArticulatedObject, Link
from sim2art.articulation.joint import Joint, JointType
from sim2art.assets.urdf_shapes import UrdfElements
from sim2art.errors import InvalidFileError, InvalidValueError

JOINT_KINDS = {
    "fixed": JointType.FIXED,
    "revolute": JointType.REVOLUTE,
    "continuous": JointType.REVOLUTE,
    "prismatic": JointType.PRISMATIC,
}
"""Kinds of URDF joints that are read."""
_LOG = logging.getLogger(__name__)


def read_urdf(path: Path, *, name: str | None = None) -> ArticulatedObject:
    """The object that a URDF file describes, in the frame of its root link, all joints at 0.

    Collision shapes stand in where no link has a visual one. A joint that mimics another is read as free of it.

    Args:
        path: The file; meshes are looked up beside it, `package://` paths in the folders above it too.
        name: Name of the object; by default the file's own.

    Raises:
        InvalidFileError: When the file or a mesh cannot be read, or the tree is none; the message names which.
    """
    return object_from_urdf(parse_urdf(path), path, name=name)


def parse_urdf(path: Path) -> ElementTree.Element:
    """The `<robot>` element of a file.

    Raises:
        InvalidFileError: When the file is missing, no XML or no URDF.
    """
    try:
        root = ElementTree.parse(path).getroot()
    except OSError as error:
        raise InvalidFileError(f"Cannot open URDF '{path}': {error.strerror}.", path=path) from error
    except ElementTree.ParseError as error:
        raise InvalidFileError(f"URDF '{path}' is no XML: {error}; download or export it again.", path=path) from error
    if root.tag != "robot":
        raise InvalidFileError(f"'{path}' starts with <{root.tag}>; a URDF starts with <robot>.", path=path)
    return root


def object_from_urdf(root: ElementTree.Element, path: Path, *, name: str | None = None) -> ArticulatedObject:
    """The object of a parsed URDF; see `read_urdf`."""
    elements = UrdfElements(root, path)
    links = {element.get("name", ""): element for element in root.findall("link")}
    if not links:
        raise elements.error("it has no links; at least one <link> is needed")
    written = root.findall("joint")
    joints = [_read_joint(element, elements) for element in written]
    try:  # Before any mesh is loaded: a tree that is none is found at once.
        tree = ArticulatedObject(
            name=name or root.get("name") or path.stem,
            links=tuple(Link(name=link) for link in links),
            joints=tuple(joints),
        )
    except InvalidValueError as error:
        raise elements.error(f"its joints make no tree. {error} Mend the <parent> and <child> of its joints") from error
    places: dict[str, Float[np.ndarray, "4 4"]] = {tree.root: np.eye(4)}
    for index in tree.joint_order:
        places[joints[index].child] = places[joints[index].parent] @ elements.origin(written[index])
    kind = "visual" if any(element.find("visual") is not None for element in links.values()) else "collision"
    placed = tuple(_place_link(link, elements, links[link.name], kind, places[link.name]) for link in tree.links)
    if all(link.mesh is None for link in placed):
        raise elements.error("no link has geometry; add <visual> elements")
    return ArticulatedObject(
        name=tree.name, links=placed, joints=tuple(_place_joint(joint, places[joint.child]) for joint in joints)
    )


def _read_joint(element: ElementTree.Element, elements: UrdfElements) -> Joint:
    """A joint in the frame of its child."""
    name, kind = element.get("name", ""), element.get("type", "")
    if kind not in JOINT_KINDS:
        raise elements.error(
            f"joint '{name}' is of the unknown kind '{kind}'; known: {', '.join(JOINT_KINDS)}. Write it as a chain of those"
        )
    parent, child = element.find("parent"), element.find("child")
    if parent is None or child is None:
        raise elements.error(f"joint '{name}' lacks its <parent> or <child>; add it")
    if element.find("mimic") is not None:
        _LOG.warning("Joint '%s' mimics another; it is read as free of it.", name)
    joint_type = JOINT_KINDS[kind]
    axis, limits = np.array([1.0, 0.0, 0.0]), None
    if joint_type is not JointType.FIXED:
        axis = _read_axis(name, element.find("axis"), elements)
        limits = None if kind == "continuous" else _read_limits(name, element.find("limit"), elements)
    return Joint(
        name=name,
        type=joint_type,
        parent=parent.get("link", ""),
        child=child.get("link", ""),
        axis=axis,
        pivot=np.zeros(3) if joint_type is JointType.REVOLUTE else None,
        limits=limits,
    )


def _read_axis(joint: str, element: ElementTree.Element | None, elements: UrdfElements) -> Float[np.ndarray, "3"]:
    text = "1 0 0" if element is None else element.get("xyz", "1 0 0")
    direction = elements.numbers(text, 3, f"the axis of joint '{joint}'")
    length = float(np.linalg.norm(direction))
    if not length > 1e-9:
        raise elements.error(f"the axis of joint '{joint}' has length zero; write a direction such as '0 0 1'")
    return direction / length


def _read_limits(joint: str, element: ElementTree.Element | None, elements: UrdfElements) -> tuple[float, float] | None:
    if element is None:
        return None
    low = float(elements.numbers(element.get("lower", "0"), 1, f"the lower limit of joint '{joint}'")[0])
    high = float(elements.numbers(element.get("upper", "0"), 1, f"the upper limit of joint '{joint}'")[0])
    if low > high:
        raise elements.error(f"the limits of joint '{joint}' are reversed: lower {low:g}, upper {high:g}; swap them")
    return low, high


def _place_joint(joint: Joint, root_from_child: Float[np.ndarray, "4 4"]) -> Joint:
    """A joint of its child's frame in the root's."""
    return dataclasses.replace(
        joint,
        axis=root_from_child[:3, :3] @ joint.axis,
        pivot=None if joint.pivot is None else root_from_child[:3, 3],
    )


def _place_link(
    link: Link,
    elements: UrdfElements,
    element: ElementTree.Element,
    kind: str,
    root_from_link: Float[np.ndarray, "4 4"],
) -> Link:
    mesh = elements.link_mesh(element, kind)
    if mesh is None:
        return link
    assert mesh.colors is not None
    red, green, blue = (int(channel) for channel in np.median(mesh.colors, axis=0))
    return Link(name=link.name, mesh=mesh.transformed(root_from_link), color=(red, green, blue))
