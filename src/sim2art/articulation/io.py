"""Kinematics as plain JSON values: objects without their meshes, and trajectories. Shapes live in mesh files.

A recording's `truth.json` is such a file. Lengths in m, angles in rad; the frame is the object's own.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject, Link
from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.errors import InvalidFileError, SchemaError

KINEMATICS_SCHEMA = "sim2art.kinematics/1"


def object_to_dict(articulated_object: ArticulatedObject) -> dict[str, Any]:
    """Links (name, colour) and joints as JSON values; meshes are left out."""
    return {
        "name": articulated_object.name,
        "links": [{"name": link.name, "color": list(link.color)} for link in articulated_object.links],
        "joints": [joint_to_dict(joint) for joint in articulated_object.joints],
    }


def object_from_dict(values: dict[str, Any]) -> ArticulatedObject:
    """The object that `object_to_dict` wrote; its links have no meshes.

    Raises:
        InvalidValueError: When the links and joints form no tree.
        KeyError: When an entry is missing.
    """
    return ArticulatedObject(
        name=values["name"],
        links=tuple(
            Link(name=link["name"], color=_color(link.get("color", (160, 160, 160)))) for link in values["links"]
        ),
        joints=tuple(joint_from_dict(joint) for joint in values["joints"]),
    )


def joint_to_dict(joint: Joint) -> dict[str, Any]:
    """One joint as JSON values."""
    return {
        "name": joint.name,
        "type": joint.type.value,
        "parent": joint.parent,
        "child": joint.child,
        "axis": joint.axis.tolist(),
        "pivot": None if joint.pivot is None else joint.pivot.tolist(),
        "limits": None if joint.limits is None else [float(x) for x in joint.limits],
        "observed_range": None if joint.observed_range is None else [float(x) for x in joint.observed_range],
    }


def joint_from_dict(values: dict[str, Any]) -> Joint:
    """The joint that `joint_to_dict` wrote."""
    pivot = values.get("pivot")
    return Joint(
        name=values["name"],
        type=JointType(values["type"]),
        parent=values["parent"],
        child=values["child"],
        axis=np.array(values["axis"], dtype=np.float64),
        pivot=None if pivot is None else np.array(pivot, dtype=np.float64),
        limits=_span(values.get("limits")),
        observed_range=_span(values.get("observed_range")),
    )


def trajectory_to_dict(trajectory: JointTrajectory) -> dict[str, Any]:
    """Times (s) and values (rad or m; one row a frame, one column a joint) as JSON values."""
    return {
        "joint_names": list(trajectory.joint_names),
        "times": trajectory.times.tolist(),
        "values": trajectory.values.tolist(),
    }


def trajectory_from_dict(values: dict[str, Any]) -> JointTrajectory:
    """The trajectory that `trajectory_to_dict` wrote."""
    names = tuple(values["joint_names"])
    times = np.array(values["times"], dtype=np.float64)
    # The reshape keeps (frame, 0) for an object without joints: [[], []] has lost nothing, [] would be one axis short.
    table = np.array(values["values"], dtype=np.float64).reshape(len(times), len(names))
    return JointTrajectory(joint_names=names, times=times, values=table)


def write_kinematics(path: Path, articulated_object: ArticulatedObject, trajectory: JointTrajectory | None) -> None:
    """Write an object's kinematics, and its motion when given, to one JSON file."""
    content = {
        "schema": KINEMATICS_SCHEMA,
        "object": object_to_dict(articulated_object),
        "trajectory": None if trajectory is None else trajectory_to_dict(trajectory),
    }
    path.write_text(json.dumps(content, indent=2, allow_nan=False), encoding="utf-8")


def read_kinematics(path: Path) -> tuple[ArticulatedObject, JointTrajectory | None]:
    """Read what `write_kinematics` wrote.

    Raises:
        InvalidFileError: When the file is missing, is not JSON or lacks an entry.
        SchemaError: When it is of another schema.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InvalidFileError(f"Cannot read kinematics from '{path}': {error}.", path=path) from error
    schema = content.get("schema") if isinstance(content, dict) else None
    if schema != KINEMATICS_SCHEMA:
        raise SchemaError(
            f"'{path}' has schema {schema!r}; this version reads '{KINEMATICS_SCHEMA}'. "
            "Write it anew with this version, or read it with the version that wrote it.",
            path=path,
        )
    try:
        trajectory = content["trajectory"]
        return (
            object_from_dict(content["object"]),
            None if trajectory is None else trajectory_from_dict(trajectory),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidFileError(
            f"'{path}' is damaged: {type(error).__name__} {error}. Write the file anew.", path=path
        ) from error


def _span(values: list[float] | None) -> tuple[float, float] | None:
    return None if values is None else (float(values[0]), float(values[1]))


def _color(values: Any) -> tuple[int, int, int]:
    red, green, blue = values
    return int(red), int(green), int(blue)
