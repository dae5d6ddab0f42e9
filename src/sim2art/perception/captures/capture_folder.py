"""Our own capture folder: `rgb/ID.jpg|png`, `depth/ID.png` (16 bit, aligned to colour, 0 = none) and `camera.json`.

`camera.json` holds `width`, `height`, `fps`, `depth_scale` (m a unit), `intrinsics` (3x3, px), `frames` (ids) and,
when known, `world_from_camera` (one 4x4 a frame, OpenCV axes), `times` (s, one a frame) and `is_metric`.
Without `fps` and `times`, frames are taken to be 1/30 s apart and a warning says so.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from sim2art.errors import InvalidFileError
from sim2art.perception.captures.capture import HOW_TO_GET_DEPTH, FileCapture, check_intrinsics, scale_intrinsics
from sim2art.perception.captures.image_files import files_by_number

_IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")


def is_capture_folder(path: Path) -> bool:
    """Whether a folder looks like our capture folder; without depth it is a folder of pictures."""
    return (path / "rgb").is_dir() and (path / "depth").is_dir() and not (path / "rgb.txt").exists()


def read_capture_folder(path: Path) -> FileCapture:
    """Open a capture folder.

    Raises:
        InvalidFileError: When files are missing or `camera.json` is not what this reader needs.
    """
    camera = read_camera_file(path / "camera.json")
    images, depths = files_by_number(path / "rgb", _IMAGE_SUFFIXES), files_by_number(path / "depth", (".png",))
    if not images:
        raise InvalidFileError(f"{path / 'rgb'} holds no .jpg or .png images named by frame number.", path=path)
    if not depths:
        raise InvalidFileError(f"{path} has colour but no depth images in depth/. {HOW_TO_GET_DEPTH}.", path=path)
    frames = [int(frame) for frame in camera.get("frames", sorted(images))]
    if len(set(frames)) != len(frames):
        raise InvalidFileError(
            f"{path / 'camera.json'}: 'frames' names some frames twice; each id may occur once.", path=path
        )
    present = [position for position, frame in enumerate(frames) if frame in images and frame in depths]
    warnings = []
    if len(present) < len(frames):
        missing = [frame for frame in frames if frame not in images or frame not in depths]
        message = (
            f"{len(missing)} of {len(frames)} frames lack their colour or depth image "
            f"({len(images)} colour, {len(depths)} depth; first: {missing[0]})"
        )
        if len(missing) > 0.2 * len(frames):
            raise InvalidFileError(f"{path}: {message}. Each frame needs both, with the same number.", path=path)
        warnings.append(f"{message}: they are left out.")
    scale = camera.get("depth_scale")
    if not isinstance(scale, int | float):
        raise InvalidFileError(
            f"{path / 'camera.json'}: 'depth_scale' is {scale!r}; the metres of one depth unit are needed (0.001 for mm).",
            path=path,
        )
    times = read_times(camera, len(frames), path)
    if "times" not in camera and "fps" not in camera:
        warnings.append("camera.json has neither 'fps' nor 'times': frames are taken to be 1/30 s apart.")
    poses = camera.get("world_from_camera")
    if poses is not None:
        poses = read_poses(poses, len(frames), path / "camera.json")[present]
    intrinsics, told = fit_to_images(
        read_intrinsics(camera, path / "camera.json"), camera, images[frames[present[0]]], path / "camera.json"
    )
    warnings += told
    return FileCapture(
        path=path,
        frame_ids=tuple(frames[i] for i in present),
        times=times[present],
        image_paths=tuple(images[frames[i]] for i in present),
        depth_paths=tuple(depths[frames[i]] for i in present),
        depth_scale=float(scale),
        intrinsics=intrinsics,
        world_from_camera=poses,
        is_metric=bool(camera.get("is_metric", True)),
        warnings=tuple(warnings),
    )


def fit_to_images(
    intrinsics: np.ndarray, camera: dict[str, Any], image: Path, file: Path
) -> tuple[np.ndarray, list[str]]:
    """Intrinsics (px) at the stored images' size: they are scaled when `camera.json` speaks of another size."""
    check_intrinsics(intrinsics, file)
    try:
        with Image.open(image) as opened:
            width, height = opened.size
    except (OSError, UnidentifiedImageError):
        return intrinsics, []  # A damaged first image is counted with the other damaged ones later.
    said = camera.get("width", width), camera.get("height", height)
    if said == (width, height):
        return intrinsics, []
    if abs(said[0] * height - said[1] * width) > 0.02 * said[1] * width:
        raise InvalidFileError(
            f"{file} speaks of {said[0]}x{said[1]} px, {image.name} has {width}x{height}: "
            "another shape, so the intrinsics do not fit. Give width, height and intrinsics of the stored images.",
            path=image,
        )
    told = f"camera.json speaks of {said[0]}x{said[1]} px, the images have {width}x{height}: intrinsics were scaled."
    return scale_intrinsics(intrinsics, width / said[0], height / said[1]), [told]


def read_camera_file(path: Path) -> dict[str, Any]:
    """The JSON object of a `camera.json`."""
    if not path.is_file():
        raise InvalidFileError(
            f"{path} is missing; it holds width, height, fps, depth_scale (m a unit), intrinsics (3x3, px) and frames.",
            path=path,
        )
    try:
        camera = json.loads(path.read_text())
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InvalidFileError(f"{path} is not readable JSON: {error}.", path=path) from error
    if not isinstance(camera, dict):
        raise InvalidFileError(f"{path} holds a {type(camera).__name__}; a JSON object is needed.", path=path)
    return camera


def read_intrinsics(camera: dict[str, Any], path: Path) -> np.ndarray:
    """The 3x3 matrix (px) of a `camera.json`."""
    try:
        intrinsics = np.array(camera["intrinsics"], dtype=np.float64)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidFileError(f"{path}: 'intrinsics' is missing or not a 3x3 matrix in pixels.", path=path) from error
    return intrinsics


def read_poses(poses: Any, num_frames: int, path: Path) -> np.ndarray:
    """Poses as (frame, 4, 4); values are checked later, frame by frame."""
    try:
        array = np.array(poses, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidFileError(f"{path}: 'world_from_camera' is not a list of 4x4 matrices.", path=path) from error
    if array.shape != (num_frames, 4, 4):
        raise InvalidFileError(
            f"{path}: 'world_from_camera' has shape {array.shape}; one 4x4 matrix for each of the {num_frames} frames is "
            "needed (leave it out and the poses are estimated).",
            path=path,
        )
    return array


def read_times(camera: dict[str, Any], num_frames: int, path: Path) -> np.ndarray:
    """Times (s) of a `camera.json`; 1/30 s apart when it says nothing."""
    if "times" in camera:
        times = np.array(camera["times"], dtype=np.float64)
        if times.shape != (num_frames,) or not np.all(np.diff(times) > 0):
            raise InvalidFileError(
                f"{path / 'camera.json'}: 'times' must be {num_frames} increasing values (s), one a frame.", path=path
            )
        return times
    fps = camera.get("fps", 30.0)
    if not isinstance(fps, int | float) or not 0 < fps < 10_000:
        raise InvalidFileError(
            f"{path / 'camera.json'}: 'fps' is {fps!r}; frames a second (such as 30) are needed.", path=path
        )
    return np.arange(num_frames) / float(fps)
