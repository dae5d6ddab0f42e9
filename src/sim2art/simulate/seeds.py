"""Random generators that are children of one seed by name, so that adding a draw in one place shifts no other."""

import zlib

import numpy as np


def named_rng(seed: int, *names: str | int) -> np.random.Generator:
    """The generator that belongs to `seed` and a path of names; the same on every machine."""
    words = [zlib.crc32(name.encode()) if isinstance(name, str) else int(name) for name in names]
    return np.random.default_rng([int(seed), *words])


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """A number between `low` and `high` (both positive) whose logarithm is uniform."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
