"""From fitted joints and soft masks in normalised coordinates to an `ArticulationEstimate` in the world frame."""

from collections.abc import Sequence

import numpy as np

from sim2art.articulation.estimate import ArticulationEstimate, JointEstimate, Status, part_name
from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.inference.fit.joint_fit import FittedJoint
from sim2art.inference.hypotheses import Hypotheses, JointGuess
from sim2art.observation.normalization import Normalization
from sim2art.observation.point_video import PointVideo

NO_MOTION = "no motion seen"
BASE = -1
"""Parent of a joint whose part hangs on the static base; also the part number of points of the base."""


def assemble_estimate(
    video: PointVideo,
    normalization: Normalization,
    joints: Sequence[FittedJoint],
    part_probabilities: np.ndarray,
    *,
    parents: np.ndarray | None = None,
    revolute_probabilities: np.ndarray,
    confidences: np.ndarray,
    reasons: tuple[str, ...] = (),
) -> ArticulationEstimate:
    """The estimate in world units.

    Args:
        video: The video as it came, in world units.
        part_probabilities: (frame, point, part), the base first.
        parents: Joint (joint) on whose part each one hangs, or `BASE`; all on the base when None.
        revolute_probabilities: Probability (joint) that each turns rather than slides.
        confidences: (joint).
    """
    estimates = []
    values = np.zeros((video.num_frames, len(joints)))
    for index, fitted in enumerate(joints):
        scale = 1.0 if fitted.is_revolute else normalization.scale
        values[:, index] = fitted.values * scale
        turns = float(revolute_probabilities[index])
        estimates.append(
            JointEstimate(
                joint=Joint(
                    name=f"joint_{index + 1}",
                    type=JointType.REVOLUTE if fitted.is_revolute else JointType.PRISMATIC,
                    parent=part_name(0 if parents is None else int(parents[index]) + 1),
                    child=part_name(index + 1),
                    axis=fitted.axis / np.linalg.norm(fitted.axis),
                    pivot=normalization.undo(fitted.pivot) if fitted.is_revolute else None,
                ),
                type_probabilities={JointType.REVOLUTE: turns, JointType.PRISMATIC: 1 - turns},
                confidence=float(confidences[index]),
                axis_sigma=fitted.axis_sigma if np.isfinite(fitted.axis_sigma) else None,
                pivot_sigma=fitted.pivot_sigma * normalization.scale
                if fitted.is_revolute and np.isfinite(fitted.pivot_sigma)
                else None,
            )
        )
    return ArticulationEstimate(
        part_probabilities=part_probabilities.astype(np.float32).astype(np.float64),
        joints=tuple(estimates),
        trajectory=JointTrajectory(
            joint_names=tuple(x.joint.name for x in estimates), times=video.times.copy(), values=values
        ),
        status=Status.OK,
        reasons=reasons if joints else (*reasons, NO_MOTION),
    )


def hypotheses_from_joints(joints: Sequence[JointGuess], scores: np.ndarray) -> Hypotheses:
    """Joints as hypotheses, to be judged again."""
    return Hypotheses(
        is_revolute=np.array([x.is_revolute for x in joints], dtype=bool),
        axes=np.array([x.axis for x in joints]).reshape(-1, 3),
        pivots=np.array([x.pivot for x in joints]).reshape(-1, 3),
        values=np.array([x.values for x in joints]),
        scores=scores,
    )
