"""What any method answers: soft parts, joints with their uncertainty, motion, and a status with reasons."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from jaxtyping import Float

from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.errors import InvalidValueError


class Status(StrEnum):
    """How far an answer may be trusted."""

    OK = "ok"
    AMBIGUOUS = "ambiguous"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class JointEstimate:
    """One estimated joint; its `joint` is in the world frame at frame 0, values are 0 there."""

    joint: Joint
    type_probabilities: dict[JointType, float]
    """Sums to 1 over the joint types considered."""
    confidence: float
    """Probability, 0..1, that this joint exists, with the right type and within 10 deg."""
    axis_sigma: float | None = None
    """Scale of the errors of the axis direction, rad: 68 % lie within 1.5 of it, `error_law` says where 95 % do."""
    pivot_sigma: float | None = None
    """The same of the pivot across the axis, m."""
    status: Status = Status.OK
    reasons: tuple[str, ...] = ()
    """Why the status is not ok, in words for a person."""


@dataclass(frozen=True, kw_only=True)
class ArticulationEstimate:
    """Parts and joints of one video. Part 0 is the static base; joint i carries part i + 1.

    Links of the joints are named "base" (part 0) and "part_1", "part_2", ... (see `part_name`).
    """

    part_probabilities: Float[np.ndarray, "frame point part"]
    """Sums to 1 over parts; points are those of the `PointVideo`."""
    joints: tuple[JointEstimate, ...]
    trajectory: JointTrajectory
    status: Status = Status.OK
    reasons: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.part_probabilities.shape[-1] != len(self.joints) + 1:
            raise InvalidValueError(
                f"Estimate has {self.part_probabilities.shape[-1]} parts and {len(self.joints)} joints; "
                "one joint per part besides the base is needed."
            )
        if self.trajectory.values.shape[1] != len(self.joints):
            raise InvalidValueError(
                f"Estimate has {len(self.joints)} joints, its trajectory {self.trajectory.values.shape[1]}."
            )
        self.part_probabilities.flags.writeable = False

    @property
    def part_ids(self) -> np.ndarray:
        """The likeliest part of every point, int (frame, point)."""
        return np.argmax(self.part_probabilities, axis=-1)


def part_name(index: int) -> str:
    """Name of the link that carries part `index`."""
    return "base" if index == 0 else f"part_{index}"
