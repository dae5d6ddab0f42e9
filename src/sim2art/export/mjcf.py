"""MJCF (MuJoCo XML): the tree of the URDF with visual meshes in colour and convex contact pieces, z up, rad.

Body frames are those of the URDF's links. A part does not collide with the one that carries it: MuJoCo itself skips
such pairs only where the parent can move, so the pairs are named.
"""

import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sim2art.articulation.joint import Joint, JointType
from sim2art.export.mesh_files import unused_name
from sim2art.export.model_meshes import PartFiles
from sim2art.export.physics import Inertia, JointPhysics, PhysicsModel
from sim2art.export.targets import Target
from sim2art.export.urdf import numbers
from sim2art.geometry.rotations import quaternion_from_rotation
from sim2art.geometry.transforms import apply

_KINDS = {JointType.REVOLUTE: "hinge", JointType.PRISMATIC: "slide"}
_MOST_FACES = 200_000  # MuJoCo's own limit for a mesh.


def write_mjcf(model: PhysicsModel, files: Sequence[PartFiles], path: Path, *, target: Target | None = None) -> None:
    """Write an MJCF file beside the mesh files that it names.

    Args:
        files: From `write_part_meshes`, below the folder of `path`.
        target: robosuite gets its object layout, see `targets`.
    """
    for_robosuite = target is Target.ROBOSUITE
    articulated_object = model.articulated_object
    top = ElementTree.Element("mujoco", model=articulated_object.name)
    top.append(ElementTree.Comment(" Units: m, kg, rad. Made from a video: inertia, damping, friction are assumed. "))
    top.append(ElementTree.Comment(f" z up; {model.up.words}. "))
    ElementTree.SubElement(top, "compiler", angle="radian", autolimits="true", balanceinertia="true")
    # Implicit damping keeps light parts on damped joints steady at MuJoCo's default step.
    ElementTree.SubElement(top, "option", integrator="implicitfast")
    _add_defaults(top, model, for_robosuite=for_robosuite)
    assets = ElementTree.SubElement(top, "asset")
    world = ElementTree.SubElement(top, "worldbody")
    names = {link.name for link in articulated_object.links}
    if for_robosuite:
        outer = ElementTree.SubElement(world, "body")
        root = ElementTree.SubElement(outer, "body", name="object")
        _add_sites(outer, model)
    else:
        root = ElementTree.SubElement(world, "body", name=unused_name("root", names))
    joint_of = {joint.child: index for index, joint in enumerate(articulated_object.joints)}
    bodies: dict[str, ElementTree.Element] = {}
    for index in _parents_first(model):
        link = articulated_object.links[index]
        if link.name not in joint_of:
            pose = model.root_from_world
            body = ElementTree.SubElement(
                root,
                "body",
                name=link.name,
                pos=numbers(pose[:3, 3]),
                quat=numbers(quaternion_from_rotation(pose[:3, :3])),
            )
        else:
            joint = articulated_object.joints[joint_of[link.name]]
            offset = model.origins[index] - model.origins[articulated_object.link_index(joint.parent)]
            body = ElementTree.SubElement(bodies[joint.parent], "body", name=link.name, pos=numbers(offset))
            _add_joint(body, joint, model.joints[joint_of[link.name]])
        # The base too: it is held here, but who lets it go should find the mass that the other formats have.
        _add_inertia(body, model.inertias[index], model.origins[index])
        bodies[link.name] = body
        _add_geometry(body, assets, files[index], model, index)
    if not for_robosuite and articulated_object.joints:
        contact = ElementTree.SubElement(top, "contact")
        for joint in articulated_object.joints:
            ElementTree.SubElement(contact, "exclude", body1=joint.parent, body2=joint.child)
    ElementTree.indent(top)
    path.write_text(ElementTree.tostring(top, encoding="unicode") + "\n", encoding="utf-8")


def _parents_first(model: PhysicsModel) -> list[int]:
    articulated_object = model.articulated_object
    children = [articulated_object.joints[index].child for index in articulated_object.joint_order]
    return [articulated_object.link_index(name) for name in (articulated_object.root, *children)]


def _add_defaults(top: ElementTree.Element, model: PhysicsModel, *, for_robosuite: bool) -> None:
    """Classes of geoms. Groups 2 and 3 are MuJoCo's custom for what is seen and what collides; robosuite's are 1 and 0."""
    defaults = ElementTree.SubElement(top, "default")
    visual = ElementTree.SubElement(defaults, "default", {"class": "visual"})
    group = "1" if for_robosuite else "2"
    ElementTree.SubElement(visual, "geom", type="mesh", group=group, contype="0", conaffinity="0", mass="0")
    collision = ElementTree.SubElement(defaults, "default", {"class": "collision"})
    geom = ElementTree.SubElement(
        collision,
        "geom",
        type="mesh",
        group="0" if for_robosuite else "3",
        friction=f"{model.config.contact_friction:g} 0.005 0.0001",
        rgba="0.6 0.6 0.6 0.5",
    )
    if for_robosuite:
        geom.attrib.update(contype="2", conaffinity="1")


def _add_sites(outer: ElementTree.Element, model: PhysicsModel) -> None:
    """Where robosuite stands the object, and how wide it is; in the z-up root frame."""
    points = [
        apply(model.root_from_world, link.mesh.vertices)
        for link in model.articulated_object.links
        if link.mesh is not None and len(link.mesh.vertices)
    ]
    together = np.concatenate(points) if points else np.zeros((1, 3))
    radius = float(np.linalg.norm(together[:, :2], axis=1).max())
    for name, place in (
        ("bottom_site", (0.0, 0.0, together[:, 2].min())),
        ("top_site", (0.0, 0.0, together[:, 2].max())),
        ("horizontal_radius_site", (radius, 0.0, 0.0)),
    ):
        ElementTree.SubElement(outer, "site", name=name, pos=numbers(np.array(place)), size="0.005", rgba="0 0 0 0")


def _add_inertia(body: ElementTree.Element, inertia: Inertia, origin: np.ndarray) -> None:
    m = inertia.matrix
    full = np.array([m[0, 0], m[1, 1], m[2, 2], m[0, 1], m[0, 2], m[1, 2]])
    ElementTree.SubElement(
        body,
        "inertial",
        pos=numbers(inertia.center - origin),
        mass=f"{inertia.mass:.9g}",
        fullinertia=" ".join(f"{value:.9g}" for value in full),
    )


def _add_joint(body: ElementTree.Element, joint: Joint, physics: JointPhysics) -> None:
    if joint.type is JointType.FIXED:
        return
    body.append(ElementTree.Comment(f" limits: {physics.source.value} "))
    ElementTree.SubElement(
        body,
        "joint",
        name=joint.name,
        type=_KINDS[joint.type],
        axis=numbers(joint.axis),
        range=numbers(np.array(physics.limits)),
        damping=f"{physics.damping:.6g}",
        frictionloss=f"{physics.friction:.6g}",
    )


def _add_geometry(
    body: ElementTree.Element, assets: ElementTree.Element, part: PartFiles, model: PhysicsModel, index: int
) -> None:
    """Visual and collision meshes, moved from the world of the result to the body's frame."""
    link, place = model.articulated_object.links[index], numbers(-model.origins[index])
    for path, mesh in ((part.visual, link.mesh), (part.invented, model.invented[index])):
        if path is None or mesh is None or len(mesh.faces) > _MOST_FACES:
            continue
        name = Path(path).stem
        # An open scan has no inside; its inertia is given with the body.
        ElementTree.SubElement(assets, "mesh", name=name, file=path, inertia="shell")
        look = {"rgba": " ".join(f"{channel / 255:.3f}" for channel in link.color) + " 1"}
        if mesh.colors is not None:
            ElementTree.SubElement(assets, "texture", name=name, type="2d", file=path.replace(".obj", ".png"))
            ElementTree.SubElement(assets, "material", name=name, texture=name, specular="0.1", shininess="0.1")
            look = {"material": name}
        geom = ElementTree.SubElement(body, "geom", {"class": "visual"}, name=f"{name}_visual", mesh=name, pos=place)
        geom.attrib.update(look)
    for path in part.collisions:
        name = Path(path).stem
        ElementTree.SubElement(assets, "mesh", name=name, file=path)
        ElementTree.SubElement(body, "geom", {"class": "collision"}, name=name, mesh=name, pos=place)
