"""Stops a run that diverges before it overwrites what was learned."""

import math
from collections import deque
from pathlib import Path

from sim2art.errors import DivergedError

WINDOW = 20
"""Steps whose mean loss is compared."""
WORST = 2.0
"""Times the loss of a network that has learned nothing."""


class Watch:
    """Looks at the loss of each step: one that is no number, or a mean far above an untrained network's, ends the run.

    What is compared with does not depend on the run, so that a rate which is too high from the first step on, or too
    high for a run that goes on, is seen as well.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.untrained: float | None = None
        """Loss of a network that has learned nothing; until it is known, no mean is too high."""
        self._recent: deque[float] = deque(maxlen=WINDOW)
        self._is_stopped = False

    @property
    def is_well(self) -> bool:
        """Whether the weights are worth keeping."""
        return not self._is_stopped and not self._is_high()

    def see(self, loss: float, step: int) -> None:
        """Take in the loss of step number `step`.

        Raises:
            DivergedError: When the run has diverged; the state saved last is from before.
        """
        self._recent.append(loss)
        if not math.isfinite(loss):
            self._stop(f"the loss of step {step} is {loss}")
        if len(self._recent) == WINDOW and self._is_high():
            self._stop(
                f"the mean loss of the steps up to {step} is {self._mean():.3g}; "
                f"a network that has learned nothing has {self.untrained:.3g}"
            )

    def _mean(self) -> float:
        return sum(self._recent) / len(self._recent)

    def _is_high(self) -> bool:
        return self.untrained is not None and bool(self._recent) and not self._mean() <= WORST * self.untrained

    def _stop(self, why: str) -> None:
        self._is_stopped = True
        raise DivergedError(
            f"Training diverged: {why}. The last good state stays in '{self.folder}'; go on from it with --resume and "
            "a smaller --learning-rate."
        )
