"""Stray Scanner recordings (iPhone LiDAR): `rgb.mp4`, `depth/NNNNNN.png` (mm), `confidence/`, two tables.

`camera_matrix.csv` is 3x3 at the video's size; `odometry.csv` has a header and a row a frame: timestamp, frame, x, y, z,
qx, qy, qz, qw of the camera in the world, OpenCV axes (https://docs.strayrobots.io/apps/scanner/format.html). Depth is
256x192 px of the same view; pixels of confidence 0 (of 0 to 2) are left out.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float32

from sim2art.errors import InvalidFileError
from sim2art.geometry.rotations import rotation_from_quaternion
from sim2art.geometry.transforms import make_transform
from sim2art.perception.captures.capture import ARKIT_UP, DepthSource, ups_in_cameras
from sim2art.perception.captures.image_files import files_by_number, read_depth_image, read_raw
from sim2art.perception.captures.video_file import VideoFile

_DEPTH_SCALE = 0.001
_MIN_CONFIDENCE = 1


def is_stray_scanner(path: Path) -> bool:
    """Whether a folder looks like a Stray Scanner recording."""
    return (path / "odometry.csv").is_file() and (path / "rgb.mp4").is_file()


def read_stray_scanner(path: Path) -> DepthSource:
    """Open a Stray Scanner folder.

    Raises:
        InvalidFileError: When parts are missing or do not belong together.
    """
    depths = files_by_number(path / "depth", (".png",))
    confidences = files_by_number(path / "confidence", (".png",))
    if not depths:
        raise InvalidFileError(
            f"{path / 'depth'} holds no depth images; the recording was made without LiDAR or copied in part.",
            path=path,
        )
    video = VideoFile(path / "rgb.mp4")
    table = _read_table(path / "odometry.csv", columns=9, skip=1)
    intrinsics = _read_table(path / "camera_matrix.csv", columns=3, skip=0)[:3, :3]
    rows = {int(row[1]): row for row in table}
    frames = [frame for frame in sorted(depths) if frame in rows and frame < video.num_frames]
    if not frames:
        raise InvalidFileError(
            f"{path}: {len(depths)} depth images, {len(rows)} poses and {video.num_frames} video frames have no frame in "
            "common.",
            path=path,
        )
    warnings = list(video.warnings)
    lost = max(video.num_frames, len(depths)) - len(frames)
    if lost:
        warnings.append(f"{lost} frames lack colour, depth or pose: they are left out.")
    values = np.array([rows[frame] for frame in frames])

    def depth(index: int) -> Float32[np.ndarray, "height width"]:
        frame = frames[index]
        found = read_depth_image(depths[frame], _DEPTH_SCALE)
        if frame in confidences:
            confidence = read_raw(confidences[frame])
            if confidence.shape == found.shape:
                found = np.where(confidence >= _MIN_CONFIDENCE, found, np.float32(0))
        return found

    poses = make_transform(rotation_from_quaternion(values[:, [8, 5, 6, 7]]), values[:, 2:5])
    return DepthSource(
        path=path,
        frame_ids=tuple(frames),
        times=values[:, 0] - values[0, 0],
        images=lambda index: video.read(frames[index]),
        depths=depth,
        intrinsics=intrinsics,
        world_from_camera=poses,
        ups_camera=ups_in_cameras(poses, ARKIT_UP),
        warnings=tuple(warnings),
    )


def _read_table(path: Path, *, columns: int, skip: int) -> np.ndarray:
    """Numbers separated by commas, at least so many in a row."""
    try:
        lines = path.read_text().splitlines()[skip:]
        rows = [[float(word) for word in line.split(",")[:columns]] for line in lines if line.strip()]
        table = np.array(rows, dtype=np.float64)
        assert table.ndim == 2 and table.shape[1] == columns and np.all(np.isfinite(table))
    except (OSError, UnicodeDecodeError, ValueError, AssertionError) as error:
        raise InvalidFileError(
            f"{path} is missing or damaged; rows of {columns} numbers with commas between are needed.", path=path
        ) from error
    return table
