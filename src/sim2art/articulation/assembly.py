"""From an estimate and one mesh per part to an `ArticulatedObject`; the motion of its parts."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from sim2art.articulation.articulated_object import ArticulatedObject, Link
from sim2art.articulation.estimate import ArticulationEstimate, part_name
from sim2art.articulation.kinematics import link_motions
from sim2art.geometry.meshes import TriangleMesh

PART_COLORS: tuple[tuple[int, int, int], ...] = (
    (170, 170, 170), (230, 85, 60), (55, 130, 230), (60, 180, 90), (245, 180, 40), (150, 90, 210),
    (40, 190, 190), (240, 120, 180), (140, 110, 70), (120, 200, 60), (90, 90, 160),
)  # fmt: skip
"""RGB of part 0 (the base), 1, 2, ...; further parts begin again at 1."""


def part_color(index: int) -> tuple[int, int, int]:
    """Colour (RGB) of a part in every picture and export."""
    return PART_COLORS[index if index < len(PART_COLORS) else 1 + (index - 1) % (len(PART_COLORS) - 1)]


def assemble_object(
    estimate: ArticulationEstimate,
    meshes: Sequence[TriangleMesh | None],
    *,
    name: str = "object",
    part_names: Sequence[str] = (),
) -> ArticulatedObject:
    """The estimate as links and joints.

    Args:
        estimate: Its joints call parts by the names that `part_name` gives.
        meshes: One rest-pose mesh (or None) per part, the base first.
        name: Of the object.
        part_names: Other names for the links, the base first; empty keeps those of the estimate.
    """
    own = [part_name(index) for index in range(len(meshes))]
    name_of = dict(zip(own, part_names or own, strict=True))
    links = tuple(
        Link(name=name_of[part_name(index)], mesh=mesh, color=part_color(index)) for index, mesh in enumerate(meshes)
    )
    joints = []
    for index, joint_estimate in enumerate(estimate.joints):
        values = estimate.trajectory.values[:, index]
        span = (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)
        joint = joint_estimate.joint
        joints.append(
            dataclasses.replace(joint, parent=name_of[joint.parent], child=name_of[joint.child], observed_range=span)
        )
    return ArticulatedObject(name=name, links=links, joints=tuple(joints))


def part_motions(estimate: ArticulationEstimate) -> Float[np.ndarray, "frame part 4 4"]:
    """What carries each part from the rest pose to its place in each frame, in the world, the base first."""
    return link_motions(assemble_object(estimate, [None] * (len(estimate.joints) + 1)), estimate.trajectory.values)
