"""What every reader gives: a list of frames that are read when asked for, the camera, and what was repaired."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Float32, UInt8

from sim2art.errors import InvalidFileError, InvalidValueError
from sim2art.geometry.rotations import rotation_from_quaternion
from sim2art.geometry.transforms import make_transform
from sim2art.perception.captures.depth_images import read_depth_image
from sim2art.perception.captures.image_files import read_rgb

HOW_TO_GET_DEPTH = (
    "Let a depth component compute it (sim2art run --depth ..., such as ViPE or Depth Anything; `sim2art doctor` says "
    "which can run here), or record with a depth camera (RealSense, Azure Kinect, an iPhone or iPad with LiDAR), or "
    "store depth of your own as a capture folder: rgb/NNNNNN.jpg, depth/NNNNNN.png (16 bit, 0 = none, aligned to "
    "colour) and camera.json"
)


@runtime_checkable
class ColorCapture(Protocol):
    """A recording of colour. Frames are addressed by position; `frame_ids` are the recording's own numbers."""

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
    def intrinsics(self) -> Float[np.ndarray, "3 3"] | None:
        """px, at the size that `read_image` gives; None when the recording does not say."""
        ...

    @property
    def world_from_camera(self) -> Float[np.ndarray, "frame 4 4"] | None:
        """Camera poses (OpenCV axes), not yet checked, or None when the recording has none."""
        ...

    @property
    def ups_camera(self) -> Float[np.ndarray, "frame 3"] | None:
        """Which way is up in each frame's camera axes (unit), or None when gravity was not measured."""
        ...

    @property
    def warnings(self) -> tuple[str, ...]:
        """Repairs that the reader made, in words for a person."""
        ...

    def read_image(self, index: int) -> UInt8[np.ndarray, "height width 3"]:
        """RGB of a frame; raises InvalidFileError when it cannot be decoded."""
        ...


@runtime_checkable
class Capture(ColorCapture, Protocol):
    """A recording of colour and depth."""

    @property
    def intrinsics(self) -> Float[np.ndarray, "3 3"]:
        """px, at the size that `read_image` gives."""
        ...

    @property
    def is_metric(self) -> bool:
        """Whether depths are metres."""
        ...

    @property
    def depth_is_guessed(self) -> bool:
        """Whether depth was guessed image by image, so that it trembles from one to the next."""
        ...

    def read_depth(self, index: int) -> Float32[np.ndarray, "height width"]:
        """Depth of a frame, m, 0 where none was measured; raises InvalidFileError when it cannot be decoded."""
        ...


@dataclass(frozen=True, kw_only=True)
class _Recorded:
    """What `ColorCapture` asks of a recording, but for its images."""

    path: Path
    frame_ids: tuple[int, ...]
    times: Float[np.ndarray, "frame"]
    intrinsics: Float[np.ndarray, "3 3"] | None = None
    world_from_camera: Float[np.ndarray, "frame 4 4"] | None = None
    warnings: tuple[str, ...] = ()
    ups_camera: Float[np.ndarray, "frame 3"] | None = None

    def __post_init__(self) -> None:
        if self.intrinsics is not None:
            check_intrinsics(self.intrinsics, self.path)


@dataclass(frozen=True, kw_only=True)
class ColorSource(_Recorded):
    """A recording of colour, read by a function."""

    images: Callable[[int], UInt8[np.ndarray, "height width 3"]]

    def read_image(self, index: int) -> UInt8[np.ndarray, "height width 3"]:
        """RGB of a frame."""
        return self.images(index)


@dataclass(frozen=True, kw_only=True)
class DepthSource(ColorSource):
    """A recording of colour and depth, each read by a function."""

    depths: Callable[[int], Float32[np.ndarray, "height width"]]
    """m, 0 where none was measured."""
    intrinsics: Float[np.ndarray, "3 3"] = field()
    is_metric: bool = True
    depth_is_guessed: bool = False

    def read_depth(self, index: int) -> Float32[np.ndarray, "height width"]:
        """Depth of a frame, m."""
        return self.depths(index)


@dataclass(frozen=True, kw_only=True)
class FileCapture(_Recorded):
    """A recording kept as one colour and one depth file a frame."""

    image_paths: tuple[Path, ...]
    depth_paths: tuple[Path, ...]
    depth_scale: float
    """m a unit of the depth file."""
    intrinsics: Float[np.ndarray, "3 3"] = field()
    is_metric: bool = True
    depth_is_guessed: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (np.isfinite(self.depth_scale) and self.depth_scale > 0):
            raise InvalidFileError(
                f"{self.path}: depth_scale is {self.depth_scale}; it must be positive: the metres of one depth unit "
                "(0.001 for depth in mm).",
                path=self.path,
            )

    def read_image(self, index: int) -> UInt8[np.ndarray, "height width 3"]:
        """RGB of a frame, as it is stored."""
        return read_rgb(self.image_paths[index])

    def read_depth(self, index: int) -> Float32[np.ndarray, "height width"]:
        """Depth of a frame, m."""
        return read_depth_image(self.depth_paths[index], self.depth_scale)


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
    warnings: tuple[str, ...] = ()
    ups_camera: Float[np.ndarray, "frame 3"] | None = None
    depth_is_guessed: bool = False

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


ARKIT_UP = np.array([0.0, 1.0, 0.0])
"""ARKit's world has y against gravity."""


def scale_intrinsics(intrinsics: Float[np.ndarray, "3 3"], scale_x: float, scale_y: float) -> Float[np.ndarray, "3 3"]:
    """Intrinsics (px) after an image is resized; the centre of the first pixel stays at (0, 0)."""
    scaled = np.array(intrinsics, dtype=np.float64)
    scaled[0] *= scale_x
    scaled[1] *= scale_y
    scaled[0, 2] += 0.5 * (scale_x - 1)
    scaled[1, 2] += 0.5 * (scale_y - 1)
    return scaled


def opencv_from_opengl(world_from_camera: Float[np.ndarray, "*batch 4 4"]) -> Float[np.ndarray, "*batch 4 4"]:
    """Poses of a camera that looks along -z with y up (OpenGL, ARKit), for axes x right, y down, z forward."""
    return world_from_camera @ np.diag([1.0, -1.0, -1.0, 1.0])


def poses_from_quaternions(
    translations: Float[np.ndarray, "frame 3"], xyzw: Float[np.ndarray, "frame 4"]
) -> Float[np.ndarray, "frame 4 4"]:
    """Transforms from translations (m) and quaternions (x, y, z, w, of any length but 0).

    A row that is none (not finite, a quaternion of length 0) becomes NaN: such frames are counted and left out later.
    """
    norms = np.linalg.norm(xyzw, axis=1)
    good = np.isfinite(norms) & (norms > 1e-6) & np.isfinite(translations).all(axis=1)
    wxyz = np.where(good[:, None], xyzw[:, [3, 0, 1, 2]], [1.0, 0.0, 0.0, 0.0])
    poses = make_transform(rotation_from_quaternion(wxyz), np.where(good[:, None], translations, 0.0))
    poses[~good] = np.nan
    return poses


def ups_in_cameras(
    world_from_camera: Float[np.ndarray, "frame 4 4"], up_world: Float[np.ndarray, "3"]
) -> Float[np.ndarray, "frame 3"]:
    """Which way is up in each frame's camera axes (unit), for poses in a world whose up is known."""
    ups = np.swapaxes(world_from_camera[:, :3, :3], 1, 2) @ (up_world / np.linalg.norm(up_world))
    lengths = np.linalg.norm(ups, axis=1, keepdims=True)
    return ups / np.where(lengths > 0, lengths, np.nan)


def mean_up(
    world_from_camera: Float[np.ndarray, "frame 4 4"], ups_camera: Float[np.ndarray, "frame 3"]
) -> Float[np.ndarray, "3"] | None:
    """Which way is up in a world (unit), from up in its cameras; None where no frame says it."""
    ups = np.einsum("fij,fj->fi", world_from_camera[:, :3, :3], ups_camera)
    mean = ups[np.isfinite(ups).all(axis=1)].sum(axis=0)
    length = float(np.linalg.norm(mean))
    return mean / length if length > 0 else None


def mean_intrinsics(
    coefficients: Float[np.ndarray, "frame 4"], what: str
) -> tuple[Float[np.ndarray, "3 3"], tuple[str, ...]]:
    """One matrix (px) for rows of fx, fy, cx, cy, and a warning when the focal length changes by more than 1 %."""
    fx, fy, cx, cy = np.median(coefficients, axis=0)
    spread = float(np.ptp(coefficients[:, 0])) / max(float(fx), 1e-9)
    told = ()
    if spread > 0.01:
        told = (f"{what}: the focal length changes by {100 * spread:.1f} % in the recording; its median is used.",)
    return np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]]), told
