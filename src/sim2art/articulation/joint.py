"""A joint with one degree of freedom between a parent and a child link."""

import dataclasses
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from jaxtyping import Float

from sim2art.errors import InvalidValueError
from sim2art.geometry.screws import nearest_point_on_line, prismatic_transform, revolute_transform


class JointType(StrEnum):
    """How a child link may move relative to its parent."""

    FIXED = "fixed"
    REVOLUTE = "revolute"
    PRISMATIC = "prismatic"


@dataclass(frozen=True, kw_only=True)
class Joint:
    """A joint placed in the rest pose of its object. A positive value turns by the right-hand rule, or slides along."""

    name: str
    type: JointType
    parent: str
    """Name of the parent link."""
    child: str
    """Name of the child link."""
    axis: Float[np.ndarray, "3"]
    """Unit direction, object frame."""
    pivot: Float[np.ndarray, "3"] | None = None
    """Point of the axis nearest the object origin (any point given is moved there), m; None unless revolute."""
    limits: tuple[float, float] | None = None
    """Lowest and highest value (rad or m), when known."""
    observed_range: tuple[float, float] | None = None
    """Lowest and highest value that a video showed; never passed off as a limit."""

    def __post_init__(self) -> None:
        length = float(np.linalg.norm(self.axis))
        if not abs(length - 1.0) < 1e-4:
            raise InvalidValueError(
                f"Joint '{self.name}': axis has length {length:.3g}; unit length is needed "
                "(normalise it before building the Joint)."
            )
        axis = np.array(self.axis, dtype=np.float64) / length
        pivot = None
        if self.type is JointType.REVOLUTE:
            if self.pivot is None or not np.all(np.isfinite(self.pivot)):
                raise InvalidValueError(
                    f"Joint '{self.name}' is revolute and needs a finite pivot; found {self.pivot}."
                )
            pivot = nearest_point_on_line(np.zeros(3), axis, np.array(self.pivot, dtype=np.float64))
            pivot.flags.writeable = False
        for name in ("limits", "observed_range"):
            span = getattr(self, name)
            if span is not None and not span[0] <= span[1]:
                raise InvalidValueError(f"Joint '{self.name}': {name} {span} must go from low to high.")
        axis.flags.writeable = False
        object.__setattr__(self, "axis", axis)
        object.__setattr__(self, "pivot", pivot)

    def transform(self, values: Float[np.ndarray, "*batch"] | float) -> Float[np.ndarray, "*batch 4 4"]:
        """Motion of the child relative to its parent at joint values (rad or m), in the object frame; identity at 0."""
        values = np.asarray(values, dtype=np.float64)
        match self.type:
            case JointType.REVOLUTE:
                assert self.pivot is not None
                return revolute_transform(self.axis, self.pivot, values)
            case JointType.PRISMATIC:
                return prismatic_transform(self.axis, values)
            case JointType.FIXED:
                return np.broadcast_to(np.eye(4), (*values.shape, 4, 4)).copy()

    def moved(self, new_from_old: Float[np.ndarray, "4 4"]) -> "Joint":
        """The same joint after the whole object frame is carried by a rigid transform."""
        rotation, translation = new_from_old[:3, :3], new_from_old[:3, 3]
        pivot = None if self.pivot is None else rotation @ self.pivot + translation
        return dataclasses.replace(self, axis=rotation @ self.axis, pivot=pivot)

    def flipped(self) -> "Joint":
        """The same joint with axis and values of opposite sign."""

        def flip(span: tuple[float, float] | None) -> tuple[float, float] | None:
            return None if span is None else (-span[1], -span[0])

        return dataclasses.replace(
            self, axis=-self.axis, limits=flip(self.limits), observed_range=flip(self.observed_range)
        )
