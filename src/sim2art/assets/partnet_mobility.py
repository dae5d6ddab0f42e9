"""PartNet-Mobility objects (Xiang et al., "SAPIEN", CVPR 2020), read from the user's own copy of the data set.

A folder holds `mobility.urdf`, `textured_objs/`, `images/`, `semantics.txt` and `meta.json`. What real ones need beyond
a URDF reader: every face is stored twice, with opposite windings (kept once); axes hold the word None; parts that are
free, heavy or both turn and slide ("slider+") are no joints of ours, and neither are chains through a link without
geometry; ovens have knobs too small to see; the largest side is about 1 whatever the object; the front faces -x.
"""

import dataclasses
import json
import logging
import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.articulation.joint import Joint, JointType
from sim2art.assets.placement import scaled, stand_on_floor, turned
from sim2art.assets.urdf import JOINT_KINDS, object_from_urdf, parse_urdf
from sim2art.errors import InvalidFileError

URDF_NAME = "mobility.urdf"
DROPPED_KINDS = ("free", "heavy", "slider+")
"""Words of `semantics.txt` for parts whose motion no joint of ours describes; they stay where they are."""
MIN_PART_SHARE = 0.08
"""Joints whose part is smaller than this share of the object's longest side stay still."""
SIZES = {
    "Bottle": 0.25, "Box": 0.4, "Bucket": 0.35, "Camera": 0.15, "Cart": 0.9, "Chair": 0.95, "Clock": 0.3,
    "CoffeeMachine": 0.35, "Dishwasher": 0.85, "Dispenser": 0.25, "Display": 0.55, "Door": 2.0, "Eyeglasses": 0.15,
    "Fan": 0.5, "Faucet": 0.25, "FoldingChair": 0.9, "Globe": 0.4, "Kettle": 0.25, "Keyboard": 0.45,
    "KitchenPot": 0.3, "Knife": 0.25, "Lamp": 0.5, "Laptop": 0.36, "Lighter": 0.08, "Microwave": 0.5, "Mouse": 0.12,
    "Oven": 0.9, "Pen": 0.15, "Phone": 0.15, "Pliers": 0.2, "Printer": 0.5, "Refrigerator": 1.7, "Remote": 0.2,
    "Safe": 0.5, "Scissors": 0.2, "Stapler": 0.15, "StorageFurniture": 1.1, "Suitcase": 0.65, "Switch": 0.1,
    "Table": 1.2, "Toaster": 0.3, "Toilet": 0.75, "TrashCan": 0.6, "USB": 0.06, "WashingMachine": 0.85, "Window": 1.2,
}  # fmt: skip
"""Length of the longest side of each category, m: the data set has no scale of its own."""
_OTHER_SIZE = 0.5
_LOG = logging.getLogger(__name__)


def is_partnet_folder(folder: Path) -> bool:
    """Whether a folder is one object of the data set."""
    return (folder / URDF_NAME).is_file()


def read_partnet_mobility(folder: Path, *, min_part_share: float = MIN_PART_SHARE) -> ArticulatedObject:
    """One object in real-life size, z up, standing on z = 0, facing -y; named by its category.

    Joints that are dropped (see the module's docstring) are fixed, so their parts are still seen.

    Args:
        min_part_share: Joints of parts smaller than this share of the object's longest side are dropped.

    Raises:
        InvalidFileError: When a file is missing or cannot be read, or nothing of the object moves.
    """
    path = folder / URDF_NAME
    if not path.is_file():
        raise InvalidFileError(
            f"'{folder}' has no {URDF_NAME}, so it is no object of PartNet-Mobility; name a folder such as DATA/7128.",
            path=path,
        )
    root = parse_urdf(path)
    _mend(root, _read_kinds(folder))
    category = _read_category(folder)
    found = object_from_urdf(root, path, name=category)
    found = dataclasses.replace(found, joints=tuple(_still_small_parts(found, min_part_share)))
    if all(joint.type is JointType.FIXED for joint in found.joints):
        raise InvalidFileError(
            f"Nothing of '{folder}' moves once parts that are {', '.join(DROPPED_KINDS)} or tiny are held still; leave it out.",
            path=path,
        )
    factor = SIZES.get(category, _OTHER_SIZE) / _longest_side(found)
    return stand_on_floor(turned(scaled(found, factor), math.pi / 2))


def _read_category(folder: Path) -> str:
    """Category of an object, from `meta.json`."""
    path = folder / "meta.json"
    try:
        return str(json.loads(path.read_text())["model_cat"])
    except (OSError, KeyError, TypeError, json.JSONDecodeError):
        _LOG.warning("'%s' does not tell the category ('model_cat'); a size of %.1f m is assumed.", path, _OTHER_SIZE)
        return folder.name


def _read_kinds(folder: Path) -> dict[str, str]:
    """Link -> kind of its motion, from `semantics.txt` (lines such as "link_0 hinge door")."""
    path = folder / "semantics.txt"
    if not path.is_file():
        return {}
    words = [line.split() for line in path.read_text().splitlines()]
    return {line[0]: line[1] for line in words if len(line) >= 2}


def _mend(root: ElementTree.Element, kinds: dict[str, str]) -> None:
    """Make the tree one that a URDF reader understands; joints that are none of ours become fixed."""
    for joint in root.findall("joint"):
        axis, child = joint.find("axis"), _end(joint, "child")
        if joint.get("type") not in JOINT_KINDS or kinds.get(child) in DROPPED_KINDS:
            joint.set("type", "fixed")
        if axis is not None and "None" in axis.get("xyz", ""):
            # A direction of which a component is unknown is one along the others; without any there is no joint.
            text = axis.get("xyz", "").replace("None", "0")
            axis.set("xyz", text)
            if not any(float(word) for word in text.split()):
                joint.set("type", "fixed")
    for first, second in _couplings(root):
        first.set("type", "fixed")
        second.set("type", "fixed")


def _couplings(root: ElementTree.Element) -> Iterator[tuple[ElementTree.Element, ElementTree.Element]]:
    """Pairs of joints that together give one part two freedoms, through a link without geometry."""
    empty = {link.get("name") for link in root.findall("link") if link.find("visual") is None}
    moving = [joint for joint in root.findall("joint") if joint.get("type") != "fixed"]
    for first in moving:
        for second in moving:
            if _end(first, "child") == _end(second, "parent") and _end(first, "child") in empty:
                yield first, second


def _end(joint: ElementTree.Element, role: str) -> str:
    element = joint.find(role)
    return "" if element is None else element.get("link", "")


def _still_small_parts(articulated_object: ArticulatedObject, min_share: float) -> Iterator[Joint]:
    """The joints, those of parts too small to be seen as fixed ones."""
    least = min_share * _longest_side(articulated_object)
    for joint in articulated_object.joints:
        carried = _carried_links(articulated_object, joint.child)
        corners = [
            link.mesh.vertices for link in articulated_object.links if link.name in carried and link.mesh is not None
        ]
        size = float(np.max(np.ptp(np.concatenate(corners), axis=0))) if corners else 0.0
        is_kept = joint.type is JointType.FIXED or size >= least
        yield joint if is_kept else dataclasses.replace(joint, type=JointType.FIXED, pivot=None, limits=None)


def _carried_links(articulated_object: ArticulatedObject, link: str) -> set[str]:
    """A link and all that hangs on it."""
    carried = {link}
    for index in articulated_object.joint_order:
        joint = articulated_object.joints[index]
        if joint.parent in carried:
            carried.add(joint.child)
    return carried


def _longest_side(articulated_object: ArticulatedObject) -> float:
    corners = np.concatenate([link.mesh.vertices for link in articulated_object.links if link.mesh is not None])
    return float(np.max(np.ptp(corners, axis=0)))
