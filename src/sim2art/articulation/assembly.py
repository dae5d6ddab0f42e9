"""From an estimate and one mesh per part to an `ArticulatedObject`."""

import dataclasses

from sim2art.articulation.articulated_object import ArticulatedObject, Link
from sim2art.articulation.estimate import ArticulationEstimate, part_name
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
    estimate: ArticulationEstimate, meshes: list[TriangleMesh | None], *, name: str = "object"
) -> ArticulatedObject:
    """The estimate as links and joints; `meshes` holds one rest-pose mesh (or None) per part, the base first."""
    links = tuple(Link(name=part_name(index), mesh=mesh, color=part_color(index)) for index, mesh in enumerate(meshes))
    joints = []
    for index, joint_estimate in enumerate(estimate.joints):
        values = estimate.trajectory.values[:, index]
        span = (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)
        joints.append(dataclasses.replace(joint_estimate.joint, observed_range=span))
    return ArticulatedObject(name=name, links=links, joints=tuple(joints))
