"""A real recording of one hinge whose truth is known apart from it: axis, line and swing of an answer against that.

The truth is a JSON file with `axis`, `pivot` (m; the camera's frame, OpenCV axes, of a camera that stood still),
`frames` (ids) and `angle_rad` (one a frame), such as a fit to a fiducial marker on the moving part.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from sim2art.articulation.estimate import ArticulationEstimate, Status
from sim2art.articulation.joint import JointType
from sim2art.errors import InvalidFileError, InvalidValueError
from sim2art.geometry.rotations import line_angle
from sim2art.geometry.screws import line_distance, nearest_point_on_line
from sim2art.observation.point_video import PointVideo


@dataclass(frozen=True, kw_only=True)
class HingeTruth:
    """One hinge, seen by a camera that stood still."""

    axis: Float[np.ndarray, "3"]
    """Unit direction, camera frame."""
    pivot: Float[np.ndarray, "3"]
    """A point on the axis, camera frame, m."""
    angles: dict[int, float]
    """rad, by frame id."""


@dataclass(frozen=True, kw_only=True)
class HingeScore:
    """One estimated joint against the true hinge."""

    name: str
    type: JointType
    status: Status
    confidence: float
    axis_deg: float
    axis_sigma_deg: float | None
    line_cm: float | None
    """Distance between the axis lines beside the middle of the part; None for slides."""
    shortest_cm: float | None
    """Shortest distance between the lines, as peers print it."""
    swing_deg: float | None
    true_swing_deg: float
    motion_deg: float | None
    """Mean error of the angle over the used frames whose truth is known."""
    worst_deg: float | None


def read_hinge_truth(path: Path) -> HingeTruth:
    """The truth of a recording.

    Raises:
        InvalidFileError: When the file is missing, no JSON, or lacks something.
    """
    try:
        content = json.loads(path.read_text())
        truth = HingeTruth(
            axis=np.array(content["axis"], dtype=np.float64),
            pivot=np.array(content["pivot"], dtype=np.float64),
            angles={int(f): float(a) for f, a in zip(content["frames"], content["angle_rad"], strict=True)},
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidFileError(
            f"{path} cannot be read as the truth of a hinge ({type(error).__name__}: {error}); JSON with axis, pivot, "
            "frames and angle_rad is needed.",
            path=path,
        ) from error
    if truth.axis.shape != (3,) or truth.pivot.shape != (3,) or not 0.9 < float(np.linalg.norm(truth.axis)) < 1.1:
        raise InvalidFileError(f"{path}: axis must be a unit 3-vector and pivot a 3-vector.", path=path)
    return truth


def score_hinge(
    estimate: ArticulationEstimate, points: PointVideo, frame_ids: tuple[int, ...], truth: HingeTruth
) -> list[HingeScore]:
    """Every estimated joint against the one true hinge.

    Raises:
        InvalidValueError: When the truth speaks of fewer than two of the used frames.
    """
    known = np.array([frame in truth.angles for frame in frame_ids])
    if known.sum() < 2:
        raise InvalidValueError(
            f"The truth knows {known.sum()} of the {len(frame_ids)} used frames ({frame_ids[:3]}...); "
            "its frame ids must be those of the recording."
        )
    angles = np.array([truth.angles.get(frame, 0.0) for frame in frame_ids])[known]
    scores = []
    for index, found in enumerate(estimate.joints):
        joint = found.joint
        line = shortest = swing = motion = worst = None
        if joint.type is JointType.REVOLUTE and joint.pivot is not None:
            moving = points.points_world[(estimate.part_ids == index + 1) & points.valid]
            along = float(np.median((moving - truth.pivot) @ truth.axis)) if len(moving) else 0.0
            beside = truth.pivot + along * truth.axis
            line = 100 * float(np.linalg.norm(beside - nearest_point_on_line(beside, joint.axis, joint.pivot)))
            shortest = 100 * line_distance(truth.axis, truth.pivot, joint.axis, joint.pivot)
            values = (np.sign(joint.axis @ truth.axis) or 1.0) * estimate.trajectory.values[known, index]
            # Both may have their zero elsewhere.
            off = np.rad2deg(np.abs((values - values[0]) - (angles - angles[0])))
            swing, motion, worst = float(np.rad2deg(np.ptp(values))), float(off.mean()), float(off.max())
        scores.append(
            HingeScore(
                name=joint.name,
                type=joint.type,
                status=found.status,
                confidence=found.confidence,
                axis_deg=float(np.rad2deg(line_angle(joint.axis, truth.axis))),
                axis_sigma_deg=None if found.axis_sigma is None else float(np.rad2deg(found.axis_sigma)),
                line_cm=line,
                shortest_cm=shortest,
                swing_deg=swing,
                true_swing_deg=float(np.rad2deg(np.ptp(angles))),
                motion_deg=motion,
                worst_deg=worst,
            )
        )
    return scores


def format_hinge_score(score: HingeScore) -> str:
    """One joint in one line."""
    words = [f"{score.name}: {score.type.value}", f"axis {score.axis_deg:.2f} deg"]
    if score.line_cm is not None:
        words.append(f"line {score.line_cm:.1f} cm beside the part ({score.shortest_cm:.1f} cm shortest)")
        words.append(f"swing {score.swing_deg:.1f} deg, true {score.true_swing_deg:.1f}")
        words.append(f"angle {score.motion_deg:.1f} deg off on average, {score.worst_deg:.1f} at most")
    if score.axis_sigma_deg is not None:
        words.append(f"sigma {score.axis_sigma_deg:.1f} deg")
    words += [f"confidence {score.confidence:.2f}", score.status.value]
    return ", ".join(words)
