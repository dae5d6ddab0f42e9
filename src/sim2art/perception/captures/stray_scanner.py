"""Stray Scanner recordings (iPhone LiDAR): `rgb.mp4`, `depth/NNNNNN.png` (mm), `confidence/`, two tables.

`camera_matrix.csv` is 3x3 at the video's size; `odometry.csv` has a header and a row a frame: timestamp, frame, x, y, z,
qx, qy, qz, qw of the camera in the world, OpenCV axes (https://docs.strayrobots.io/apps/scanner/format.html). Depth is
256x192 px of the same view; pixels of confidence 0 (of 0 to 2) are left out.
"""

from pathlib import Path

import numpy as np

from sim2art.errors import InvalidFileError
from sim2art.perception.captures.capture import ARKIT_UP, Capture, DepthSource, poses_from_quaternions, ups_in_cameras
from sim2art.perception.captures.depth_images import read_confident_depth
from sim2art.perception.captures.image_files import files_by_number
from sim2art.perception.captures.standard_form import fit_intrinsics, to_standard_form
from sim2art.perception.captures.video_file import VideoFile


def is_stray_scanner(path: Path) -> bool:
    """Whether a folder looks like a Stray Scanner recording."""
    return (path / "odometry.csv").is_file() and (path / "rgb.mp4").is_file()


def read_stray_scanner(path: Path) -> Capture:
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
    video = VideoFile(path / "rgb.mp4", upright=False)
    table = _read_table(path / "odometry.csv", columns=9, skip=1)
    intrinsics = _read_table(path / "camera_matrix.csv", columns=3, skip=0)[:3, :3]
    fitted = fit_intrinsics(intrinsics, None, video.size, path / "camera_matrix.csv")
    rows = {int(row[1]): row for row in table if np.isfinite(row[:2]).all()}
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

    poses = poses_from_quaternions(values[:, 2:5], values[:, 5:9])
    capture = DepthSource(
        path=path,
        frame_ids=tuple(frames),
        times=values[:, 0] - values[0, 0],
        images=lambda index: video.read(frames[index]),
        depths=lambda index: read_confident_depth(depths[frames[index]], confidences.get(frames[index])),
        intrinsics=fitted.intrinsics,
        world_from_camera=poses,
        ups_camera=ups_in_cameras(poses, ARKIT_UP),
        warnings=tuple(warnings),
    )
    return to_standard_form(capture, fitted, turns=video.turns)


def _read_table(path: Path, *, columns: int, skip: int) -> np.ndarray:
    """Numbers separated by commas, at least so many in a row."""
    try:
        lines = path.read_text().splitlines()[skip:]
        rows = [[float(word) for word in line.split(",")[:columns]] for line in lines if line.strip()]
        table = np.array(rows, dtype=np.float64)
        assert table.ndim == 2 and table.shape[1] == columns
    except (OSError, UnicodeDecodeError, ValueError, AssertionError) as error:
        raise InvalidFileError(
            f"{path} is missing or damaged; rows of {columns} numbers with commas between are needed.", path=path
        ) from error
    return table
