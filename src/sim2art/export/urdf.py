"""URDF: one link per part, meshes beside it, z up.

Tree: link `root` (z up, on the ground) -> fixed joint `root_from_world` -> the object's root link, whose frame is the
result's world (first camera, OpenCV axes) -> the object's joints. Every other link's frame is parallel to the world in
the rest pose with its origin on the joint, so all rotations but the first are zero and axes read as in `result.json`.
"""

from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np
from jaxtyping import Float

from sim2art.articulation.joint import Joint, JointType
from sim2art.export.mesh_files import unused_name
from sim2art.export.model_meshes import PartFiles
from sim2art.export.physics import Inertia, JointPhysics, PhysicsModel
from sim2art.export.targets import Target
from sim2art.geometry.transforms import make_transform


def write_urdf(
    model: PhysicsModel,
    files: Sequence[PartFiles],
    path: Path,
    *,
    target: Target | None = None,
    mesh_folder: str = "",
) -> None:
    """Write a URDF that names mesh files.

    Args:
        files: From `write_part_meshes`, below the folder of `path`.
        target: PyBullet gets a root that stands still by itself.
        mesh_folder: Goes before the mesh files' names, such as "package://NAME/".
    """
    articulated_object, origins = model.articulated_object, model.origins
    root_name = unused_name("root", {link.name for link in articulated_object.links})
    static, up = target is Target.PYBULLET, model.up.words.capitalize()
    lines = [
        '<?xml version="1.0"?>',
        "<!-- Units: m, kg, rad. Made from a video: inertia, damping and friction are assumed, not measured. -->",
        f"<robot name={quoteattr(articulated_object.name)}>",
        "  <!-- Read by MuJoCo only: keep visual meshes, keep the tree as it is. -->",
        '  <mujoco><compiler strippath="false" discardvisual="false" fusestatic="false" balanceinertia="true"/></mujoco>',
        f"  <!-- {root_name}: z up, x level where the first camera looked; below the object's middle. {up}. -->",
        f"  <link name={quoteattr(root_name)}{'>' if static else '/>'}",
        *(_static_lines() if static else []),
        *_joint_lines(
            name=unused_name("root_from_world", {joint.name for joint in articulated_object.joints}),
            kind="fixed",
            parent=root_name,
            child=articulated_object.root,
            parent_from_child=model.root_from_world,
        ),
    ]
    for link, origin, part, inertia in zip(articulated_object.links, origins, files, model.inertias, strict=True):
        lines += [f"  <link name={quoteattr(link.name)}>", *_inertia_lines(inertia, -origin)]
        if part.visual is None:
            lines.append("    <!-- No geometry was seen: a nominal mass. -->")
        color = None if link.mesh is None or link.mesh.colors is not None else link.color
        lines += _visual_lines(part, -origin, color, mesh_folder)
        for piece in part.collisions:
            lines += ["    <collision>", *_mesh_lines(mesh_folder + piece, -origin), "    </collision>"]
        lines.append("  </link>")
    for joint, physics in zip(articulated_object.joints, model.joints, strict=True):
        parent, child = (articulated_object.link_index(name) for name in (joint.parent, joint.child))
        lines += _joint_lines(
            name=joint.name,
            kind=joint.type.value,
            parent=joint.parent,
            child=joint.child,
            parent_from_child=make_transform(np.eye(3), origins[child] - origins[parent]),
            extra=_motion_lines(joint, physics),
        )
    lines.append("</robot>")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _static_lines() -> list[str]:
    return [
        "    <!-- PyBullet holds a root of mass 0 where it is. -->",
        '    <inertial><mass value="0"/><inertia ixx="0" ixy="0" ixz="0" iyy="0" iyz="0" izz="0"/></inertial>',
        "  </link>",
    ]


def _inertia_lines(inertia: Inertia, link_from_object: np.ndarray) -> list[str]:
    m = inertia.matrix
    return [
        "    <inertial>",
        f'      <origin xyz="{numbers(inertia.center + link_from_object)}" rpy="0 0 0"/>',
        f'      <mass value="{inertia.mass:.6g}"/>',
        f'      <inertia ixx="{m[0, 0]:.9g}" ixy="{m[0, 1]:.9g}" ixz="{m[0, 2]:.9g}" '
        f'iyy="{m[1, 1]:.9g}" iyz="{m[1, 2]:.9g}" izz="{m[2, 2]:.9g}"/>',
        "    </inertial>",
    ]


def _visual_lines(
    part: PartFiles, link_from_object: np.ndarray, color: tuple[int, int, int] | None, mesh_folder: str
) -> list[str]:
    """Visual elements; `color` only where the mesh file has none."""
    lines = []
    if part.visual is not None:
        lines += ["    <visual>", *_mesh_lines(mesh_folder + part.visual, link_from_object)]
        if color is not None:
            rgb = " ".join(f"{channel / 255:.3f}" for channel in color)
            lines.append(f'      <material name="{Path(part.visual).stem}_color"><color rgba="{rgb} 1"/></material>')
        lines.append("    </visual>")
    if part.invented is not None:
        mesh_lines = _mesh_lines(mesh_folder + part.invented, link_from_object)
        lines += ['    <visual name="invented">', *mesh_lines, "    </visual>"]
    return lines


def _mesh_lines(path: str, link_from_object: np.ndarray) -> list[str]:
    return [
        f'      <origin xyz="{numbers(link_from_object)}" rpy="0 0 0"/>',
        f'      <geometry><mesh filename="{path}"/></geometry>',
    ]


def _joint_lines(
    *, name: str, kind: str, parent: str, child: str, parent_from_child: np.ndarray, extra: list[str] | None = None
) -> list[str]:
    return [
        f'  <joint name={quoteattr(name)} type="{kind}">',
        f"    <parent link={quoteattr(parent)}/>",
        f"    <child link={quoteattr(child)}/>",
        f'    <origin xyz="{numbers(parent_from_child[:3, 3])}" rpy="{numbers(roll_pitch_yaw(parent_from_child[:3, :3]))}"/>',
        *(extra or []),
        "  </joint>",
    ]


def _motion_lines(joint: Joint, physics: JointPhysics) -> list[str]:
    """Axis, limits with where they come from, and dynamics; nothing for a fixed joint."""
    if joint.type is JointType.FIXED:
        return []
    low, high = physics.limits
    return [
        f'    <axis xyz="{numbers(joint.axis)}"/>',
        f"    <!-- limits: {physics.source.value} -->",
        f'    <limit lower="{low:.9g}" upper="{high:.9g}" effort="{physics.effort:g}" velocity="{physics.velocity:g}"/>',
        f'    <dynamics damping="{physics.damping:.6g}" friction="{physics.friction:.6g}"/>',
    ]


def roll_pitch_yaw(rotation: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "3"]:
    """URDF's and SDFormat's fixed-axis roll, pitch, yaw: rotation = Rz(yaw) Ry(pitch) Rx(roll)."""
    pitch = np.arctan2(-rotation[2, 0], np.hypot(rotation[0, 0], rotation[1, 0]))
    if np.hypot(rotation[0, 0], rotation[1, 0]) < 1e-9:  # Gimbal lock: yaw is free, take 0.
        return np.array([np.arctan2(rotation[0, 1] * np.sign(pitch), rotation[1, 1]), pitch, 0.0])
    roll = np.arctan2(rotation[2, 1], rotation[2, 2])
    return np.array([roll, pitch, np.arctan2(rotation[1, 0], rotation[0, 0])])


def numbers(values: Float[np.ndarray, "number"]) -> str:
    """Numbers with spaces between."""
    return " ".join(f"{value + 0.0:.12g}" for value in values)
