"""Random generators that are children of one seed by name, so that adding a draw in one place shifts no other."""

import math
import zlib

import numpy as np
from jaxtyping import Float


def named_rng(seed: int, *names: str | int) -> np.random.Generator:
    """The generator that belongs to `seed` and a path of names; the same on every machine."""
    words = [zlib.crc32(name.encode()) if isinstance(name, str) else int(name) for name in names]
    return np.random.default_rng([int(seed), *words])


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """A number between `low` and `high` (both positive) whose logarithm is uniform.

    0 when both are 0: what is switched off. One number is drawn all the same, so that the draws after it stay.
    """
    draw = rng.uniform()
    if low == high == 0:
        return 0.0
    return math.exp(math.log(low) + (math.log(high) - math.log(low)) * draw)


def rounded(values: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Values (m, rad or matrix entries) rounded to 1e-9.

    Sines and matrix products differ in their last bit from processor to processor. Rounded where a scenario is made,
    such differences do not grow through depth tests and thresholds into other clips.
    """
    return np.round(values, 9)
