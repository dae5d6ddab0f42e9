"""What every source of articulated objects offers, be it procedural or read from files."""

from typing import Protocol, runtime_checkable

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject


@runtime_checkable
class AssetSource(Protocol):
    """Named families of objects; one object is drawn from a family by a random generator.

    Objects are in metres, z up, standing on z = 0, centred in x and y, and face -y. Joint value 0 is closed.
    """

    @property
    def families(self) -> tuple[str, ...]:
        """Names that `make` knows."""
        ...

    def make(self, family: str, rng: np.random.Generator) -> ArticulatedObject:
        """One object of a family; the same generator state gives the same object."""
        ...
