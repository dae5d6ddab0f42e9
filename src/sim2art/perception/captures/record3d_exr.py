"""Record3D's export "EXR + JPG sequence": `EXR_RGBD/` with `metadata.json`, `rgb/N.jpg|png` and `depth/N.exr` (m)."""

from pathlib import Path

import numpy as np

from sim2art.perception.captures.camera_file import read_camera_file
from sim2art.perception.captures.capture import ARKIT_UP, Capture, FileCapture, ups_in_cameras
from sim2art.perception.captures.image_files import files_by_number
from sim2art.perception.captures.record3d import match_frames, read_intrinsics, read_poses, read_times
from sim2art.perception.captures.standard_form import first_size


def is_record3d_exr(path: Path) -> bool:
    """Whether a folder is such an export, or holds one."""
    return _inner(path) is not None


def read_record3d_exr(path: Path) -> Capture:
    """Open such a folder.

    Raises:
        InvalidFileError: When it is damaged or colour and depth do not belong together.
    """
    folder = _inner(path)
    assert folder is not None, "is_record3d_exr was asked before."
    meta = read_camera_file(folder / "metadata.json")
    images = files_by_number(folder / "rgb", (".jpg", ".jpeg", ".png"))
    depths = files_by_number(folder / "depth", (".exr",))
    frames, warnings = match_frames(set(images), set(depths), folder, path)
    paths = tuple(images[frame] for frame in frames)
    intrinsics, told = read_intrinsics(meta, first_size(paths)[0], path)
    poses = read_poses(meta, frames, warnings)
    return FileCapture(
        path=path,
        frame_ids=tuple(frames),
        times=read_times(meta, frames),
        image_paths=paths,
        depth_paths=tuple(depths[frame] for frame in frames),
        depth_scale=1.0,
        intrinsics=np.asarray(intrinsics),
        world_from_camera=poses,
        ups_camera=None if poses is None else ups_in_cameras(poses, ARKIT_UP),
        warnings=(*warnings, *told),
    )


def _inner(path: Path) -> Path | None:
    for folder in (path, path / "EXR_RGBD"):
        if (folder / "metadata.json").is_file() and (folder / "rgb").is_dir() and (folder / "depth").is_dir():
            return folder
    return None
