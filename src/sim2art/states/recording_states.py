"""From a recording and the estimate of its used frames to the states of all its frames, and in words what is not certain."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from sim2art.articulation.estimate import ArticulationEstimate, JointEstimate, Status
from sim2art.articulation.frame_states import FrameStates
from sim2art.articulation.joint import Joint, JointType
from sim2art.errors import InvalidFileError
from sim2art.observation.rgbd_video import RgbdVideo
from sim2art.states.frame_stack import interpolate_poses, stack_frames
from sim2art.states.paths import USUAL_SPEED
from sim2art.states.states import Followed, follow

MAX_FRAMES = 320
"""Frames that are searched; those between them in a longer recording get values between theirs."""
_UNSURE = 0.1
"""A range, or a stretch in which a part could not be followed, is doubted when its sigma is above this share of the range."""
_JUMP = 5.0
"""Steps above this many times what is usual do not connect: above what a hand in a hurry does (three times), below what the
search rules out."""
_BETWEEN = 0.1
"""A value between two frames is off by about this share of the step between them."""


@runtime_checkable
class FrameReader(Protocol):
    """What is needed of a recording."""

    @property
    def frame_ids(self) -> tuple[int, ...]:
        """The recording's number of each frame."""
        ...

    @property
    def times(self) -> Float[np.ndarray, "frame"]:
        """S."""
        ...

    def read_image(self, index: int) -> UInt8[np.ndarray, "height width 3"]:
        """RGB of a frame."""
        ...

    def read_depth(self, index: int) -> Float[np.ndarray, "height width"]:
        """Depth of a frame, m, 0 = none."""
        ...


@dataclass(frozen=True, kw_only=True)
class RecordingStates:
    """What `find_states` found."""

    states: FrameStates
    estimate: ArticulationEstimate
    """With the values found at the used frames, and doubts."""
    warnings: tuple[str, ...]
    labels: dict[int, UInt8[np.ndarray, "height width"]]
    """By frame number, part of each pixel, at a small size; empty unless asked for."""


def find_states(
    capture: FrameReader,
    video: RgbdVideo,
    used: Int[np.ndarray, "used"],
    known: Int[np.ndarray, "known"],
    world_from_camera: Float[np.ndarray, "known 4 4"],
    estimate: ArticulationEstimate,
    labels: UInt8[np.ndarray, "used height width"],
    *,
    label_all: bool = False,
) -> RecordingStates:
    """The joint values of every frame of a recording.

    Args:
        video: Its used frames; world is the first used camera.
        used: Positions of the used frames in the recording.
        known: Positions of the frames whose camera is known, increasing, the used ones among them.
        world_from_camera: Of those, in the same world.
        labels: Part of each pixel of the used frames.
        label_all: Whether to label every frame (of very long recordings, every one that is searched).
    """
    positions = searched_positions(known, used)
    poses = interpolate_poses(known, world_from_camera, positions)

    def read(frame: int) -> tuple[UInt8[np.ndarray, "height width 3"], Float[np.ndarray, "depth_height depth_width"]]:
        index = int(positions[frame])
        try:
            return capture.read_image(index), capture.read_depth(index)
        except InvalidFileError:
            # Damaged frames were counted when the recording was taken in; nothing is seen in them.
            return np.zeros((*video.depths.shape[1:], 3), np.uint8), np.zeros(video.depths.shape[1:], np.float32)

    times = np.asarray(capture.times, np.float64)
    stack = stack_frames(read, times[positions], poses, video, np.searchsorted(positions, used))
    found = follow(stack, estimate, labels, label_all=label_all)
    ids = tuple(int(capture.frame_ids[index]) for index in positions)
    states = FrameStates(
        frame_ids=ids, times=times[positions], values=found.values, sigmas=found.sigmas, visible=found.visible,
        followed=found.followed,
    )  # fmt: skip
    doubted, warnings = _doubt(found, states)
    every = np.arange(known[0], known[-1] + 1)
    all_ids = [int(capture.frame_ids[index]) for index in every]
    return RecordingStates(
        states=spread(states, all_ids, times[every]),
        estimate=doubted,
        warnings=warnings,
        labels={} if found.labels is None else dict(zip(ids, found.labels, strict=True)),
    )


def spread(states: FrameStates, frame_ids: Sequence[int], times: Float[np.ndarray, "frame"]) -> FrameStates:
    """The states of more frames: those between known ones lie between their values, less surely."""
    if tuple(frame_ids) == states.frame_ids:
        return states
    right = np.clip(np.searchsorted(states.times, times), 1, max(len(states.times) - 1, 1))
    right = np.minimum(right, len(states.times) - 1)
    left = np.maximum(right - 1, 0)
    span = np.maximum(states.times[right] - states.times[left], 1e-9)
    share = np.clip((times - states.times[left]) / span, 0.0, 1.0)[:, None]
    a, b = states.values[left], states.values[right]
    within = 4.0 * share * (1.0 - share)
    sigmas = (1 - share) * states.sigmas[left] + share * states.sigmas[right]
    nearer = np.where(share[:, 0] < 0.5, left, right)
    return FrameStates(
        frame_ids=tuple(int(frame) for frame in frame_ids),
        times=np.array(times),
        values=(1 - share) * a + share * b,
        sigmas=np.hypot(sigmas, _BETWEEN * within * np.abs(b - a)),
        visible=states.visible[nearer].copy(),
        followed=states.followed,
    )


def searched_positions(known: Int[np.ndarray, "known"], used: Int[np.ndarray, "used"]) -> Int[np.ndarray, "frame"]:
    """Positions of the frames that are searched: all whose camera is known or lies between known ones, if they are not too many."""
    every = np.arange(known[0], known[-1] + 1)
    if len(every) > MAX_FRAMES:
        every = every[np.linspace(0, len(every) - 1, MAX_FRAMES).round().astype(np.int64)]
    return np.unique(np.concatenate([every, used]))


def _doubt(found: Followed, states: FrameStates) -> tuple[ArticulationEstimate, tuple[str, ...]]:
    """The estimate with the doubts that its states raise, and what a reader should know besides."""
    estimate = found.estimate
    joints: list[JointEstimate] = []
    warnings: list[str] = []
    for index, one in enumerate(estimate.joints):
        reasons: list[str] = []
        if not found.followed[index]:
            warnings.append(not_followed(one.joint))
        else:
            reasons = doubts_of(one, index, found.held[:, index], states)
        joints.append(_with_reasons(one, reasons))
    told = tuple(dict.fromkeys([*estimate.reasons, *(r for j in joints for r in j.reasons)]))
    status = estimate.status
    if status is Status.OK and any(joint.status is not Status.OK for joint in joints):
        status = Status.AMBIGUOUS
    if status is Status.OK:
        told = estimate.reasons
    return dataclasses.replace(estimate, joints=tuple(joints), status=status, reasons=told), tuple(warnings)


def not_followed(joint: Joint) -> str:
    """A warning that the values of a joint between the used frames were not seen."""
    return f"{joint.child} could not be followed through all frames: values between the used frames are drawn between theirs."


def _with_reasons(one: JointEstimate, reasons: list[str]) -> JointEstimate:
    if not reasons:
        return one
    status = Status.AMBIGUOUS if one.status is Status.OK else one.status
    return dataclasses.replace(one, status=status, reasons=(*one.reasons, *reasons))


def doubts_of(one: JointEstimate, index: int, held: Bool[np.ndarray, "frame"], states: FrameStates) -> list[str]:
    """Where a joint's states do not connect, and what to do about it."""
    part, ids = one.joint.child, states.frame_ids
    low, high, sigma = states.range_of(index)
    reach = max(high - low, 1e-9)
    unsure = ~held & (states.sigmas[:, index] > _UNSURE * reach)
    reasons = []
    for first, last in _runs(unsure):
        before, after = ids[max(first - 1, 0)], ids[min(last + 1, len(ids) - 1)]
        if not states.visible[first : last + 1, index].any():
            reasons.append(
                f"{part} is out of view between frames {before} and {after}: it may have moved further there. Film so that "
                "it stays in the picture, and seen from where its face shows"
            )
        else:
            reasons.append(
                f"{part} could not be followed between frames {before} and {after}: more than one place fits. Film that "
                "stretch more slowly, nearer, or in better light"
            )
    steps = np.abs(np.diff(states.values[:, index]))
    usual = USUAL_SPEED[one.joint.type] * np.diff(states.times)
    for frame in np.flatnonzero(steps > _JUMP * usual)[:1]:
        amount = (
            f"{np.rad2deg(steps[frame]):.0f} deg"
            if one.joint.type is JointType.REVOLUTE
            else f"{100 * steps[frame]:.0f} cm"
        )
        reasons.append(
            f"{part} jumps by {amount} between frames {ids[frame]} and {ids[frame + 1]}: film with more frames a second, or "
            "move it more slowly"
        )
    if not reasons and sigma > _UNSURE * reach:
        reasons.append(f"how far {part} moved is known to {100 * sigma / reach:.0f} % only")
    return reasons


def _runs(mask: Bool[np.ndarray, "frame"]) -> list[tuple[int, int]]:
    """First and last index of each stretch of True."""
    padded = np.concatenate([[False], mask, [False]]).astype(int)
    change = np.diff(padded)
    return list(zip(np.flatnonzero(change == 1).tolist(), (np.flatnonzero(change == -1) - 1).tolist(), strict=True))
