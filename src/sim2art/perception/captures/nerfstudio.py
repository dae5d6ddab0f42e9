"""nerfstudio and instant-ngp data: `transforms.json` with images, intrinsics, poses and, where there is, depth.

Each frame has `file_path` and `transform_matrix` (world from camera, OpenGL axes); fl_x, fl_y, cx, cy, w, h and the lens (k1,
k2, p1, p2, `camera_model`) stand for all frames or in each. `depth_file_path` names 16-bit depth in mm, unless
`depth_unit_scale_factor` or `integer_depth_scale` says another unit, or float depth.
"""

from pathlib import Path
from typing import Any

import numpy as np

from sim2art.errors import InvalidFileError
from sim2art.perception.captures.camera_file import read_camera_file, read_lens
from sim2art.perception.captures.capture import (
    ColorCapture,
    ColorSource,
    FileCapture,
    mean_intrinsics,
    opencv_from_opengl,
)
from sim2art.perception.captures.depth_images import find_depth_scale
from sim2art.perception.captures.file_capture import frame_numbers
from sim2art.perception.captures.image_files import IMAGE_SUFFIXES, read_rgb
from sim2art.perception.captures.orientation import exif_turns
from sim2art.perception.captures.standard_form import first_size, fit_intrinsics, to_standard_form

_FILE = "transforms.json"
_UNITS = ("depth_unit_scale_factor", "integer_depth_scale")
_UNSCALED = (
    "transforms.json says nothing of the unit of its poses: with recorded depth they should be metres. Those that COLMAP "
    "solved have no scale; then pass --cameras klt."
)


def is_nerfstudio(path: Path) -> bool:
    """Whether a folder holds a `transforms.json`, or a path is one."""
    return (path / _FILE).is_file() or (path.is_file() and path.name == _FILE)


def read_nerfstudio(path: Path) -> ColorCapture:
    """Open such a folder; it has depth when all but a few frames name a depth file.

    Raises:
        InvalidFileError: When `transforms.json` or its files are not what this reader needs.
    """
    file = path if path.is_file() else path / _FILE
    root, scene = file.parent, read_camera_file(file)
    frames = scene.get("frames")
    if not isinstance(frames, list) or not frames or not all(isinstance(f, dict) and "file_path" in f for f in frames):
        raise InvalidFileError(f"{file}: 'frames' must be a list of frames with 'file_path'.", path=file)
    frames = sorted(frames, key=lambda frame: str(frame["file_path"]))
    named = [(_image_file(root, str(frame["file_path"])), frame) for frame in frames]
    there = [(image, frame) for image, frame in named if image is not None]
    told = []
    if len(there) < len(frames):
        told.append(f"{len(frames) - len(there)} of {len(frames)} frames of {_FILE} have no image: they are left out.")
    if not there:
        raise InvalidFileError(
            f"{file} names {len(frames)} images, and none is there ({frames[0]['file_path']}).", path=file
        )
    depths = [_depth_file(root, frame) for _, frame in there]
    has_depth = sum(depth is not None for depth in depths) >= max(2, 0.5 * len(there))
    if has_depth and None in depths:
        told.append(f"{depths.count(None)} of {len(depths)} frames have no depth file: they are left out.")
        there = [pair for pair, depth in zip(there, depths, strict=True) if depth is not None]
    images = [image for image, _ in there]
    told.append(f"{_FILE} says no times: frames are taken to be 1/30 s apart, in the order of their names.")
    turns, size = exif_turns(images[0]), first_size(images)
    intrinsics, spread = mean_intrinsics(
        np.array([_coefficients(scene | frame, size, file) for _, frame in there]), _FILE
    )
    fitted = fit_intrinsics(intrinsics, _said_size(scene | there[0][1]), size, file, turns)
    common: dict[str, Any] = {
        "path": path, "frame_ids": tuple(frame_numbers(images)), "times": np.arange(len(images)) / 30.0,
        "intrinsics": fitted.intrinsics, "world_from_camera": _poses([frame for _, frame in there]),
    }  # fmt: skip
    told += [*spread, *fitted.told]
    capture: ColorCapture
    if has_depth:
        files = [depth for depth in depths if depth is not None]
        said = next((float(scene[name]) for name in _UNITS if isinstance(scene.get(name), int | float)), None)
        scale, assumed = find_depth_scale(files, said)
        capture = FileCapture(
            **common, image_paths=tuple(images), depth_paths=tuple(files), depth_scale=scale,
            warnings=(*told, *assumed, _UNSCALED),
        )  # fmt: skip
    else:
        capture = ColorSource(**common, images=lambda index: read_rgb(images[index]), warnings=tuple(told))
    return to_standard_form(capture, fitted, turns=turns, lens=read_lens(scene | there[0][1], file))


def _image_file(root: Path, name: str) -> Path | None:
    """The image that a frame names; Blender's files leave the ending out."""
    file = root / name
    return next(
        (found for found in (file, *(file.with_name(file.name + end) for end in IMAGE_SUFFIXES)) if found.is_file()),
        None,
    )


def _depth_file(root: Path, frame: dict[str, Any]) -> Path | None:
    name = frame.get("depth_file_path", frame.get("depth_path"))
    return file if isinstance(name, str) and (file := root / name).is_file() else None


def _said_size(camera: dict[str, Any]) -> tuple[float, float] | None:
    try:
        return float(camera["w"]), float(camera["h"])
    except (KeyError, TypeError, ValueError):
        return None


def _coefficients(camera: dict[str, Any], size: tuple[int, int], file: Path) -> list[float]:
    """fx, fy, cx, cy (px) of a frame, at the size that it speaks of."""
    width, height = _said_size(camera) or size
    try:
        if "fl_x" in camera:
            fx = float(camera["fl_x"])
        else:
            fx = 0.5 * width / np.tan(0.5 * float(camera["camera_angle_x"]))
        # The centre of the first pixel is (0.5, 0.5) there.
        centre = [float(camera.get("cx", width / 2)) - 0.5, float(camera.get("cy", height / 2)) - 0.5]
        return [fx, float(camera.get("fl_y", fx)), *centre]
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidFileError(
            f"{file}: fl_x, fl_y, cx, cy (px) or camera_angle_x (rad) are needed; {error} is missing or no number.",
            path=file,
        ) from error


def _poses(frames: list[dict[str, Any]]) -> np.ndarray | None:
    """World from camera, OpenCV axes; NaN where a frame has none."""
    poses = np.full((len(frames), 4, 4), np.nan)
    for index, frame in enumerate(frames):
        try:
            matrix = np.array(frame.get("transform_matrix"), dtype=np.float64)
        except (TypeError, ValueError):
            continue
        if matrix.shape in ((4, 4), (3, 4)):
            poses[index] = np.eye(4)
            poses[index, : len(matrix)] = matrix
    return None if np.isnan(poses).all() else opencv_from_opengl(poses)
