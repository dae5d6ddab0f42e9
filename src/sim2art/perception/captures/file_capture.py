"""Recordings that are kept as one colour and one depth file a frame: what all readers of such folders have in common."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sim2art.errors import InvalidFileError
from sim2art.perception.captures.camera_file import read_lens, read_ups, said_size
from sim2art.perception.captures.capture import Capture, FileCapture
from sim2art.perception.captures.depth_images import find_depth_scale
from sim2art.perception.captures.orientation import exif_turns
from sim2art.perception.captures.standard_form import first_size, fit_intrinsics, to_standard_form


@dataclass(frozen=True, kw_only=True)
class StoredFrames:
    """One colour and one depth file a frame."""

    ids: list[int]
    """The recording's number of each frame."""
    times: np.ndarray
    """s."""
    images: list[Path]
    """Colour, as it is stored."""
    depths: list[Path]
    """Depth of the same view."""
    poses: np.ndarray | None
    """World from camera (OpenCV axes)."""
    told: list[str]
    """What was repaired so far."""


@dataclass(frozen=True, kw_only=True)
class SaidCamera:
    """What a recording says of its camera."""

    file: Path
    """Where that stands."""
    facts: dict[str, Any]
    """Width and height that the intrinsics speak of, lens, depth_scale, is_metric."""
    intrinsics: np.ndarray
    """px."""
    depth_scale: float | None = None
    """m a unit, where `facts` do not say it."""


def file_capture(path: Path, frames: StoredFrames, camera: SaidCamera) -> Capture:
    """Stored frames as a recording.

    Raises:
        InvalidFileError: When the intrinsics or the depth's unit do not fit the files.
    """
    facts, file, turns = camera.facts, camera.file, exif_turns(frames.images[0])
    fitted = fit_intrinsics(camera.intrinsics, said_size(facts), first_size(frames.images), file, turns)
    said = facts.get("depth_scale", camera.depth_scale)
    if said is not None and not (isinstance(said, int | float) and 0 < said < np.inf):
        raise InvalidFileError(
            f"{file}: 'depth_scale' is {said!r}; the metres of one depth unit are needed (0.001 for mm).", path=file
        )
    scale, assumed = find_depth_scale(frames.depths, said)
    capture = FileCapture(
        path=path,
        frame_ids=tuple(frames.ids),
        times=frames.times,
        image_paths=tuple(frames.images),
        depth_paths=tuple(frames.depths),
        depth_scale=float(scale),
        intrinsics=fitted.intrinsics,
        world_from_camera=frames.poses,
        ups_camera=read_ups(facts, frames.poses, file),
        is_metric=bool(facts.get("is_metric", True)),
        warnings=(*frames.told, *fitted.told, *assumed),
    )
    return to_standard_form(capture, fitted, turns=turns, lens=read_lens(facts, file))


def pair_files(images: list[Path], depths: list[Path]) -> tuple[list[tuple[Path, Path]], list[str]]:
    """Colour and depth files of the same name, else of the same last number, else in the order of their names.

    Returns:
        The pairs, and what was assumed or left out, in words.
    """
    pairs = _pair_by(images, depths, lambda file: file.stem) or _pair_by(images, depths, last_number)
    told = []
    if not pairs and images and len(images) == len(depths):
        pairs = list(zip(sorted(images), sorted(depths), strict=True))
        told.append("Colour and depth images have different names: they are paired in the order of their names.")
    lost = max(len(images), len(depths)) - len(pairs)
    if pairs and lost:
        told.append(f"{lost} frames lack their colour or depth image: they are left out.")
    return pairs, told


def frame_numbers(files: list[Path]) -> list[int]:
    """The number in each file's name; positions where the names have none or repeat one."""
    numbers = [last_number(file) for file in files]
    found = [int(number) for number in numbers if number is not None]
    return found if len(set(found)) == len(files) else list(range(len(files)))


def last_number(path: Path) -> str | None:
    """The last number in a file's name, without leading zeros."""
    found = re.findall(r"\d+", path.stem)
    return str(int(found[-1])) if found else None


def read_matrix_file(path: Path) -> np.ndarray:
    """A matrix of numbers in a text file, 3x3 or 4x4.

    Raises:
        InvalidFileError: When it holds none.
    """
    try:
        words = path.read_text().replace(",", " ").split()
        values = np.array([float(word) for word in words])
        side = {9: 3, 16: 4}[len(values)]
    except (OSError, UnicodeDecodeError, ValueError, KeyError) as error:
        raise InvalidFileError(f"{path} is no matrix of 3x3 or 4x4 numbers: {error}.", path=path) from error
    return values.reshape(side, side)


def read_pose_files(files: list[Path]) -> np.ndarray:
    """World from camera, one 4x4 a file; NaN where there is none, so that such frames are left out."""
    poses = np.full((len(files), 4, 4), np.nan)
    for index, file in enumerate(files):
        try:
            matrix = read_matrix_file(file)
        except InvalidFileError:
            continue
        if matrix.shape == (4, 4):
            poses[index] = matrix
    return poses


def _pair_by(
    images: list[Path], depths: list[Path], key: Callable[[Path], str | None]
) -> list[tuple[Path, Path]]:  # fmt: skip
    """Files with the same key; none where a key is missing or repeats."""
    of_image, of_depth = ({key(file): file for file in sorted(files)} for files in (images, depths))
    if None in of_image or None in of_depth or len(of_image) < len(images) or len(of_depth) < len(depths):
        return []
    return [(of_image[name], of_depth[name]) for name in of_image if name in of_depth]
