"""Stops a run that diverges before it overwrites what was learned."""

import math
from pathlib import Path

from sim2art.errors import DivergedError

WINDOW = 50
"""Steps whose mean loss is compared."""


class Watch:
    """Looks at the loss of each step: one that is no number, or a mean worse than at the start, ends the run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.is_well = True
        """Whether the weights are worth keeping."""
        self._recent: list[float] = []
        self._first: float | None = None

    def see(self, loss: float, step: int) -> None:
        """Take in the loss of step number `step`.

        Raises:
            DivergedError: When the run has diverged; the state saved last is from before.
        """
        if not math.isfinite(loss):
            self._stop(f"the loss of step {step} is {loss}")
        self._recent = [*self._recent[-(WINDOW - 1) :], loss]
        if len(self._recent) < WINDOW:
            return
        mean = sum(self._recent) / WINDOW
        if self._first is None:
            self._first = mean
        elif mean > 2 * self._first:
            # Worse by so much than when it began to look, it has forgotten all that it learned.
            self._stop(f"the mean loss of the steps up to {step} is {mean:.3g}, and was {self._first:.3g} at first")

    def _stop(self, why: str) -> None:
        self.is_well = False
        raise DivergedError(
            f"Training diverged: {why}. The last good state stays in '{self.folder}'; go on from it with --resume and "
            "a smaller --learning-rate."
        )
