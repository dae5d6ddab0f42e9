"""A folder of pictures in the order of their names: a recording of colour without depth.

A `camera.json` beside them may give `fps` or `times`, `intrinsics`, `frames` and `world_from_camera`, as in a capture
folder; the pictures may lie in `rgb/` or `images/`.
"""

import dataclasses
import re
from pathlib import Path

from sim2art.errors import InvalidFileError
from sim2art.perception.captures.camera_file import (
    read_camera_file,
    read_frames,
    read_intrinsics,
    read_lens,
    read_poses,
    read_times,
    read_ups,
    said_size,
)
from sim2art.perception.captures.capture import ColorCapture, ColorSource
from sim2art.perception.captures.file_capture import frame_numbers
from sim2art.perception.captures.image_files import IMAGE_SUFFIXES, read_rgb
from sim2art.perception.captures.orientation import exif_turns
from sim2art.perception.captures.standard_form import first_size, fit_intrinsics, to_standard_form

_PLACES = ("", "rgb", "images", "color")


def is_image_folder(path: Path) -> bool:
    """Whether a folder holds pictures."""
    return path.is_dir() and _find_images(path) is not None


def read_image_folder(path: Path) -> ColorCapture:
    """Open a folder of pictures as a recording of colour.

    Raises:
        InvalidFileError: When it holds no pictures or `camera.json` does not fit them.
    """
    images = _find_images(path)
    if images is None:
        raise InvalidFileError(f"{path} holds no pictures ({', '.join(IMAGE_SUFFIXES)}).", path=path)
    ids = frame_numbers(images)
    of_id = dict(zip(ids, images, strict=True))
    warnings: list[str] = []
    file = path / "camera.json"
    camera = read_camera_file(file) if file.is_file() else {}
    frames = read_frames(camera, ids, file)
    present = [position for position, frame in enumerate(frames) if frame in of_id]
    if not present:
        raise InvalidFileError(f"{file}: 'frames' names none of the {len(images)} pictures.", path=file)
    if len(present) < len(frames):
        warnings.append(f"{len(frames) - len(present)} of {len(frames)} frames have no picture: they are left out.")
    if "times" not in camera and "fps" not in camera:
        warnings.append(
            "The folder of pictures says no times ('fps' in camera.json): they are taken to be 1/30 s apart."
        )
    chosen = [of_id[frames[position]] for position in present]
    poses = camera.get("world_from_camera")
    poses = None if poses is None else read_poses(poses, len(frames), file)[present]
    has_camera = "intrinsics" in camera
    capture = ColorSource(
        path=path,
        frame_ids=tuple(frames[position] for position in present),
        times=read_times(camera, len(frames), path)[present],
        # Without a camera that must turn with it, each picture is turned as its own flag says.
        images=lambda index: read_rgb(chosen[index], upright=not has_camera),
        world_from_camera=poses,
        ups_camera=read_ups(camera, poses, file),
        warnings=tuple(warnings),
    )
    if not has_camera:
        return capture
    turns = exif_turns(chosen[0])
    fitted = fit_intrinsics(read_intrinsics(camera, file), said_size(camera), first_size(chosen), file, turns)
    told = (*capture.warnings, *fitted.told)
    capture = dataclasses.replace(capture, intrinsics=fitted.intrinsics, warnings=told)
    return to_standard_form(capture, fitted, turns=turns, lens=read_lens(camera, file))


def _find_images(path: Path) -> list[Path] | None:
    """Pictures of the first place that holds any, in the order of the numbers in their names."""
    for place in _PLACES:
        folder = path / place
        if folder.is_dir():
            images = [file for file in folder.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES]
            if images:
                return sorted(images, key=_natural)
    return None


def _natural(path: Path) -> list[tuple[int, str]]:
    """Sort key by which img2 comes before img10."""
    words = re.split(r"(\d+)", path.stem)
    return [(int(word), "") if word.isdecimal() else (-1, word) for word in words]
