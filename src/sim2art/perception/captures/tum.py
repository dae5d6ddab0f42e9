"""TUM RGB-D recordings: `rgb.txt` and `depth.txt` (time, file), optionally `groundtruth.txt` (time, tx ty tz qx qy qz qw).

Sturm et al., "A Benchmark for the Evaluation of RGB-D SLAM Systems", IROS 2012. Depth is 16 bit at 5000 units a metre.
The three lists run on their own clocks, so frames are paired by nearest time. A `camera.json` with `intrinsics` and
`depth_scale` overrides the defaults; without it the folder's name chooses the freiburg camera.
"""

from pathlib import Path
from typing import Any

import numpy as np

from sim2art.errors import InvalidFileError
from sim2art.perception.captures.camera_file import read_camera_file, read_intrinsics
from sim2art.perception.captures.capture import HOW_TO_GET_DEPTH, Capture, poses_from_quaternions
from sim2art.perception.captures.depth_images import depth_from_raw, read_raw_depth
from sim2art.perception.captures.file_capture import SaidCamera, StoredFrames, file_capture
from sim2art.perception.captures.frame_lists import nearest, nearest_pairs

_DEPTH_SCALE = 1 / 5000
_MAX_GAP = 0.02
"""Largest time (s) between the colour and the depth image of one frame: two thirds of a 30 Hz step."""
_MAX_POSE_GAP = 0.1
_NEAREST_SEEN = 0.4
"""m: depth cameras of the benchmark's kind see nothing nearer, so half of an image cannot lie there."""
_INTRINSICS = {
    "freiburg1": (517.3, 516.5, 318.6, 255.3),
    "freiburg2": (520.9, 521.0, 325.1, 249.7),
    "freiburg3": (535.4, 539.2, 320.1, 247.6),
}
"""fx, fy, cx, cy (px) at 640x480, as published with the benchmark."""
_DEFAULT_INTRINSICS = (525.0, 525.0, 319.5, 239.5)
_SIZE = {"width": 640, "height": 480}


def is_tum(path: Path) -> bool:
    """Whether a folder looks like a TUM RGB-D recording."""
    return (path / "rgb.txt").is_file()


def read_tum(path: Path) -> Capture:
    """Open a TUM RGB-D folder.

    Raises:
        InvalidFileError: When lists are missing or hold no colour and depth images close in time.
    """
    if not (path / "depth.txt").is_file():
        raise InvalidFileError(f"{path} has rgb.txt but no depth.txt. {HOW_TO_GET_DEPTH}.", path=path)
    told: list[str] = []
    rgb_times, rgb_rows = _read_list(path / "rgb.txt", columns=1, told=told)
    depth_times, depth_rows = _read_list(path / "depth.txt", columns=1, told=told)
    pairs = nearest_pairs(rgb_times, depth_times, _MAX_GAP)
    if not pairs:
        raise InvalidFileError(
            f"{path}: no colour image lies within {_MAX_GAP} s of a depth image ({len(rgb_times)} colour from "
            f"{rgb_times[0]:.2f} s, {len(depth_times)} depth from {depth_times[0]:.2f} s).",
            path=path,
        )
    if len(pairs) < len(rgb_times):
        told.append(f"{len(rgb_times) - len(pairs)} of {len(rgb_times)} colour images have no depth image in time.")
    times = np.array([rgb_times[i] for i, _ in pairs])
    poses = None
    if (path / "groundtruth.txt").is_file():
        poses, gaps = _read_trajectory(path / "groundtruth.txt", times, told)
        near = gaps < _MAX_POSE_GAP
        if near.mean() < 0.8:
            told.append("groundtruth.txt covers too few of the frames: camera poses are estimated instead.")
            poses = None
        elif not near.all():
            told.append(f"{int((~near).sum())} frames have no camera pose within 0.1 s and are left out.")
            pairs = [pair for pair, keep in zip(pairs, near, strict=True) if keep]
            times, poses = times[near], poses[near]
    depths = [path / depth_rows[j][0] for _, j in pairs]
    camera, intrinsics, known = _read_camera(path, told)
    return file_capture(
        path,
        StoredFrames(
            ids=[i for i, _ in pairs],
            times=times - times[0],
            images=[path / rgb_rows[i][0] for i, _ in pairs],
            depths=depths,
            poses=poses,
            told=told,
        ),
        SaidCamera(
            file=path / "camera.json",
            facts=camera,
            intrinsics=intrinsics,
            depth_scale=None if "depth_scale" in camera else _judge_scale(depths, told, is_known=known),
        ),
    )


def _read_camera(path: Path, told: list[str]) -> tuple[dict[str, Any], np.ndarray, bool]:
    """What is said of the camera, its intrinsics (px), and whether it is one of the benchmark's."""
    file = path / "camera.json"
    name = next((name for name in _INTRINSICS if name in path.resolve().name), None)
    if file.is_file():
        camera = read_camera_file(file)
        return camera, read_intrinsics(camera, file), name is not None
    fx, fy, cx, cy = _INTRINSICS[name] if name else _DEFAULT_INTRINSICS
    if name is None:
        told.append("No camera.json: the default Kinect intrinsics (525 px at 640x480) are used.")
    return dict(_SIZE), np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]]), name is not None


def _judge_scale(files: list[Path], told: list[str], *, is_known: bool) -> float:
    """Metres of one depth unit where nothing says it: the benchmark's, unless that puts the scene too near to be seen."""
    medians = []
    for file in files[:: max(1, len(files) // 5)]:
        try:
            depth = depth_from_raw(read_raw_depth(file), 1.0, file)
        except InvalidFileError:
            continue
        if np.any(depth > 0):
            medians.append(float(np.median(depth[depth > 0])))
    if is_known or not medians:
        return _DEPTH_SCALE
    units = float(np.median(medians))
    usual, in_mm = units * _DEPTH_SCALE, units * 0.001
    is_mm = usual < _NEAREST_SEEN
    taken = (
        f"in mm ({in_mm:.2f} m; at 5000 units a metre it would be {usual:.2f} m, too near to be seen)"
        if is_mm
        else (
            f"at 5000 units a metre, as in the TUM benchmark ({usual:.2f} m; were it in mm, all lengths would be 5 times as long)"
        )
    )
    told.append(
        f"Nothing says the depth unit; a median of {units:.0f} units is taken {taken}. "
        "Say it by 'depth_scale' in a camera.json with 'intrinsics'."
    )
    return 0.001 if is_mm else _DEPTH_SCALE


def _read_list(path: Path, *, columns: int, told: list[str]) -> tuple[np.ndarray, list[list[str]]]:
    """Times (s, increasing) and the other words of each line; comments are skipped, of repeated times the last counts."""
    rows: dict[float, list[str]] = {}
    odd: list[int] = []
    latest = -np.inf
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
        if time <= latest:
            odd.append(number)
        latest = max(latest, time)
        rows[time] = words[1:]
    if not rows:
        raise InvalidFileError(f"{path} lists no frames.", path=path)
    if odd:
        told.append(
            f"{path.name}: the time does not go on at {len(odd)} line(s), first line {odd[0]}: the list was sorted, and of "
            "equal times one was kept."
        )
    times = sorted(rows)
    return np.array(times), [rows[time] for time in times]


def _read_trajectory(path: Path, times: np.ndarray, told: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Pose at the nearest stamp to each time, NaN where that is none, and how far (s) it is."""
    stamps, rows = _read_list(path, columns=7, told=told)
    try:
        values = np.array([[float(word) for word in row[:7]] for row in rows])
    except ValueError as error:
        raise InvalidFileError(f"{path}: lines hold time, tx ty tz, qx qy qz qw; found {error}.", path=path) from error
    chosen, gaps = nearest(times, stamps)
    return poses_from_quaternions(values[chosen, :3], values[chosen, 3:]), gaps
