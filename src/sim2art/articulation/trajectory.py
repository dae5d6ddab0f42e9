"""Joint values over time."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from sim2art.errors import InvalidValueError


@dataclass(frozen=True, kw_only=True)
class JointTrajectory:
    """The value of every joint at every frame."""

    joint_names: tuple[str, ...]
    times: Float[np.ndarray, "frame"]
    """s, increasing."""
    values: Float[np.ndarray, "frame joint"]
    """rad or m."""

    def __post_init__(self) -> None:
        if self.values.shape != (len(self.times), len(self.joint_names)):
            raise InvalidValueError(
                f"Trajectory values have shape {self.values.shape}; {len(self.times)} times and "
                f"{len(self.joint_names)} joints were given."
            )
        for array in (self.times, self.values):
            array.flags.writeable = False
