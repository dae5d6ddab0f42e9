"""Turned cameras: colour, depth, intrinsics and poses turn together, or none of them does.

Phones store images as the sensor lies and set a flag that says how to show them. Depth, intrinsics and poses speak of
the stored image and carry no flag. So readers take colour as it is stored, and here the whole recording is turned upright.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from PIL import Image

from sim2art.errors import DAMAGED
from sim2art.perception.captures.capture import Capture, ColorCapture, ColorSource
from sim2art.perception.captures.derived import derive

_EXIF_ORIENTATION = 0x0112
_TURNS = {1: 0, 3: 2, 6: 3, 8: 1}
"""EXIF's value -> quarter turns, counter-clockwise, as NumPy's rot90 counts; mirrored images are left as stored."""


def exif_turns(path: Path) -> int:
    """Quarter turns, counter-clockwise, that bring a stored image upright, by its EXIF flag."""
    try:
        with Image.open(path) as opened:
            return _TURNS.get(opened.getexif().get(_EXIF_ORIENTATION, 1), 0)
    except (*DAMAGED, Image.DecompressionBombError):
        return 0  # A damaged image is counted with the other damaged ones later.


def turned_intrinsics(
    intrinsics: Float[np.ndarray, "3 3"], size: tuple[int, int], turns: int
) -> Float[np.ndarray, "3 3"]:
    """Intrinsics (px) of an image of a width and height after quarter turns, counter-clockwise."""
    k = np.array(intrinsics, dtype=np.float64)
    width, height = size
    for _ in range(turns % 4):
        k = np.array([[k[1, 1], 0, k[1, 2]], [0, k[0, 0], width - 1 - k[0, 2]], [0, 0, 1]])
        width, height = height, width
    return k


def turned_poses(poses: Float[np.ndarray, "frame 4 4"], turns: int) -> Float[np.ndarray, "frame 4 4"]:
    """Poses of a camera whose image is turned by quarter turns, counter-clockwise."""
    return poses @ _stored_from_turned(turns)


def _stored_from_turned(turns: int) -> Float[np.ndarray, "4 4"]:
    once = np.array([[0.0, -1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    return np.linalg.matrix_power(once, turns % 4)


def turn_upright(
    capture: ColorCapture, turns: int, size: tuple[int, int], *, camera_is_upright: bool = False
) -> ColorSource:
    """A recording as it should be shown.

    Args:
        capture: A recording whose colour comes as it is stored.
        turns: Quarter turns, counter-clockwise, that bring the colour upright.
        size: Width and height of the stored colour, px.
        camera_is_upright: Intrinsics and poses speak of the upright image already.
    """
    changes: dict[str, Any] = {"images": lambda index: _turn(capture.read_image(index), turns)}
    if not camera_is_upright:
        if capture.intrinsics is not None:
            changes["intrinsics"] = turned_intrinsics(capture.intrinsics, size, turns)
        if capture.world_from_camera is not None:
            changes["world_from_camera"] = turned_poses(capture.world_from_camera, turns)
        if capture.ups_camera is not None:
            changes["ups_camera"] = capture.ups_camera @ _stored_from_turned(turns)[:3, :3]
    told = "The images are flagged as turned: colour was turned upright"
    if isinstance(capture, Capture):

        def depth(index: int) -> np.ndarray:
            found = capture.read_depth(index)
            return found if turns % 2 and _fits_only_turned(found.shape, size) else _turn(found, turns)

        changes["depths"] = depth
        told += ", and depth with it"
    return derive(capture, **changes, warnings=(*capture.warnings, f"{told}."))


def _turn(image: np.ndarray, turns: int) -> np.ndarray:
    return np.ascontiguousarray(np.rot90(image, k=turns))


def _fits_only_turned(shape: tuple[int, ...], size: tuple[int, int]) -> bool:
    """Whether a depth image has the shape of the upright colour image, not that of the stored one."""
    aspect, stored = shape[1] / shape[0], size[0] / size[1]
    return abs(math.log(aspect * stored)) < abs(math.log(aspect / stored))
