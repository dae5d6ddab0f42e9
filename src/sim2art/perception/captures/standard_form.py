"""The last step of every reader: intrinsics for the stored images, the lens taken out, the recording turned upright."""

from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np
from jaxtyping import Float
from PIL import Image

from sim2art.errors import DAMAGED, InvalidFileError
from sim2art.perception.captures.capture import Capture, ColorCapture, check_intrinsics, scale_intrinsics
from sim2art.perception.captures.lens import Lens, straighten
from sim2art.perception.captures.orientation import turn_upright

_SHAPE_TOLERANCE = 0.02
_OTHER_SIZE = 1.5
"""A principal point this many times as far out, both ways alike, is no lens off its centre."""


@dataclass(frozen=True, kw_only=True)
class FittedCamera:
    """The intrinsics of a recording at the size of its stored images."""

    intrinsics: Float[np.ndarray, "3 3"]
    """px; of the upright image when `is_upright`."""
    size: tuple[int, int]
    """Width and height of the stored images, px."""
    is_upright: bool
    """Whether they speak of the image turned upright, not of the stored one."""
    told: tuple[str, ...] = ()


def stored_size(image: Path) -> tuple[int, int] | None:
    """Width and height (px) of an image file as it is stored; None when it cannot be read."""
    try:
        with Image.open(image) as opened:
            return opened.size
    except (*DAMAGED, Image.DecompressionBombError):
        return None  # A damaged image is counted with the other damaged ones later.


def first_size(images: list[Path] | tuple[Path, ...]) -> tuple[int, int]:
    """The size (px) of the first image that can be read.

    Raises:
        InvalidFileError: When none can.
    """
    for image in images:
        size = stored_size(image)
        if size is not None:
            return size
    raise InvalidFileError(
        f"{images[0].parent}: none of its {len(images)} images can be read; they are damaged.", path=images[0]
    )


def fit_intrinsics(
    intrinsics: Float[np.ndarray, "..."], said: tuple[float, float] | None, size: tuple[int, int], file: Path, turns: int = 0
) -> FittedCamera:  # fmt: skip
    """Scale intrinsics that speak of another size than the stored images have.

    Args:
        intrinsics: 3x3, px.
        said: Width and height that they speak of; None when nothing is said.
        size: Width and height of the stored images.
        file: Where they stand, for messages.
        turns: Quarter turns that bring the stored images upright.

    Raises:
        InvalidFileError: When the sizes have different shapes, with both.
    """
    check_intrinsics(intrinsics, file)
    if said is None:
        _check_centre(intrinsics, size, file)
    if said is None or said == size:
        return FittedCamera(intrinsics=intrinsics, size=size, is_upright=False)
    upright = (size[1], size[0])
    is_upright = bool(turns % 2) and _same_shape(said, upright) and not _same_shape(said, size)
    width, height = upright if is_upright else size
    if not _same_shape(said, (width, height)):
        raise InvalidFileError(
            f"{file} speaks of {said[0]:g}x{said[1]:g} px, the images have {width}x{height}: "
            "another shape, so the intrinsics do not fit. Give width, height and intrinsics of the stored images.",
            path=file,
        )
    told = ()
    if said != (width, height):
        told = (
            f"{file.name} speaks of {said[0]:g}x{said[1]:g} px, the images have {width}x{height}: intrinsics were scaled.",
        )
    k = scale_intrinsics(intrinsics, width / said[0], height / said[1])
    return FittedCamera(intrinsics=k, size=size, is_upright=is_upright, told=told)


@overload
def to_standard_form(
    capture: Capture, camera: FittedCamera, *, turns: int = 0, lens: Lens | None = None
) -> Capture: ...
@overload
def to_standard_form(
    capture: ColorCapture, camera: FittedCamera, *, turns: int = 0, lens: Lens | None = None
) -> ColorCapture: ...
def to_standard_form(
    capture: ColorCapture, camera: FittedCamera, *, turns: int = 0, lens: Lens | None = None
) -> ColorCapture:
    """A recording read as it is stored, as everything after the readers takes it.

    Args:
        capture: Colour, depth, intrinsics (those of `camera`) and poses as they are stored.
        camera: What its intrinsics speak of.
        turns: Quarter turns, counter-clockwise, that bring the colour upright.
        lens: Of the colour image.
    """
    if not camera.is_upright:
        capture = straighten(capture, lens, camera.size)
    if turns:
        capture = turn_upright(capture, turns, camera.size, camera_is_upright=camera.is_upright)
    if camera.is_upright:
        capture = straighten(capture, lens, (camera.size[1], camera.size[0]))
    return capture


def _check_centre(k: Float[np.ndarray, "3 3"], size: tuple[int, int], file: Path) -> None:
    """Raise InvalidFileError when the principal point is the middle of another size of image."""
    meant = 2 * k[0, 2] + 1, 2 * k[1, 2] + 1
    ratios = meant[0] / size[0], meant[1] / size[1]
    is_other = min(ratios) > _OTHER_SIZE or max(ratios) < 1 / _OTHER_SIZE
    if is_other and abs(ratios[0] / ratios[1] - 1) < 0.15:
        raise InvalidFileError(
            f"{file}: the principal point ({k[0, 2]:.1f}, {k[1, 2]:.1f}) is the middle of images of about "
            f"{meant[0]:.0f}x{meant[1]:.0f} px; these have {size[0]}x{size[1]}. Give the intrinsics of the stored images, or "
            "width and height that they speak of.",
            path=file,
        )


def _same_shape(a: tuple[float, float], b: tuple[float, float]) -> bool:
    return abs(a[0] * b[1] - a[1] * b[0]) <= _SHAPE_TOLERANCE * a[1] * b[0]
