"""Which way is up in the world of a result: measured, told by a person, or else a guess that says that it is one.

Phones measure gravity (`ups_camera` of a capture). Without it level and upright surfaces near the first camera's up decide,
which cannot tell a front from a top where the camera was turned by a right angle: such an up is a guess wherever it is used.
A person who names a side of the picture ends that doubt; how far the camera looked down, surfaces still tell.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Float

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.articulation.joint import JointType
from sim2art.errors import InvalidValueError
from sim2art.geometry.meshes import join_meshes

Source = Literal["gravity", "user", "surfaces", "camera"]
Side = Literal["top", "bottom", "left", "right"]

CAMERA_UP = np.array([0.0, -1.0, 0.0])
"""In camera axes (y down)."""
_MAX_TILT = np.deg2rad(45.0)  # Of a camera that films an object; beyond it a front is taken for a top.
_SQUARE = np.deg2rad(6.0)
_MIN_SUPPORT = 0.5
_SIDES: dict[Side, tuple[int, int, int]] = {
    "top": (0, -1, 0),
    "bottom": (0, 1, 0),
    "left": (-1, 0, 0),
    "right": (1, 0, 0),
}
_EXACT = {
    "camera": (0, -1, 0),
    "+x": (1, 0, 0), "-x": (-1, 0, 0), "+y": (0, 1, 0), "-y": (0, -1, 0), "+z": (0, 0, 1), "-z": (0, 0, -1),
}  # fmt: skip
_WORDS: dict[Source, str] = {
    "gravity": "up was measured by the recording device",
    "user": "up was given",
    "surfaces": "up is a guess: the way near the camera's up that makes most surfaces level or upright",
    "camera": "up is a guess: the first camera's, since no surfaces tell it",
}


@dataclass(frozen=True, kw_only=True)
class Up:
    """Which way is up, and how that is known."""

    direction: Float[np.ndarray, "3"]
    """Unit, in the world of the result (first used camera, OpenCV axes)."""
    source: Source
    """gravity: measured; user: given; surfaces: level and upright faces agree on it; camera: the first camera's up."""

    def __post_init__(self) -> None:
        length = float(np.linalg.norm(self.direction))
        if not abs(length - 1.0) < 1e-6:
            raise InvalidValueError(
                f"Up is {np.asarray(self.direction).tolist()}, of length {length:.3g}; 1 is needed."
            )
        if self.source not in get_args(Source):
            raise InvalidValueError(f"Up comes from '{self.source}'; known: {', '.join(get_args(Source))}.")

    @property
    def is_guess(self) -> bool:
        """Whether nobody measured or told it."""
        return self.source in ("surfaces", "camera")

    @property
    def words(self) -> str:
        """How it is known, for a person."""
        return _WORDS[self.source]


def find_up(
    articulated_object: ArticulatedObject,
    *,
    user: Float[np.ndarray, "3"] | Side | None = None,
    gravity: Float[np.ndarray, "3"] | None = None,
) -> Up:
    """What a person said, else what was measured, else a guess; all in the world of the result.

    Args:
        articulated_object: In the rest pose.
        user: A direction is taken as it is (unit). Of a side of the first picture, where the camera may have looked down,
            the way near it is taken that makes most surfaces level or upright, and the side itself where none does.
        gravity: Up as the device measured it, unit.
    """
    if isinstance(user, str):
        near = estimate_up(articulated_object, np.array(_SIDES[user], dtype=np.float64))
        return Up(direction=near.direction, source="user")
    if user is not None:
        return Up(direction=user, source="user")
    return estimate_up(articulated_object) if gravity is None else Up(direction=gravity, source="gravity")


def parse_up(text: str) -> Float[np.ndarray, "3"] | Side:
    """A side of the first used picture, or a unit direction in its axes from words such as "+x" or "0.1,-1,0".

    Raises:
        InvalidValueError: When the text is none of these.
    """
    clean = text.strip().lower()
    for side in _SIDES:
        if clean == side:
            return side
    try:
        words = [float(word) for word in clean.split(",")] if "," in clean else _EXACT[clean]
        direction = np.array(words, dtype=np.float64)
        length = float(np.linalg.norm(direction))
        if direction.shape != (3,) or not (np.isfinite(length) and length > 0):
            raise ValueError
    except (KeyError, ValueError) as error:
        raise InvalidValueError(
            f"--up is '{text}'; say which side of the first used picture is up (top, left, right, bottom), or a direction "
            "in its axes (x right, y down, z forward): camera (its -y), +x, ..., or three numbers. Write --up=-y with '='."
        ) from error
    return direction / length


def up_to_dict(up: Up) -> dict[str, Any]:
    """For `result.json`."""
    return {"direction": up.direction.tolist(), "source": up.source, "is_guess": up.is_guess}


def up_from_dict(values: Mapping[str, Any] | None) -> Up | None:
    """What `up_to_dict` gave; None stays None."""
    if values is None:
        return None
    return Up(direction=np.array(values["direction"], dtype=np.float64), source=values["source"])


def estimate_up(articulated_object: ArticulatedObject, near: Float[np.ndarray, "3"] = CAMERA_UP) -> Up:
    """Which way is up by the shape alone: made things stand upright.

    Among the directions of hinges and of the normals of faces, those count that are within 45 deg of `near` (unit, world of
    the result), the first camera's up. Each is rated by the area of the faces that are level or upright with it. Where no
    direction explains most of the area, `near` itself is taken.
    """
    normals, areas = _face_normals(articulated_object)
    if len(normals) == 0:
        return Up(direction=near, source="camera")
    hinges = [joint.axis for joint in articulated_object.joints if joint.type is JointType.REVOLUTE]
    spread = np.searchsorted(np.cumsum(areas), np.linspace(0, areas.sum(), 130)[1:-1])
    candidates = np.concatenate([np.reshape(hinges, (-1, 3)), normals[spread], near[None]])
    candidates *= np.where(candidates @ near < 0, -1.0, 1.0)[:, None]
    candidates = candidates[candidates @ near > np.cos(_MAX_TILT)]
    refined = np.stack([_aligned(direction, normals, areas) for direction in candidates])
    support = np.array([areas @ (_level(x, normals) | _upright(x, normals)) for x in refined]) / areas.sum()
    # A box is as square to its front as to its top: of directions that explain about as much, the nearest to `near`.
    good = refined[(support >= 0.9 * support.max()) & (support >= _MIN_SUPPORT)]
    if len(good) == 0:
        return Up(direction=near, source="camera")
    return Up(direction=good[np.argmax(good @ near)], source="surfaces")


def _face_normals(articulated_object: ArticulatedObject, *, most: int = 8000) -> tuple[np.ndarray, np.ndarray]:
    """Unit normals and areas of (some of) all faces."""
    normals, areas = join_meshes([x.mesh for x in articulated_object.links if x.mesh is not None]).face_normals()
    some = np.arange(0, len(areas), max(1, len(areas) // most))
    some = some[areas[some] > 0]
    return normals[some], areas[some]


def _level(up: np.ndarray, normals: np.ndarray) -> np.ndarray:
    return np.abs(normals @ up) > np.cos(_SQUARE)


def _upright(up: np.ndarray, normals: np.ndarray) -> np.ndarray:
    return np.abs(normals @ up) < np.sin(_SQUARE)


def _aligned(up: np.ndarray, normals: np.ndarray, areas: np.ndarray) -> np.ndarray:
    """The direction most parallel to the level normals and most square to the upright ones, near `up`."""
    level, upright = _level(up, normals), _upright(up, normals)
    scatter = (normals[upright].T * areas[upright]) @ normals[upright]
    scatter -= (normals[level].T * areas[level]) @ normals[level]
    direction = np.linalg.eigh(scatter)[1][:, 0]
    direction = direction * (1.0 if direction @ up >= 0 else -1.0)
    return direction if direction @ up > np.cos(2 * _SQUARE) else up
