"""RealSense recordings as folders of pictures: colour beside 16-bit depth, aligned to colour, and the camera in JSON.

Two layouts are known. Open3D's recorder: `color/NNNNNN.jpg`, `depth/NNNNNN.png`, `camera_intrinsic.json` (width, height,
intrinsic_matrix column by column). Any script around librealsense: the same folders with `intrinsics.json` or
`camera.json` that holds fx, fy, ppx, ppy (librealsense's names) or `intrinsics` (3x3), and `depth_scale`. Depth is in mm
where nothing else is said.
"""

from pathlib import Path
from typing import Any

import numpy as np

from sim2art.errors import InvalidFileError
from sim2art.perception.captures.capture import FileCapture
from sim2art.perception.captures.capture_folder import fit_to_images, read_camera_file, read_intrinsics, read_times
from sim2art.perception.captures.image_files import IMAGE_SUFFIXES

_COLORS = ("color", "colour", "rgb")
_CAMERA_FILES = ("camera_intrinsic.json", "intrinsics.json", "intrinsic.json", "camera.json")
_DEPTH_SCALE = 0.001


def is_realsense(path: Path) -> bool:
    """Whether a folder holds colour and depth folders and a camera file."""
    is_capture_folder = (path / "rgb").is_dir() and (path / "camera.json").is_file()
    known = _color_folder(path) is not None and _camera_file(path) is not None
    return (path / "depth").is_dir() and known and not is_capture_folder


def read_realsense(path: Path) -> FileCapture:
    """Open such a folder; colour and depth are paired by name, or in order when the names differ.

    Raises:
        InvalidFileError: When they cannot be paired or the camera file does not say the camera matrix.
    """
    color, file = _color_folder(path), _camera_file(path)
    assert color is not None and file is not None, "is_realsense was asked before."
    camera = read_camera_file(file)
    images = {image.stem: image for image in sorted(color.iterdir()) if image.suffix.lower() in IMAGE_SUFFIXES}
    depths = {depth.stem: depth for depth in sorted((path / "depth").iterdir()) if depth.suffix.lower() == ".png"}
    names = sorted(set(images) & set(depths))
    pairs = [(images[name], depths[name]) for name in names]
    warnings = []
    if not pairs and images and len(images) == len(depths):
        pairs = list(zip(images.values(), depths.values(), strict=True))
        warnings.append("Colour and depth images have different names: they are paired in the order of their names.")
    if not pairs:
        raise InvalidFileError(
            f"{path}: {len(images)} colour and {len(depths)} depth images cannot be paired; the same names are needed.",
            path=path,
        )
    lost = max(len(images), len(depths)) - len(pairs)
    if lost:
        warnings.append(f"{lost} frames lack their colour or depth image: they are left out.")
    if "times" not in camera and "fps" not in camera:
        warnings.append(f"{file.name} has neither 'fps' nor 'times': frames are taken to be 1/30 s apart.")
    numbers = [image.stem for image, _ in pairs]
    ids = [int(number) for number in numbers] if all(n.isdecimal() for n in numbers) else list(range(len(pairs)))
    intrinsics, told = fit_to_images(_read_matrix(camera, file), camera, pairs[0][0], file)
    return FileCapture(
        path=path,
        frame_ids=tuple(ids),
        times=read_times(camera, len(pairs), path),
        image_paths=tuple(image for image, _ in pairs),
        depth_paths=tuple(depth for _, depth in pairs),
        depth_scale=float(camera.get("depth_scale", _DEPTH_SCALE)),
        intrinsics=intrinsics,
        warnings=(*warnings, *told),
    )


def _read_matrix(camera: dict[str, Any], file: Path) -> np.ndarray:
    if "intrinsic_matrix" in camera:
        return np.array(camera["intrinsic_matrix"], dtype=np.float64).reshape(3, 3).T
    if "fx" in camera:
        try:
            fx, fy = float(camera["fx"]), float(camera["fy"])
            cx, cy = (float(camera[a] if a in camera else camera[b]) for a, b in (("ppx", "cx"), ("ppy", "cy")))
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidFileError(
                f"{file}: fx, fy, ppx and ppy (px) are needed; {error} is not there.", path=file
            ) from error
        return np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])
    return read_intrinsics(camera, file)


def _color_folder(path: Path) -> Path | None:
    return next((path / name for name in _COLORS if (path / name).is_dir()), None)


def _camera_file(path: Path) -> Path | None:
    return next((path / name for name in _CAMERA_FILES if (path / name).is_file()), None)
