"""The table of joints in a report: type, range, confidence, axis and pivot with their doubt, as words a row."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sim2art.articulation.assembly import part_color
from sim2art.articulation.estimate import ArticulationEstimate, Status
from sim2art.articulation.joint import Joint
from sim2art.view.words import NOTHING, motion_name, show_doubt, show_number, show_value


@dataclass(frozen=True, kw_only=True)
class JointRow:
    """What the table says of a joint."""

    part: str
    color: str
    """CSS."""
    motion: str
    types: str
    """Share of each type."""
    doubt: str
    """Why the joint is not ok; empty when it is."""
    parent: str
    range: str
    limits: str
    """What a person said about how far it goes; empty when nobody did."""
    confidence: str
    axis: str
    pivot: str
    off_by: tuple[str, ...]


def pivot_label(*, is_metric: bool) -> str:
    """Head of the pivots' column."""
    return f"Pivot, {'cm' if is_metric else 'units'}"


def joint_rows(estimate: ArticulationEstimate, joints: Sequence[Joint], *, is_metric: bool) -> list[JointRow]:
    """One row a joint.

    Args:
        joints: The same joints by people's names for the parts, with limits where they are known.
        is_metric: Whether lengths are metres.
    """
    rows = []
    for index, (found, joint) in enumerate(zip(estimate.joints, joints, strict=True)):

        def span(ends: Sequence[float], joint: Joint = joint) -> str:
            return " to ".join(show_value(float(end), joint.type, is_metric=is_metric) for end in ends)

        values = estimate.trajectory.values[:, index]
        pivot = NOTHING
        if joint.pivot is not None:
            pivot = _vector(joint.pivot * 100.0, 1) if is_metric else _vector(joint.pivot, 3)
        rows.append(
            JointRow(
                part=joint.child,
                color=part_css(index + 1),
                motion=motion_name(joint.type),
                types=", ".join(f"{kind.value} {share:.0%}" for kind, share in found.type_probabilities.items()),
                doubt="" if found.status is Status.OK else f"{found.status.value}: {'; '.join(found.reasons)}",
                parent=joint.parent,
                # Of all frames, where these are known.
                range=span(joint.observed_range or (values.min(), values.max())),
                limits="" if joint.limits is None else span(joint.limits),
                confidence=f"{found.confidence:.0%}",
                axis=_vector(joint.axis, 3),
                pivot=pivot,
                off_by=tuple(show_doubt(found, is_metric=is_metric)),
            )
        )
    return rows


def part_css(part: int) -> str:
    """The CSS colour of a part."""
    return "#{:02x}{:02x}{:02x}".format(*part_color(part))


def _vector(values: np.ndarray, digits: int) -> str:
    return "(" + ", ".join(show_number(float(value), digits) for value in values) + ")"
