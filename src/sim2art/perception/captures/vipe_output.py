"""What ViPE wrote (Huang et al., "ViPE: Video Pose Engine for 3D Geometric Perception", 2025; Apache-2.0).

For each video NAME: `rgb/NAME.mp4`; `depth/NAME.zip` of EXR files NNNNN.exr (half floats, channel Z, metres by a network's
guess); `pose/NAME.npz` and `intrinsics/NAME.npz` with `data` and `inds` (camera in the world, OpenCV axes, 4x4; fx, fy,
cx, cy in px); `intrinsics/NAME_camera.txt` with the camera model of each frame; `mask/NAME.zip` of what moved.
"""

import zipfile
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from sim2art.errors import InvalidFileError
from sim2art.perception.captures.capture import DepthSource, mean_intrinsics
from sim2art.perception.captures.depth_images import clean_depth
from sim2art.perception.captures.exr import read_exr_channel
from sim2art.perception.captures.video_file import VideoFile

_GUESSED = "Lengths are ViPE's guess at metres, not measured: give --known-length to make them exact."


def is_vipe_output(path: Path) -> bool:
    """Whether a folder is what ViPE wrote."""
    return (path / "pose").is_dir() and (path / "intrinsics").is_dir() and (path / "rgb").is_dir()


def read_vipe_output(path: Path, name: str | None = None) -> DepthSource:
    """Open the results of one video.

    Args:
        path: The folder that was given to ViPE as output.
        name: The video's name without ending; needed when the folder holds several.

    Raises:
        InvalidFileError: When parts are missing, with what is there.
    """
    known = sorted(file.stem for file in (path / "pose").glob("*.npz"))
    if name is None and len(known) == 1:
        name = known[0]
    if name is None or name not in known:
        said = "none was named" if name is None else f"'{name}' is not one of them"
        raise InvalidFileError(
            f"{path} holds results of {len(known)} videos ({', '.join(known[:6]) or 'none'}) and {said}; pass --name.",
            path=path,
        )
    pose_ids, poses = _read_arrays(path / "pose" / f"{name}.npz", (4, 4))
    camera_ids, coefficients = _read_arrays(path / "intrinsics" / f"{name}.npz", None)
    _check_camera_model(path / "intrinsics" / f"{name}_camera.txt")
    video = VideoFile(path / "rgb" / f"{name}.mp4")
    archive, members = _open_depth(path / "depth" / f"{name}.zip")
    pose_of = dict(zip(pose_ids.tolist(), poses, strict=True))
    frames = [i for i in sorted(members) if i in pose_of and i < video.num_frames]
    if not frames:
        raise InvalidFileError(
            f"{path}: '{name}' has {video.num_frames} frames, {len(members)} depth maps and {len(poses)} poses, and no frame "
            "has all three. ViPE stopped half way; run it again.",
            path=path,
        )
    warnings = [*video.warnings, _GUESSED]
    if len(frames) < video.num_frames:
        warnings.append(
            f"{video.num_frames - len(frames)} of {video.num_frames} frames have no depth or pose: left out."
        )
    used = np.isin(camera_ids, frames)
    intrinsics, told = mean_intrinsics(coefficients[used if used.any() else slice(None)][:, :4], str(path))

    def depth(index: int) -> Float32[np.ndarray, "height width"]:
        member = members[frames[index]]
        try:
            content = archive.read(member)
        except (zipfile.BadZipFile, OSError, EOFError) as error:
            raise InvalidFileError(f"{archive.filename}: {member} cannot be read: {error}.", path=path) from error
        return clean_depth(read_exr_channel(content, f"{archive.filename}: {member}"))

    return DepthSource(
        path=path,
        frame_ids=tuple(frames),
        times=video.times[frames],
        images=lambda index: video.read(frames[index]),
        depths=depth,
        intrinsics=intrinsics,
        world_from_camera=np.array([pose_of[frame] for frame in frames]),
        is_metric=False,
        warnings=(*warnings, *told),
    )


def _read_arrays(path: Path, shape: tuple[int, ...] | None) -> tuple[np.ndarray, np.ndarray]:
    """Frame numbers and values of an npz file."""
    try:
        with np.load(path, allow_pickle=False) as found:
            ids, values = np.asarray(found["inds"]), np.asarray(found["data"], dtype=np.float64)
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InvalidFileError(f"{path} is missing or damaged ({error}); run ViPE again.", path=path) from error
    if len(ids) != len(values) or (values.shape[1:] != shape if shape else values.ndim != 2 or values.shape[1] < 4):
        raise InvalidFileError(f"{path} holds {values.shape} for {len(ids)} frames: not what ViPE writes.", path=path)
    return ids, values


def _check_camera_model(path: Path) -> None:
    if not path.is_file():
        return
    kinds = {line.partition(":")[2].strip() for line in path.read_text(errors="replace").splitlines() if line.strip()}
    if kinds - {"PINHOLE"}:
        raise InvalidFileError(
            f"{path}: the camera is {', '.join(sorted(kinds))}; only PINHOLE is read. Run ViPE with its default pipeline.",
            path=path,
        )


def _open_depth(path: Path) -> tuple[zipfile.ZipFile, dict[int, str]]:
    """The archive, and its members by frame."""
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise InvalidFileError(
            f"{path} is missing or cut off ({error}); ViPE writes it last, so it may have stopped half way: run it again.",
            path=path,
        ) from error
    names = [name for name in archive.namelist() if name.endswith(".exr") and Path(name).stem.isdecimal()]
    return archive, {int(Path(name).stem): name for name in names}
