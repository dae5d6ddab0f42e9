"""Estimates as named arrays and plain JSON values; and estimates with fewer parts."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sim2art.articulation.estimate import ArticulationEstimate, JointEstimate, Status, part_name
from sim2art.articulation.io import joint_from_dict, joint_to_dict
from sim2art.articulation.joint import JointType
from sim2art.articulation.trajectory import JointTrajectory

OPEN_PARTS = "uncertain: "
"""How the reason begins that names the parts whose joints are not ok."""


def estimate_to_arrays(estimate: ArticulationEstimate) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays of an estimate, and the rest as JSON values."""
    arrays = {
        "part_probabilities": estimate.part_probabilities,
        "times": estimate.trajectory.times,
        "values": estimate.trajectory.values,
    }
    joints = [
        {
            "joint": joint_to_dict(found.joint),
            "type_probabilities": {kind.value: float(p) for kind, p in found.type_probabilities.items()},
            "confidence": float(found.confidence),
            "axis_sigma": None if found.axis_sigma is None else float(found.axis_sigma),
            "pivot_sigma": None if found.pivot_sigma is None else float(found.pivot_sigma),
            "status": found.status.value,
            "reasons": list(found.reasons),
        }
        for found in estimate.joints
    ]
    return arrays, {"joints": joints, "status": estimate.status.value, "reasons": list(estimate.reasons)}


def estimate_from_arrays(arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> ArticulationEstimate:
    """The estimate that `estimate_to_arrays` gave."""
    joints = tuple(
        JointEstimate(
            joint=joint_from_dict(row["joint"]),
            type_probabilities={JointType(kind): p for kind, p in row["type_probabilities"].items()},
            confidence=row["confidence"],
            axis_sigma=row["axis_sigma"],
            pivot_sigma=row["pivot_sigma"],
            status=Status(row["status"]),
            reasons=tuple(row["reasons"]),
        )
        for row in facts["joints"]
    )
    return ArticulationEstimate(
        part_probabilities=arrays["part_probabilities"],
        joints=joints,
        trajectory=JointTrajectory(
            joint_names=tuple(found.joint.name for found in joints), times=arrays["times"], values=arrays["values"]
        ),
        status=Status(facts["status"]),
        reasons=tuple(facts["reasons"]),
    )


def keep_largest_parts(estimate: ArticulationEstimate, max_joints: int) -> ArticulationEstimate:
    """The estimate with its `max_joints` largest moving parts; the points of others join their parent part."""
    count = len(estimate.joints)
    if count <= max_joints:
        return estimate
    sizes = estimate.part_probabilities.sum(axis=(0, 1))[1:]
    kept = keep_parts(estimate, sorted(np.argsort(-sizes, kind="stable")[:max_joints].tolist()))
    return dataclasses.replace(
        kept,
        status=Status.AMBIGUOUS if estimate.status is Status.OK else estimate.status,
        reasons=(*kept.reasons, f"{count} moving parts were found; the {max_joints} largest are kept"),
    )


def keep_parts(estimate: ArticulationEstimate, kept: Sequence[int]) -> ArticulationEstimate:
    """The estimate with some of its joints, by their places in order; the points of others join their parent part.

    Parts get new names, so the reason that names the uncertain ones is written anew.
    """
    count = len(estimate.joints)
    part_of = {part_name(index): index for index in range(count + 1)}
    parents = [part_of[found.joint.parent] for found in estimate.joints]

    def owner(part: int) -> int:
        """The kept part that a part belongs to now."""
        while part and part - 1 not in kept:
            part = parents[part - 1]
        return part

    renumbered = {0: 0} | {part + 1: new + 1 for new, part in enumerate(kept)}
    probabilities = np.zeros((*estimate.part_probabilities.shape[:2], len(kept) + 1))
    for part in range(count + 1):
        probabilities[..., renumbered[owner(part)]] += estimate.part_probabilities[..., part]
    joints = []
    for new, index in enumerate(kept):
        found = estimate.joints[index]
        joint = dataclasses.replace(
            found.joint,
            name=f"joint_{new + 1}",
            parent=part_name(renumbered[owner(parents[index])]),
            child=part_name(new + 1),
        )
        joints.append(dataclasses.replace(found, joint=joint))
    reasons = [reason for reason in estimate.reasons if not reason.startswith(OPEN_PARTS)]
    still_open = [found.joint.child for found in joints if found.status is not Status.OK]
    if still_open and len(reasons) < len(estimate.reasons):
        reasons.append(OPEN_PARTS + ", ".join(still_open))
    return dataclasses.replace(
        estimate,
        reasons=tuple(reasons),
        part_probabilities=probabilities,
        joints=tuple(joints),
        trajectory=JointTrajectory(
            joint_names=tuple(found.joint.name for found in joints),
            times=estimate.trajectory.times,
            values=np.array(estimate.trajectory.values[:, list(kept)]),
        ),
    )
