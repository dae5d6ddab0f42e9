"""Every object that scenarios may be drawn from, by name: procedural families, real meshes, and files of the user's.

Names are plain text, so a config that holds them travels to other processes and names the same objects there.
"""

from collections.abc import Sequence
from difflib import get_close_matches

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.procedural import FAMILIES
from sim2art.assets.real_mesh import REAL_MESHES, make_real_mesh
from sim2art.errors import InvalidValueError


def make_asset(name: str, rng: np.random.Generator) -> ArticulatedObject:
    """One object: drawn from a procedural family, or the one of that name.

    Raises:
        InvalidValueError: When the name is unknown.
        InvalidFileError: When a file cannot be read or fetched.
    """
    check_assets([name])
    if name in FAMILIES:
        return FAMILIES[name](rng)
    return make_real_mesh(name, rng)


def check_assets(names: Sequence[str]) -> None:
    """Refuse an empty list and unknown names.

    Raises:
        InvalidValueError: With the names that are known.
    """
    unknown = [name for name in names if name not in FAMILIES and name not in REAL_MESHES]
    if unknown or not names:
        known = sorted(FAMILIES) + sorted(REAL_MESHES)
        close = get_close_matches(unknown[0], known, n=1) if unknown else []
        hint = f" Did you mean '{close[0]}'?" if close else ""
        raise InvalidValueError(f"Unknown families {unknown}; known: {known}.{hint}")
