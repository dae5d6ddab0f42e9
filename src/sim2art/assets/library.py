"""Every object that scenarios may be drawn from, by name: procedural families, real meshes, and files of the user's.

Objects are in metres, z up, standing on z = 0 and facing -y; those of ours are closed at joint value 0. Names are plain
text, so a config that holds them travels to other processes and names the same objects there.
"""

from collections.abc import Sequence
from difflib import get_close_matches

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.collection import FILE_PREFIX, make_from_file
from sim2art.assets.procedural import FAMILIES
from sim2art.assets.procedural.training_walls import TRAINING_WALLS
from sim2art.assets.procedural.unit_walls import UNIT_WALLS
from sim2art.assets.real_mesh import REAL_MESHES, make_real_mesh
from sim2art.assets.scene_synthesizer import SYNTHESIZED, make_synthesized
from sim2art.errors import InvalidValueError
from sim2art.weights import WEIGHTS

_WALLS = {**UNIT_WALLS, **TRAINING_WALLS}


def make_asset(name: str, rng: np.random.Generator) -> ArticulatedObject:
    """One object: drawn from a family, or the one of that name.

    Raises:
        InvalidValueError: When the name is unknown.
        InvalidFileError: When a file cannot be read or fetched.
        MissingPackageError: When the package that makes or reads it is not installed.
    """
    if name in FAMILIES:
        return FAMILIES[name](rng)
    if name in _WALLS:
        return _WALLS[name](rng)
    if name in REAL_MESHES:
        return make_real_mesh(name)
    if name in SYNTHESIZED:
        return make_synthesized(name, rng)
    check_assets([name])
    return make_from_file(name, rng)


def asset_licence(name: str) -> str:
    """Under which licence clips of an asset may be passed on, as far as we know it."""
    if name in FAMILIES or name in _WALLS:
        return "Apache-2.0 (procedural assets of sim2art)"
    if name in REAL_MESHES:
        entry = WEIGHTS[REAL_MESHES[name].wheel]
        return f"{entry.license}, {entry.source.requirement}"
    if name in SYNTHESIZED:
        return "Apache-2.0 (scene-synthesizer)"
    return "that of the file"


def check_assets(names: Sequence[str]) -> None:
    """Refuse an empty list and unknown names; whether a file can be read shows when it is.

    Raises:
        InvalidValueError: With the names that are known.
    """
    known = [*FAMILIES, *_WALLS, *REAL_MESHES, *SYNTHESIZED]
    unknown = [name for name in names if name not in known and not name.startswith(FILE_PREFIX)]
    if unknown or not names:
        close = get_close_matches(unknown[0], known, n=1) if unknown else []
        hint = f" Did you mean '{close[0]}'?" if close else ""
        raise InvalidValueError(
            f"Unknown families {unknown}; known: {sorted(known)}, and files as '{FILE_PREFIX}PATH'.{hint}"
        )
