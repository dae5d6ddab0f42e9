"""URDF: one link per part, meshes beside it, z up.

Tree: link `root` (z up, on the ground) -> fixed joint `root_from_world` -> the object's root link, whose frame is the
result's world (first camera, OpenCV axes) -> the object's joints. Every other link's frame is parallel to the world in
the rest pose with its origin on the joint, so all rotations but the first are zero and axes read as in `result.json`.
"""

from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.articulation.joint import Joint, JointType
from sim2art.export.frames import link_origins, root_from_world
from sim2art.export.mesh_files import file_name, write_obj
from sim2art.export.physics import PhysicsConfig, convex_hull, inertia_of_hull
from sim2art.geometry.meshes import TriangleMesh
from sim2art.geometry.transforms import make_transform

_MIN_SPAN = 1e-3  # rad or m: readers take lower = upper as "no limits" or refuse it.


def write_urdf(articulated_object: ArticulatedObject, folder: Path, *, config: PhysicsConfig | None = None) -> Path:
    """Write `object.urdf` and `meshes/` into a folder; returns the URDF's path.

    Args:
        articulated_object: In the result's world: first camera, OpenCV axes, m.
        folder: Made when missing.
        config: Assumed density, damping and friction.
    """
    config = PhysicsConfig() if config is None else config
    (folder / "meshes").mkdir(parents=True, exist_ok=True)
    origins = link_origins(articulated_object)
    root_name = _unused_name("root", {link.name for link in articulated_object.links})
    mesh_paths = part_mesh_paths(articulated_object)
    lines = [
        '<?xml version="1.0"?>',
        "<!-- Units: m, kg, rad. Made from a video: inertia, damping and friction are assumed, not measured. -->",
        f"<robot name={quoteattr(articulated_object.name)}>",
        "  <!-- Read by MuJoCo only: keep visual meshes, keep the tree as it is. -->",
        '  <mujoco><compiler strippath="false" discardvisual="false" fusestatic="false" balanceinertia="true"/></mujoco>',
        f"  <!-- {root_name}: x forward, y left, z up as the first camera was held; below the object's middle. -->",
        f"  <link name={quoteattr(root_name)}/>",
        *_joint_lines(
            name=_unused_name("root_from_world", {joint.name for joint in articulated_object.joints}),
            kind="fixed",
            parent=root_name,
            child=articulated_object.root,
            parent_from_child=root_from_world(articulated_object),
        ),
    ]
    for link, origin, mesh_path in zip(articulated_object.links, origins, mesh_paths, strict=True):
        lines.append(f"  <link name={quoteattr(link.name)}>")
        if link.mesh is not None and mesh_path is not None:
            hull, hull_path = convex_hull(link.mesh, config), mesh_path.replace(".obj", "_hull.obj")
            write_obj(folder / mesh_path, link.mesh)
            write_obj(folder / hull_path, hull)
            color = None if link.mesh.colors is not None else link.color
            lines += _shape_lines(hull, (mesh_path, hull_path), -origin, color, config)
        else:
            lines += _small_inertia_lines()
        lines.append("  </link>")
    for joint in articulated_object.joints:
        parent, child = (articulated_object.link_index(name) for name in (joint.parent, joint.child))
        lines += _joint_lines(
            name=joint.name,
            kind=joint.type.value,
            parent=joint.parent,
            child=joint.child,
            parent_from_child=make_transform(np.eye(3), origins[child] - origins[parent]),
            extra=_motion_lines(joint, config),
        )
    lines.append("</robot>")
    path = folder / "object.urdf"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def part_mesh_paths(articulated_object: ArticulatedObject) -> tuple[str | None, ...]:
    """Where `write_urdf` puts each link's mesh, relative to its folder; None for a link without one.

    The vertices of these files are in the object frame (the result's world), in the rest pose.
    """
    taken: set[str] = set()
    return tuple(
        None if link.mesh is None or len(link.mesh.faces) == 0 else f"meshes/{file_name(link.name, taken=taken)}.obj"
        for link in articulated_object.links
    )


def _shape_lines(
    hull: TriangleMesh,
    paths: tuple[str, str],
    link_from_object: np.ndarray,
    color: tuple[int, int, int] | None,
    config: PhysicsConfig,
) -> list[str]:
    """Inertial, visual and collision elements; `color` only where the mesh file has none."""
    inertia = inertia_of_hull(hull, config)
    m = inertia.matrix
    origin = f'      <origin xyz="{_numbers(link_from_object)}" rpy="0 0 0"/>'
    lines = [
        "    <inertial>",
        f'      <origin xyz="{_numbers(inertia.center + link_from_object)}" rpy="0 0 0"/>',
        f'      <mass value="{inertia.mass:.6g}"/>',
        f'      <inertia ixx="{m[0, 0]:.9g}" ixy="{m[0, 1]:.9g}" ixz="{m[0, 2]:.9g}" '
        f'iyy="{m[1, 1]:.9g}" iyz="{m[1, 2]:.9g}" izz="{m[2, 2]:.9g}"/>',
        "    </inertial>",
        "    <visual>",
        origin,
        f'      <geometry><mesh filename="{paths[0]}"/></geometry>',
    ]
    if color is not None:
        red, green, blue = (channel / 255 for channel in color)
        lines.append(
            f'      <material name="{Path(paths[0]).stem}_color"><color rgba="{red:.3f} {green:.3f} {blue:.3f} 1"/></material>'
        )
    return [
        *lines,
        "    </visual>",
        "    <!-- Collision is the convex hull: cavities are filled. -->",
        "    <collision>",
        origin,
        f'      <geometry><mesh filename="{paths[1]}"/></geometry>',
        "    </collision>",
    ]


def _small_inertia_lines() -> list[str]:
    """A link without geometry still needs a mass where it can move."""
    return [
        "    <!-- No geometry was seen: a nominal mass. -->",
        '    <inertial><mass value="0.1"/>'
        '<inertia ixx="1e-4" ixy="0" ixz="0" iyy="1e-4" iyz="0" izz="1e-4"/></inertial>',
    ]


def _joint_lines(
    *, name: str, kind: str, parent: str, child: str, parent_from_child: np.ndarray, extra: list[str] | None = None
) -> list[str]:
    return [
        f'  <joint name={quoteattr(name)} type="{kind}">',
        f"    <parent link={quoteattr(parent)}/>",
        f"    <child link={quoteattr(child)}/>",
        f'    <origin xyz="{_numbers(parent_from_child[:3, 3])}" rpy="{_numbers(_rpy(parent_from_child[:3, :3]))}"/>',
        *(extra or []),
        "  </joint>",
    ]


def _motion_lines(joint: Joint, config: PhysicsConfig) -> list[str]:
    """Axis, limits with where they come from, and dynamics; nothing for a fixed joint."""
    if joint.type is JointType.FIXED:
        return []
    if joint.limits is not None:
        span, source = joint.limits, "known"
    elif joint.observed_range is not None:
        span, source = joint.observed_range, "observed range (the object may go further)"
    else:
        span = (-np.pi, np.pi) if joint.type is JointType.REVOLUTE else (-1.0, 1.0)
        source = "assumed: nothing is known"
    lower, upper = span[0], max(span[1], span[0] + _MIN_SPAN)
    return [
        f'    <axis xyz="{_numbers(joint.axis)}"/>',
        f"    <!-- limits: {source} -->",
        f'    <limit lower="{lower:.9g}" upper="{upper:.9g}" effort="{config.effort:g}" velocity="{config.velocity:g}"/>',
        f'    <dynamics damping="{config.damping:g}" friction="{config.friction:g}"/>',
    ]


def _rpy(rotation: np.ndarray) -> np.ndarray:
    """URDF's fixed-axis roll, pitch, yaw: rotation = Rz(yaw) Ry(pitch) Rx(roll)."""
    pitch = np.arctan2(-rotation[2, 0], np.hypot(rotation[0, 0], rotation[1, 0]))
    if np.hypot(rotation[0, 0], rotation[1, 0]) < 1e-9:  # Gimbal lock: yaw is free, take 0.
        return np.array([np.arctan2(rotation[0, 1] * np.sign(pitch), rotation[1, 1]), pitch, 0.0])
    roll = np.arctan2(rotation[2, 1], rotation[2, 2])
    return np.array([roll, pitch, np.arctan2(rotation[1, 0], rotation[0, 0])])


def _numbers(values: np.ndarray) -> str:
    return " ".join(f"{value + 0.0:.12g}" for value in values)


def _unused_name(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    return name
