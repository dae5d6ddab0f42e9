"""Values of the used frames found anew from their surfaces: from the one that shows most, outwards, one frame at a time.

Each frame's own surface of a part is looked for in every other used frame, over all differences of the joint's value.
Then frames are placed one after another, the most certain first, each by all that are placed already. A wrong jump in
the tracked values, beyond which all later ones are off, is left in this way.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from sim2art.articulation.joint import JointType
from sim2art.states.paths import step_cost

_TRACKED_SPACINGS = 2.0
"""Tracked values are off by about so many spacings of the values."""
_TRACKED_CAP = 4.0
"""nats; tracking that is all wrong costs no more."""
_APART = 4
"""Spacings beyond which another value is another place."""
CERTAIN = 3.0
"""nats between the best and the next place from which on a frame is held to be placed."""


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where used frames stand."""

    values: Float[np.ndarray, "used"]
    """rad or m."""
    certain: Bool[np.ndarray, "used"]
    """Whether no other place would do."""


def grow(
    pairs: Float[np.ndarray, "used used difference"],
    spacing: float,
    tracked: Float[np.ndarray, "used"],
    times: Float[np.ndarray, "used"],
    kind: JointType,
) -> Placement:
    """Place all used frames.

    Args:
        pairs: Cost of the first frame's surface in the second, moved by differences of the value: -n .. n spacings, nats.
        spacing: Of the differences, rad or m.
        tracked: Values as flow gave them.
    """
    count, reach = len(tracked), pairs.shape[2] // 2
    differences = spacing * np.arange(-reach, reach + 1)
    both = 0.5 * (pairs + pairs.transpose(1, 0, 2)[:, :, ::-1])
    told = np.maximum(0.0, -both.min(axis=2))
    np.fill_diagonal(told, 0.0)
    first = int(told.sum(axis=1).argmax())
    values, placed = tracked.copy(), np.zeros(count, bool)
    placed[first] = True
    certainty = np.zeros(count)
    certainty[first] = np.inf
    grid = tracked[first] + differences

    def cost(frame: int, others: np.ndarray) -> Float[np.ndarray, "difference"]:
        """Of every value of the grid for a frame, given the values of others."""
        total = np.zeros(len(grid))
        for other in others:
            total += np.interp(grid - values[other], differences, both[other, frame], left=0.0, right=0.0)
        total /= np.sqrt(len(others))
        for side in (others[others < frame][-1:], others[others > frame][:1]):
            for near in side:
                step = grid - values[near]
                total += step_cost(step, abs(times[frame] - times[near]), kind, spacing=spacing)
                off = (step - (tracked[frame] - tracked[near])) / (_TRACKED_SPACINGS * spacing)
                total += np.minimum(0.5 * off**2, _TRACKED_CAP)
        return total

    def place(total: Float[np.ndarray, "difference"]) -> tuple[float, float]:
        best = int(total.argmin())
        rest = np.delete(total, np.arange(max(0, best - _APART), min(len(total), best + _APART + 1)))
        return float(grid[best]), float(rest.min() - total[best]) if len(rest) else 0.0

    while not placed.all():
        there = np.flatnonzero(placed)
        open_frames = np.flatnonzero(~placed)
        found = [place(cost(int(frame), there)) for frame in open_frames]
        chosen = int(np.argmax([sure for _, sure in found]))
        values[open_frames[chosen]], certainty[open_frames[chosen]] = found[chosen]
        placed[open_frames[chosen]] = True
    for frame in [f for f in range(count) if f != first]:  # Once more, now that all others are there.
        values[frame], certainty[frame] = place(cost(frame, np.array([f for f in range(count) if f != frame])))
    return Placement(values=values, certain=certainty >= CERTAIN)
