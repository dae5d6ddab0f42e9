"""Record3D recordings (`.r3d`): a zip of `metadata` (JSON) and `rgbd/N.jpg`, `rgbd/N.depth`, `rgbd/N.conf`.

Depth is float32 metres of `dw` x `dh` px, confidence 0 (low) to 2 (high), both packed by LZFSE. `K` is column by column
at the colour image's size `w` x `h`; `perFrameIntrinsicCoeffs` holds fx, fy, cx, cy. `poses` are qx, qy, qz, qw, x, y, z
of the camera in ARKit's axes. The unzipped folder is read too.
"""

import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8

from sim2art.errors import InvalidFileError
from sim2art.optional import require
from sim2art.perception.captures.capture import (
    ARKIT_UP,
    DepthSource,
    mean_intrinsics,
    opencv_from_opengl,
    poses_from_quaternions,
    scale_intrinsics,
    ups_in_cameras,
)
from sim2art.perception.captures.depth_images import clean_depth, keep_confident
from sim2art.perception.captures.image_files import decode_rgb

_LZFSE_PLAIN, _LZFSE_END = b"bvx-", b"bvx$"


def is_record3d(path: Path) -> bool:
    """Whether a path is an `.r3d` file or such a file unzipped."""
    return (path.is_file() and path.suffix.lower() == ".r3d") or (
        (path / "rgbd").is_dir() and (path / "metadata").is_file()
    )


def read_record3d(path: Path) -> DepthSource:
    """Open a Record3D recording.

    Raises:
        InvalidFileError: When it is damaged or holds no frames with depth.
    """
    names, read = _open(path)
    meta = _read_metadata(read, path)
    frames, warnings = match_frames(_numbers(names, ".jpg"), _numbers(names, ".depth"), path, path)
    first = decode_rgb(np.frombuffer(read(f"rgbd/{frames[0]}.jpg"), np.uint8), path)
    intrinsics, told = read_intrinsics(meta, first.shape[1], path)
    poses = read_poses(meta, frames, warnings)
    with_confidence = _numbers(names, ".conf")

    def depth(index: int) -> Float32[np.ndarray, "height width"]:
        frame = frames[index]
        where = f"{path}: rgbd/{frame}.depth"
        values = np.frombuffer(unpack_lzfse(read(f"rgbd/{frame}.depth"), where), np.float32)
        found = values.reshape(_depth_shape(meta, values.size, where))
        confidence = None
        if frame in with_confidence:
            raw = np.frombuffer(unpack_lzfse(read(f"rgbd/{frame}.conf"), where), np.uint8)
            confidence = raw.reshape(found.shape) if raw.size == found.size else None
        return keep_confident(clean_depth(found), confidence)

    def image(index: int) -> UInt8[np.ndarray, "height width 3"]:
        name = f"rgbd/{frames[index]}.jpg"
        return decode_rgb(np.frombuffer(read(name), np.uint8), f"{path}: {name}")

    return DepthSource(
        path=path,
        frame_ids=tuple(frames),
        times=read_times(meta, frames),
        images=image,
        depths=depth,
        intrinsics=intrinsics,
        world_from_camera=poses,
        ups_camera=None if poses is None else ups_in_cameras(poses, ARKIT_UP),
        warnings=(*warnings, *told),
    )


def unpack_lzfse(raw: bytes, where: str) -> bytes:
    """Unpack an LZFSE stream; blocks that are stored plainly need no package.

    Raises:
        InvalidFileError: When the stream is damaged.
        MissingPackageError: When it is compressed and the package lzfse is not installed.
    """
    parts, at = [], 0
    while raw[at : at + 4] == _LZFSE_PLAIN and len(raw) >= at + 8:
        size = struct.unpack_from("<I", raw, at + 4)[0]
        parts.append(raw[at + 8 : at + 8 + size])
        at += 8 + size
    if raw[at : at + 4] == _LZFSE_END:
        return b"".join(parts)
    if raw[:3] != b"bvx":
        raise InvalidFileError(f"{where} is no LZFSE stream ({len(raw)} bytes).", path=where)
    lzfse: Any = require("lzfse", extra="captures")
    try:
        return lzfse.decompress(raw)
    except Exception as error:  # The binding raises its own class of error, which it does not export everywhere.
        raise InvalidFileError(f"{where} is damaged ({len(raw)} bytes): {error}.", path=where) from error


def _open(path: Path) -> tuple[list[str], Callable[[str], bytes]]:
    """Names inside the recording, and a function that reads one."""
    if path.is_dir():
        names = [str(file.relative_to(path).as_posix()) for file in path.rglob("*") if file.is_file()]

        def read_file(name: str) -> bytes:
            return (path / name).read_bytes()

        return names, read_file
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise InvalidFileError(
            f"{path} ({path.stat().st_size} bytes) is not a whole .r3d file: {error}. Share it from the app again.",
            path=path,
        ) from error

    def read(name: str) -> bytes:
        try:
            return archive.read(name)
        except (KeyError, zipfile.BadZipFile, OSError, EOFError) as error:
            raise InvalidFileError(f"{path}: {name} cannot be read: {error}.", path=path) from error

    return archive.namelist(), read


def _read_metadata(read: Callable[[str], bytes], path: Path) -> dict[str, Any]:
    try:
        meta = json.loads(read("metadata"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InvalidFileError(f"{path}: 'metadata' is not readable JSON: {error}.", path=path) from error
    if not isinstance(meta, dict):
        raise InvalidFileError(f"{path}: 'metadata' holds no JSON object.", path=path)
    return meta


def _numbers(names: list[str], suffix: str) -> set[int]:
    stems = [name[5 : -len(suffix)] for name in names if name.startswith("rgbd/") and name.endswith(suffix)]
    return {int(stem) for stem in stems if stem.isdecimal()}


def match_frames(color: set[int], depth: set[int], folder: Path, path: Path) -> tuple[list[int], list[str]]:
    """Numbers of the frames of a folder that have both images, and what is left out, in words.

    Raises:
        InvalidFileError: When none has, about the recording at `path`.
    """
    frames, told = sorted(color & depth), []
    if not frames:
        raise InvalidFileError(
            f"{folder} holds {len(color)} colour and {len(depth)} depth images; none belong together.", path=path
        )
    lost = len(color | depth) - len(frames)
    if lost:
        told.append(f"{lost} frames lack their colour or depth image: they are left out.")
    return frames, told


def read_intrinsics(meta: dict[str, Any], width: int, path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    """The matrix (px) at the stored images' width."""
    told: tuple[str, ...] = ()
    coefficients = meta.get("perFrameIntrinsicCoeffs")
    try:
        if coefficients:
            k, told = mean_intrinsics(np.array(coefficients, dtype=np.float64)[:, :4], str(path))
        else:
            k = np.array(meta["K"], dtype=np.float64).reshape(3, 3).T
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise InvalidFileError(f"{path}: 'metadata' has no usable camera matrix ('K').", path=path) from error
    said = _number(meta, "w") or float(width)
    scale = width / said
    return (k if scale == 1 else scale_intrinsics(k, scale, scale)), told


def _depth_shape(meta: dict[str, Any], size: int, where: str) -> tuple[int, int]:
    """Height and width of the depth map; older files do not say them."""
    width, height = _number(meta, "dw"), _number(meta, "dh")
    if width and height and int(width) * int(height) == size:
        return int(height), int(width)
    portrait = (_number(meta, "h") or 4.0) >= (_number(meta, "w") or 3.0)
    for short, long in ((192, 256), (480, 640), (120, 160)):
        if short * long == size:
            return (long, short) if portrait else (short, long)
    raise InvalidFileError(f"{where} holds {size} values; 'metadata' says {width}x{height}.", path=where)


def read_times(meta: dict[str, Any], frames: list[int]) -> np.ndarray:
    """S since the first frame."""
    stamps = meta.get("frameTimestamps")
    if isinstance(stamps, list) and len(stamps) > max(frames) and all(isinstance(s, int | float) for s in stamps):
        times = np.array(stamps, dtype=np.float64)[frames]
        if np.all(np.diff(times) > 0):
            return times - times[0]
    return (np.array(frames) - frames[0]) / (_number(meta, "fps") or 30.0)


def _number(meta: dict[str, Any], name: str) -> float | None:
    """A positive number of the metadata; None where it is missing or none."""
    value = meta.get(name)
    return float(value) if isinstance(value, int | float) and 0 < value < 1e6 else None


def read_poses(meta: dict[str, Any], frames: list[int], warnings: list[str]) -> np.ndarray | None:
    """World from camera (OpenCV axes) of the frames; None when there are none, which `warnings` is told."""
    rows = meta.get("poses")
    if not isinstance(rows, list) or len(rows) <= max(frames):
        if rows:
            held = f"{len(rows)} poses" if isinstance(rows, list) else "no list of poses"
            warnings.append(f"The recording holds {held} for {max(frames) + 1} frames: poses are estimated.")
        return None
    try:
        values = np.array(rows, dtype=np.float64)[frames]
        if len(values) > 1 and np.array_equal(values, np.broadcast_to(values[0], values.shape)):
            # ARKit's own tremble, even on a tripod: the app writes this where it tracks nothing.
            warnings.append(
                "The recording has one and the same camera pose in every frame, as of the front camera: it counts as none."
            )
            return None
        return opencv_from_opengl(poses_from_quaternions(values[:, 4:7], values[:, :4]))
    except (TypeError, ValueError, IndexError):
        warnings.append("The recording's poses are damaged: poses are estimated.")
        return None
