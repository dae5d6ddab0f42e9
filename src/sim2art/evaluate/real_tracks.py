"""Tracks of a marker on real doors and drawers as text files: reading them, and what is known about each.

The set (Sturm et al., "A probabilistic framework for learning kinematic models of articulated objects", JAIR 2011; BSD
licence) has one folder a mechanism, one `.log` file a recording, one line a reading. Six-DoF poses of a marker (x y z qx qy
qz qw, camera frame) can be shown to a method; recordings of positions alone (x y z, of a robot's gripper) cannot, and are left
out. Nothing is labelled: joint types follow from the names, axes from the path of the marker.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from sim2art.articulation.joint import JointType
from sim2art.errors import InvalidFileError
from sim2art.geometry.rotations import rotation_from_quaternion

PRISMATIC = frozenset({"kitchen/M2U00394", "kitchen/M2U00408"})
"""The two drawers among the recordings with poses; the others are hinged doors."""
MIN_READINGS = 20


@dataclass(frozen=True, kw_only=True)
class RealTrack:
    """One recording of one moving body."""

    name: str
    """Folder and file, such as "kitchen/M2U00390"."""
    positions: Float[np.ndarray, "reading 3"]
    """m, camera frame."""
    rotations: Float[np.ndarray, "reading 3 3"]
    """Orientation of the body in the same frame."""
    true_type: JointType
    """What its name says."""

    @property
    def axis(self) -> Float[np.ndarray, "3"]:
        """Unit axis by least squares: the normal of the plane that the path lies in, or the direction of a slide."""
        directions = np.linalg.svd(self.positions - self.positions.mean(axis=0), full_matrices=False)[2]
        return directions[0 if self.true_type is JointType.PRISMATIC else 2]


def read_tracks(folder: Path) -> list[RealTrack]:
    """The recordings with poses, in the order of their names.

    Raises:
        InvalidFileError: When the folder holds none, or a recording is damaged.
    """
    tracks = [read_track(path) for path in sorted(folder.glob("*/*.log"))]
    found = [track for track in tracks if track is not None]
    if not found:
        raise InvalidFileError(
            f"{folder} holds no recordings with poses; a folder with MECHANISM/NAME.log files of seven columns is needed.",
            path=folder,
        )
    return found


def read_track(path: Path) -> RealTrack | None:
    """One recording: positions and quaternions (x y z w); None where the file holds positions alone.

    Raises:
        InvalidFileError: When the file holds anything else, or too little.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Of an empty file: said below.
            rows = np.loadtxt(path, ndmin=2)
    except ValueError as error:
        raise InvalidFileError(f"{path} is no table of numbers ({error}).", path=path) from error
    if rows.ndim != 2 or rows.shape[1] not in (3, 7):
        raise InvalidFileError(
            f"{path} has {rows.shape[-1]} columns; 7 (x y z qx qy qz qw) are needed, or 3 (x y z), which are left out.",
            path=path,
        )
    rows = rows[np.all(np.isfinite(rows), axis=1)]
    if len(rows) < MIN_READINGS:
        raise InvalidFileError(f"{path} has {len(rows)} readings; at least {MIN_READINGS} are needed.", path=path)
    if rows.shape[1] == 3:
        return None
    name = f"{path.parent.name}/{path.stem}"
    return RealTrack(
        name=name,
        positions=rows[:, :3],
        rotations=rotation_from_quaternion(rows[:, [6, 3, 4, 5]]),
        true_type=JointType.PRISMATIC if name in PRISMATIC else JointType.REVOLUTE,
    )
