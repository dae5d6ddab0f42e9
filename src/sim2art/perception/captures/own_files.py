"""Depth, masks, optical flow, features and cameras that the user computed elsewhere, in files named by frame number.

depth/NNNNNN.png (16 bit; `depth_scale` metres a unit from a camera.json in the folder or beside it, else 0.001),
NNNNNN.npy or NNNNNN.exr (float metres). Masks: NNNNNN.png, anything but 0 is the object. Flow: FROM_TO.flo (Middlebury)
or FROM_TO.npy (height, width, 2), px. Features: NNNNNN.npy (rows, columns, channels) over the whole image.
"""

from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8

from sim2art.errors import InvalidFileError
from sim2art.perception.captures.camera_file import read_camera_file, read_intrinsics, read_poses
from sim2art.perception.captures.depth_images import read_depth_image
from sim2art.perception.captures.image_files import files_by_number, read_raw
from sim2art.perception.tasks import DepthGuess, DepthKind

_FLOAT_SUFFIXES = (".npy", ".exr")
_DEPTH_SUFFIXES = (".png", *_FLOAT_SUFFIXES)
_FLOW_MAGIC = 202021.25


class DepthFiles:
    """A `DepthEstimator` that reads files."""

    def __init__(self, folder: Path) -> None:
        inner = folder / "depth" if (folder / "depth").is_dir() else folder
        self._files = files_by_number(inner, _DEPTH_SUFFIXES)
        if not self._files:
            raise InvalidFileError(
                f"{inner} holds no depth files NNNNNN.png, .npy or .exr named by frame number.", path=inner
            )
        self._folder, self._scale, self.is_metric = inner, 0.001, False
        for place in (inner, inner.parent):
            if (place / "camera.json").is_file():
                camera = read_camera_file(place / "camera.json")
                self._scale = float(camera.get("depth_scale", self._scale))
                self.is_metric = bool(camera.get("is_metric", "depth_scale" in camera))
                """Whether the depth is metres, as far as a camera.json says so."""
                break

    @property
    def frame_ids(self) -> frozenset[int]:
        """Frames that have depth."""
        return frozenset(self._files)

    def __call__(self, image: UInt8[np.ndarray, "height width 3"], frame_id: int) -> DepthGuess:
        """Depth of a frame."""
        path = self._files.get(frame_id)
        if path is None:
            raise InvalidFileError(f"{self._folder} holds no depth of frame {frame_id}.", path=self._folder)
        # A scale speaks of integers; floats are what a network or renderer gave.
        scale = 1.0 if path.suffix.lower() in _FLOAT_SUFFIXES else self._scale
        depth = read_depth_image(path, scale)
        return DepthGuess(values=depth, kind=DepthKind.DEPTH)


def read_masks(
    folder: Path, frame_ids: tuple[int, ...], size: tuple[int, int]
) -> Bool[np.ndarray, "frame height width"]:
    """Masks of frames at a size (width, height)."""
    files, masks = files_by_number(folder, (".png",)), []
    for frame in frame_ids:
        if frame not in files:
            raise InvalidFileError(
                f"{folder} holds no mask of frame {frame}; masks are PNG images named by frame number ({frame:06d}.png).",
                path=folder,
            )
        raw = read_raw(files[frame])
        mask = (raw if raw.ndim == 2 else raw[..., :3].max(axis=2)) > 0
        masks.append(cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0)
    return np.array(masks)


class FlowFiles:
    """Optical flow between frames, by their numbers in the recording."""

    def __init__(self, folder: Path) -> None:
        """Take the flow from FROM_TO.flo or FROM_TO.npy of a folder."""
        if not folder.is_dir():
            raise InvalidFileError(f"{folder} is no folder with flow files FROM_TO.flo.", path=folder)
        self._folder = folder

    def read(self, a: int, b: int, size: tuple[int, int]) -> Float32[np.ndarray, "height width 2"] | None:
        """Where each pixel of frame a goes in frame b, px at a size (width, height); None where there is no file."""
        names = [
            f"{first}_{second}{suffix}"
            for suffix in (".flo", ".npy")
            for first, second in ((a, b), (f"{a:06d}", f"{b:06d}"))
        ]
        path = next((self._folder / name for name in names if (self._folder / name).is_file()), None)
        if path is None:
            return None
        flow = read_flo(path) if path.suffix == ".flo" else load_array(path, 3).astype(np.float32)
        factor = np.array([size[0] / flow.shape[1], size[1] / flow.shape[0]], np.float32)
        return cv2.resize(flow, size, interpolation=cv2.INTER_LINEAR) * factor


class FeatureFiles:
    """A `FeatureExtractor` that reads files."""

    def __init__(self, folder: Path) -> None:
        self._files = files_by_number(folder, (".npy",))
        if not self._files:
            raise InvalidFileError(f"{folder} holds no features NNNNNN.npy named by frame number.", path=folder)
        channels = load_array(next(iter(self._files.values())), 3).shape[2]
        self._folder, self.name = folder, f"file-{channels}"

    def read(
        self, frame_id: int, pixels: Float[np.ndarray, "point 2"], size: tuple[int, int]
    ) -> Float32[np.ndarray, "point channel"]:
        """Features of a frame at pixels (px) of an image of a size (width, height)."""
        path = self._files.get(frame_id)
        if path is None:
            raise InvalidFileError(f"{self._folder} holds no features of frame {frame_id}.", path=self._folder)
        return read_grid(load_array(path, 3).astype(np.float32), pixels, size)


def read_grid(
    grid: Float32[np.ndarray, "row column channel"], pixels: Float[np.ndarray, "point 2"], size: tuple[int, int]
) -> Float32[np.ndarray, "point channel"]:
    """Values between cell centres of a grid that covers an image of a size (width, height), at pixels (px).

    The centre of the first pixel is (0, 0), so the first cell's centre lies at half a cell less half a pixel.
    """
    rows, columns = grid.shape[:2]
    x = (pixels[:, 0] + 0.5) * columns / size[0] - 0.5
    y = (pixels[:, 1] + 0.5) * rows / size[1] - 0.5
    x, y = np.clip(x, 0, columns - 1), np.clip(y, 0, rows - 1)
    left, top = (
        np.minimum(np.floor(x).astype(int), max(columns - 2, 0)),
        np.minimum(np.floor(y).astype(int), max(rows - 2, 0)),
    )
    right, bottom = np.minimum(left + 1, columns - 1), np.minimum(top + 1, rows - 1)
    u, v = (x - left)[:, None], (y - top)[:, None]
    upper = (1 - u) * grid[top, left] + u * grid[top, right]
    lower = (1 - u) * grid[bottom, left] + u * grid[bottom, right]
    return ((1 - v) * upper + v * lower).astype(np.float32)


def read_flo(path: Path) -> Float32[np.ndarray, "height width 2"]:
    """Optical flow of a Middlebury .flo file, px."""
    raw = path.read_bytes()
    if len(raw) < 12 or np.frombuffer(raw[:4], "<f4")[0] != np.float32(_FLOW_MAGIC):
        raise InvalidFileError(f"{path} is no .flo file ({len(raw)} bytes).", path=path)
    width, height = np.frombuffer(raw[4:12], "<i4")
    values = np.frombuffer(raw[12:], "<f4")
    if len(values) != 2 * width * height:
        raise InvalidFileError(f"{path} is cut off: {len(values)} values for {width}x{height} px.", path=path)
    return values.reshape(height, width, 2).copy()


def read_cameras(
    path: Path, frame_ids: tuple[int, ...]
) -> tuple[Float[np.ndarray, "frame 4 4"], Float[np.ndarray, "3 3"] | None]:
    """Poses of frames, and intrinsics (px) if any, from a camera.json of the user's.

    Raises:
        InvalidFileError: When it holds no pose of a frame.
    """
    file = path / "camera.json" if path.is_dir() else path
    camera = read_camera_file(file)
    ids = [int(frame) for frame in camera.get("frames", [])]
    poses = read_poses(camera.get("world_from_camera"), len(ids), file)
    pose_of = dict(zip(ids, poses, strict=True))
    missing = [frame for frame in frame_ids if frame not in pose_of]
    if missing:
        raise InvalidFileError(f"{file} holds no pose of {len(missing)} used frames (first: {missing[0]}).", path=file)
    intrinsics = read_intrinsics(camera, file) if "intrinsics" in camera else None
    return np.array([pose_of[frame] for frame in frame_ids]), intrinsics


def load_array(path: Path, num_axes: int) -> np.ndarray:
    """An array from a .npy file."""
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InvalidFileError(f"{path} cannot be read: {error}.", path=path) from error
    if array.ndim != num_axes:
        raise InvalidFileError(f"{path} holds an array of shape {array.shape}; {num_axes} axes are needed.", path=path)
    return array
