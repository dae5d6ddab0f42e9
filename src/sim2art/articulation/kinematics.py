"""Forward kinematics, and the two changes of description that a clip needs: a new rest pose, and fewer moving parts."""

import dataclasses

import numpy as np
from jaxtyping import Float

from sim2art.articulation.articulated_object import ArticulatedObject, Link
from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.geometry.meshes import join_meshes


def link_motions(
    articulated_object: ArticulatedObject, values: Float[np.ndarray, "*batch joint"]
) -> Float[np.ndarray, "*batch link 4 4"]:
    """What carries each link's rest-pose geometry to its place at the joint values, in the object frame."""
    names = [link.name for link in articulated_object.links]
    motions = np.broadcast_to(np.eye(4), (*values.shape[:-1], len(names), 4, 4)).copy()
    for index in articulated_object.joint_order:
        joint = articulated_object.joints[index]
        # Joints are given in the rest pose, so a child's motion is its parent's motion after its own.
        motions[..., names.index(joint.child), :, :] = motions[..., names.index(joint.parent), :, :] @ joint.transform(
            values[..., index]
        )
    return motions


def rebased(articulated_object: ArticulatedObject, values: Float[np.ndarray, "joint"]) -> ArticulatedObject:
    """The same object with its rest pose moved to the given joint values; limits shift along."""
    motions = link_motions(articulated_object, values)
    links = tuple(
        dataclasses.replace(link, mesh=None if link.mesh is None else link.mesh.transformed(motion))
        for link, motion in zip(articulated_object.links, motions, strict=True)
    )

    def shift(span: tuple[float, float] | None, value: float) -> tuple[float, float] | None:
        return None if span is None else (span[0] - value, span[1] - value)

    joints = []
    for joint, value in zip(articulated_object.joints, values, strict=True):
        parent_motion = motions[articulated_object.link_index(joint.parent)]
        moved = joint.moved(parent_motion)
        joints.append(
            dataclasses.replace(
                moved,
                limits=shift(joint.limits, float(value)),
                observed_range=shift(joint.observed_range, float(value)),
            )
        )
    return ArticulatedObject(name=articulated_object.name, links=links, joints=tuple(joints))


def merge_still_links(
    articulated_object: ArticulatedObject,
    trajectory: JointTrajectory,
    *,
    min_angle: float = np.deg2rad(1.0),
    min_distance: float = 2e-3,
) -> tuple[ArticulatedObject, JointTrajectory, np.ndarray]:
    """Join each link that never moves against its parent to that parent: a video cannot tell them apart.

    Call it on a rebased object (values 0 at the first frame).

    Args:
        min_angle: A revolute joint that moves less than this (rad) counts as still.
        min_distance: A prismatic joint that moves less than this (m) counts as still.

    Returns:
        The smaller object (link 0 is the root), its trajectory, and the new link index of each old link.
    """
    names = [link.name for link in articulated_object.links]
    owner = {articulated_object.root: articulated_object.root}
    kept: list[int] = []
    for index in articulated_object.joint_order:
        joint = articulated_object.joints[index]
        swing = float(np.ptp(trajectory.values[:, index]))
        threshold = {JointType.REVOLUTE: min_angle, JointType.PRISMATIC: min_distance, JointType.FIXED: np.inf}[
            joint.type
        ]
        if swing >= threshold:
            kept.append(index)
            owner[joint.child] = joint.child
        else:
            owner[joint.child] = owner[joint.parent]
    heads = [articulated_object.root] + [articulated_object.joints[i].child for i in kept]
    new_index = np.array([heads.index(owner[name]) for name in names])
    links = []
    for position, head in enumerate(heads):
        members = [link for link, new in zip(articulated_object.links, new_index, strict=True) if new == position]
        meshes = [link.mesh for link in members if link.mesh is not None]
        head_link = articulated_object.links[names.index(head)]
        links.append(Link(name=head, mesh=join_meshes(meshes) if meshes else None, color=head_link.color))
    joints: list[Joint] = [
        dataclasses.replace(articulated_object.joints[i], parent=owner[articulated_object.joints[i].parent])
        for i in kept
    ]
    merged = ArticulatedObject(name=articulated_object.name, links=tuple(links), joints=tuple(joints))
    reduced = JointTrajectory(
        joint_names=tuple(joint.name for joint in joints),
        times=trajectory.times,
        values=np.array(trajectory.values[:, kept]),
    )
    return merged, reduced, new_index
