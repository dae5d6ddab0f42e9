"""A set of guessed joints with their motion: what geometry proposes and the network judges."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from sim2art.errors import InvalidValueError
from sim2art.geometry.screws import prismatic_transform, revolute_transform


@dataclass(frozen=True, kw_only=True)
class JointGuess:
    """One guessed joint with its motion, in the frame and unit of the video it was made from."""

    is_revolute: bool
    """Turns about an axis (true) or slides along it (false)."""
    axis: Float[np.ndarray, "3"]
    """Unit direction."""
    pivot: Float[np.ndarray, "3"]
    """A point on a turning axis; not used by slides."""
    values: Float[np.ndarray, "frame"]
    """rad or length unit, 0 at frame 0."""


@dataclass(frozen=True, kw_only=True)
class Hypotheses:
    """K guessed one-degree-of-freedom motions of one clip, in the frame and unit of the video they were made from."""

    is_revolute: Bool[np.ndarray, "hypothesis"]
    """Turns about an axis (true) or slides along it (false)."""
    axes: Float[np.ndarray, "hypothesis 3"]
    """Unit directions."""
    pivots: Float[np.ndarray, "hypothesis 3"]
    """A point on each turning axis; zeros for slides."""
    values: Float[np.ndarray, "hypothesis frame"]
    """rad or length unit, 0 at frame 0."""
    scores: Float[np.ndarray, "hypothesis"]
    """How much flow each explains, 0..1; orders the set, best first."""

    def __post_init__(self) -> None:
        if not np.all(np.isfinite(self.values)) or not np.all(np.isfinite(self.axes)):
            raise InvalidValueError("Hypotheses hold values that are not finite.")

    def __len__(self) -> int:
        return len(self.axes)

    def __getitem__(self, index: int) -> JointGuess:
        return JointGuess(
            is_revolute=bool(self.is_revolute[index]),
            axis=self.axes[index].astype(np.float64),
            pivot=self.pivots[index].astype(np.float64),
            values=self.values[index].astype(np.float64),
        )

    def motions(self) -> Float[np.ndarray, "hypothesis frame 4 4"]:
        """What carries a part from its place in frame 0 to its place in each frame."""
        axes = np.broadcast_to(self.axes[:, None].astype(np.float64), (*self.values.shape, 3))
        pivots = np.broadcast_to(self.pivots[:, None].astype(np.float64), (*self.values.shape, 3))
        turns = revolute_transform(axes, pivots, self.values)
        slides = prismatic_transform(axes, self.values)
        return np.where(self.is_revolute[:, None, None, None], turns, slides)

    def keys(self) -> list[bytes]:
        """What tells hypotheses apart: equal for equal ones."""
        rows = np.column_stack([self.is_revolute, self.axes, self.pivots, self.values, self.scores]).astype(np.float64)
        return [row.tobytes() for row in rows]

    def take(self, indices: np.ndarray) -> "Hypotheses":
        """The chosen hypotheses, in the given order."""
        return Hypotheses(
            is_revolute=self.is_revolute[indices],
            axes=self.axes[indices],
            pivots=self.pivots[indices],
            values=self.values[indices],
            scores=self.scores[indices],
        )


def join_hypotheses(sets: list[Hypotheses]) -> Hypotheses:
    """All hypotheses of several sets of one clip."""
    return Hypotheses(
        is_revolute=np.concatenate([x.is_revolute for x in sets]),
        axes=np.concatenate([x.axes for x in sets]),
        pivots=np.concatenate([x.pivots for x in sets]),
        values=np.concatenate([x.values for x in sets]),
        scores=np.concatenate([x.scores for x in sets]),
    )
