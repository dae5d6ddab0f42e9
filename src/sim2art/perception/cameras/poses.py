"""Camera poses of a recording: its own when it has them, else tracked; the longest stretch without a jump is kept."""

import dataclasses
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from sim2art.errors import InvalidFileError
from sim2art.perception.captures.pose_checks import find_jumps, longest_stretch, stands_still
from sim2art.perception.frames.intake import Recording
from sim2art.perception.tasks import CameraTracker

_MIN_AGREEMENT = 0.5
_MIN_STRETCH = 4
"""Frames that must be left after a jump, unless the recording is shorter."""


@dataclass(frozen=True, kw_only=True)
class PosedRecording:
    """A recording cut to the frames whose camera is known."""

    recording: Recording
    world_from_camera: Float[np.ndarray, "frame 4 4"]
    """World is any frame; the pipeline moves it to the first used camera."""
    is_static: bool
    """Whether the camera stands still."""
    warnings: tuple[str, ...]


def find_poses(recording: Recording, tracker: CameraTracker, cameras: str = "auto") -> PosedRecording:
    """Take the recording's poses, or track the camera, and cut the recording where the camera jumps.

    Args:
        recording: A checked recording.
        tracker: Finds poses from the images.
        cameras: "static": the camera stood still; "klt": tracked from the images and the depth; anything else: the
            recording's poses when it has them, tracked when not.

    Raises:
        InvalidFileError: When the camera can be followed through hardly any frames.
    """
    warnings = []
    if cameras == "static":
        poses, breaks, is_static = np.broadcast_to(np.eye(4), (recording.num_frames, 4, 4)).copy(), [], True
    elif recording.world_from_camera is not None and cameras != "klt":
        poses = recording.world_from_camera
        breaks = find_jumps(poses)
        is_static = stands_still(poses)
    else:
        track = tracker(recording.grays, recording.read_depth, recording.intrinsics)
        poses, is_static = track.world_from_camera, track.is_static
        breaks = sorted({*find_jumps(poses), *_edges_of_lost(track.tracked)})
        if track.agreement < _MIN_AGREEMENT:
            warnings.append(
                f"The camera could hardly be tracked (only {100 * track.agreement:.0f} % of the corners agree): the result "
                "may be wrong. If the camera stood still, pass --cameras static."
            )
        warnings.append(
            ("The recording has no usable camera poses: " if recording.world_from_camera is None else "Camera poses: ")
            + (
                "the camera stands still."
                if is_static
                else f"they were tracked ({track.residual:.2f} px median error)."
            )
        )
    first, last = longest_stretch(recording.num_frames, breaks)
    if breaks:
        ids = [recording.capture.frame_ids[i] for i in recording.indices]
        places = ", ".join(str(ids[i]) for i in breaks[:4]) + (" ..." if len(breaks) > 4 else "")
        if last - first < min(_MIN_STRETCH, recording.num_frames):
            raise InvalidFileError(
                f"{recording.capture.path}: the camera jumps or is lost at {len(breaks)} places (frames {places}); no stretch of "
                f"{_MIN_STRETCH} frames is left. Record again with a slower camera, or give world_from_camera.",
                path=recording.capture.path,
            )
        warnings.append(
            f"The camera jumps at frame {places}: only frames {ids[first]} to {ids[last - 1]} are used "
            f"({last - first} of {recording.num_frames})."
        )
    return PosedRecording(
        recording=cut_recording(recording, first, last),
        world_from_camera=poses[first:last],
        is_static=is_static,
        warnings=tuple(warnings),
    )


def cut_recording(recording: Recording, first: int, last: int) -> Recording:
    """The frames `first` to `last` (exclusive) of a recording."""
    part = slice(first, last)
    poses = recording.world_from_camera
    return dataclasses.replace(
        recording,
        indices=recording.indices[part],
        times=recording.times[part],
        grays=recording.grays[part],
        small_depths=recording.small_depths[part],
        sharpness=recording.sharpness[part],
        world_from_camera=None if poses is None else poses[part],
    )


def _edges_of_lost(tracked: np.ndarray) -> list[int]:
    """Where tracking is lost or found again."""
    return [int(i) + 1 for i in np.flatnonzero(np.diff(tracked.astype(int)))]
