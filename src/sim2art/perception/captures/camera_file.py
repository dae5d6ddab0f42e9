"""The JSON file that describes a recording's camera, as our capture folder has it and others have much the same."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from sim2art.errors import InvalidFileError
from sim2art.perception.captures.capture import ups_in_cameras
from sim2art.perception.captures.lens import Lens, lens_from_names


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


def read_frames(camera: dict[str, Any], known: list[int], path: Path) -> list[int]:
    """Ids of the frames, in order; those of the images when a `camera.json` does not say them."""
    if "frames" not in camera:
        return list(known)
    try:
        frames = [int(frame) for frame in camera["frames"]]
        if frames:
            return frames
        raise ValueError("it is empty")
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidFileError(f"{path}: 'frames' must be a list of whole numbers: {error}.", path=path) from error


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


def read_ups(camera: dict[str, Any], poses: np.ndarray | None, path: Path) -> np.ndarray | None:
    """Which way is up in each camera, from `up_world` of a `camera.json`; None where it says nothing."""
    if "up_world" not in camera:
        return None
    try:
        up = np.array(camera["up_world"], dtype=np.float64)
        assert poses is not None and up.shape == (3,) and np.isfinite(up).all() and np.linalg.norm(up) > 0
    except (TypeError, ValueError, AssertionError) as error:
        raise InvalidFileError(
            f"{path}: 'up_world' is {camera['up_world']!r}; three numbers are needed, a direction in the world of "
            "'world_from_camera', which must be there too.",
            path=path,
        ) from error
    return ups_in_cameras(poses, up)


def read_times(camera: dict[str, Any], num_frames: int, path: Path) -> np.ndarray:
    """Times (s) of a `camera.json`; 1/30 s apart when it says nothing."""
    if "times" in camera:
        try:
            times = np.array(camera["times"], dtype=np.float64)
        except (TypeError, ValueError):
            times = np.zeros(0)
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


def said_size(camera: dict[str, Any]) -> tuple[float, float] | None:
    """Width and height (px) that a `camera.json` speaks of."""
    said = camera.get("width"), camera.get("height")
    is_size = all(isinstance(side, int | float) and 0 < side < 1e6 for side in said)
    return (float(said[0]), float(said[1])) if is_size else None  # pyright: ignore[reportArgumentType]


def read_lens(camera: dict[str, Any], path: Path) -> Lens | None:
    """The lens that a `camera.json` describes."""
    try:
        return lens_from_names(camera)
    except (TypeError, ValueError) as error:
        raise InvalidFileError(f"{path}: a lens coefficient is no number: {error}.", path=path) from error
