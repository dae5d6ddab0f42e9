"""Optical flow between the used frames by the component that was chosen, or from files of the user's."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float32, Int

from sim2art.perception.captures.own_files import FlowFiles
from sim2art.perception.components import Choice
from sim2art.perception.frames.intake import Recording
from sim2art.perception.frames.motion_profile import MotionProfile, chain_flow


def known_flow(
    choice: Choice, recording: Recording, frames: Int[np.ndarray, "used"]
) -> Callable[[int, int], np.ndarray | None] | None:
    """Flow between used frames that the user's files give, by the frames' places; None where none were chosen."""
    if choice.name != "file":
        return None
    files, ids = FlowFiles(choice.place), ids_of(recording, frames)
    return lambda a, b: files.read(ids[a], ids[b], recording.size)


def coarse_starts(
    frames: Int[np.ndarray, "used"], profile: MotionProfile, recording: Recording, baselines: tuple[int, ...]
) -> dict[tuple[int, int], Float32[np.ndarray, "height width 2"]]:
    """First guesses of the flow between neighbouring used frames, by way of the frames that are not used."""
    starts = {}
    for used in range(len(frames) - 1):
        a, b = int(frames[used]), int(frames[used + 1])
        if b - a > 1:
            starts[used, used + 1] = chain_flow(profile.forward[a:b], recording.size)
            starts[used + 1, used] = chain_flow(profile.backward[a:b][::-1], recording.size)
    return starts


def ids_of(recording: Recording, frames: Int[np.ndarray, "used"]) -> tuple[int, ...]:
    """The recording's numbers of the used frames."""
    return tuple(recording.capture.frame_ids[i] for i in recording.indices[frames])
