"""What flow says of a joint in used frames in which its surface is not made out, such as those that show a panel edge-on."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

_MIN_COMMON = 4
"""Frames in which both are known, for the error of tracking to be told."""
_SIGMA = 1.4826
"""Of the median of absolute errors."""


@dataclass(frozen=True, kw_only=True)
class Tracked:
    """A joint as it was followed by flow through the used frames."""

    used: Int[np.ndarray, "used"]
    """Their places among all frames."""
    values: Float[np.ndarray, "used"]
    """rad or m."""
    shown: Bool[np.ndarray, "used"]
    """Whether the part is seen in a frame at all."""

    def stand_in(
        self, values: Float[np.ndarray, "frame"], sigmas: Float[np.ndarray, "frame"], told: Bool[np.ndarray, "frame"]
    ) -> tuple[Float[np.ndarray, "frame"], Float[np.ndarray, "frame"]]:
        """Values and sigmas with tracked ones where the surface has not told them and flow is surer.

        How far tracking errs is measured in the frames in which both are known, so one that went astray is not believed.

        Args:
            values: Of all frames, rad or m.
            sigmas: Theirs.
            told: Whether the surface has told the value.
        """
        common = self.shown & told[self.used]
        if common.sum() < _MIN_COMMON:
            return values, sigmas
        sigma = _SIGMA * float(np.median(np.abs(self.values - values[self.used])[common]))
        taken = self.shown & ~told[self.used] & (sigma < sigmas[self.used])
        values, sigmas = values.copy(), sigmas.copy()
        values[self.used[taken]], sigmas[self.used[taken]] = self.values[taken], sigma
        return values, sigmas
