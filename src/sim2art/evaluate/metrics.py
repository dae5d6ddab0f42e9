"""The scores of one clip: parts, joint types, axes, motions.

Parts are matched first (`articulation.matching`), the static base among them; a joint is judged through its matched
part. The records are in `scores.py`, the aggregates over clips in `summary.py`.
"""

import numpy as np
from jaxtyping import Float

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.articulation.estimate import ArticulationEstimate, JointEstimate, Status
from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.kinematics import link_motions
from sim2art.articulation.matching import PartMatch, match_parts
from sim2art.dataset.clip import Clip
from sim2art.errors import InvalidValueError
from sim2art.evaluate.scores import CONFIDENT_AXIS_DEG, FOUND_IOU, PENALTY_AXIS_DEG, Claim, ClipScore, JointScore
from sim2art.geometry.rotations import line_angle
from sim2art.geometry.screws import line_distance, nearest_point_on_line
from sim2art.geometry.transforms import apply, inverse


def score_clip(clip: Clip, estimate: ArticulationEstimate, *, seconds: float | None = None) -> ClipScore:
    """Score an estimate against the truth of its clip.

    Args:
        seconds: Time the method took, carried along.

    Raises:
        InvalidValueError: When the estimate is not about the points or frames of this clip.
    """
    shape = clip.part_ids.shape
    if estimate.part_probabilities.shape[:2] != shape or len(estimate.trajectory.values) != shape[0]:
        raise InvalidValueError(
            f"The estimate is about (frame, point) {estimate.part_probabilities.shape[:2]} and "
            f"{len(estimate.trajectory.values)} frames; the clip has {shape}. Score an estimate with its own clip."
        )
    match = match_parts(
        clip.part_ids,
        estimate.part_ids,
        clip.video.valid,
        num_true=len(clip.truth.links),
        num_parts=len(estimate.joints) + 1,
    )
    seen = match.true_sizes > 0
    ious = match.matched_ious
    joints = tuple(
        _score_joint(clip, index, estimate, match)
        for index, joint in enumerate(clip.truth.joints)
        if seen[clip.truth.link_index(joint.child)]
    )
    moving = [score.part_iou for score in joints]
    return ClipScore(
        **_clip_facts(clip),
        num_parts=len(estimate.joints) + 1,
        mean_iou=float(np.mean(ious[seen])) if seen.any() else 0.0,
        moving_iou=float(np.mean(moving)) if moving else None,
        num_found=int(np.sum(ious > FOUND_IOU)),
        joints=joints,
        claims=tuple(
            _judge_claim(clip.truth, index, estimate.joints[index], match) for index in range(len(estimate.joints))
        ),
        seconds=seconds,
    )


def score_failure(clip: Clip, reason: str, *, seconds: float | None = None) -> ClipScore:
    """The score of a method that gave no answer: every part missed, every penalty paid."""
    seen = {int(part) for part in np.unique(clip.part_ids[clip.video.valid])}
    joints = tuple(
        JointScore(name=joint.name, true_type=joint.type, part_iou=0.0)
        for joint in clip.truth.joints
        if clip.truth.link_index(joint.child) in seen
    )
    return ClipScore(
        **_clip_facts(clip),
        num_parts=0,
        mean_iou=0.0,
        moving_iou=0.0 if joints else None,
        num_found=0,
        joints=joints,
        failure=reason,
        seconds=seconds,
    )


def axis_angle_deg(axis_a: Float[np.ndarray, "3"], axis_b: Float[np.ndarray, "3"]) -> float:
    """Angle between two undirected unit axes, 0..90 deg."""
    return float(np.rad2deg(line_angle(axis_a, axis_b)))


def axis_position(true_joint: Joint, joint: Joint, points: Float[np.ndarray, "point 3"]) -> float:
    """Mean distance (m) from the estimated line to the stretch of the true axis that runs beside `points`.

    The stretch is the 1st to 99th percentile of the points along the true axis, so that stray points do not stretch
    it. The skew-line distance is no measure: it is 0 for any two lines that cross, however far away.
    """
    assert true_joint.pivot is not None and joint.pivot is not None
    along = (points - true_joint.pivot) @ true_joint.axis
    low, high = np.percentile(along, [1, 99])
    stretch = true_joint.pivot + np.linspace(low, high, 33)[:, None] * true_joint.axis
    nearest = nearest_point_on_line(stretch, joint.axis, joint.pivot)
    return float(np.mean(np.linalg.norm(stretch - nearest, axis=1)))


def motion_directions(joint: Joint, points: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, "point 3"]:
    """Velocity of points carried by a joint at unit rate (m/rad or m/m), in the joint's frame."""
    match joint.type:
        case JointType.REVOLUTE:
            return np.cross(joint.axis, points - joint.pivot)
        case JointType.PRISMATIC:
            return np.broadcast_to(joint.axis, points.shape)
        case JointType.FIXED:
            return np.zeros_like(points)


def tangent_angle_deg(true_joint: Joint, joint: Joint, points: Float[np.ndarray, "point 3"]) -> float | None:
    """Mean angle between true and estimated motion direction over points, deg, the sign aligned once for all.

    None when no point moves (all on the true axis). A point that the estimate holds still counts 90 deg.
    """
    true, estimated = motion_directions(true_joint, points), motion_directions(joint, points)
    true_length, length = np.linalg.norm(true, axis=1), np.linalg.norm(estimated, axis=1)
    moves = true_length > 1e-6
    if not moves.any():
        return None
    scale = np.maximum(true_length * length, 1e-12)[moves]
    cosine = np.clip(np.sum(true * estimated, axis=1)[moves] / scale, -1.0, 1.0)
    angle = float(np.mean(np.rad2deg(np.arccos(cosine))))
    return min(angle, 180.0 - angle)


def _score_joint(clip: Clip, index: int, estimate: ArticulationEstimate, match: PartMatch) -> JointScore:
    """Judge the estimate's answer for the true joint `index`."""
    true_joint = clip.truth.joints[index]
    link = clip.truth.link_index(true_joint.child)
    part = match.part_of_true[link]
    part_iou = float(match.matched_ious[link])
    swing = float(np.ptp(clip.trajectory.values[:, index]))
    if part is None or part == 0:  # Missed, or taken for the base: no joint answers.
        return JointScore(name=true_joint.name, true_type=true_joint.type, part_iou=part_iou, true_swing=swing)
    answer = estimate.joints[part - 1]
    joint = answer.joint
    both_revolute = true_joint.type is joint.type is JointType.REVOLUTE
    both_prismatic = true_joint.type is joint.type is JointType.PRISMATIC
    sign = -1.0 if true_joint.axis @ joint.axis < 0 else 1.0
    difference = clip.trajectory.values[:, index] - sign * estimate.trajectory.values[:, part - 1]
    motion = float(np.mean(np.abs(difference)))
    line = None
    if both_revolute:
        assert true_joint.pivot is not None and joint.pivot is not None
        line = 100 * line_distance(true_joint.axis, true_joint.pivot, joint.axis, joint.pivot)
    rest_points, swept_points = _points_of_part(clip, link)
    return JointScore(
        name=true_joint.name,
        true_type=true_joint.type,
        part_iou=part_iou,
        estimated_type=joint.type,
        axis_deg=axis_angle_deg(true_joint.axis, joint.axis),
        position_cm=100 * axis_position(true_joint, joint, rest_points) if both_revolute else None,
        line_cm=line,
        motion_deg=float(np.rad2deg(motion)) if both_revolute else None,
        motion_cm=100 * motion if both_prismatic else None,
        tangent_deg=tangent_angle_deg(true_joint, joint, swept_points),
        confidence=answer.confidence,
        axis_sigma_deg=None if answer.axis_sigma is None else float(np.rad2deg(answer.axis_sigma)),
        pivot_sigma_cm=None if answer.pivot_sigma is None else 100 * answer.pivot_sigma,
        true_swing=swing,
        is_open=answer.status is not Status.OK,
    )


def _points_of_part(clip: Clip, link: int) -> tuple[Float[np.ndarray, "point 3"], Float[np.ndarray, "point 3"]]:
    """A link's points of all frames, at rest, and where its own joint carries them (its parent's motion undone)."""
    motions = link_motions(clip.truth, clip.trajectory.values)
    joint = next(joint for joint in clip.truth.joints if clip.truth.link_index(joint.child) == link)
    parent = clip.truth.link_index(joint.parent)
    rest, swept = [], []
    for frame in range(clip.video.num_frames):
        points = clip.video.points_world[frame][clip.video.valid[frame] & (clip.part_ids[frame] == link)]
        rest.append(apply(inverse(motions[frame, link]), points))
        swept.append(apply(inverse(motions[frame, parent]), points))
    return np.concatenate(rest), np.concatenate(swept)


def _judge_claim(truth: ArticulatedObject, index: int, answer: JointEstimate, match: PartMatch) -> Claim:
    """Whether estimated joint `index` is right."""
    link = match.true_of_part[index + 1]
    true_joint = None if link is None else next((j for j in truth.joints if truth.link_index(j.child) == link), None)
    if true_joint is None:
        return Claim(confidence=answer.confidence, is_right=False, axis_deg=PENALTY_AXIS_DEG)
    angle = axis_angle_deg(true_joint.axis, answer.joint.axis)
    is_right = true_joint.type is answer.joint.type and angle <= CONFIDENT_AXIS_DEG
    return Claim(confidence=answer.confidence, is_right=is_right, axis_deg=angle)


def _clip_facts(clip: Clip) -> dict:
    """The fields of `ClipScore` that the clip alone decides."""
    family = str(clip.provenance.get("family", "unknown"))
    seen = np.unique(clip.part_ids[clip.video.valid])
    return {"clip": f"{family}/{clip.provenance.get('seed', '?')}", "family": family, "num_true_parts": len(seen)}
