"""What comes before the chain: a recording is given the depth, cameras and scale that it lacks or that were asked for."""

import tempfile
from pathlib import Path

import cv2
import numpy as np

from sim2art.errors import InvalidFileError, InvalidValueError
from sim2art.perception.cameras.scale import parse_known_length, scale_by_length, scale_by_marker
from sim2art.perception.captures.capture import Capture, ColorCapture, DepthSource, scale_intrinsics
from sim2art.perception.captures.derived import cut_times, derive, keep_frames
from sim2art.perception.captures.own_files import read_cameras
from sim2art.perception.captures.video_file import is_video
from sim2art.perception.completion import Completion, complete, completed_capture
from sim2art.perception.components import COMPONENTS, Choice, refuse_lacking
from sim2art.perception.depth.alignment import read_sparse
from sim2art.perception.frames.intake import working_size
from sim2art.perception.frames.thinning import thin_out
from sim2art.perception.options import CompleteOptions, ObserveOptions
from sim2art.perception.stage_keys import choice_facts
from sim2art.perception.tracks.klt_tracks import track_corners
from sim2art.perception.tracks.mover_masks import find_moving_tracks, find_still_pixels
from sim2art.stages import StageKeeper, as_stage, from_stage, make_key

_STAGE = "completion"


def prepare(
    recording: ColorCapture, options: ObserveOptions, stages: StageKeeper | None = None, key: str = ""
) -> Capture:
    """The recording with the depth, cameras and scale that the options ask for; what needs no images is left to the chain.

    It is the first step of the chain, so what the chosen components lack is said here, whatever their task.

    Args:
        recording: An open recording, with or without depth.
        options: What is asked for.
        stages: Keeps what takes long.
        key: Of the recording, for the stages.

    Raises:
        InvalidFileError: When a component cannot run here, or depth or cameras cannot be had, with how to mend it.
    """
    refuse_lacking({task: options.choice(task) for task in COMPONENTS})
    start, end = options.intake.start, options.intake.end
    recording = cut_times(recording, start, end)
    depth, cameras, completing = options.choice("depth"), options.choice("cameras"), options.complete
    if cameras.name == "vipe" and depth.name != "vipe" and not isinstance(recording, Capture):
        raise InvalidValueError("--cameras vipe goes with --depth vipe: ViPE finds both together.")
    length = None if options.known_length is None else parse_known_length(options.known_length)
    stages = stages or StageKeeper(None)
    if depth.name == "vipe":
        capture: Capture = _from_vipe(recording, depth, stages)
    elif isinstance(recording, Capture) and depth.name == "auto":
        capture = _with_cameras(recording, cameras, completing)
    else:
        key = make_key(
            make_key(key, start, end), choice_facts("depth", depth), choice_facts("cameras", cameras), vars(completing)
        )
        kept = stages.load(_STAGE, key)
        found = None if kept is None else from_stage(Completion, kept)
        if found is None:
            found = complete(recording, depth, cameras, completing)
            stages.keep(_STAGE, key, as_stage(found))
        capture = completed_capture(recording, found, is_guessed=COMPONENTS["depth"][depth.name].guesses_images)
    if length is not None:
        capture = scale_by_length(capture, length)
    if options.marker is not None:
        capture = scale_by_marker(capture, options.marker)
    return capture


def _from_vipe(recording: ColorCapture, depth: Choice, stages: StageKeeper) -> DepthSource:
    from sim2art.perception.cameras.vipe import run_vipe

    if not is_video(recording.path):
        raise InvalidFileError(
            f"{recording.path} is no video file, which ViPE needs. For what ViPE wrote elsewhere pass that folder itself.",
            path=recording.path,
        )
    if depth.source is not None:
        output = Path(depth.source)
    else:
        output = Path(tempfile.mkdtemp(prefix="sim2art-vipe-")) if stages.folder is None else stages.folder / "vipe"
    whole = run_vipe(recording.path, output)
    wanted = set(recording.frame_ids)  # ViPE saw the whole file; the recording may be a stretch of it.
    return keep_frames(whole, [index for index, frame in enumerate(whole.frame_ids) if frame in wanted])


def _with_cameras(capture: Capture, cameras: Choice, options: CompleteOptions) -> Capture:
    """A recording with depth, and with the cameras of a file or of COLMAP where they were asked for."""
    if cameras.name == "file":
        poses, _ = read_cameras(cameras.place, capture.frame_ids)
        return _replaced(capture, range(len(capture.frame_ids)), poses, ())
    if cameras.name != "colmap":
        return capture
    from sim2art.perception.cameras.colmap_cameras import solve_cameras

    indices = [int(index) for index in thin_out(capture, options.max_frames)]
    first = capture.read_image(indices[0])
    size = working_size((first.shape[1], first.shape[0]), options.max_side)
    grays = np.array([
        cv2.resize(cv2.cvtColor(capture.read_image(i), cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)
        for i in indices
    ])  # fmt: skip
    everywhere = np.ones(grays.shape[1:], np.float32)
    tracks = track_corners(grays, lambda _: everywhere)
    moving = find_moving_tracks(tracks, len(grays))
    still = find_still_pixels(tracks, grays, moving)
    k = scale_intrinsics(capture.intrinsics, size[0] / first.shape[1], size[1] / first.shape[0])
    found = solve_cameras(grays, still, tracks, moving, k, capture.path)
    ratios = []
    for index in np.flatnonzero(found.solved):
        depth = cv2.resize(capture.read_depth(indices[index]), size, interpolation=cv2.INTER_NEAREST)
        measured, sparse = read_sparse(depth, found, int(index))
        ratios.append(measured[measured > 0] / sparse[measured > 0])
    ratio = np.concatenate(ratios)
    if len(ratio) < 20:
        raise InvalidFileError(
            f"{capture.path}: the depth and COLMAP's points hardly meet; use --cameras klt.", path=capture.path
        )
    poses = found.world_from_camera[found.solved].copy()
    poses[:, :3, 3] *= float(np.median(ratio))
    told = f"The camera was solved by COLMAP ({found.residual:.2f} px mean error) and scaled by the recorded depth."
    return _replaced(capture, [indices[i] for i in np.flatnonzero(found.solved)], poses, (told,))


def _replaced(capture: Capture, indices: range | list[int], poses: np.ndarray, told: tuple[str, ...]) -> DepthSource:
    """Some frames of a recording, with other poses."""
    return derive(keep_frames(capture, indices), world_from_camera=poses, warnings=(*capture.warnings, *told))
