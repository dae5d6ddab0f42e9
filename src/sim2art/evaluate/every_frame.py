"""Scores of joint values over all frames of a recording: motion, range, and whether `ok` could be trusted."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8

from sim2art.articulation.estimate import ArticulationEstimate, Status
from sim2art.articulation.frame_states import FrameStates
from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.matching import match_parts
from sim2art.evaluate.scores import FOUND_IOU

_NO_LABEL = 255
_FAR_OFF = 0.1


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
        estimate: Parts and joints.
        status: Of the whole result.
        labels: Part of each pixel of the used frames, 255 where no known part is seen.
        values: Of each estimated joint in every frame of the recording.
        states: Where the ranges come from; None takes them from the values.
        used: Positions of the used frames among all.
        truth: What the recording shows.
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
        true = truth.values[:, index] - truth.values[used[0], index]
        sign = float(np.sign(found.joint.axis @ joint.axis)) or 1.0
        own = values[:, part - 1] - values[used[0], part - 1]
        unit = np.rad2deg(1.0) if joint.type is JointType.REVOLUTE else 100.0
        low, high = (own.min(), own.max()) if states is None else states.range_of(part - 1)[:2]
        scores.append(
            MotionScore(
                type=joint.type,
                share=share,
                is_found=True,
                axis_deg=float(np.rad2deg(np.arccos(min(1.0, abs(float(found.joint.axis @ joint.axis)))))),
                motion=float(np.abs(sign * own - true).mean() * unit),
                range_error=float(abs((high - low) - np.ptp(true)) / max(float(np.ptp(true)), 1e-9)),
                is_ok=status is Status.OK and found.status is Status.OK,
            )
        )
    owners = match.true_of_part
    invented = sum(1 for part in range(1, len(owners)) if not owners[part])
    return RecordingScore(joints=tuple(scores), num_invented=invented, is_ok=status is Status.OK)


def summarise(scores: list[RecordingScore]) -> str:
    """A table of all recordings together, with counts."""
    joints = [joint for score in scores for joint in score.joints]
    lines = [f"{len(scores)} recordings, {len(joints)} joints"]
    for low, high, name in (
        (0.03, 1.01, "over 3 %"),
        (0.01, 0.03, "1 to 3 %"),
        (0.003, 0.01, "0.3 to 1 %"),
        (0.0, 0.003, "below"),
    ):
        of_size = [joint for joint in joints if low <= joint.share < high]
        lines.append(f"  parts of {name} of the image: {sum(j.is_found for j in of_size)} of {len(of_size)} found")
    for kind, unit in ((JointType.REVOLUTE, "deg"), (JointType.PRISMATIC, "cm")):
        errors = [j.motion for j in joints if j.motion is not None and j.type is kind]
        if errors:
            lines.append(
                f"  {kind.value}: motion error over all frames mean {np.mean(errors):.2f} {unit}, median "
                f"{np.median(errors):.2f} {unit}, largest {max(errors):.2f} {unit} ({len(errors)} matched joints)"
            )
    ranges = [j.range_error for j in joints if j.range_error is not None]
    if ranges:
        lines.append(
            f"  range within 3 %: {np.mean(np.array(ranges) <= 0.03):.2f}, within 10 %: {np.mean(np.array(ranges) <= 0.1):.2f}"
        )
    lines.append(
        f"  ok with a range more than 10 % off: {sum(j.is_wrongly_ok for j in joints)} of {sum(j.is_ok for j in joints)} ok joints"
    )
    lines.append(
        f"  invented parts: {sum(score.num_invented for score in scores)}; recordings ok: {sum(s.is_ok for s in scores)}"
    )
    return "\n".join(lines)
