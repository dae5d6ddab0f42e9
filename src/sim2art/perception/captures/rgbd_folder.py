"""Folders of colour beside folders of depth, aligned to colour, and a file that says the camera.

Open3D's RealSense recorder: `color/`, `depth/`, `camera_intrinsic.json`. Any script around librealsense: `intrinsics.json`
or `camera.json` with fx, fy, ppx, ppy (librealsense's names), or a matrix. BundleSDF and FoundationPose: `rgb/`, `depth/`,
`cam_K.txt`. ScanNet as its SensReader exports it: `color/`, `depth/`, `pose/`, `intrinsic/intrinsic_color.txt` and
`intrinsic_depth.txt`; its depth is brought into colour's view. Depth is in mm where nothing else is said.
"""

from pathlib import Path
from typing import Any

import numpy as np

from sim2art.errors import InvalidFileError
from sim2art.perception.captures.camera_file import read_camera_file, read_intrinsics, read_times
from sim2art.perception.captures.capture import Capture, FileCapture
from sim2art.perception.captures.depth_images import DEPTH_SUFFIXES, MILLIMETRES
from sim2art.perception.captures.derived import derive
from sim2art.perception.captures.file_capture import (
    SaidCamera,
    StoredFrames,
    file_capture,
    frame_numbers,
    pair_files,
    read_matrix_file,
    read_pose_files,
)
from sim2art.perception.captures.image_files import IMAGE_SUFFIXES
from sim2art.perception.captures.registration import DepthCamera, Registration
from sim2art.perception.captures.standard_form import first_size, stored_size

_COLORS = ("color", "colour", "rgb", "images", "image")
_DEPTHS = ("depth", "depths")
_POSES = ("pose", "poses")
_JSON_FILES = ("camera_intrinsic.json", "intrinsics.json", "intrinsic.json", "camera.json")
_MATRIX_FILES = ("intrinsic/intrinsic_color.txt", "cam_K.txt", "camera-intrinsics.txt", "intrinsics.txt", "K.txt")
_DEPTH_MATRIX = "intrinsic/intrinsic_depth.txt"
_MATRIX_NAMES = ("intrinsic_matrix", "K", "camera_matrix")


def is_rgbd_folder(path: Path) -> bool:
    """Whether a folder holds colour and depth folders, other than our own."""
    is_capture_folder = (path / "rgb").is_dir() and (path / "depth").is_dir() and (path / "camera.json").is_file()
    return _first(path, _COLORS) is not None and _first(path, _DEPTHS) is not None and not is_capture_folder


def read_rgbd_folder(path: Path) -> Capture:
    """Open such a folder; colour and depth are paired by name, by number, or in order.

    Raises:
        InvalidFileError: When they cannot be paired or the camera file does not say the camera matrix.
    """
    color, depth, file = _first(path, _COLORS), _first(path, _DEPTHS), find_camera_file(path)
    assert color is not None and depth is not None, "is_rgbd_folder was asked before."
    if file is None:
        raise InvalidFileError(
            f"{path} holds {color.name}/ and {depth.name}/, but no file that says the camera. Give camera.json with "
            "intrinsics (3x3, px), depth_scale (m a unit) and fps, or the matrix alone in cam_K.txt.",
            path=path,
        )
    camera, intrinsics = read_camera(file)
    images = [image for image in color.iterdir() if image.suffix.lower() in IMAGE_SUFFIXES]
    depths = [image for image in depth.iterdir() if image.suffix.lower() in DEPTH_SUFFIXES]
    pairs, told = pair_files(images, depths)
    if not pairs:
        raise InvalidFileError(
            f"{path}: {len(images)} colour and {len(depths)} depth images cannot be paired; the same names are needed.",
            path=path,
        )
    numbers = frame_numbers([image for image, _ in pairs])
    pairs = [pairs[i] for i in np.argsort(numbers, kind="stable")]
    if "times" not in camera and "fps" not in camera:
        told.append(f"{file.name} has neither 'fps' nor 'times': frames are taken to be 1/30 s apart.")
    poses = _first(path, _POSES)
    is_scannet = (path / _DEPTH_MATRIX).is_file()
    capture = file_capture(
        path,
        StoredFrames(
            ids=sorted(numbers),
            times=read_times(camera, len(pairs), file),
            images=[image for image, _ in pairs],
            depths=[image for _, image in pairs],
            # Other tools keep poses of the object in a folder of that name.
            poses=read_pose_files([poses / f"{image.stem}.txt" for image, _ in pairs])
            if poses and is_scannet
            else None,
            told=told,
        ),
        SaidCamera(file=file, facts=camera, intrinsics=intrinsics, depth_scale=MILLIMETRES if is_scannet else None),
    )
    return _registered(path, capture, pairs) if is_scannet else capture


def find_camera_file(path: Path) -> Path | None:
    """The file of a folder that says the camera matrix."""
    return next((path / name for name in (*_JSON_FILES, *_MATRIX_FILES) if (path / name).is_file()), None)


def read_camera(file: Path) -> tuple[dict[str, Any], np.ndarray]:
    """What a camera file says, and its matrix (px).

    Raises:
        InvalidFileError: When it does not say the matrix.
    """
    if file.suffix != ".json":
        return {}, read_matrix_file(file)[:3, :3]
    camera = read_camera_file(file)
    found = next((camera[name] for name in _MATRIX_NAMES if name in camera), None)
    if found is not None:
        try:
            matrix = np.array(found, dtype=np.float64).reshape(3, 3)
        except (TypeError, ValueError) as error:
            raise InvalidFileError(f"{file}: the camera matrix is not 3x3 numbers.", path=file) from error
        return camera, matrix.T if matrix[2, 0] > matrix[0, 2] else matrix  # Open3D writes it column by column.
    if "fx" in camera:
        try:
            fx, fy = float(camera["fx"]), float(camera["fy"])
            cx, cy = (float(camera[a] if a in camera else camera[b]) for a, b in (("ppx", "cx"), ("ppy", "cy")))
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidFileError(
                f"{file}: fx, fy, ppx and ppy (px) are needed; {error} is not there.", path=file
            ) from error
        return camera, np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])
    return camera, read_intrinsics(camera, file)


def _registered(path: Path, capture: Capture, pairs: list[tuple[Path, Path]]) -> Capture:
    """A ScanNet recording with depth in the view of colour, where the two cameras differ."""
    if not isinstance(capture, FileCapture):
        return capture  # It was turned or straightened, which ScanNet's exports never are.
    size = next((size for _, depth in pairs if (size := stored_size(depth)) is not None), None)
    if size is None:
        return capture
    depth_k = read_matrix_file(path / _DEPTH_MATRIX)[:3, :3]
    to_depth, to_color = (
        read_matrix_file(file) if (file := path / "intrinsic" / f"extrinsic_{name}.txt").is_file() else np.eye(4)
        for name in ("depth", "color")
    )
    camera = DepthCamera(intrinsics=depth_k, size=size, color_from_depth=np.linalg.inv(to_color) @ to_depth)
    register = Registration(camera, capture.intrinsics, first_size([image for image, _ in pairs]))
    if not register.is_needed:
        return capture
    return derive(capture, depths=lambda index: register(capture.read_depth(index)))


def _first(path: Path, names: tuple[str, ...]) -> Path | None:
    return next((path / name for name in names if (path / name).is_dir()), None)
