"""Tracks of real doors and drawers as text files: reading them, and what is known about each.

The set (Sturm et al., "A probabilistic framework for learning kinematic models of articulated objects", JAIR 2011; BSD
licence) has one folder a mechanism, one `.log` file a recording, one line a reading. `kitchen` holds six-DoF poses of
a marker (x y z qx qy qz qw, camera frame), the others positions of a robot's gripper (x y z, frame of the robot's
base, which moved between recordings of one mechanism). Nothing is labelled: joint types follow from the names.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from sim2art.articulation.joint import JointType
from sim2art.errors import InvalidFileError
from sim2art.geometry.rotations import rotation_from_quaternion

KITCHEN = "kitchen"
KITCHEN_PRISMATIC = frozenset({"M2U00394", "M2U00408"})
"""The two drawers among the kitchen's recordings; the others are hinged doors."""
PRISMATIC_MECHANISMS = frozenset({"drawer"})
UNCLEAN = frozenset({"microwave/microwave2"})
"""The gripper wanders while it pulls: no clean arc, so the right answer is to say so."""
MIN_READINGS = 20


@dataclass(frozen=True, kw_only=True)
class RealTrack:
    """One recording of one moving point or body."""

    name: str
    """Folder and file, such as "kitchen/M2U00390"."""
    positions: Float[np.ndarray, "reading 3"]
    """m, in the frame of whatever measured."""
    rotations: Float[np.ndarray, "reading 3 3"] | None
    """Orientation of the body in the same frame; None where only positions were measured."""
    true_type: JointType | None
    """What its name says; None where no clean arc was recorded, and no type may be claimed."""

    @property
    def mechanism(self) -> str:
        """Folder: recordings of one mechanism, but for the kitchen's, which are of many."""
        return self.name.split("/")[0]


def read_tracks(folder: Path) -> list[RealTrack]:
    """Every recording of the set, in the order of their names.

    Raises:
        InvalidFileError: When the folder holds no recordings, or one is damaged.
    """
    paths = sorted(folder.glob("*/*.log"))
    if not paths:
        raise InvalidFileError(
            f"{folder} holds no recordings; a folder with MECHANISM/NAME.log files is needed.", path=folder
        )
    return [read_track(path) for path in paths]


def read_track(path: Path) -> RealTrack:
    """One recording; three columns are positions, seven positions and quaternions (x y z w).

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
            f"{path} has {rows.shape[-1]} columns; 3 (x y z) or 7 (x y z qx qy qz qw) are needed.", path=path
        )
    rows = rows[np.all(np.isfinite(rows), axis=1)]
    if len(rows) < MIN_READINGS:
        raise InvalidFileError(f"{path} has {len(rows)} readings; at least {MIN_READINGS} are needed.", path=path)
    name = f"{path.parent.name}/{path.stem}"
    return RealTrack(
        name=name,
        positions=rows[:, :3],
        rotations=rotation_from_quaternion(rows[:, [6, 3, 4, 5]]) if rows.shape[1] == 7 else None,
        true_type=_type_from_name(path.parent.name, path.stem),
    )


def _type_from_name(mechanism: str, recording: str) -> JointType | None:
    """What a recording's name says about its joint."""
    if f"{mechanism}/{recording}" in UNCLEAN:
        return None
    slides = recording in KITCHEN_PRISMATIC if mechanism == KITCHEN else mechanism in PRISMATIC_MECHANISMS
    return JointType.PRISMATIC if slides else JointType.REVOLUTE
