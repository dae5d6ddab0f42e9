"""What the viewer's time line runs over: every frame of the recording where its states are known, else the used ones."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from sim2art.view.draft import Draft


@dataclass(frozen=True, kw_only=True)
class TimeLine:
    """Steps of the time line; pictures are kept of the used frames only."""

    nearest_used: Int[np.ndarray, "step"]
    """The used frame whose picture is shown."""
    values: Float[np.ndarray, "step joint"] | None
    """Joint values; None shows those of the used frame."""

    def __len__(self) -> int:
        return len(self.nearest_used)

    def values_at(self, step: int, draft: Draft) -> Float[np.ndarray, "joint"]:
        """Joint values of a step; those of the used frame once a person has changed the joints."""
        table = draft.estimate.trajectory.values
        if self.values is None or draft.states is None or self.values.shape[1] != table.shape[1]:
            return table[self.nearest_used[step]]
        return self.values[step]


def make_time_line(draft: Draft) -> TimeLine:
    """The time line of a draft."""
    states = draft.states
    if states is None or not len(states.frame_ids):
        return TimeLine(nearest_used=np.arange(len(draft.frame_ids)), values=None)
    nearest = np.abs(np.array(states.frame_ids)[:, None] - np.array(draft.frame_ids)[None]).argmin(axis=1)
    return TimeLine(nearest_used=nearest, values=np.array(states.values))
