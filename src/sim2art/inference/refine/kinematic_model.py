"""The unknowns of a clip: one joint a part, in a tree, and the small per-frame errors of the camera and its depth.

The step of the solver is taken in local coordinates (`ModelLayout`): two for the axis on the sphere, two for the pivot
across the axis, one value a frame; and for each frame an offset and a depth scale. Everything is in normalised units.
"""

import dataclasses
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from sim2art.errors import InvalidValueError
from sim2art.geometry.rotations import any_perpendicular
from sim2art.geometry.screws import nearest_point_on_line, prismatic_transform, revolute_transform
from sim2art.inference.assembly import BASE
from sim2art.inference.hypotheses import JointGuess

NUM_SHAPE = 4
"""Local coordinates of a joint's axis and pivot."""
NUM_NUISANCE = 4
"""Local coordinates of a frame's error: offset (3) and depth scale."""


@dataclass(frozen=True, kw_only=True)
class KinematicModel:
    """Joints of all moving parts, with their motion. Joint k carries part k; `BASE` is the static base."""

    is_revolute: Bool[np.ndarray, "joint"]
    parents: Int[np.ndarray, "joint"]
    """Part that each joint hangs on, or `BASE`. A joint's axis is given in the rest pose (frame 0)."""
    axes: Float[np.ndarray, "joint 3"]
    pivots: Float[np.ndarray, "joint 3"]
    """A point of each turning axis; not used by slides."""
    values: Float[np.ndarray, "joint frame"]
    """rad or length, 0 at frame 0."""
    offsets: Float[np.ndarray, "frame 3"]
    """Added to every point seen in a frame."""
    stretches: Float[np.ndarray, "frame"]
    """Relative error of depth of a frame, along rays from the camera."""
    eyes: Float[np.ndarray, "frame 3"]
    """Camera centres."""
    is_held: Bool[np.ndarray, "joint"]
    """Whether the direction of a joint's axis is kept while the model is solved."""

    def __post_init__(self) -> None:
        for joint in range(self.num_joints):
            seen, at = {joint}, int(self.parents[joint])
            while at != BASE:
                if at in seen or not 0 <= at < self.num_joints:
                    raise InvalidValueError(
                        f"KinematicModel: parents {self.parents.tolist()} are no tree (joint {joint})."
                    )
                seen.add(at)
                at = int(self.parents[at])

    @property
    def num_joints(self) -> int:
        """Number of moving parts."""
        return len(self.axes)

    @property
    def num_frames(self) -> int:
        """Number of frames."""
        return len(self.eyes)

    def __getitem__(self, joint: int) -> JointGuess:
        return JointGuess(
            is_revolute=bool(self.is_revolute[joint]),
            axis=self.axes[joint],
            pivot=self.pivots[joint],
            values=self.values[joint],
        )

    def ancestors(self, joint: int) -> list[int]:
        """Joints between the base and `joint`, outermost first, `joint` itself left out."""
        chain: list[int] = []
        at = int(self.parents[joint])
        while at != BASE:
            chain.append(at)
            at = int(self.parents[at])
        return chain[::-1]

    def chains(self) -> Int[np.ndarray, "joint depth"]:
        """Ancestors and the joint itself, outermost first, as one table; `BASE` fills the rows."""
        lists = [[*self.ancestors(joint), joint] for joint in range(self.num_joints)]
        table = np.full((self.num_joints, max((len(x) for x in lists), default=1)), BASE, dtype=np.int64)
        for row, chain in zip(table, lists, strict=True):
            row[: len(chain)] = chain
        return table

    def motions(self) -> Float[np.ndarray, "joint frame 4 4"]:
        """What carries each part from frame 0 to each frame, its ancestors' motion included."""
        own = np.stack([joint_motion(self[k]) for k in range(self.num_joints)]) if self.num_joints else None
        if own is None:
            return np.zeros((0, self.num_frames, 4, 4))
        total = own.copy()
        for joint in range(self.num_joints):
            for ancestor in self.ancestors(joint)[::-1]:
                total[joint] = own[ancestor] @ total[joint]
        return total

    def with_joint(
        self, joint: int, guess: JointGuess, parent: int | None = None, *, is_held: bool = False
    ) -> "KinematicModel":
        """The same model with one joint replaced."""
        is_revolute, axes, pivots = self.is_revolute.copy(), self.axes.copy(), self.pivots.copy()
        values, parents = self.values.copy(), self.parents.copy()
        is_revolute[joint], axes[joint] = guess.is_revolute, guess.axis
        pivots[joint], values[joint] = guess.pivot, guess.values
        held = self.is_held.copy()
        held[joint] = is_held
        if parent is not None:
            parents[joint] = parent
        return dataclasses.replace(
            self,
            is_revolute=is_revolute,
            axes=axes,
            pivots=pivots,
            values=values,
            parents=parents,
            is_held=held,
        )

    def take(self, kept: np.ndarray) -> "KinematicModel":
        """Only the given joints; a part whose parent is dropped hangs on the nearest ancestor that stays."""
        new_index = {int(old): new for new, old in enumerate(kept)}
        parents = []
        for joint in kept:
            chain = [a for a in self.ancestors(int(joint)) if a in new_index]
            parents.append(new_index[chain[-1]] if chain else BASE)
        return dataclasses.replace(
            self,
            is_revolute=self.is_revolute[kept],
            parents=np.array(parents, dtype=np.int64),
            axes=self.axes[kept],
            pivots=self.pivots[kept],
            values=self.values[kept],
            is_held=self.is_held[kept],
        )

    def anchored(self, centers: Float[np.ndarray, "joint 3"]) -> "KinematicModel":
        """The same joints with each pivot slid along its axis to the place nearest a centre (that of its part).

        Axis and pivot errors are nearly independent there, and a pivot's sigma speaks of the axis beside the part.
        """
        pivots = self.pivots.copy()
        for joint in range(self.num_joints):
            pivots[joint] = nearest_point_on_line(centers[joint], self.axes[joint], self.pivots[joint])
        return dataclasses.replace(self, pivots=pivots)


@dataclass(frozen=True, kw_only=True)
class ModelLayout:
    """Where each unknown of a model stands in the solver's step."""

    num_joints: int
    num_frames: int
    has_nuisance: bool = True
    """Whether the per-frame errors are unknowns too."""

    @property
    def size(self) -> int:
        """Length of a step."""
        return self.num_joints * (NUM_SHAPE + self.num_frames) + self._num_nuisance

    @property
    def _num_nuisance(self) -> int:
        return NUM_NUISANCE * self.num_frames if self.has_nuisance else 0

    def shape(self, joint: int) -> slice:
        """Axis (2) and pivot (2) of a joint."""
        start = joint * (NUM_SHAPE + self.num_frames)
        return slice(start, start + NUM_SHAPE)

    def values(self, joint: int) -> slice:
        """Values of a joint, one a frame."""
        start = joint * (NUM_SHAPE + self.num_frames) + NUM_SHAPE
        return slice(start, start + self.num_frames)

    @property
    def nuisance(self) -> slice:
        """Offset (3) and stretch of each frame, frame by frame; empty where they are no unknowns."""
        return slice(self.size - self._num_nuisance, self.size)


def layout_of(model: KinematicModel, *, has_nuisance: bool = True) -> ModelLayout:
    """The layout that fits a model."""
    return ModelLayout(num_joints=model.num_joints, num_frames=model.num_frames, has_nuisance=has_nuisance)


def make_model(guesses: list[JointGuess], parents: list[int], eyes: Float[np.ndarray, "frame 3"]) -> KinematicModel:
    """A model from guesses, without per-frame errors; no axis is held."""
    num_frames = len(eyes)
    return KinematicModel(
        is_held=np.zeros(len(guesses), dtype=bool),
        is_revolute=np.array([g.is_revolute for g in guesses], dtype=bool),
        parents=np.array(parents, dtype=np.int64).reshape(-1),
        axes=np.array([g.axis for g in guesses], dtype=np.float64).reshape(-1, 3),
        pivots=np.array([g.pivot for g in guesses], dtype=np.float64).reshape(-1, 3),
        values=np.array([g.values for g in guesses], dtype=np.float64).reshape(-1, num_frames),
        offsets=np.zeros((num_frames, 3)),
        stretches=np.zeros(num_frames),
        eyes=np.array(eyes, dtype=np.float64),
    )


def joint_motion(guess: JointGuess) -> Float[np.ndarray, "frame 4 4"]:
    """What one joint does to its part between frame 0 and each frame, its parent held still."""
    if guess.is_revolute:
        return revolute_transform(guess.axis, guess.pivot, guess.values)
    return prismatic_transform(guess.axis, guess.values)


def axis_basis(axes: Float[np.ndarray, "joint 3"]) -> Float[np.ndarray, "joint 2 3"]:
    """Two unit directions across each axis: the local coordinates of its direction and of its pivot."""
    basis = np.zeros((len(axes), 2, 3))
    for joint, axis in enumerate(axes):
        basis[joint, 0] = any_perpendicular(axis)
        basis[joint, 1] = np.cross(axis, basis[joint, 0])
    return basis


def take_step(model: KinematicModel, step: Float[np.ndarray, "unknown"], layout: ModelLayout) -> KinematicModel:
    """The model moved by a step in local coordinates."""
    basis = axis_basis(model.axes)
    axes, pivots, values = model.axes.copy(), model.pivots.copy(), model.values.copy()
    for joint in range(model.num_joints):
        shape = step[layout.shape(joint)]
        axes[joint] += shape[:2] @ basis[joint]
        axes[joint] /= np.linalg.norm(axes[joint])
        if model.is_revolute[joint]:
            pivots[joint] += shape[2:] @ basis[joint]
        values[joint] += step[layout.values(joint)]
    nuisance = np.zeros((model.num_frames, NUM_NUISANCE))
    if layout.has_nuisance:
        nuisance = step[layout.nuisance].reshape(-1, NUM_NUISANCE)
    return dataclasses.replace(
        model,
        axes=axes,
        pivots=pivots,
        values=values,
        offsets=model.offsets + nuisance[:, :3],
        stretches=model.stretches + nuisance[:, 3],
    )
