"""A result in the hands of a person: all that an edit may change, and what a new fit needs.

A draft is never changed: every edit gives a new one, so undo is the one before. Joints call their parts by the names of
`part_name`, whatever people call them; `articulated_object` speaks people's names.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, UInt8

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.articulation.assembly import assemble_object
from sim2art.articulation.estimate import ArticulationEstimate, JointEstimate, part_name
from sim2art.articulation.frame_states import FrameStates
from sim2art.articulation.joint import Joint
from sim2art.articulation.kinematics import link_motions
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.errors import InvalidValueError
from sim2art.geometry.meshes import TriangleMesh
from sim2art.observation.point_video import PointVideo
from sim2art.observation.rgbd_video import RgbdVideo


@dataclass(frozen=True, kw_only=True)
class Draft:
    """Parts, joints and motion as they stand after the edits so far."""

    name: str
    """Of the model."""
    estimate: ArticulationEstimate
    """Limits of its joints are the user's or known; status and reasons are those of the whole result."""
    part_names: tuple[str, ...]
    """What people call the parts, the base first."""
    meshes: tuple[TriangleMesh | None, ...]
    """In the rest pose, world frame."""
    frame_ids: tuple[int, ...]
    is_metric: bool
    labels: UInt8[np.ndarray, "frame height width"] | None = None
    """Part of every pixel, at the video's size, 255 where no known part is seen."""
    video: RgbdVideo | None = None
    """The used frames; None in folders that keep none."""
    points: PointVideo | None = None
    """What a new fit reads; None in folders that keep none."""
    warnings: tuple[str, ...] = ()
    edits: tuple[str, ...] = ()
    """What was changed, in words, oldest first."""
    all_states: FrameStates | None = None
    """Joint values of every frame of the recording, as they were when they were found ..."""
    edits_before_states: int = 0
    """... after so many edits."""

    def __post_init__(self) -> None:
        count = len(self.estimate.joints) + 1
        if len(self.part_names) != count or len(self.meshes) != count:
            raise InvalidValueError(
                f"Draft has {count} parts, {len(self.part_names)} names and {len(self.meshes)} meshes; one each is needed."
            )
        _ = self.articulated_object  # Refuses cycles and names used twice.

    @cached_property
    def articulated_object(self) -> ArticulatedObject:
        """Links by people's names, with meshes."""
        return assemble_object(self.estimate, self.meshes, name=self.name, part_names=self.part_names)

    @cached_property
    def motions(self) -> Float[np.ndarray, "frame part 4 4"]:
        """What carries each part from the rest pose to its place in each frame."""
        return link_motions(self.articulated_object, self.estimate.trajectory.values)

    @property
    def states(self) -> FrameStates | None:
        """Joint values of every frame; None where they are not known, or no longer hold since something was edited."""
        return self.all_states if len(self.edits) == self.edits_before_states else None

    @property
    def num_parts(self) -> int:
        """Parts, the base among them."""
        return len(self.part_names)

    def parent_of(self, part: int) -> int:
        """The part that a moving part hangs on."""
        return part_index(self.estimate.joints[part - 1].joint.parent)

    def children_of(self, part: int) -> list[int]:
        """The parts that hang on a part directly."""
        return [child for child in range(1, self.num_parts) if self.parent_of(child) == part]


def joints_by_part(joints: Sequence[JointEstimate], names: Sequence[str]) -> tuple[JointEstimate, ...]:
    """Joints of parts that people gave names to, by the names of `part_name`."""
    own = {name: part_name(index) for index, name in enumerate(names)}
    return tuple(
        dataclasses.replace(
            found, joint=dataclasses.replace(found.joint, parent=own[found.joint.parent], child=own[found.joint.child])
        )
        for found in joints
    )


def part_index(name: str) -> int:
    """The part that a name of `part_name` stands for."""
    return 0 if name == part_name(0) else int(name.removeprefix("part_"))


def with_joint(
    draft: Draft,
    part: int,
    joint: Joint,
    *,
    values: Float[np.ndarray, "frame"] | None = None,
    found: JointEstimate | None = None,
) -> Draft:
    """The draft with the joint of one part replaced, and its values and doubts where given."""
    index = part - 1
    estimates = list(draft.estimate.joints)
    estimates[index] = dataclasses.replace(found or estimates[index], joint=joint)
    all_values = draft.estimate.trajectory.values.copy()
    if values is not None:
        all_values[:, index] = values
    trajectory = JointTrajectory(
        joint_names=tuple(x.joint.name for x in estimates), times=draft.estimate.trajectory.times, values=all_values
    )
    estimate = dataclasses.replace(draft.estimate, joints=tuple(estimates), trajectory=trajectory)
    return dataclasses.replace(draft, estimate=estimate)


def noted(draft: Draft, words: str) -> Draft:
    """The draft with one more line in its list of edits."""
    return dataclasses.replace(draft, edits=(*draft.edits, words))
