"""Which frames of a recording are used: those between which parts move; what hands do there does not count."""

import cv2
import numpy as np
from jaxtyping import Int

from sim2art.perception.cameras.poses import PosedRecording
from sim2art.perception.frames.choice import choose_frames
from sim2art.perception.frames.motion_profile import MotionProfile, measure_motion, sharp_enough
from sim2art.perception.options import ObserveOptions
from sim2art.perception.people.hands.growing import GrownHands


def pick_frames(
    posed: PosedRecording,
    options: ObserveOptions,
    known: Int[np.ndarray, "used"] | None = None,
    hands: GrownHands | None = None,
) -> tuple[Int[np.ndarray, "used"], MotionProfile]:
    """Which frames of the recording to use, and the motion they were chosen by.

    Args:
        posed: The recording with its cameras.
        options: Say how many.
        known: Positions in the capture of frames that were chosen already.
        hands: Of all frames, where they are known. An arm is larger than most parts and moves before and after them.
    """
    recording = posed.recording
    people = None
    if hands is not None:
        size = recording.small_depths.shape[:0:-1]
        people = np.array(
            [cv2.resize(own.astype(np.uint8), size, interpolation=cv2.INTER_AREA) > 0 for own in hands.reach]
        )
    profile = measure_motion(recording, posed.world_from_camera, people)
    if known is not None:
        return np.searchsorted(recording.indices, known), profile
    noise = min(0.1, 1.5 * float(np.quantile(profile.motion, 0.1))) if len(profile.motion) else 0.0
    frames = choose_frames(
        profile.motion,
        num_frames=options.num_frames,
        is_sharp=sharp_enough(recording.sharpness),
        reversal=profile.reversal,
        noise=noise,
    )
    return frames, profile
