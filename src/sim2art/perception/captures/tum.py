"""TUM RGB-D recordings: `rgb.txt` and `depth.txt` (time, file), optionally `groundtruth.txt` (time, tx ty tz qx qy qz qw).

Sturm et al., "A Benchmark for the Evaluation of RGB-D SLAM Systems", IROS 2012. Depth is 16 bit at 5000 units a metre.
The three lists run on their own clocks, so frames are paired by nearest time. A `camera.json` with `intrinsics` and
`depth_scale` overrides the defaults; without it the folder's name chooses the freiburg camera.
"""

from pathlib import Path

import numpy as np

from sim2art.errors import InvalidFileError
from sim2art.geometry.rotations import rotation_from_quaternion
from sim2art.geometry.transforms import make_transform
from sim2art.perception.captures.capture import HOW_TO_GET_DEPTH, FileCapture
from sim2art.perception.captures.capture_folder import read_camera_file, read_intrinsics

_DEPTH_SCALE = 1 / 5000
_MAX_GAP = 0.02
"""Largest time (s) between the colour and the depth image of one frame: two thirds of a 30 Hz step."""
_INTRINSICS = {
    "freiburg1": (517.3, 516.5, 318.6, 255.3),
    "freiburg2": (520.9, 521.0, 325.1, 249.7),
    "freiburg3": (535.4, 539.2, 320.1, 247.6),
}
"""fx, fy, cx, cy (px) at 640x480, as published with the benchmark."""
_DEFAULT_INTRINSICS = (525.0, 525.0, 319.5, 239.5)


def is_tum(path: Path) -> bool:
    """Whether a folder looks like a TUM RGB-D recording."""
    return (path / "rgb.txt").is_file()


def read_tum(path: Path) -> FileCapture:
    """Open a TUM RGB-D folder.

    Raises:
        InvalidFileError: When lists are missing or hold no colour and depth images close in time.
    """
    if not (path / "depth.txt").is_file():
        raise InvalidFileError(f"{path} has rgb.txt but no depth.txt. {HOW_TO_GET_DEPTH}.", path=path)
    rgb_times, rgb_rows = _read_list(path / "rgb.txt", columns=1)
    depth_times, depth_rows = _read_list(path / "depth.txt", columns=1)
    pairs = _nearest_pairs(rgb_times, depth_times)
    if not pairs:
        raise InvalidFileError(
            f"{path}: no colour image lies within {_MAX_GAP} s of a depth image ({len(rgb_times)} colour from "
            f"{rgb_times[0]:.2f} s, {len(depth_times)} depth from {depth_times[0]:.2f} s).",
            path=path,
        )
    warnings = []
    if len(pairs) < len(rgb_times):
        warnings.append(f"{len(rgb_times) - len(pairs)} of {len(rgb_times)} colour images have no depth image in time.")
    times = np.array([rgb_times[i] for i, _ in pairs])
    if (path / "camera.json").is_file():
        camera = read_camera_file(path / "camera.json")
        intrinsics, scale = (
            read_intrinsics(camera, path / "camera.json"),
            float(camera.get("depth_scale", _DEPTH_SCALE)),
        )
    else:
        name = next((name for name in _INTRINSICS if name in path.resolve().name), None)
        fx, fy, cx, cy = _INTRINSICS[name] if name else _DEFAULT_INTRINSICS
        if name is None:
            warnings.append("No camera.json: the default Kinect intrinsics (525 px at 640x480) are used.")
        intrinsics, scale = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]]), _DEPTH_SCALE
    poses = None
    if (path / "groundtruth.txt").is_file():
        poses, gaps = _read_trajectory(path / "groundtruth.txt", times)
        near = gaps < 0.1
        if near.mean() < 0.8:
            warnings.append("groundtruth.txt covers too few of the frames: camera poses are estimated instead.")
            poses = None
        elif not near.all():
            warnings.append(f"{int((~near).sum())} frames have no camera pose within 0.1 s and are left out.")
            pairs = [pair for pair, keep in zip(pairs, near, strict=True) if keep]
            times, poses = times[near], poses[near]
    return FileCapture(
        path=path,
        frame_ids=tuple(i for i, _ in pairs),
        times=times - times[0],
        image_paths=tuple(path / rgb_rows[i][0] for i, _ in pairs),
        depth_paths=tuple(path / depth_rows[j][0] for _, j in pairs),
        depth_scale=scale,
        intrinsics=intrinsics,
        world_from_camera=poses,
        warnings=tuple(warnings),
    )


def _read_list(path: Path, *, columns: int) -> tuple[np.ndarray, list[list[str]]]:
    """Times (s, increasing) and the other words of each line; comments and repeated times are skipped."""
    rows: dict[float, list[str]] = {}
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1):
        words = line.replace(",", " ").split()
        if not words or words[0].startswith("#"):
            continue
        try:
            time = float(words[0])
        except ValueError:
            time = np.nan
        if not np.isfinite(time) or len(words) < columns + 1:
            raise InvalidFileError(
                f"{path}, line {number}: '{line[:60]}' is not a time and {columns} value(s).", path=path
            )
        rows[time] = words[1:]
    if not rows:
        raise InvalidFileError(f"{path} lists no frames.", path=path)
    times = sorted(rows)
    return np.array(times), [rows[time] for time in times]


def _nearest_pairs(times_a: np.ndarray, times_b: np.ndarray) -> list[tuple[int, int]]:
    """Pairs that are nearest to each other both ways and no further than the largest gap."""
    distance = np.abs(times_a[:, None] - times_b[None])
    to_b, to_a = distance.argmin(axis=1), distance.argmin(axis=0)
    return [(i, int(j)) for i, j in enumerate(to_b) if to_a[j] == i and distance[i, j] <= _MAX_GAP]


def _read_trajectory(path: Path, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pose at the nearest stamp to each time, and how far (s) it is."""
    stamps, rows = _read_list(path, columns=7)
    try:
        values = np.array([[float(word) for word in row[:7]] for row in rows])
    except ValueError as error:
        raise InvalidFileError(f"{path}: lines hold time, tx ty tz, qx qy qz qw; found {error}.", path=path) from error
    nearest = np.abs(times[:, None] - stamps[None]).argmin(axis=1)
    xyzw = values[:, 3:]
    norms = np.linalg.norm(xyzw, axis=1)
    if not np.all(norms > 1e-6):
        raise InvalidFileError(f"{path}: a quaternion has length 0 or is not finite.", path=path)
    poses = make_transform(rotation_from_quaternion(xyzw[:, [3, 0, 1, 2]]), values[:, :3])
    return poses[nearest], np.abs(stamps[nearest] - times)
