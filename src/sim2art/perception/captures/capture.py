"""What every reader gives: a list of frames that are read when asked for, the camera, and what was repaired."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8

from sim2art.errors import InvalidFileError, InvalidValueError

HOW_TO_GET_DEPTH = (
    "sim2art reads RGB-D: record with a depth camera (RealSense, Azure Kinect, an iPhone or iPad with LiDAR), "
    "or compute depth and poses for the video with a monocular method such as ViPE, and store them as a capture folder: "
    "rgb/NNNNNN.jpg, depth/NNNNNN.png (16 bit, 0 = none, aligned to colour) and camera.json"
)


@runtime_checkable
class Capture(Protocol):
    """A recording of colour and depth. Frames are addressed by position; `frame_ids` are the recording's own numbers."""

    @property
    def path(self) -> Path:
        """Where the recording came from."""
        ...

    @property
    def frame_ids(self) -> tuple[int, ...]:
        """The recording's number of each frame."""
        ...

    @property
    def times(self) -> Float[np.ndarray, "frame"]:
        """s, increasing."""
        ...

    @property
    def intrinsics(self) -> Float[np.ndarray, "3 3"]:
        """px, at the size that `read_image` gives."""
        ...

    @property
    def world_from_camera(self) -> Float[np.ndarray, "frame 4 4"] | None:
        """Camera poses (OpenCV axes), not yet checked, or None when the recording has none."""
        ...

    @property
    def is_metric(self) -> bool:
        """Whether depths are metres."""
        ...

    @property
    def warnings(self) -> tuple[str, ...]:
        """Repairs that the reader made, in words for a person."""
        ...

    def read_image(self, index: int) -> UInt8[np.ndarray, "height width 3"]:
        """RGB of a frame; raises InvalidFileError when it cannot be decoded."""
        ...

    def read_depth(self, index: int) -> Float32[np.ndarray, "height width"]:
        """Depth of a frame, m, 0 where none was measured; raises InvalidFileError when it cannot be decoded."""
        ...


@dataclass(frozen=True, kw_only=True)
class FileCapture:
    """A recording kept as one colour and one depth file a frame."""

    path: Path
    frame_ids: tuple[int, ...]
    times: Float[np.ndarray, "frame"]
    image_paths: tuple[Path, ...]
    depth_paths: tuple[Path, ...]
    depth_scale: float
    """m a unit of the depth file."""
    intrinsics: Float[np.ndarray, "3 3"]
    world_from_camera: Float[np.ndarray, "frame 4 4"] | None = None
    is_metric: bool = True
    warnings: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        check_intrinsics(self.intrinsics, self.path)
        if not (np.isfinite(self.depth_scale) and self.depth_scale > 0):
            raise InvalidFileError(
                f"{self.path}: depth_scale is {self.depth_scale}; it must be positive: the metres of one depth unit "
                "(0.001 for depth in mm).",
                path=self.path,
            )

    def read_image(self, index: int) -> UInt8[np.ndarray, "height width 3"]:
        """RGB of a frame."""
        bgr = _decode(self.image_paths[index], cv2.IMREAD_COLOR)
        return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)

    def read_depth(self, index: int) -> Float32[np.ndarray, "height width"]:
        """Depth of a frame, m."""
        path = self.depth_paths[index]
        raw = _decode(path, cv2.IMREAD_UNCHANGED)
        if raw.ndim != 2 or raw.dtype not in (np.uint16, np.float32):
            raise InvalidFileError(
                f"{path} holds {raw.dtype} with shape {raw.shape}; a depth image has one 16-bit channel "
                "(an 8-bit or colour picture of depth cannot be used).",
                path=path,
            )
        depth = raw.astype(np.float32) * np.float32(self.depth_scale)
        return np.where(np.isfinite(depth) & (depth > 0), depth, np.float32(0))


@dataclass(frozen=True, kw_only=True)
class MemoryCapture:
    """A recording that is already in memory, such as a rendered one."""

    images: UInt8[np.ndarray, "frame height width 3"]
    depths: Float[np.ndarray, "frame height width"]
    """m, 0 where none was measured."""
    times: Float[np.ndarray, "frame"]
    intrinsics: Float[np.ndarray, "3 3"]
    world_from_camera: Float[np.ndarray, "frame 4 4"] | None = None
    is_metric: bool = True
    path: Path = Path("memory")
    warnings: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        check_intrinsics(self.intrinsics, self.path)
        if self.images.shape[:3] != self.depths.shape or len(self.times) != len(self.images):
            raise InvalidValueError(
                f"MemoryCapture: images {self.images.shape}, depths {self.depths.shape} and {len(self.times)} times do "
                "not belong together; each frame needs a colour image, a depth image of the same size and a time."
            )

    @property
    def frame_ids(self) -> tuple[int, ...]:
        """Positions in the arrays."""
        return tuple(range(len(self.images)))

    def read_image(self, index: int) -> UInt8[np.ndarray, "height width 3"]:
        """RGB of a frame."""
        return self.images[index]

    def read_depth(self, index: int) -> Float32[np.ndarray, "height width"]:
        """Depth of a frame, m."""
        return self.depths[index].astype(np.float32)


def check_intrinsics(intrinsics: Float[np.ndarray, "..."], path: Path) -> None:
    """Raise InvalidFileError unless the matrix is that of a pinhole camera."""
    k = np.asarray(intrinsics)
    if k.shape != (3, 3) or not np.all(np.isfinite(k)) or k[0, 0] <= 0 or k[1, 1] <= 0:
        raise InvalidFileError(
            f"{path}: intrinsics are {k.tolist()}; a 3x3 matrix [[fx, 0, cx], [0, fy, cy], [0, 0, 1]] in pixels with "
            "positive focal lengths is needed.",
            path=path,
        )


def scale_intrinsics(intrinsics: Float[np.ndarray, "3 3"], scale_x: float, scale_y: float) -> Float[np.ndarray, "3 3"]:
    """Intrinsics (px) after an image is resized; the centre of the first pixel stays at (0, 0)."""
    scaled = np.array(intrinsics, dtype=np.float64)
    scaled[0] *= scale_x
    scaled[1] *= scale_y
    scaled[0, 2] += 0.5 * (scale_x - 1)
    scaled[1, 2] += 0.5 * (scale_y - 1)
    return scaled


def _decode(path: Path, flags: int) -> np.ndarray:
    try:
        raw = np.fromfile(path, dtype=np.uint8)
    except OSError as error:
        raise InvalidFileError(f"{path} cannot be read: {error.strerror or error}.", path=path) from error
    # OpenCV fills the missing part of a truncated file with grey and says nothing, so the end marks are looked up.
    is_whole = _has_end_mark(raw)
    image = cv2.imdecode(raw, flags) if len(raw) and is_whole else None
    if image is None:
        what = "is empty" if not len(raw) else ("is cut off" if not is_whole else "is not an image")
        raise InvalidFileError(f"{path} {what} ({len(raw)} bytes).", path=path)
    return image


def _has_end_mark(raw: UInt8[np.ndarray, "byte"]) -> bool:
    """False for a PNG or JPEG that ends before its end mark; other formats are left to the decoder."""
    tail = raw[-4096:].tobytes()
    if raw[:8].tobytes() == b"\x89PNG\r\n\x1a\n":
        return b"IEND" in tail
    if raw[:2].tobytes() == b"\xff\xd8":
        return b"\xff\xd9" in tail
    return True
