"""Polycam raw data (Export > Raw data): `keyframes/images/T.jpg`, `cameras/T.json`, `depth/T.png`, `confidence/T.png`.

T is a time stamp in microseconds. A camera file holds fx, fy, cx, cy, width, height (px) and t_00 ... t_23: the camera in
the world, row by row, in ARKit's axes. Poses that Polycam made consistent (`corrected_cameras`, `corrected_images`) are
preferred. Depth is in mm at 256x192 px; confidence is 0, 54 or 255, and 0 is left out.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float32

from sim2art.errors import InvalidFileError
from sim2art.geometry.transforms import make_transform
from sim2art.perception.captures.capture import (
    ARKIT_UP,
    DepthSource,
    mean_intrinsics,
    opencv_from_opengl,
    ups_in_cameras,
)
from sim2art.perception.captures.capture_folder import read_camera_file
from sim2art.perception.captures.image_files import files_by_number, read_depth_image, read_raw, read_rgb

_DEPTH_SCALE = 0.001
_TRANSFORM = [f"t_{row}{column}" for row in range(3) for column in range(4)]


def is_polycam(path: Path) -> bool:
    """Whether a folder holds Polycam's raw data."""
    return _keyframes(path) is not None


def read_polycam(path: Path) -> DepthSource:
    """Open a folder of Polycam raw data.

    Raises:
        InvalidFileError: When it holds no depth (photo mode) or files are damaged.
    """
    folder = _keyframes(path)
    assert folder is not None, "is_polycam was asked before."
    kind = "corrected_" if (folder / "corrected_cameras").is_dir() and (folder / "corrected_images").is_dir() else ""
    images = files_by_number(folder / f"{kind}images", (".jpg", ".jpeg", ".png"))
    cameras = files_by_number(folder / f"{kind}cameras", (".json",))
    depths = files_by_number(folder / "depth", (".png",))
    confidences = files_by_number(folder / "confidence", (".png",))
    stamps = sorted(set(images) & set(cameras) & set(depths))
    if not stamps:
        raise InvalidFileError(
            f"{path}: {len(images)} images, {len(cameras)} cameras and {len(depths)} depth images have no frame in common. "
            "Record in LiDAR or Room mode with developer mode on, and export the raw data.",
            path=path,
        )
    warnings: list[str] = []
    lost = len(set(images) | set(depths)) - len(stamps)
    if lost:
        warnings.append(f"{lost} frames lack their image, camera or depth: they are left out.")
    coefficients, poses = [], []
    for stamp in stamps:
        camera = read_camera_file(cameras[stamp])
        try:
            coefficients.append([float(camera[name]) for name in ("fx", "fy", "cx", "cy")])
            rows = np.array([float(camera[name]) for name in _TRANSFORM]).reshape(3, 4)
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidFileError(
                f"{cameras[stamp]}: {error} is missing or no number.", path=cameras[stamp]
            ) from error
        poses.append(make_transform(rows[:, :3], rows[:, 3]))
    intrinsics, told = mean_intrinsics(np.array(coefficients), str(path))
    times = (np.array(stamps, dtype=np.float64) - stamps[0]) * 1e-6

    def depth(index: int) -> Float32[np.ndarray, "height width"]:
        stamp = stamps[index]
        found = read_depth_image(depths[stamp], _DEPTH_SCALE)
        if stamp in confidences:
            confidence = read_raw(confidences[stamp])
            if confidence.shape == found.shape:
                found = np.where(confidence > 0, found, np.float32(0))
        return found

    return DepthSource(
        path=path,
        frame_ids=tuple(range(len(stamps))),
        times=times,
        images=lambda index: read_rgb(images[stamps[index]]),
        depths=depth,
        intrinsics=intrinsics,
        world_from_camera=opencv_from_opengl(np.array(poses)),
        ups_camera=ups_in_cameras(opencv_from_opengl(np.array(poses)), ARKIT_UP),
        warnings=(*warnings, *told),
    )


def _keyframes(path: Path) -> Path | None:
    for folder in (path / "keyframes", path):
        if (folder / "images").is_dir() and (folder / "cameras").is_dir() and (folder / "depth").is_dir():
            return folder
    return None
