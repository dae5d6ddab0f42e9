"""Numbers fitted on tune recordings: how far the states of every frame err."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True, kw_only=True)
class StateNoise:
    """Variance of a state: (factor x sigma)^2 + (share x value)^2; numbers by `benchmarks/calibrate_states.py`.

    The likelihood knows the noise of what is seen. It does not know the error of the joint, whose effect grows with the motion.
    """

    factor: float = 1.1
    """Of the likelihood's sigma."""
    share: float = 0.02
    """Of the motion since the first used frame."""

    def sigmas(
        self, sigmas: Float[np.ndarray, "*batch"], values: Float[np.ndarray, "*batch"]
    ) -> Float[np.ndarray, "*batch"]:
        """Standard deviations (rad or m) of values, which are 0 at the first used frame, from those of the likelihood."""
        return np.hypot(self.factor * sigmas, self.share * values)


GUESSED_DEPTH_NOISE = StateNoise(share=0.15)
"""Where depth is guessed, axis and shape err more: by `benchmarks/every_frame.py --colours`."""
