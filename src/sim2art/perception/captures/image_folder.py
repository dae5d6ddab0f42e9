"""A folder of pictures in the order of their names: a recording of colour without depth.

A `camera.json` beside them may give `fps` or `times`, `intrinsics`, `frames` and `world_from_camera`, as in a capture
folder; the pictures may lie in `rgb/` or `images/`.
"""

import re
from pathlib import Path

from sim2art.errors import InvalidFileError
from sim2art.perception.captures.capture import ColorSource
from sim2art.perception.captures.capture_folder import (
    fit_to_images,
    read_camera_file,
    read_intrinsics,
    read_poses,
    read_times,
    read_ups,
)
from sim2art.perception.captures.image_files import IMAGE_SUFFIXES, read_rgb

_PLACES = ("", "rgb", "images", "color")


def is_image_folder(path: Path) -> bool:
    """Whether a folder holds pictures."""
    return path.is_dir() and _find_images(path) is not None


def read_image_folder(path: Path) -> ColorSource:
    """Open a folder of pictures as a recording of colour.

    Raises:
        InvalidFileError: When it holds no pictures or `camera.json` does not fit them.
    """
    images = _find_images(path)
    if images is None:
        raise InvalidFileError(f"{path} holds no pictures ({', '.join(IMAGE_SUFFIXES)}).", path=path)
    numbers = [_number(image) for image in images]
    ids = [int(n) for n in numbers if n is not None]
    if len(ids) < len(images) or len(set(ids)) < len(ids):
        ids = list(range(len(images)))
    of_id = dict(zip(ids, images, strict=True))
    warnings: list[str] = []
    file = path / "camera.json"
    camera = read_camera_file(file) if file.is_file() else {}
    frames = [int(frame) for frame in camera.get("frames", ids)]
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
    intrinsics, poses = None, camera.get("world_from_camera")
    if "intrinsics" in camera:
        intrinsics, told = fit_to_images(read_intrinsics(camera, file), camera, chosen[0], file)
        warnings += told
    if poses is not None:
        poses = read_poses(poses, len(frames), file)[present]
    return ColorSource(
        path=path,
        frame_ids=tuple(frames[position] for position in present),
        times=read_times(camera, len(frames), path)[present],
        images=lambda index: read_rgb(chosen[index]),
        intrinsics=intrinsics,
        world_from_camera=poses,
        ups_camera=read_ups(camera, poses, file),
        warnings=tuple(warnings),
    )


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


def _number(path: Path) -> str | None:
    """The last number in a file's name."""
    found = re.findall(r"\d+", path.stem)
    return found[-1] if found else None
