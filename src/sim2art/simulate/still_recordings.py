"""Recordings in which nothing moves but what is no part of any object: the camera, the sensor, a hand that passes by.

Small ones, since what they ask needs no detail: whether any joint is claimed.
"""

import dataclasses
from typing import Literal, assert_never

import numpy as np
from jaxtyping import Float, UInt8

from sim2art.simulate.joint_motions import MotionConfig
from sim2art.simulate.recordings import HANDHELD, RecordingConfig, SimulatedRecording, render_recording
from sim2art.simulate.seeds import log_uniform, named_rng

StillKind = Literal["moving_camera", "depth_flicker", "warm_up", "passing_hand"]
STILL = MotionConfig(static_share=1.0, trembling_share=0.0)
_FLICKER = (0.004, 0.01)
"""Change of the depth's scale from frame to frame: two to five times what our depth camera does."""
_WARM_UP = 0.2
"""Share of the recording until exposure and white balance have rounded."""
_DARKEST = 0.35
"""Brightness of the first frame."""
_TINT = 0.25
"""Largest excess of a channel in the first frame."""


def render_still(kind: StillKind, families: tuple[str, ...], seed: int) -> SimulatedRecording:
    """The still recording of a seed; with tracked camera poses for even seeds, without any for odd ones."""
    config = RecordingConfig(
        families=families,
        num_frames=24,
        width=320,
        height=240,
        poses="none" if seed % 2 else "tracked",
        hand_share=1.0 if kind == "passing_hand" else 0.0,
        hand_style="passing",
        motion=STILL,
        # What the sensor or a hand does is shown by tripods as well.
        camera=dataclasses.replace(HANDHELD, static_share=0.0 if kind == "moving_camera" else 0.5),
    )
    recording = render_recording(config, seed)
    rng = named_rng(seed, "still")
    match kind:
        case "moving_camera" | "passing_hand":
            pass
        case "depth_flicker":
            gains = 1 + log_uniform(rng, *_FLICKER) * rng.standard_normal(len(recording.times))
            depths = np.rint(recording.depths * gains[:, None, None] * 1000) / 1000
            recording = dataclasses.replace(recording, depths=depths.astype(np.float32))
        case "warm_up":
            recording = dataclasses.replace(recording, images=_warm_up(recording.images, rng))
        case _:
            assert_never(kind)
    return dataclasses.replace(recording, provenance={**recording.provenance, "family": kind})


def _warm_up(
    images: UInt8[np.ndarray, "frame height width 3"], rng: np.random.Generator
) -> UInt8[np.ndarray, "frame height width 3"]:
    """Images that begin dark and tinted, as before automatic exposure and white balance have rounded."""
    left = np.clip(1 - np.linspace(0, 1, len(images)) / _WARM_UP, 0.0, 1.0)[:, None]
    gains: Float[np.ndarray, "frame 3"] = (1 - (1 - _DARKEST) * left) * (1 + rng.uniform(-_TINT, _TINT, 3) * left)
    return np.clip(np.rint(images * gains[:, None, None]), 0, 255).astype(np.uint8)
