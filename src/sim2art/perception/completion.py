"""A recording of colour becomes one with depth and camera: chain `light` and every other way without a depth sensor.

Frames are thinned out, the camera is found (standing still, or solved by COLMAP with what moves left out), each frame's
depth is guessed by the chosen component and all guesses are brought to one scale. What comes out is a `Capture`, so the
rest of the chain is the same as for a depth camera. Lengths have no known scale unless the user gives one.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, Float32, Int, UInt8

from sim2art.errors import InvalidFileError
from sim2art.perception.cameras.color_cameras import ColorFrames, SolvedFrames, solve_color_cameras
from sim2art.perception.cameras.guessed_intrinsics import guess_intrinsics, known_intrinsics
from sim2art.perception.cameras.klt_pnp import is_camera_static
from sim2art.perception.cameras.still_camera import compared_frames, stands_still_by_area
from sim2art.perception.captures.capture import HOW_TO_GET_DEPTH, ColorCapture, DepthSource, scale_intrinsics
from sim2art.perception.captures.own_files import DepthFiles, read_cameras
from sim2art.perception.captures.pose_checks import check_recorded_poses, stands_still
from sim2art.perception.captures.unmoved_poses import find_unmoved_poses
from sim2art.perception.components import Choice, find_lacks, lack_words
from sim2art.perception.depth.alignment import align_static
from sim2art.perception.flow.matcher import load_matcher
from sim2art.perception.frames.cuts import find_cuts, longest_shot
from sim2art.perception.frames.intake import working_size
from sim2art.perception.frames.letterbox import find_bars
from sim2art.perception.frames.thinning import thin_out
from sim2art.perception.frames.warm_up import count_warm_up
from sim2art.perception.options import CompleteOptions
from sim2art.perception.tasks import DepthEstimator, DepthGuess, DepthKind
from sim2art.perception.tracks.klt_tracks import CornerTracks
from sim2art.weights import has_weight

_MAX_DAMAGED = 0.2


@dataclass(frozen=True, kw_only=True)
class Completion:
    """What a recording of colour was given."""

    indices: Int[np.ndarray, "frame"]
    """Positions in the recording of the frames that are used."""
    depths: Float32[np.ndarray, "frame height width"]
    """At the working size; m when `is_metric`."""
    intrinsics: Float[np.ndarray, "3 3"]
    """px, at the working size."""
    world_from_camera: Float[np.ndarray, "frame 4 4"] | None
    """None leaves the camera to be tracked with the depth."""
    is_metric: bool
    warnings: tuple[str, ...]
    ups_are_known: bool = True
    """False where recorded poses count as none: gravity came from these."""


def complete(
    capture: ColorCapture, depth: Choice, cameras: Choice, options: CompleteOptions, *, estimator: DepthEstimator | None = None
) -> Completion:  # fmt: skip
    """Guess depth and find the cameras of a recording; depth of its own is not looked at.

    `estimator` overrides the depth component.

    Raises:
        InvalidFileError: When the recording, the depth or the camera's motion cannot be used.
    """
    loaded, is_metric = (estimator, False) if estimator is not None else load_depth_estimator(depth, capture)
    warnings: list[str] = []
    frames, recorded = _take_frames(capture, loaded, cameras, options, warnings)
    known = known_intrinsics(capture, frames.size, options.fov_deg)
    poses, ups_are_known = recorded, True
    if cameras.name == "file":
        poses, found = read_cameras(cameras.place, tuple(capture.frame_ids[i] for i in frames.indices))
        known = known if found is None else found
    elif recorded is not None and (doubt := find_unmoved_poses(frames.grays, recorded)) is not None:
        poses, ups_are_known, warnings = None, False, [*warnings, doubt]
    tracks = None
    if poses is None and cameras.name in ("auto", "static"):
        is_still = cameras.name == "static" or _stands_still_by_flow(frames.grays)
        if not is_still:
            tracks = frames.track()
            is_still = is_camera_static(tracks, len(frames.grays))
        if is_still:
            poses = np.tile(np.eye(4), (len(frames.indices), 1, 1))
    if poses is not None:
        solved = _with_poses(frames, poses, known, warnings, is_metric=is_metric)
    else:
        solved = _find_poses(frames, tracks, known, depth, cameras, warnings)
    depths = solved.depths
    if not is_metric:
        warnings.append(
            f"Depth was guessed from colour ({depth.name}): lengths have no sure scale. --known-length or --marker gives it."
        )
    if frames.bars.any():
        warnings.append(f"{100 * frames.bars.mean():.0f} % of the image are black bars at its rim: they are left out.")
        depths[:, frames.bars] = 0.0
    return Completion(
        indices=frames.indices[solved.kept], depths=depths, intrinsics=solved.intrinsics,
        world_from_camera=solved.world_from_camera, is_metric=is_metric, warnings=tuple(warnings), ups_are_known=ups_are_known,
    )  # fmt: skip


def _stands_still_by_flow(grays: UInt8[np.ndarray, "frame height width"]) -> bool:
    """Whether the camera stands still as far as a network's flow tells, if its weights are at hand."""
    some = compared_frames(grays)
    matcher = load_matcher(Choice(name="gmflow"), some) if has_weight("gmflow") else None
    return matcher is not None and stands_still_by_area(matcher, some)


def _take_frames(
    capture: ColorCapture, estimator: DepthEstimator, cameras: Choice, options: CompleteOptions, warnings: list[str]
) -> tuple[ColorFrames, Float[np.ndarray, "frame 4 4"] | None]:
    """Frames to use with a guess of their depth, and their recorded poses where these count."""
    if isinstance(estimator, DepthFiles):
        indices = _with_files(capture, estimator, options.max_frames)
    else:
        indices = thin_out(capture, options.max_frames)
    pose_of: dict[int, np.ndarray] = {}
    if cameras.name == "auto" and capture.world_from_camera is not None:
        indices, recorded, told = check_recorded_poses(capture.world_from_camera, indices)
        pose_of = {} if recorded is None else dict(zip(indices.tolist(), recorded, strict=True))
        warnings += told
    indices, images, told = _read_images(capture, indices, options.max_side)
    warnings += told
    first, last, told = _choose_stretch(capture, indices, images)
    indices, images = indices[first:last], images[first:last]
    warnings += told
    grays = np.array([cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in images])
    frames = ColorFrames(
        path=capture.path,
        indices=indices,
        grays=grays,
        bars=find_bars(grays),
        guesses=[estimator(image, capture.frame_ids[i]) for i, image in zip(indices, images, strict=True)],
    )
    return frames, np.array([pose_of[int(index)] for index in indices]) if pose_of else None


def _with_poses(
    frames: ColorFrames,
    poses: Float[np.ndarray, "frame 4 4"],
    known: Float[np.ndarray, "3 3"] | None,
    warnings: list[str],
    *,
    is_metric: bool,
) -> SolvedFrames:
    """Depths for cameras that are known."""
    is_still = stands_still(poses)
    intrinsics = guess_intrinsics(known, frames.guesses, frames.size, warnings)
    depths = frames.depths() if is_metric or not is_still else align_static(frames.guesses, frames.grays)
    if not (is_still or is_metric):
        warnings.append("The depth of each frame is used as it comes; it must fit the scale of the camera poses.")
    return SolvedFrames(kept=frames.everything, depths=depths, intrinsics=intrinsics, world_from_camera=poses)


def _find_poses(
    frames: ColorFrames,
    tracks: CornerTracks | None,
    known: Float[np.ndarray, "3 3"] | None,
    depth: Choice,
    cameras: Choice,
    warnings: list[str],
) -> SolvedFrames:
    """Cameras by COLMAP; where that is not wanted, not at hand or fails, they are left to be followed by the guessed depth."""
    is_auto, lacks = cameras.name == "auto", find_lacks("cameras", Choice(name="colmap"))
    if cameras.name == "klt" or (is_auto and lacks):
        _refuse_disparity(frames.guesses, depth.name)
        if is_auto:
            warnings.append(
                f"The camera is followed by the guessed depth, which is less sure than COLMAP ({lack_words(lacks)})."
            )
    else:
        has_else = is_auto and frames.guesses[0].kind is not DepthKind.DISPARITY
        try:
            return solve_color_cameras(frames, tracks or frames.track(), known, warnings, keep_odd=not has_else)
        except InvalidFileError as error:
            if not has_else:
                raise
            warnings.append(f"{error} The camera is followed by the guessed depth instead, which is less sure.")
    intrinsics = guess_intrinsics(known, frames.guesses, frames.size, warnings)
    return SolvedFrames(kept=frames.everything, depths=frames.depths(), intrinsics=intrinsics, world_from_camera=None)


def completed_capture(capture: ColorCapture, completion: Completion, *, is_guessed: bool) -> DepthSource:
    """The recording's used frames, with the depth and cameras that it was given; `is_guessed`: image by image."""
    first = capture.read_image(int(completion.indices[0]))
    height, width = completion.depths.shape[1:]
    ups = capture.ups_camera

    def depth(index: int) -> Float32[np.ndarray, "height width"]:
        return cv2.resize(completion.depths[index], (first.shape[1], first.shape[0]), interpolation=cv2.INTER_NEAREST)

    return DepthSource(
        path=capture.path,
        frame_ids=tuple(capture.frame_ids[i] for i in completion.indices),
        times=np.asarray(capture.times)[completion.indices],
        images=lambda index: capture.read_image(int(completion.indices[index])),
        depths=depth,
        intrinsics=scale_intrinsics(completion.intrinsics, first.shape[1] / width, first.shape[0] / height),
        world_from_camera=completion.world_from_camera,
        is_metric=completion.is_metric,
        warnings=(*capture.warnings, *completion.warnings),
        depth_is_guessed=is_guessed,
        ups_camera=ups[completion.indices] if ups is not None and completion.ups_are_known else None,
    )


def load_depth_estimator(choice: Choice, capture: ColorCapture) -> tuple[DepthEstimator, bool]:
    """The component, and whether its depth is metres for certain.

    Raises:
        InvalidFileError: When none was chosen, or its model is not on this machine.
    """
    if choice.name == "auto":
        raise InvalidFileError(
            f"{capture.path} has no depth. Pass --chain light (guessed on this machine; get what it needs once with: sim2art "
            f"weights fetch dinov2-small) or --chain full (ViPE on a CUDA GPU). {HOW_TO_GET_DEPTH}.",
            path=capture.path,
        )
    if choice.name == "file":
        files = DepthFiles(choice.place)
        return files, files.is_metric
    if choice.name == "head":
        from sim2art.perception.depth.head import HeadDepth

        return HeadDepth(choice.source), False
    from sim2art.perception.depth.networks import load_depth_network

    return load_depth_network(choice.name, choice.source), False


def _read_images(
    capture: ColorCapture, indices: Int[np.ndarray, "frame"], max_side: int
) -> tuple[Int[np.ndarray, "kept"], UInt8[np.ndarray, "kept height width 3"], list[str]]:
    """Images at the working size; damaged ones are left out."""
    kept, images, damage = [], [], []
    for index in indices:
        try:
            image = capture.read_image(int(index))
        except InvalidFileError as error:
            damage.append(str(error))
            continue
        size = working_size((image.shape[1], image.shape[0]), max_side)
        if size != image.shape[1::-1]:
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        if images and image.shape != images[0].shape:
            damage.append(f"frame {capture.frame_ids[index]} has another size.")
            continue
        kept.append(int(index))
        images.append(image)
    if len(kept) < 2 or len(damage) > _MAX_DAMAGED * len(indices):
        raise InvalidFileError(
            f"{capture.path}: {len(kept)} of {len(indices)} frames can be used{': ' + damage[0] if damage else ''}. At least 2 "
            "are needed, and motion is seen well from about 16.",
            path=capture.path,
        )
    told = (
        [f"{len(damage)} of {len(indices)} frames are damaged ({damage[0].rstrip('.')}): they are left out."]
        if damage
        else []
    )
    return np.array(kept), np.array(images), told


def _choose_stretch(
    capture: ColorCapture, indices: Int[np.ndarray, "frame"], images: UInt8[np.ndarray, "frame height width 3"]
) -> tuple[int, int, list[str]]:
    """First place, and the place after the last, of the frames of one shot and one exposure, and what is left out."""
    times, told = np.asarray(capture.times), []
    warm_up = count_warm_up(images, times[indices])
    if warm_up:  # Asked first: the step to the right exposure looks like a cut.
        told.append(f"The first {warm_up} of {len(indices)} frames are tinted or wrongly exposed: they are left out.")
        indices, images = indices[warm_up:], images[warm_up:]
    cuts = find_cuts(
        np.array([cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in images]), indices,
        lambda index: cv2.cvtColor(capture.read_image(index), cv2.COLOR_RGB2GRAY), len(times),
    )  # fmt: skip
    first, last = longest_shot([place for place, _ in cuts], times[indices])
    if cuts:
        seconds = ", ".join(f"{times[index] - times[0]:.1f}" for _, index in cuts)
        start, end = times[indices[[first, last - 1]]] - times[0]
        told.append(
            f"The video is cut at {seconds} s: only its longest shot, {start:.1f} to {end:.1f} s, is used. --start and --end take "
            "another."
        )
    return warm_up + first, warm_up + last, told


def _with_files(capture: ColorCapture, files: DepthFiles, max_frames: int) -> Int[np.ndarray, "frame"]:
    """Positions of frames that have a depth file, evenly spread."""
    have = np.array([i for i, frame in enumerate(capture.frame_ids) if frame in files.frame_ids], dtype=int)
    return have[np.unique(np.linspace(0, len(have) - 1, min(len(have), max_frames)).astype(int))] if len(have) else have


def _refuse_disparity(guesses: list[DepthGuess], name: str) -> None:
    if guesses[0].kind is DepthKind.DISPARITY:
        raise InvalidFileError(
            f"The camera moves, and '{name}' guesses depth only up to a factor and an offset for each image. Install COLMAP "
            "(pip install 'sim2art[light]') or use a component that guesses metres, such as da2.",
            path="depth",
        )
