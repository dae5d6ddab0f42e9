"""The used frames and points beside a result, small enough to keep: what a viewer shows and a new fit needs.

`video/` is a capture folder (see CONVENTIONS.md) of the used frames, at the size they were worked on, with `mask/` added.
`points.npz` holds the sampled points with their flow and the parts that were found, in single precision.
"""

import json
import shutil
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image

from sim2art.errors import DAMAGED, InvalidFileError
from sim2art.observation.io import points_from_arrays, points_to_arrays
from sim2art.observation.point_video import PointVideo
from sim2art.observation.rgbd_video import RgbdVideo

JPEG_QUALITY = 88
_DEPTH_STEPS = 60_000
"""Of the 16-bit range, for the farthest depth: finer than any sensor."""
_PROBABILITIES = "part_probabilities"


def write_video(folder: Path, video: RgbdVideo, frame_ids: tuple[int, ...], *, read_from: Path | None = None) -> None:
    """Write `rgb/`, `depth/`, `mask/` and `camera.json`; the folder is made when missing.

    Args:
        folder: Where to.
        video: The used frames.
        frame_ids: Their numbers.
        read_from: Folder that the video was read from, if any: JPEGs that still show its images are copied, for encoding them anew
            would lose a little each time.
    """
    for name in ("rgb", "depth", "mask"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    farthest = float(video.depths.max(initial=0.0))
    depth_scale = farthest / _DEPTH_STEPS if farthest > 0 else 0.001
    for index, frame_id in enumerate(frame_ids):
        name = f"{frame_id:06d}"
        known = None if read_from is None else read_from / "rgb" / f"{name}.jpg"
        if known is not None and known.is_file() and np.array_equal(_read_image(known), video.images[index]):
            shutil.copyfile(known, folder / "rgb" / known.name)
        else:
            Image.fromarray(video.images[index]).save(folder / "rgb" / f"{name}.jpg", quality=JPEG_QUALITY)
        Image.fromarray(np.rint(video.depths[index] / depth_scale).astype(np.uint16)).save(
            folder / "depth" / f"{name}.png"
        )
        Image.fromarray(video.object_masks[index]).save(folder / "mask" / f"{name}.png", optimize=True)
    height, width = video.depths.shape[1:]
    camera = {
        "width": width,
        "height": height,
        "times": video.times.tolist(),
        "depth_scale": depth_scale,
        "intrinsics": video.intrinsics.tolist(),
        "frames": [int(frame_id) for frame_id in frame_ids],
        "world_from_camera": video.world_from_camera.tolist(),
        "is_metric": video.is_metric,
    }
    (folder / "camera.json").write_text(json.dumps(camera), encoding="utf-8")


def read_video(folder: Path) -> RgbdVideo:
    """Read what `write_video` wrote.

    Raises:
        InvalidFileError: When a file is missing or damaged.
    """
    try:
        camera = json.loads((folder / "camera.json").read_text(encoding="utf-8"))
        names = [f"{int(frame):06d}" for frame in camera["frames"]]
        scale = float(camera["depth_scale"])
        images = [_read_image(folder / "rgb" / f"{name}.jpg") for name in names]
        depths = [_read_image(folder / "depth" / f"{name}.png").astype(np.float32) * scale for name in names]
        masks = [_read_image(folder / "mask" / f"{name}.png") > 0 for name in names]
        return RgbdVideo(
            times=np.array(camera["times"], dtype=np.float64),
            images=np.stack(images),
            depths=np.stack(depths).astype(np.float32),
            object_masks=np.stack(masks),
            intrinsics=np.array(camera["intrinsics"], dtype=np.float64),
            world_from_camera=np.array(camera["world_from_camera"], dtype=np.float64),
            is_metric=bool(camera["is_metric"]),
        )
    except (*DAMAGED, Image.DecompressionBombError) as error:
        raise InvalidFileError(
            f"Cannot read the used frames from '{folder}': {type(error).__name__} {error}. Run the recording again.",
            path=folder,
        ) from error


def write_points(path: Path, points: PointVideo, part_probabilities: Float[np.ndarray, "frame point part"]) -> None:
    """Write the points and their parts as a compressed .npz file."""
    arrays = points_to_arrays(points) | {_PROBABILITIES: part_probabilities}
    small = {
        name: array.astype(np.float32) if array.dtype == np.float64 and name != "points_times" else array
        for name, array in arrays.items()
    }
    np.savez_compressed(path, **small)  # pyright: ignore[reportArgumentType]


def read_points(path: Path) -> tuple[PointVideo, Float[np.ndarray, "frame point part"]]:
    """Read what `write_points` wrote: the points, and the probability of each part.

    Raises:
        InvalidFileError: When the file is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as kept:
            arrays = {name: kept[name] for name in kept.files}
        arrays = {name: x.astype(np.float64) if x.dtype == np.float32 else x for name, x in arrays.items()}
        probabilities = arrays.pop(_PROBABILITIES)
        return points_from_arrays(arrays), probabilities
    except DAMAGED as error:
        raise InvalidFileError(
            f"Cannot read points from '{path}': {type(error).__name__} {error}. Run the recording again.", path=path
        ) from error


def _read_image(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.array(image)
