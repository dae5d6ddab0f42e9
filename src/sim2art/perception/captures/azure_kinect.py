"""Azure Kinect and Orbbec Femto recordings (`k4arecorder`): a Matroska file with colour, depth and the calibration.

Tracks are named COLOR (MJPEG, NV12, YUY2 or BGRA), DEPTH and IR (16 bit, big-endian, mm); `calibration.json` is attached
(https://learn.microsoft.com/azure/kinect-dk/record-file-format). Its intrinsics are shares of the width and height of the
whole sensor, of which each mode takes a part; pixels are counted from the corner of the first one there.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from sim2art.errors import InvalidFileError
from sim2art.geometry.transforms import make_transform
from sim2art.optional import is_installed, require
from sim2art.perception.captures.capture import Capture, ColorSource
from sim2art.perception.captures.depth_images import MILLIMETRES, depth_from_raw
from sim2art.perception.captures.frame_lists import nearest_pairs
from sim2art.perception.captures.lens import Lens
from sim2art.perception.captures.registration import DepthCamera, with_registered_depth
from sim2art.perception.captures.video_file import VideoFile

_MAX_GAP = 0.02
"""s between the colour and the depth image of one frame: two thirds of a 30 Hz step."""
_DEPTH_MODES = {
    (640, 576): (1024, 192, 180),
    (320, 288): (512, 96, 90),
    (1024, 1024): (1024, 0, 0),
    (512, 512): (512, 0, 0),
}
"""Size of a depth mode -> side of the whole sensor in its pixels, and where the mode begins, x and y."""
_SENSOR_ASPECT = 3 / 4
"""Height by width of the colour sensor; modes that are less high are cut out of its middle."""


def is_azure_kinect(path: Path) -> bool:
    """Whether a path is such a file."""
    if not (path.is_file() and path.suffix.lower() == ".mkv" and is_installed("av")):
        return False
    av: Any = require("av", extra="video")
    try:
        with av.open(str(path)) as container:
            return {"DEPTH", "COLOR"} <= _tracks(container).keys()
    except (OSError, ValueError):
        return False  # The reader of videos says what is wrong with it.


def read_azure_kinect(path: Path) -> Capture:
    """Open such a recording; depth is brought into the colour camera's view.

    Raises:
        InvalidFileError: When the calibration is missing or the tracks do not belong together.
    """
    depth_track = _DepthTrack(path)
    color_camera, depth_camera = depth_track.cameras
    video = VideoFile(path, upright=False, stream=depth_track.color_index)
    pairs = nearest_pairs(video.times + video.first_time, depth_track.times, _MAX_GAP)
    if not pairs:
        raise InvalidFileError(
            f"{path}: no colour frame lies within {_MAX_GAP} s of a depth frame ({video.num_frames} colour, "
            f"{len(depth_track.times)} depth).",
            path=path,
        )
    told = list(video.warnings)
    if len(pairs) < video.num_frames:
        told.append(
            f"{video.num_frames - len(pairs)} of {video.num_frames} colour frames have no depth in time: left out."
        )
    frames, depth_frames = ([pair[side] for pair in pairs] for side in (0, 1))
    intrinsics = _color_matrix(color_camera, video.size, path)
    lens, color_from_rig = _lens_and_place(color_camera, path)
    depth_lens, depth_from_rig = _lens_and_place(depth_camera, path)
    color = ColorSource(
        path=path,
        frame_ids=tuple(frames),
        times=video.times[frames],
        images=lambda index: video.read(frames[index]),
        intrinsics=intrinsics,
        warnings=tuple(told),
    )
    camera = DepthCamera(
        intrinsics=_depth_matrix(depth_camera, depth_track.size, path),
        size=depth_track.size,
        color_from_depth=color_from_rig @ np.linalg.inv(depth_from_rig),
        lens=depth_lens,
    )
    return with_registered_depth(color, video.size, lens, lambda index: depth_track.read(depth_frames[index]), camera)


class _DepthTrack:
    """The depth frames of a recording, read packet by packet: they are not compressed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        av: Any = require("av", extra="video")
        self._container = av.open(str(path))
        tracks = _tracks(self._container)
        self.color_index: int = tracks["COLOR"].index
        self._stream = tracks["DEPTH"]
        self.size: tuple[int, int] = self._stream.width, self._stream.height
        self.cameras = _read_calibration(self._container, path)
        stamps = set()
        try:
            for packet in self._container.demux(self._stream):
                if packet.size and packet.pts is not None:
                    stamps.add(packet.pts)
        except (OSError, ValueError):
            pass  # A file that is cut off gives what is there.
        self._stamps = np.array(sorted(stamps), dtype=np.int64)
        self.times = self._stamps * float(self._stream.time_base)
        self._packets: Iterator[Any] = iter(())
        self._next = len(self._stamps)

    def read(self, index: int) -> Float32[np.ndarray, "height width"]:
        """Depth (m, 0 = none) of a frame."""
        wanted = int(self._stamps[index])
        if index != self._next:
            self._container.seek(wanted, stream=self._stream, backward=True)
            self._packets = self._container.demux(self._stream)
        width, height = self.size
        try:
            for packet in self._packets:
                if packet.pts == wanted and packet.size == 2 * width * height:
                    self._next = index + 1
                    raw = np.frombuffer(bytes(packet), ">u2").reshape(height, width)
                    return depth_from_raw(raw.astype(np.uint16), MILLIMETRES, self._path)
                if packet.pts is not None and packet.pts > wanted:
                    break
        except (OSError, ValueError):
            pass
        self._next = len(self._stamps)
        raise InvalidFileError(
            f"{self._path}: depth frame {index} cannot be read; the file is damaged there.", path=self._path
        )


def _tracks(container: Any) -> dict[str, Any]:
    """Video streams by the name of their track."""
    found = {}
    for stream in container.streams.video:
        title = stream.metadata.get("title", stream.metadata.get("TITLE", ""))
        for name in ("COLOR", "DEPTH", "IR"):
            if title == name or f"K4A_{name}_MODE" in stream.metadata:
                found[name] = stream
    return found


def _read_calibration(container: Any, path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The colour and the depth camera of the attached calibration."""
    attached = [getattr(stream, "data", b"") for stream in container.streams if stream.type == "attachment"]
    for content in attached:
        try:
            cameras = json.loads(bytes(content).rstrip(b"\0"))["CalibrationInformation"]["Cameras"]
            purposes = {str(camera["Purpose"]): camera for camera in cameras}
            return purposes["CALIBRATION_CameraPurposePhotoVideo"], purposes["CALIBRATION_CameraPurposeDepth"]
        except (KeyError, TypeError, ValueError):
            continue
    raise InvalidFileError(
        f"{path} is an Azure Kinect recording, but its attached calibration cannot be read ({len(attached)} attachments). Record "
        "it again with k4arecorder, or bring PyAV up to date: pip install -U av",
        path=path,
    )


def _parameters(camera: dict[str, Any], path: Path) -> list[float]:
    """cx, cy, fx, fy (shares of the sensor's sides), k1 to k6, the centre of distortion, p2, p1."""
    try:
        values = [float(value) for value in camera["Intrinsics"]["ModelParameters"]]
        assert len(values) >= 14
    except (KeyError, TypeError, ValueError, AssertionError) as error:
        raise InvalidFileError(
            f"{path}: the calibration's intrinsics are no 14 numbers ({error}).", path=path
        ) from error
    return values


def _color_matrix(camera: dict[str, Any], size: tuple[int, int], path: Path) -> np.ndarray:
    """Intrinsics (px) of the colour camera in a mode of this size."""
    cx, cy, fx, fy = _parameters(camera, path)[:4]
    width, height = size
    whole = width * _SENSOR_ASPECT
    return np.array(
        [[fx * width, 0, cx * width - 0.5], [0, fy * whole, cy * whole - (whole - height) / 2 - 0.5], [0, 0, 1]]
    )


def _depth_matrix(camera: dict[str, Any], size: tuple[int, int], path: Path) -> np.ndarray:
    """Intrinsics (px) of the depth camera in a mode of this size."""
    if size not in _DEPTH_MODES:
        raise InvalidFileError(
            f"{path}: depth of {size[0]}x{size[1]} px is no mode of the Azure Kinect that is known.", path=path
        )
    side, left, top = _DEPTH_MODES[size]
    cx, cy, fx, fy = _parameters(camera, path)[:4]
    return np.array([[fx * side, 0, cx * side - left - 0.5], [0, fy * side, cy * side - top - 0.5], [0, 0, 1]])


def _lens_and_place(camera: dict[str, Any], path: Path) -> tuple[Lens, np.ndarray]:
    """The lens, and the transform from the rig's frame to the camera's (m)."""
    values = _parameters(camera, path)
    k1, k2, k3, k4, k5, k6 = values[4:10]
    p2, p1 = values[12:14]
    try:
        rotation = np.array(camera["Rt"]["Rotation"], dtype=np.float64).reshape(3, 3)
        translation = np.array(camera["Rt"]["Translation"], dtype=np.float64).reshape(3)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidFileError(f"{path}: the calibration lacks the place of a camera ({error}).", path=path) from error
    return Lens(coefficients=(k1, k2, p1, p2, k3, k4, k5, k6)), make_transform(rotation, translation)
