"""Objects in files of the user's: URDF, MJCF and PartNet-Mobility, told apart by content; a folder of many at once.

What cannot be read is left out, counted and said; the rest is used.
"""

import logging
from functools import lru_cache
from pathlib import Path

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.articulation.joint import JointType
from sim2art.assets.decimation import lightened
from sim2art.assets.mjcf import read_mjcf
from sim2art.assets.partnet_mobility import is_partnet_folder, read_partnet_mobility
from sim2art.assets.placement import scaled, stand_on_floor
from sim2art.assets.urdf import read_urdf
from sim2art.errors import InvalidFileError, InvalidValueError, Sim2ArtError

FILE_PREFIX = "file:"
"""Names of assets that are files start with it: "file:/data/fridge/mobility.urdf"."""
_SIZE_VARIATION = 0.15  # Objects without a scale of their own come this much larger or smaller.
_KEPT = 64  # Objects that a process remembers; a data set of thousands would fill the memory.
_LOG = logging.getLogger(__name__)


def open_collection(folder: Path) -> tuple[str, ...]:
    """Names, as scenarios know them, of every usable model below a folder (or of the one model that a path names).

    Raises:
        InvalidFileError: When there is no model, or none that can be used.
    """
    paths = find_models(folder)
    if not paths:
        raise InvalidFileError(
            f"No model in '{folder}': no *.urdf, no *.xml that is MJCF, no folder of PartNet-Mobility.", path=folder
        )
    names: list[str] = []
    left_out: list[Sim2ArtError] = []
    for path in paths:
        try:
            read_model(path)
        except Sim2ArtError as error:
            left_out.append(error)
            _LOG.warning("Left out: %s", error)
        else:
            names.append(FILE_PREFIX + str(path))
    if not names:
        raise InvalidFileError(
            f"None of the {len(paths)} models in '{folder}' can be used; the first: {left_out[0]}", path=folder
        )
    if left_out:
        _LOG.warning("%d of %d models in '%s' are left out.", len(left_out), len(paths), folder)
    return tuple(names)


def find_models(folder: Path) -> list[Path]:
    """Files that look like models, sorted, with absolute paths; what is inside a PartNet folder counts once."""
    if folder.is_file():
        return [folder.resolve()]
    if not folder.is_dir():
        raise InvalidFileError(f"There is no folder or file '{folder}'; check the path.", path=folder)
    found = sorted(path.resolve() for path in folder.rglob("*.urdf"))
    found += sorted(path.resolve() for path in folder.rglob("*.xml") if _is_mjcf(path))
    inside = {path.parent for path in found if is_partnet_folder(path.parent)}
    return [path for path in found if path.parent not in inside or path.name == "mobility.urdf"]


def read_model(path: Path) -> ArticulatedObject:
    """The object of a file, standing on z = 0, with a bearable number of faces.

    Raises:
        InvalidFileError: When it cannot be read or nothing of it moves.
    """
    if is_partnet_folder(path.parent) and path.name == "mobility.urdf":
        found = read_partnet_mobility(path.parent)
    elif path.suffix == ".urdf":
        found = stand_on_floor(read_urdf(path))
    elif path.suffix == ".xml":
        found = stand_on_floor(read_mjcf(path))
    else:
        raise InvalidFileError(f"'{path}' is neither *.urdf nor *.xml (MJCF); convert it to one of them.", path=path)
    if all(joint.type is JointType.FIXED for joint in found.joints):
        raise InvalidFileError(f"'{path}' has no joint that moves; leave it out.", path=path)
    return lightened(found)


def make_from_file(name: str, rng: np.random.Generator) -> ArticulatedObject:
    """The object of a file by its name; one without a scale of its own varies in size.

    Raises:
        InvalidFileError: When the file cannot be read.
        InvalidValueError: When the name is none of a file.
    """
    if not name.startswith(FILE_PREFIX):
        raise InvalidValueError(f"'{name}' is no file; names of files start with '{FILE_PREFIX}'.")
    path = Path(name.removeprefix(FILE_PREFIX))
    found = _read_once(path)
    if is_partnet_folder(path.parent):
        return scaled(found, float(rng.uniform(1 - _SIZE_VARIATION, 1 + _SIZE_VARIATION)))
    return found


_read_once = lru_cache(maxsize=_KEPT)(read_model)


def _is_mjcf(path: Path) -> bool:
    """Whether an XML file starts as MJCF does (pieces that are only included do not)."""
    with path.open("rb") as file:
        return b"<mujoco" in file.read(4096).replace(b"<mujocoinclude", b"")
