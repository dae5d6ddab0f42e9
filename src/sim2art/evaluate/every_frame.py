"""Scores of joint values over all frames of a recording: motion, range, sigmas, and whether `ok` could be trusted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8

from sim2art.articulation.estimate import ArticulationEstimate, JointEstimate, Status
from sim2art.articulation.frame_states import FrameStates
from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.matching import match_parts
from sim2art.evaluate.bootstrap import ClipValues, Statistic, interval, paired_interval
from sim2art.evaluate.metrics import axis_angle_deg
from sim2art.evaluate.scores import FOUND_IOU

_NO_LABEL = 255
_FAR_OFF = 0.1
_SIZES = ((0.03, 1.01, "over 3 %"), (0.01, 0.03, "1 to 3 %"), (0.003, 0.01, "0.3 to 1 %"), (0.0, 0.003, "below 0.3 %"))
"""Shares of the image."""
_WITHIN_68, _WITHIN_95 = 1.0, 1.96
"""Sigmas."""


@dataclass(frozen=True, kw_only=True)
class TrueMotion:
    """What a recording shows."""

    joints: tuple[Joint, ...]
    """Joint i carries part i + 1, in the world of the first used camera."""
    values: Float[np.ndarray, "frame joint"]
    """rad or m, of every frame."""
    part_images: Int[np.ndarray, "used height width"]
    """Part of each pixel of the used frames."""
    shares: tuple[float, ...]
    """Largest share of the image that each joint's part covers in any frame."""


@dataclass(frozen=True, kw_only=True)
class FrameErrors:
    """Every frame of a joint that was followed; rad or m."""

    values: tuple[float, ...]
    """0 at the first used frame."""
    sigmas: tuple[float, ...]
    errors: tuple[float, ...]
    """With the sign of the axis aligned."""

    def within(self, sigmas: float) -> float:
        """Share of the frames whose error is at most so many sigmas."""
        return float((np.abs(self.errors) <= sigmas * np.array(self.sigmas)).mean())


@dataclass(frozen=True, kw_only=True)
class MotionScore:
    """One true joint."""

    type: JointType
    share: float
    is_found: bool
    """Whether a part matches it (IoU above a half) whose joint has the right type."""
    axis_deg: float | None = None
    motion: float | None = None
    """Mean error over all frames, deg or cm, with the sign of the axis aligned."""
    range_error: float | None = None
    """Error of the range as a share of the true one."""
    range_sigmas: float | None = None
    """Error of the range in its sigmas."""
    frames: FrameErrors | None = None
    is_ok: bool = False
    """Whether the joint's status and the whole result's are ok."""

    @property
    def is_wrongly_ok(self) -> bool:
        """Whether it is called ok with a range that is more than 10 % off."""
        return self.is_ok and self.range_error is not None and self.range_error > _FAR_OFF


@dataclass(frozen=True, kw_only=True)
class RecordingScore:
    """One recording."""

    joints: tuple[MotionScore, ...]
    num_invented: int
    """Estimated parts that match no true one."""
    is_ok: bool


def score_states(
    estimate: ArticulationEstimate,
    status: Status,
    labels: UInt8[np.ndarray, "used height width"],
    values: Float[np.ndarray, "frame part"],
    states: FrameStates | None,
    used: Int[np.ndarray, "used"],
    truth: TrueMotion,
) -> RecordingScore:
    """Score what a run says of all frames.

    Args:
        status: Of the whole result.
        labels: Part of each pixel of the used frames, 255 where no known part is seen.
        values: Of each estimated joint in every frame of the recording.
        states: Where the ranges come from; None takes them from the values.
        used: Positions of the used frames among all.
    """
    flat = np.where(labels == _NO_LABEL, 0, labels).astype(np.int64).reshape(len(labels), -1)
    match = match_parts(
        truth.part_images.reshape(len(labels), -1).astype(np.int64), flat, np.ones(flat.shape, dtype=bool),
        num_true=len(truth.joints) + 1, num_parts=len(estimate.joints) + 1,
    )  # fmt: skip
    ious = match.matched_ious
    scores = []
    for index, (joint, share) in enumerate(zip(truth.joints, truth.shares, strict=True)):
        part = match.part_of_true[index + 1]
        found = estimate.joints[part - 1] if part and ious[index + 1] > FOUND_IOU else None
        if not part or found is None or found.joint.type is not joint.type:
            scores.append(MotionScore(type=joint.type, share=share, is_found=False))
            continue
        known = None if states is None or not states.followed[part - 1] else states
        ok = status is Status.OK and found.status is Status.OK
        scores.append(
            _score_found(
                found,
                part - 1,
                joint,
                share,
                values[:, part - 1] - values[used[0], part - 1],
                known,
                truth.values[:, index] - truth.values[used[0], index],
                is_ok=ok,
            )
        )
    owners = match.true_of_part
    invented = sum(1 for part in range(1, len(owners)) if not owners[part])
    return RecordingScore(joints=tuple(scores), num_invented=invented, is_ok=status is Status.OK)


def _score_found(
    found: JointEstimate, column: int, joint: Joint, share: float, own: Float[np.ndarray, "frame"],
    states: FrameStates | None, true: Float[np.ndarray, "frame"], *, is_ok: bool,
) -> MotionScore:  # fmt: skip
    """Score a joint of the right type whose part was found, by its own and its true values, 0 in the first used frame.

    `states` are None where it was not followed.
    """
    sign = float(np.sign(found.joint.axis @ joint.axis)) or 1.0
    unit = np.rad2deg(1.0) if joint.type is JointType.REVOLUTE else 100.0
    errors = sign * own - true
    low, high, range_sigma = (own.min(), own.max(), None) if states is None else states.range_of(column)
    range_off = abs((high - low) - np.ptp(true))
    frames = None
    if states is not None:
        sigmas = tuple(states.sigmas[:, column].tolist())
        frames = FrameErrors(values=tuple((sign * own).tolist()), sigmas=sigmas, errors=tuple(errors.tolist()))
    return MotionScore(
        type=joint.type,
        share=share,
        is_found=True,
        axis_deg=axis_angle_deg(found.joint.axis, joint.axis),
        motion=float(np.abs(errors).mean() * unit),
        range_error=float(range_off / max(float(np.ptp(true)), 1e-9)),
        range_sigmas=None if range_sigma is None else float(range_off / max(range_sigma, 1e-9)),
        frames=frames,
        is_ok=is_ok,
    )


_Values = Callable[[MotionScore], float | None]


def _is_of_size(low: float, high: float) -> _Values:
    """Whether a joint is found, of those whose part covers such a share of the image."""
    return lambda joint: float(joint.is_found) if low <= joint.share < high else None


def _motion_of(kind: JointType) -> _Values:
    return lambda joint: joint.motion if joint.type is kind else None


def _at_most(name: str, limit: float) -> _Values:
    """Whether a measure is at most a limit, where there is one."""

    def value(joint: MotionScore) -> float | None:
        measured = getattr(joint, name)
        return None if measured is None else float(measured <= limit)

    return value


_ROWS: tuple[tuple[str, Statistic, int, _Values], ...] = (
    ("parts found", "mean", 3, lambda joint: float(joint.is_found)),
    *((f"  {name} of the image", "mean", 3, _is_of_size(low, high)) for low, high, name in _SIZES),
    ("motion error of all frames, turns, deg, mean", "mean", 2, _motion_of(JointType.REVOLUTE)),
    ("  median", "median", 2, _motion_of(JointType.REVOLUTE)),
    ("motion error of all frames, slides, cm, mean", "mean", 2, _motion_of(JointType.PRISMATIC)),
    ("  median", "median", 2, _motion_of(JointType.PRISMATIC)),
    ("axis of found parts, deg, median", "median", 2, lambda joint: joint.axis_deg),
    ("range error at most 3 %", "mean", 3, _at_most("range_error", 0.03)),
    ("  at most 10 %", "mean", 3, _at_most("range_error", _FAR_OFF)),
    ("frames within 1 sigma (true: 0.68)", "mean", 3, lambda joint: joint.frames and joint.frames.within(_WITHIN_68)),
    ("  within 1.96 (true: 0.95)", "mean", 3, lambda joint: joint.frames and joint.frames.within(_WITHIN_95)),
    ("ranges within 1 sigma (true: 0.68)", "mean", 3, _at_most("range_sigmas", _WITHIN_68)),
    ("  within 1.96 (true: 0.95)", "mean", 3, _at_most("range_sigmas", _WITHIN_95)),
    ("joints called ok", "sum", 0, lambda joint: float(joint.is_ok)),
    ("  with a range more than 10 % off", "sum", 0, lambda joint: float(joint.is_wrongly_ok)),
)


def summarise(scores: Sequence[RecordingScore]) -> str:
    """A table of all recordings together: each number, its 95 % interval over recordings, and how many joints it is of."""
    lines = [f"{len(scores)} recordings, {sum(len(score.joints) for score in scores)} joints"]
    for name, statistic, digits, value in _ROWS:
        values = _gather(scores, value)
        lines.append(_row(name, values.measure(statistic), interval(values, statistic), digits, len(values.values)))
    invented = sum(score.num_invented for score in scores)
    lines.append(f"invented parts: {invented}; recordings ok: {sum(score.is_ok for score in scores)}")
    return "\n".join(lines)


def compare(first: Sequence[RecordingScore], second: Sequence[RecordingScore]) -> str:
    """What the second run of the same recordings has more than the first, with 95 % intervals over recordings."""
    lines = [f"second minus first, {len(first)} recordings"]
    for name, statistic, digits, value in _ROWS:
        before, after = _gather(first, value), _gather(second, value)
        a, b = before.measure(statistic), after.measure(statistic)
        change = None if a is None or b is None else b - a
        lines.append(_row(name, change, paired_interval(before, after, statistic), digits, len(after.values), sign="+"))
    return "\n".join(lines)


def _gather(scores: Sequence[RecordingScore], value: _Values) -> ClipValues:
    return ClipValues.gather([
        [found for joint in score.joints if (found := value(joint)) is not None] for score in scores
    ])  # fmt: skip


def _row(
    name: str, number: float | None, ends: tuple[float, float] | None, digits: int, count: int, sign: str = ""
) -> str:
    if number is None:
        return f"{name:<48}        -   of {count}"
    told = "" if ends is None else f"[{ends[0]:.{digits}f} {ends[1]:.{digits}f}]"
    return f"{name:<48} {number:>{sign}8.{digits}f}   {told:<18} of {count}"
