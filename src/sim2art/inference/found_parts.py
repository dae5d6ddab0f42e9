"""The parts that were found in a clip, in normalised coordinates, before they become an estimate."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from sim2art.inference.assembly import BASE, hypotheses_from_joints
from sim2art.inference.fit.joint_fit import FittedJoint
from sim2art.observation.point_video import PointVideo


@dataclass(frozen=True, kw_only=True)
class FoundParts:
    """Moving parts with their joints; joint k carries part k."""

    joints: tuple[FittedJoint, ...]
    """Each in the frame of its parent, at rest in frame 0."""
    parents: Int[np.ndarray, "joint"]
    """Part that each hangs on, or `BASE`; parents come before their children."""
    scores: Float[np.ndarray, "joint"]
    odds: Float[np.ndarray, "joint"]
    """Log-odds of revolute."""
    probabilities: Float[np.ndarray, "frame point part"]
    """Sums to 1; the base comes first, so part k is in column k + 1."""

    @property
    def part_ids(self) -> Int[np.ndarray, "frame point"]:
        """Most probable part of each point, numbered as the columns: 0 is the base, k + 1 is part k."""
        return np.argmax(self.probabilities, axis=-1)

    def motions(self, part: int) -> Float[np.ndarray, "frame 4 4"]:
        """What carries a part from its place in frame 0 to its place in each frame, by its own joint and all before."""
        own = self.own_motions(part)
        parent = int(self.parents[part])
        return own if parent == BASE else self.motions(parent) @ own

    def own_motions(self, part: int) -> Float[np.ndarray, "frame 4 4"]:
        """The same by its own joint alone: as its parent sees it."""
        return hypotheses_from_joints([self.joints[part]], np.ones(1)).motions()[0]

    def with_joint(self, part: int, joint: FittedJoint) -> "FoundParts":
        """The same parts, one with another joint."""
        joints = (*self.joints[:part], joint, *self.joints[part + 1 :])
        return dataclasses.replace(self, joints=joints)

    def with_probabilities(self, probabilities: Float[np.ndarray, "frame point part"]) -> "FoundParts":
        """The same parts with other masks."""
        return dataclasses.replace(self, probabilities=probabilities)

    def with_child(
        self,
        joint: FittedJoint,
        parent: int,
        *,
        score: float,
        odds: float,
        share: Float[np.ndarray, "frame point"],
    ) -> "FoundParts":
        """One more part, which takes its share (0..1) of its parent's points."""
        taken = self.probabilities[..., parent + 1] * share
        probabilities = np.concatenate([self.probabilities, taken[..., None]], axis=-1)
        probabilities[..., parent + 1] -= taken
        return FoundParts(
            joints=(*self.joints, joint),
            parents=np.append(self.parents, parent),
            scores=np.append(self.scores, score),
            odds=np.append(self.odds, odds),
            probabilities=probabilities,
        )

    def surest(self, count: int) -> "FoundParts":
        """Only the best scored parts, none without its parent; points of the others go to what they hang on."""
        kept: set[int] = set()
        for part in np.argsort(-self.scores, kind="stable"):
            line = self._line(int(part))
            if len(kept | line) <= count:
                kept |= line
        chosen = sorted(kept)
        probabilities = self.probabilities.copy()
        for part in reversed(range(len(self.joints))):
            if part not in kept:
                probabilities[..., int(self.parents[part]) + 1] += probabilities[..., part + 1]
        renumbered = {old: new for new, old in enumerate(chosen)} | {BASE: BASE}
        return FoundParts(
            joints=tuple(self.joints[part] for part in chosen),
            parents=np.array([renumbered[int(self.parents[part])] for part in chosen], dtype=np.int64),
            scores=self.scores[chosen],
            odds=self.odds[chosen],
            probabilities=probabilities[..., [0, *(part + 1 for part in chosen)]],
        )

    def _line(self, part: int) -> set[int]:
        """A part and all that carry it."""
        parent = int(self.parents[part])
        return {part} if parent == BASE else {part} | self._line(parent)


FindParts = Callable[[PointVideo], FoundParts]
"""Finds parts in a video in normalised coordinates, all of them on its base."""
