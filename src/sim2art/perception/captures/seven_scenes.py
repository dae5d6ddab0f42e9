"""7-Scenes and 3DMatch sequences: `frame-NNNNNN.color.png`, `.depth.png` and `.pose.txt` side by side.

Shotton et al., "Scene Coordinate Regression Forests for Camera Relocalization in RGB-D Images", CVPR 2013. Depth is in mm,
65535 where there is none; poses are world from camera, OpenCV axes. 7-Scenes says no intrinsics: those of its Kinect's depth
camera are taken, as its authors advise. 3DMatch has `camera-intrinsics.txt`, in the folder or above it.
"""

from pathlib import Path

import numpy as np

from sim2art.errors import InvalidFileError
from sim2art.perception.captures.camera_file import read_times
from sim2art.perception.captures.capture import Capture
from sim2art.perception.captures.file_capture import (
    SaidCamera,
    StoredFrames,
    file_capture,
    frame_numbers,
    read_pose_files,
)
from sim2art.perception.captures.rgbd_folder import find_camera_file, read_camera

_COLORS = (".color.png", ".color.jpg")
_INTRINSICS = np.array([[585.0, 0, 320], [0, 585, 240], [0, 0, 1]])
_SIZE = {"width": 640, "height": 480}


def is_seven_scenes(path: Path) -> bool:
    """Whether a folder holds such frames."""
    return path.is_dir() and any(next(path.glob(f"*{kind}"), None) is not None for kind in _COLORS)


def read_seven_scenes(path: Path) -> Capture:
    """Open one sequence.

    Raises:
        InvalidFileError: When no colour image has its depth.
    """
    images = sorted(file for kind in _COLORS for file in path.glob(f"*{kind}"))
    depth_of = {file: path / f"{file.name.split('.color.')[0]}.depth.png" for file in images}
    kept = [file for file in images if depth_of[file].is_file()]
    if not kept:
        raise InvalidFileError(
            f"{path} holds {len(images)} colour images, and none has its depth image (NAME.depth.png beside NAME.color.png).",
            path=path,
        )
    told = [f"{len(images) - len(kept)} frames have no depth: they are left out."] if len(kept) < len(images) else []
    file = find_camera_file(path) or find_camera_file(path.parent)
    if file is None:
        camera, intrinsics = dict(_SIZE), _INTRINSICS
        told.append("No file says the intrinsics: those of 7-Scenes are taken (585 px at 640x480).")
    else:
        camera, intrinsics = read_camera(file)
    told.append("The frames have no times: they are taken to be 1/30 s apart.")
    poses = [path / f"{image.name.split('.color.')[0]}.pose.txt" for image in kept]
    has_poses = any(pose.is_file() for pose in poses)
    return file_capture(
        path,
        StoredFrames(
            ids=frame_numbers([Path(image.name.split(".color.")[0]) for image in kept]),
            times=read_times({}, len(kept), path),
            images=kept,
            depths=[depth_of[image] for image in kept],
            poses=read_pose_files(poses) if has_poses else None,
            told=told,
        ),
        SaidCamera(file=file or path, facts=camera, intrinsics=intrinsics, depth_scale=0.001),
    )
