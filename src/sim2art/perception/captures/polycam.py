"""Polycam raw data (Export > Raw data): `keyframes/images/T.jpg`, `cameras/T.json`, `depth/T.png`, `confidence/T.png`.

T is a time stamp in microseconds. A camera file holds fx, fy, cx, cy, width, height (px) and t_00 ... t_23: the camera in
the world, row by row, in ARKit's axes. Poses that Polycam made consistent (`corrected_cameras`, `corrected_images`) are
preferred where they cover the frames. Depth is in mm at 256x192 px; confidence is 0, 54 or 255, and 0 is left out.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sim2art.errors import InvalidFileError
from sim2art.geometry.transforms import make_transform
from sim2art.perception.captures.camera_file import read_camera_file, said_size
from sim2art.perception.captures.capture import (
    ARKIT_UP,
    ColorCapture,
    DepthSource,
    mean_intrinsics,
    opencv_from_opengl,
    ups_in_cameras,
)
from sim2art.perception.captures.depth_images import read_confident_depth
from sim2art.perception.captures.image_files import files_by_number, read_rgb
from sim2art.perception.captures.orientation import exif_turns
from sim2art.perception.captures.standard_form import first_size, fit_intrinsics, to_standard_form

_TRANSFORM = [f"t_{row}{column}" for row in range(3) for column in range(4)]
_KINDS = ("", "corrected_")


def is_polycam(path: Path) -> bool:
    """Whether a folder holds Polycam's raw data, with depth or without."""
    return _keyframes(path) is not None


@dataclass(frozen=True, kw_only=True)
class _Frames:
    """Images and cameras by time stamp, as recorded or as Polycam corrected them."""

    kind: str
    images: dict[int, Path]
    cameras: dict[int, Path]

    def stamps(self, depths: dict[int, Path]) -> list[int]:
        """Frames that have everything."""
        return sorted(set(self.images) & set(self.cameras) & set(depths))


def read_polycam(path: Path) -> ColorCapture:
    """Open a folder of Polycam raw data.

    Raises:
        InvalidFileError: When it holds no depth (photo mode) or files are damaged.
    """
    folder = _keyframes(path)
    assert folder is not None, "is_polycam was asked before."
    depths = files_by_number(folder / "depth", (".png",))
    confidences = files_by_number(folder / "confidence", (".png",))
    warnings: list[str] = []
    frames = _choose_frames(path, folder, depths, warnings)
    stamps = frames.stamps(depths)
    lost = len(set(frames.images) | set(depths)) - len(stamps)
    if lost:
        warnings.append(f"{lost} frames lack their image, camera or depth: they are left out.")
    coefficients, poses = [], []
    for stamp in stamps:
        camera = read_camera_file(frames.cameras[stamp])
        try:
            coefficients.append([float(camera[name]) for name in ("fx", "fy", "cx", "cy")])
            rows = np.array([float(camera[name]) for name in _TRANSFORM]).reshape(3, 4)
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidFileError(
                f"{frames.cameras[stamp]}: {error} is missing or no number.", path=frames.cameras[stamp]
            ) from error
        poses.append(make_transform(rows[:, :3], rows[:, 3]))
    intrinsics, told = mean_intrinsics(np.array(coefficients), str(path))
    first = stamps[0]
    images = [frames.images[stamp] for stamp in stamps]
    turns = exif_turns(images[0])
    said = said_size(read_camera_file(frames.cameras[first]))
    fitted = fit_intrinsics(intrinsics, said, first_size(images), frames.cameras[first], turns)

    world_from_camera = opencv_from_opengl(np.array(poses))
    capture = DepthSource(
        path=path,
        frame_ids=tuple(range(len(stamps))),
        times=(np.array(stamps, dtype=np.float64) - first) * 1e-6,
        images=lambda index: read_rgb(images[index]),
        depths=lambda index: read_confident_depth(depths[stamps[index]], confidences.get(stamps[index])),
        intrinsics=fitted.intrinsics,
        world_from_camera=world_from_camera,
        ups_camera=ups_in_cameras(world_from_camera, ARKIT_UP),
        warnings=(*warnings, *told, *fitted.told),
    )
    return to_standard_form(capture, fitted, turns=turns)


def _choose_frames(path: Path, folder: Path, depths: dict[int, Path], warnings: list[str]) -> _Frames:
    """Corrected images and cameras where they cover as many depth frames as the raw ones, else those."""
    raw, corrected = (
        _Frames(
            kind=kind,
            images=files_by_number(folder / f"{kind}images", (".jpg", ".jpeg", ".png")),
            cameras=files_by_number(folder / f"{kind}cameras", (".json",)),
        )
        for kind in _KINDS
    )
    covered = len(corrected.stamps(depths)), len(raw.stamps(depths))
    if not depths:
        pictures = folder / f"{(raw if raw.images else corrected).kind}images"
        raise InvalidFileError(
            f"{path} is a Polycam capture of photo mode: {max(len(raw.images), len(corrected.images))} images with cameras, "
            "but no depth. Record in LiDAR or Room mode with developer mode on, and export the raw data; or go on with colour "
            f"alone: sim2art run {pictures} --chain light",
            path=path,
        )
    if max(covered) == 0:
        raise InvalidFileError(
            f"{path}: {len(raw.images)} images, {len(raw.cameras)} cameras and {len(depths)} depth images have no frame in "
            "common. Record in LiDAR or Room mode with developer mode on, and export the raw data.",
            path=path,
        )
    if covered[0] >= covered[1]:
        if not raw.images:
            warnings.append(
                "The Polycam capture holds corrected images and cameras only, not the raw ones: those are used."
            )
        return corrected
    if covered[0]:
        warnings.append(
            f"Polycam corrected only {covered[0]} of {covered[1]} frames with depth: the raw images and cameras are used."
        )
    return raw


def _keyframes(path: Path) -> Path | None:
    for folder in (path / "keyframes", path):
        if any((folder / f"{kind}images").is_dir() and (folder / f"{kind}cameras").is_dir() for kind in _KINDS):
            return folder
    return None
