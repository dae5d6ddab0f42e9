"""What comes before the chain: a recording is given the depth, cameras and scale that it lacks or that were asked for."""

import tempfile
from pathlib import Path

import cv2
import numpy as np

from sim2art.errors import InvalidFileError, InvalidValueError
from sim2art.perception.cameras.scale import parse_known_length, scale_by_length, scale_by_marker
from sim2art.perception.captures.capture import Capture, ColorCapture, DepthSource, scale_intrinsics
from sim2art.perception.captures.derived import derive, keep_frames
from sim2art.perception.captures.own_files import read_cameras
from sim2art.perception.captures.video_file import is_video
from sim2art.perception.completion import Completion, complete, completed_capture
from sim2art.perception.components import COMPONENTS, Choice
from sim2art.perception.depth.alignment import read_sparse
from sim2art.perception.frames.intake import working_size
from sim2art.perception.frames.thinning import thin_out
from sim2art.perception.options import CompleteOptions
from sim2art.perception.stage_keys import choice_facts
from sim2art.perception.tracks.klt_tracks import track_corners
from sim2art.perception.tracks.mover_masks import find_moving_tracks, find_still_pixels
from sim2art.stages import StageKeeper, as_stage, from_stage, make_key

_STAGE = "completion"


def prepare_capture(
    recording: ColorCapture,
    *,
    depth: Choice,
    cameras: Choice,
    options: CompleteOptions,
    known_length: str | None = None,
    marker: float | None = None,
    stages: StageKeeper | None = None,
    key: str = "",
) -> Capture:
    """A recording with depth, and with cameras and metres where they were asked for.

    Args:
        recording: An open recording, with or without depth.
        depth: Depth component; "auto" is the recording's own.
        cameras: Camera component; what needs no images is left to the chain.
        options: For guessed depth.
        known_length: "x1,y1,x2,y2=METRES", see `scale.parse_known_length`.
        marker: Side of a printed marker that is seen, m.
        stages: Keeps what takes long.
        key: Of the recording, for the stages.

    Raises:
        InvalidFileError: When depth or cameras cannot be had, with how to mend it.
    """
    if cameras.name == "vipe" and depth.name != "vipe" and not isinstance(recording, Capture):
        raise InvalidValueError("--cameras vipe goes with --depth vipe: ViPE finds both together.")
    length = None if known_length is None else parse_known_length(known_length)
    stages = stages or StageKeeper(None)
    if depth.name == "vipe":
        capture: Capture = _from_vipe(recording, depth, stages)
    elif isinstance(recording, Capture) and depth.name == "auto":
        capture = _with_cameras(recording, cameras, options)
    else:
        key = make_key(key, choice_facts("depth", depth), choice_facts("cameras", cameras), vars(options))
        kept = stages.load(_STAGE, key)
        found = None if kept is None else from_stage(Completion, kept)
        if found is None:
            found = complete(recording, depth, cameras, options)
            stages.keep(_STAGE, key, as_stage(found))
        capture = completed_capture(recording, found, is_guessed=COMPONENTS["depth"][depth.name].guesses_images)
    if length is not None:
        capture = scale_by_length(capture, length)
    if marker is not None:
        capture = scale_by_marker(capture, marker)
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
    found = keep_frames(whole, [index for index, frame in enumerate(whole.frame_ids) if frame in wanted])
    assert isinstance(found, DepthSource), "It has depth."
    return found


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
    kept = derive(keep_frames(capture, indices), world_from_camera=poses, warnings=(*capture.warnings, *told))
    assert isinstance(kept, DepthSource), "It has depth."
    return kept
