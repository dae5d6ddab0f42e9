"""Our own capture folder: `rgb/ID.jpg|png`, `depth/ID.png` (16 bit, aligned to colour, 0 = none) and `camera.json`.

Depth may also be TIFF, OpenEXR or NumPy arrays, of integers or of floats in metres or mm.

`camera.json` holds `width`, `height`, `fps`, `depth_scale` (m a unit), `intrinsics` (3x3, px), `frames` (ids) and,
when known, `world_from_camera` (one 4x4 a frame, OpenCV axes), `up_world` (which way is up there), `times` (s, one a frame),
`is_metric` and the lens (`distortion`: k1, k2, p1, p2, k3 ...).
Without `fps` and `times`, frames are taken to be 1/30 s apart and a warning says so.
"""

from pathlib import Path

from sim2art.errors import InvalidFileError
from sim2art.perception.captures.camera_file import (
    read_camera_file,
    read_frames,
    read_intrinsics,
    read_poses,
    read_times,
)
from sim2art.perception.captures.capture import HOW_TO_GET_DEPTH, Capture
from sim2art.perception.captures.depth_images import DEPTH_SUFFIXES
from sim2art.perception.captures.file_capture import SaidCamera, StoredFrames, file_capture
from sim2art.perception.captures.image_files import files_by_number

_IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")


def is_capture_folder(path: Path) -> bool:
    """Whether a folder looks like our capture folder; without depth it is a folder of pictures."""
    return (path / "rgb").is_dir() and (path / "depth").is_dir() and not (path / "rgb.txt").exists()


def read_capture_folder(path: Path) -> Capture:
    """Open a capture folder.

    Raises:
        InvalidFileError: When files are missing or `camera.json` is not what this reader needs.
    """
    camera = read_camera_file(path / "camera.json")
    images, depths = files_by_number(path / "rgb", _IMAGE_SUFFIXES), files_by_number(path / "depth", DEPTH_SUFFIXES)
    if not images:
        raise InvalidFileError(f"{path / 'rgb'} holds no .jpg or .png images named by frame number.", path=path)
    if not depths:
        raise InvalidFileError(f"{path} has colour but no depth images in depth/. {HOW_TO_GET_DEPTH}.", path=path)
    frames = read_frames(camera, sorted(images), path / "camera.json")
    if len(set(frames)) != len(frames):
        raise InvalidFileError(
            f"{path / 'camera.json'}: 'frames' names some frames twice; each id may occur once.", path=path
        )
    present = [position for position, frame in enumerate(frames) if frame in images and frame in depths]
    warnings = []
    if len(present) < len(frames):
        missing = [frame for frame in frames if frame not in images or frame not in depths]
        message = (
            f"{len(missing)} of {len(frames)} frames lack their colour or depth image "
            f"({len(images)} colour, {len(depths)} depth; first: {missing[0]})"
        )
        if len(missing) > 0.2 * len(frames):
            raise InvalidFileError(f"{path}: {message}. Each frame needs both, with the same number.", path=path)
        warnings.append(f"{message}: they are left out.")
    depth_files = [depths[frames[i]] for i in present]
    scale = camera.get("depth_scale")
    if not isinstance(scale, int | float) and depth_files[0].suffix.lower() in (".png", ".tif", ".tiff"):
        raise InvalidFileError(
            f"{path / 'camera.json'}: 'depth_scale' is {scale!r}; the metres of one depth unit are needed (0.001 for mm).",
            path=path,
        )
    times = read_times(camera, len(frames), path)
    if "times" not in camera and "fps" not in camera:
        warnings.append("camera.json has neither 'fps' nor 'times': frames are taken to be 1/30 s apart.")
    poses = camera.get("world_from_camera")
    if poses is not None:
        poses = read_poses(poses, len(frames), path / "camera.json")[present]
    return file_capture(
        path,
        StoredFrames(
            ids=[frames[i] for i in present],
            times=times[present],
            images=[images[frames[i]] for i in present],
            depths=depth_files,
            poses=poses,
            told=warnings,
        ),
        SaidCamera(file=path / "camera.json", facts=camera, intrinsics=read_intrinsics(camera, path / "camera.json")),
    )
