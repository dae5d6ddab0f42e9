"""Joint values of every frame of a recording, not only of the frames that an estimate was made from."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from sim2art.errors import InvalidValueError

_LEAST_FRAMES = 8
"""From fewer the noise between frames cannot be told."""


@dataclass(frozen=True, kw_only=True)
class FrameStates:
    """Values, how sure they are, and where each part is in view; joints in the order of the estimate."""

    frame_ids: tuple[int, ...]
    """The recording's numbers of the frames."""
    times: Float[np.ndarray, "frame"]
    """s, increasing."""
    values: Float[np.ndarray, "frame joint"]
    """rad or m, 0 at the first used frame."""
    sigmas: Float[np.ndarray, "frame joint"]
    """Standard deviation of each value."""
    visible: Bool[np.ndarray, "frame joint"]
    """Whether the part is in view; elsewhere its value lies between those of the frames around."""
    followed: tuple[bool, ...]
    """Whether a joint could be followed through the frames; else its values join those of the used frames."""

    def __post_init__(self) -> None:
        shape = (len(self.frame_ids), len(self.followed))
        for name in ("values", "sigmas", "visible"):
            array = getattr(self, name)
            if array.shape != shape:
                raise InvalidValueError(
                    f"FrameStates: {name} has shape {array.shape}; {shape[0]} frames and {shape[1]} joints were given."
                )
            array.flags.writeable = False
        if len(self.times) != shape[0]:
            raise InvalidValueError(f"FrameStates: {len(self.times)} times were given for {shape[0]} frames.")
        self.times.flags.writeable = False

    def range_of(self, joint: int) -> tuple[float, float, float]:
        """Lowest and highest value of a joint over all frames, and the standard deviation of their difference.

        The extreme of many noisy readings lies too far out: the mean of those within two sigmas of it is taken. Only noise
        that differs from frame to frame stretches a range; what frames share of their errors would draw in readings that
        are truly another value.
        """
        values, sigmas = self.values[:, joint], self.sigmas[:, joint]
        noise = np.minimum(sigmas, _noise_between_frames(values)) if len(values) > _LEAST_FRAMES else sigmas
        ends = []
        for sign in (-1.0, 1.0):
            best = int(np.argmax(sign * values - sigmas))
            near = np.abs(values - values[best]) <= np.maximum(2.0 * noise[best], 1e-12)
            weight = 1.0 / np.maximum(sigmas[near], 1e-9) ** 2
            ends.append((float((weight * values[near]).sum() / weight.sum()), float(sigmas[best])))
        (low, low_sigma), (high, high_sigma) = ends
        return low, max(high, low), float(np.hypot(low_sigma, high_sigma))


def _noise_between_frames(values: Float[np.ndarray, "frame"]) -> float:
    """Standard deviation of what differs from frame to frame, from third differences: a hand's motion vanishes in them."""
    return float(1.4826 * np.median(np.abs(np.diff(values, n=3))) / np.sqrt(20.0))
