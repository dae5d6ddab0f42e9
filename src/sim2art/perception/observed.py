"""What the chain of perception gives: an `Observation`, ready for any method."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from sim2art.observation.point_video import PointVideo
from sim2art.observation.rgbd_video import RgbdVideo

NO_MOTION = "no motion seen"


@dataclass(frozen=True, kw_only=True)
class SeenJoints:
    """Joints that the flow between images shows where depth was guessed, in the video's world; the one that explains most first."""

    axes: Float[np.ndarray, "joint 3"]
    pivots: Float[np.ndarray, "joint 3"]
    """Of those that slide, a point of the part."""
    slides: Bool[np.ndarray, "joint"]
    values: Float[np.ndarray, "used joint"]
    """rad, or the unit of the depth; 0 in the first used frame."""


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What was seen, ready for any method, and what was noticed on the way."""

    video: RgbdVideo
    """The used frames; world is the first used camera's frame."""
    points: PointVideo
    frame_ids: tuple[int, ...]
    """The recording's numbers of the used frames."""
    indices: Int[np.ndarray, "used"]
    """Positions of the used frames in the capture."""
    input_size: tuple[int, int]
    """Width and height of the input images, px; the video may be smaller."""
    mask: str = ""
    """Which mask of the object was taken, as `MaskChoice` names it; empty where nobody noted it."""
    moves: bool
    """Whether any motion was seen."""
    warnings: tuple[str, ...]
    """Repairs and doubts, in words for a person."""
    reasons: tuple[str, ...]
    """Why the result cannot be fully trusted."""
    known_indices: Int[np.ndarray, "known"]
    """Positions in the capture of all frames whose camera is known."""
    known_world_from_camera: Float[np.ndarray, "known 4 4"]
    """Of those, in the video's world; used frames as they were before they were corrected."""
    up: Float[np.ndarray, "3"] | None = None
    """Which way is up in the video's world (unit), where the recording device measured gravity."""
    people: Bool[np.ndarray, "used height width"] | None = None
    """Hands, arms and people in the video's frames, as far as they were looked for."""
    joints: SeenJoints | None = None
    """None where depth was measured."""
