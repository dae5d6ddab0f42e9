"""What a person may correct: each edit is a function from a draft to a new draft, and is refused where it makes no sense.

Joints are named by the part they carry (1 or more), parts by index, the base is 0.
"""

import dataclasses
import re

import numpy as np
from jaxtyping import Float

from sim2art.articulation.estimate import Status, part_name
from sim2art.articulation.joint import JointType
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.errors import InvalidValueError
from sim2art.geometry.meshes import join_meshes
from sim2art.view.draft import Draft, noted, part_index, with_joint
from sim2art.view.refit import guess_other_type

MAX_NAME = 60


def set_type(draft: Draft, part: int, kind: JointType) -> Draft:
    """Make a joint turn, slide or hold; axis and values start from what moves the part much as before."""
    index = check_moving(draft, part)
    found = draft.estimate.joints[index]
    if found.joint.type is kind:
        return draft
    values = draft.estimate.trajectory.values[:, index]
    if kind is JointType.FIXED:
        joint, values = dataclasses.replace(found.joint, type=kind, limits=None), np.zeros_like(values)
    elif found.joint.type is JointType.FIXED and kind is JointType.PRISMATIC:
        joint = dataclasses.replace(found.joint, type=kind, pivot=None)
    else:
        joint, values = guess_other_type(draft, part)
    decided = dataclasses.replace(found, type_probabilities={kind: 1.0}, axis_sigma=None, pivot_sigma=None)
    changed = with_joint(draft, part, joint, values=values, found=decided)
    return noted(changed, f"{draft.part_names[part]}: type set to {kind.value}")


def set_axis(draft: Draft, part: int, axis: Float[np.ndarray, "3"]) -> Draft:
    """Point a joint's axis another way; a turning axis keeps the point of it that is nearest the part."""
    index = check_moving(draft, part)
    found = draft.estimate.joints[index]
    length = float(np.linalg.norm(axis))
    if not np.isfinite(length) or length < 1e-9:
        raise InvalidValueError(f"The axis {np.array(axis).tolist()} has no direction; give one that is not zero.")
    pivot = None if found.joint.pivot is None else axis_center(draft, part)
    joint = dataclasses.replace(found.joint, axis=axis / length, pivot=pivot)
    changed = with_joint(draft, part, joint, found=dataclasses.replace(found, axis_sigma=None))
    return noted(changed, f"{draft.part_names[part]}: axis set by hand")


def set_pivot(draft: Draft, part: int, point: Float[np.ndarray, "3"]) -> Draft:
    """Move a turning axis, its direction kept, so that it passes through a point (rest pose, world frame, m)."""
    index = check_moving(draft, part)
    found = draft.estimate.joints[index]
    if found.joint.type is not JointType.REVOLUTE:
        raise InvalidValueError(
            f"Part '{draft.part_names[part]}' does not turn ({found.joint.type.value}), so it has no pivot; set its type first."
        )
    joint = dataclasses.replace(found.joint, pivot=np.array(point, dtype=np.float64))
    changed = with_joint(draft, part, joint, found=dataclasses.replace(found, pivot_sigma=None))
    return noted(changed, f"{draft.part_names[part]}: pivot set by hand")


def set_limits(draft: Draft, part: int, limits: tuple[float, float] | None) -> Draft:
    """Say how far a joint can go (rad or m); None forgets what was said."""
    index = check_moving(draft, part)
    joint = draft.estimate.joints[index].joint
    if limits is not None and not (np.all(np.isfinite(limits)) and limits[0] < limits[1]):
        raise InvalidValueError(f"The limits {limits[0]:g} and {limits[1]:g} must go from low to high.")
    changed = with_joint(draft, part, dataclasses.replace(joint, limits=limits))
    said = "limits forgotten" if limits is None else f"limits set to {limits[0]:.4g} and {limits[1]:.4g}"
    return noted(changed, f"{draft.part_names[part]}: {said}")


def set_parent(draft: Draft, part: int, parent: int) -> Draft:
    """Hang a part on another one; fit its joint again afterwards, for its motion is now against that part."""
    index = check_moving(draft, part)
    check_part(draft, parent)
    if parent == part or parent in descendants(draft, part):
        raise InvalidValueError(
            f"'{draft.part_names[part]}' cannot hang on '{draft.part_names[parent]}': that would make a cycle. Hang "
            f"'{draft.part_names[parent]}' elsewhere first."
        )
    joint = dataclasses.replace(draft.estimate.joints[index].joint, parent=part_name(parent))
    changed = with_joint(draft, part, joint)
    return noted(changed, f"{draft.part_names[part]}: hung on {draft.part_names[parent]}")


def rename_part(draft: Draft, part: int, name: str) -> Draft:
    """Give a part a name of its own."""
    check_part(draft, part)
    name = re.sub(r"\s+", " ", name).strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise InvalidValueError(f"A name of 1 to {MAX_NAME} printable characters is needed; found {name[:80]!r}.")
    if name in draft.part_names and name != draft.part_names[part]:
        raise InvalidValueError(f"The name '{name}' is taken; names in use: {list(draft.part_names)}.")
    names = tuple(name if index == part else old for index, old in enumerate(draft.part_names))
    changed = dataclasses.replace(draft, part_names=names)
    return changed if name == draft.part_names[part] else noted(changed, f"{draft.part_names[part]}: renamed to {name}")


def merge_parts(draft: Draft, kept: int, merged: int) -> Draft:
    """Make two parts one, which moves as `kept` did; parts that hung on `merged` hang on it."""
    check_part(draft, kept)
    check_moving(draft, merged)
    if kept == merged:
        raise InvalidValueError(f"'{draft.part_names[kept]}' cannot be merged with itself; choose two parts.")
    if kept in descendants(draft, merged) and draft.parent_of(kept) != merged:
        raise InvalidValueError(
            f"'{draft.part_names[kept]}' hangs on '{draft.part_names[merged]}' by way of other parts: merging the two would "
            "make a cycle. Merge the parts between them first."
        )
    new_index = [kept if part == merged else part for part in range(draft.num_parts)]
    new_index = [part - (part > merged) for part in new_index]
    parents = {part: draft.parent_of(part) for part in range(1, draft.num_parts)}
    if kept and parents[kept] == merged:
        parents[kept] = parents[merged]
    stays = [part for part in range(1, draft.num_parts) if part != merged]
    joints = tuple(
        dataclasses.replace(
            draft.estimate.joints[part - 1],
            joint=dataclasses.replace(
                draft.estimate.joints[part - 1].joint,
                parent=part_name(new_index[parents[part]]),
                child=part_name(new_index[part]),
            ),
        )
        for part in stays
    )
    old = draft.estimate
    probabilities = np.zeros((*old.part_probabilities.shape[:2], draft.num_parts - 1))
    for part, new in enumerate(new_index):
        probabilities[..., new] += old.part_probabilities[..., part]
    estimate = dataclasses.replace(
        old,
        part_probabilities=probabilities,
        joints=joints,
        trajectory=JointTrajectory(
            joint_names=tuple(found.joint.name for found in joints),
            times=old.trajectory.times,
            values=np.array(old.trajectory.values[:, [part - 1 for part in stays]]),
        ),
    )
    both = [mesh for mesh in (draft.meshes[kept], draft.meshes[merged]) if mesh is not None]
    meshes = list(draft.meshes)
    meshes[kept] = join_meshes(both) if both else None
    del meshes[merged]
    lookup = np.full(256, 255, dtype=np.uint8)
    lookup[: draft.num_parts] = new_index
    changed = dataclasses.replace(
        draft,
        estimate=estimate,
        part_names=tuple(name for part, name in enumerate(draft.part_names) if part != merged),
        meshes=tuple(meshes),
        labels=None if draft.labels is None else lookup[draft.labels],
    )
    return noted(changed, f"{draft.part_names[merged]}: merged into {draft.part_names[kept]}")


def mark_checked(draft: Draft) -> Draft:
    """Say that a person has looked at the result and stands for it: status ok, doubts removed."""
    joints = tuple(dataclasses.replace(found, status=Status.OK, reasons=()) for found in draft.estimate.joints)
    estimate = dataclasses.replace(draft.estimate, joints=joints, status=Status.OK, reasons=())
    return noted(dataclasses.replace(draft, estimate=estimate), "checked by a person")


def axis_center(draft: Draft, part: int) -> Float[np.ndarray, "3"]:
    """The point of a joint's axis beside the middle of its part (for a slide: that middle), rest pose, m."""
    joint = draft.estimate.joints[part - 1].joint
    middle = part_center(draft, part)
    if joint.pivot is None:
        return middle
    return joint.pivot + ((middle - joint.pivot) @ joint.axis) * joint.axis


def part_center(draft: Draft, part: int) -> Float[np.ndarray, "3"]:
    """The middle of a part's mesh in the rest pose, m; without a mesh a point of its axis."""
    mesh = draft.meshes[part]
    if mesh is not None and len(mesh.vertices):
        return np.median(mesh.vertices, axis=0)
    pivot = None if part == 0 else draft.estimate.joints[part - 1].joint.pivot
    return np.zeros(3) if pivot is None else pivot


def descendants(draft: Draft, part: int) -> list[int]:
    """All parts that hang on a part, directly or not."""
    found: list[int] = []
    for child in draft.children_of(part):
        found += [child, *descendants(draft, child)]
    return found


def check_part(draft: Draft, part: int) -> int:
    """The part, when there is one of this number.

    Raises:
        InvalidValueError: When there is none.
    """
    if not 0 <= part < draft.num_parts:
        raise InvalidValueError(f"There is no part {part}; known: {dict(enumerate(draft.part_names))}.")
    return part


def check_moving(draft: Draft, part: int) -> int:
    """The index of a part's joint.

    Raises:
        InvalidValueError: When there is no such part, or it is the base, which has no joint.
    """
    if check_part(draft, part) == 0:
        raise InvalidValueError(
            f"'{draft.part_names[0]}' is the base and has no joint; choose one of {list(draft.part_names[1:])}."
        )
    assert part_index(draft.estimate.joints[part - 1].joint.child) == part
    return part - 1
