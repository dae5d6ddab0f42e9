"""Objects brought to the form that scenarios need: real-life size, standing on z = 0, centred, facing -y."""

import dataclasses

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.articulation.joint import Joint, JointType
from sim2art.errors import InvalidValueError
from sim2art.geometry.rotations import rotation_from_rotvec
from sim2art.geometry.transforms import make_transform

Span = tuple[float, float]


def stand_on_floor(articulated_object: ArticulatedObject) -> ArticulatedObject:
    """The object moved so that at rest its lowest point is at z = 0 and its extents are centred in x and y.

    Raises:
        InvalidValueError: When no link has geometry.
    """
    vertices = [link.mesh.vertices for link in articulated_object.links if link.mesh is not None]
    if not sum(map(len, vertices)):
        raise InvalidValueError(f"Object '{articulated_object.name}' has no geometry; at least one mesh is needed.")
    corners = np.concatenate(vertices)
    low, high = corners.min(axis=0), corners.max(axis=0)
    offset = -np.array([0.5 * (low[0] + high[0]), 0.5 * (low[1] + high[1]), low[2]])
    return articulated_object.moved(make_transform(np.eye(3), offset))


def turned(articulated_object: ArticulatedObject, angle: float) -> ArticulatedObject:
    """The object turned about z by an angle (rad): what faced +x faces -y after a quarter turn clockwise."""
    rotation = rotation_from_rotvec(np.array([0.0, 0.0, angle]))
    return articulated_object.moved(make_transform(rotation, np.zeros(3)))


def scaled(articulated_object: ArticulatedObject, factor: float) -> ArticulatedObject:
    """The object made larger or smaller about the origin; slides grow along, angles stay."""
    links = tuple(
        link
        if link.mesh is None
        else dataclasses.replace(link, mesh=dataclasses.replace(link.mesh, vertices=link.mesh.vertices * factor))
        for link in articulated_object.links
    )
    joints = tuple(_scale_joint(joint, factor) for joint in articulated_object.joints)
    return ArticulatedObject(name=articulated_object.name, links=links, joints=joints)


def _scale_joint(joint: Joint, factor: float) -> Joint:
    def scale_span(span: Span | None) -> Span | None:
        if span is None or joint.type is not JointType.PRISMATIC:
            return span
        return span[0] * factor, span[1] * factor

    return dataclasses.replace(
        joint,
        pivot=None if joint.pivot is None else joint.pivot * factor,
        limits=scale_span(joint.limits),
        observed_range=scale_span(joint.observed_range),
    )
