"""Read a recording once: leave damaged frames out, refuse what cannot be used, keep what the later steps all need.

Here stand the checks on a recording's content; the readers only check its form. Colour is kept as grey images at the
working size; depth and colour are read again for the few frames that are used in the end.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, Float32, Int, UInt8

from sim2art.errors import InvalidFileError, InvalidValueError
from sim2art.perception.captures.capture import Capture, scale_intrinsics
from sim2art.perception.captures.derived import derive
from sim2art.perception.captures.pose_checks import check_recorded_poses
from sim2art.perception.captures.unmoved_poses import find_unmoved_poses
from sim2art.perception.frames.thinning import thin_out

_MAX_DAMAGED = 0.2
_SMALL_SIDE = 240
_DEPTH_LIMITS = (0.01, 100.0)
"""Smallest and largest plausible median depth, m; outside, the unit is wrong."""
_ASPECT_TOLERANCE = 0.02


@dataclass(frozen=True, kw_only=True)
class IntakeOptions:
    """How much of a recording is looked at."""

    max_frames: int = 240
    """Longer recordings are thinned out to this many frames before anything is chosen."""
    max_side: int = 640
    """Longer side of the images that are worked on, px; larger ones are reduced."""
    start: float | None = None
    """s since the recording's first frame; what comes before is left out."""
    end: float | None = None
    """s since the recording's first frame; what comes after is left out."""


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A checked recording: only usable frames, at the working size."""

    capture: Capture
    indices: Int[np.ndarray, "frame"]
    """Position of each frame in the capture."""
    times: Float[np.ndarray, "frame"]
    """s."""
    grays: UInt8[np.ndarray, "frame height width"]
    small_depths: Float32[np.ndarray, "frame small_height small_width"]
    """m, 0 where there is none; for the coarse motion profile."""
    sharpness: Float[np.ndarray, "frame"]
    """Variance of the Laplacian: low when blurred."""
    intrinsics: Float[np.ndarray, "3 3"]
    """px, at the working size."""
    input_size: tuple[int, int]
    """Width and height of the input, px."""
    world_from_camera: Float[np.ndarray, "frame 4 4"] | None
    """Checked poses of the recording, or None."""
    warnings: tuple[str, ...]

    @property
    def num_frames(self) -> int:
        """Number of usable frames."""
        return len(self.indices)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the working images, px."""
        return self.grays.shape[2], self.grays.shape[1]

    def read_depth(self, frame: int) -> Float32[np.ndarray, "height width"]:
        """Depth (m) of a usable frame at the working size."""
        return _resize_nearest(self.capture.read_depth(int(self.indices[frame])), self.size)

    def read_image(self, frame: int) -> UInt8[np.ndarray, "height width 3"]:
        """RGB of a usable frame at the working size."""
        image = self.capture.read_image(int(self.indices[frame]))
        return cv2.resize(image, self.size, interpolation=cv2.INTER_AREA) if image.shape[1::-1] != self.size else image


@dataclass(frozen=True, kw_only=True)
class _Frames:
    """The usable frames of some, at the working size."""

    kept: list[int]
    """Which of the frames that were asked for."""
    grays: UInt8[np.ndarray, "frame height width"]
    small_depths: Float32[np.ndarray, "frame small_height small_width"]
    sharpness: Float[np.ndarray, "frame"]
    input_size: tuple[int, int]
    warnings: list[str]


def take_in(capture: Capture, options: IntakeOptions) -> Recording:
    """Read every frame that may be used and check it.

    Raises:
        InvalidFileError: When too little of the recording is usable, with what was found and how to mend it.
    """
    total = len(capture.frame_ids)
    if total < 2:
        raise InvalidFileError(
            f"{capture.path} has {total} frame(s); at least 2 are needed, and motion is seen well from about 16.",
            path=capture.path,
        )
    warnings = list(capture.warnings)
    considered = thin_out(capture, options.max_frames)
    if len(considered) < total:
        warnings.append(f"The recording has {total} frames; {len(considered)} of them are looked at.")
    if capture.world_from_camera is None:
        poses = None
    else:
        considered, poses, told = check_recorded_poses(capture.world_from_camera, considered)
        warnings += told
    frames = _read_frames(capture, considered, options.max_side)
    warnings += frames.warnings
    check_depth_unit(frames.small_depths, capture)
    poses = None if poses is None else poses[frames.kept]
    doubt = None if poses is None else find_unmoved_poses(frames.grays, poses)
    if doubt is not None:
        # Gravity was told by the same poses.
        poses, warnings, capture = None, [*warnings, doubt], derive(capture, ups_camera=None)
    width, height = frames.input_size
    k = _fit_intrinsics(capture, frames.input_size)
    return Recording(
        capture=capture,
        indices=considered[frames.kept],
        times=np.asarray(capture.times, dtype=np.float64)[considered[frames.kept]],
        grays=frames.grays,
        small_depths=frames.small_depths,
        sharpness=frames.sharpness,
        intrinsics=scale_intrinsics(k, frames.grays.shape[2] / width, frames.grays.shape[1] / height),
        input_size=frames.input_size,
        world_from_camera=poses,
        warnings=tuple(warnings),
    )


def _read_frames(capture: Capture, considered: Int[np.ndarray, "frame"], max_side: int) -> _Frames:
    """Read frames; those that are damaged, of another size or without depth are left out, in words."""
    kept, grays, small_depths, sharpness, damage, empty = [], [], [], [], [], 0
    input_size: tuple[int, int] | None = None
    depth_repair = False
    for position, index in enumerate(considered):
        try:
            image, depth = capture.read_image(int(index)), capture.read_depth(int(index))
        except InvalidFileError as error:
            damage.append(str(error))
            continue
        size = (image.shape[1], image.shape[0])
        input_size = input_size or size
        if size != input_size:
            damage.append(f"frame {capture.frame_ids[index]} is {size[0]}x{size[1]} px, the first is {input_size}.")
            continue
        depth_repair |= _check_depth_size(depth, size, capture)
        if not np.any(depth > 0):
            empty += 1
            continue
        work = working_size(size, max_side)
        gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        gray = cv2.resize(gray, work, interpolation=cv2.INTER_AREA) if work != size else gray
        kept.append(position)
        grays.append(gray)
        small_depths.append(_resize_nearest(depth, working_size(work, _SMALL_SIDE)))
        sharpness.append(float(cv2.Laplacian(gray, cv2.CV_32F).var()))
    warnings = _judge_losses(capture, damage, empty, len(kept))
    if depth_repair:
        warnings.append("Depth images have another size than colour but the same shape: they were resized to it.")
    assert input_size is not None
    return _Frames(
        kept=kept,
        grays=np.array(grays),
        small_depths=np.array(small_depths),
        sharpness=np.array(sharpness),
        input_size=input_size,
        warnings=warnings,
    )


def _judge_losses(capture: Capture, damage: list[str], empty: int, num_kept: int) -> list[str]:
    """What is said of damaged frames and of those without depth (`empty`); raises when too few are left."""
    if empty and not num_kept:
        raise InvalidFileError(
            f"{capture.path}: the depth of all {empty} frames is zero everywhere; check that the depth images are those of "
            "this recording and were saved with 16 bits.",
            path=capture.path,
        )
    lost = len(damage) + empty
    if not lost:
        return []
    first = damage[0] if damage else "their depth is zero everywhere"
    message = f"{lost} of {lost + num_kept} frames are damaged ({first.rstrip('.')})"
    if lost > _MAX_DAMAGED * (lost + num_kept) or num_kept < 2:
        raise InvalidFileError(
            f"{capture.path}: {message}: too many to go on. Copy or convert the recording again.", path=capture.path
        )
    return [f"{message}: they are left out."]


def check_depth_unit(depths: Float32[np.ndarray, "frame height width"], capture: Capture) -> None:
    """Raise InvalidFileError when the median depth shows that the unit must be wrong."""
    median = float(np.median(depths[depths > 0]))
    low, high = _DEPTH_LIMITS
    if capture.is_metric and not low <= median <= high:
        raise InvalidFileError(
            f"{capture.path}: the median depth is {median:.4g} m, so the depth unit must be wrong. Set 'depth_scale' in "
            "camera.json to the metres of one unit (0.001 for mm, 0.0002 for TUM recordings).",
            path=capture.path,
        )


def _check_depth_size(depth: Float32[np.ndarray, "height width"], size: tuple[int, int], capture: Capture) -> bool:
    """Whether the depth image must be resized to the colour image's size; raises when their shapes differ."""
    if depth.shape[::-1] == size:
        return False
    if abs(depth.shape[1] / depth.shape[0] - size[0] / size[1]) > _ASPECT_TOLERANCE:
        raise InvalidFileError(
            f"{capture.path}: colour is {size[0]}x{size[1]} px, depth {depth.shape[1]}x{depth.shape[0]}: they do not show "
            "the same view. Align depth to colour when recording (RealSense: rs.align; most apps export it aligned).",
            path=capture.path,
        )
    return True


def _fit_intrinsics(capture: Capture, size: tuple[int, int]) -> Float[np.ndarray, "3 3"]:
    k = np.asarray(capture.intrinsics, dtype=np.float64)
    if not (0 <= k[0, 2] <= size[0] and 0 <= k[1, 2] <= size[1]):
        raise InvalidValueError(
            f"{capture.path}: the principal point ({k[0, 2]:.1f}, {k[1, 2]:.1f}) lies outside the {size[0]}x{size[1]} px "
            "image; give the intrinsics of the stored images."
        )
    return k


def working_size(size: tuple[int, int], max_side: int) -> tuple[int, int]:
    """Width and height (px) with the longer one reduced to a limit: upright videos cost no more than lying ones."""
    scale = min(1.0, max_side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _resize_nearest(depth: Float32[np.ndarray, "height width"], size: tuple[int, int]) -> Float32[np.ndarray, "h w"]:
    return cv2.resize(depth, size, interpolation=cv2.INTER_NEAREST) if depth.shape[::-1] != size else depth
