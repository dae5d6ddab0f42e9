"""From an observation to joints and the part of every pixel: by a method where depth was measured, by the images where it was guessed."""

import dataclasses
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from sim2art.articulation.assembly import part_motions
from sim2art.articulation.estimate import ArticulationEstimate, Status
from sim2art.articulation.estimate_io import keep_largest_parts
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.methods import Predictor
from sim2art.observation.point_video import PointVideo
from sim2art.perception.observed import Observation

MAX_JOINTS = 20
_GUESSED = "depth was guessed from colour: no joint is sure"


class LabelledEstimate(NamedTuple):
    """An estimate, and the part of every pixel of the used frames, 255 where no known part is seen."""

    estimate: ArticulationEstimate
    labels: UInt8[np.ndarray, "frame height width"]


def estimate_by_method(observation: Observation, predictor: Predictor, *, refine: bool) -> LabelledEstimate:
    """What a method says of the points; where depth was guessed, it is never sure."""
    from sim2art.observation.densify import densify_labels

    points = observation.points
    estimate = keep_largest_parts(predictor(points), MAX_JOINTS)
    if refine:
        from sim2art.inference.refine.refine import refine as refine_estimate

        estimate = keep_largest_parts(refine_estimate(points, estimate), MAX_JOINTS)
    if observation.joints is not None:
        estimate = _unsure(estimate)
    labels = densify_labels(observation.video, points, estimate.part_probabilities, part_motions(estimate))
    return LabelledEstimate(estimate, labels)


def estimate_from_images(observation: Observation) -> LabelledEstimate:
    """Joints that flow shows in the images, tested by whole regions of them and by the flow of their parts.

    Args:
        observation: Its depth was guessed.
    """
    from sim2art.regions.colour_video import label_by_synthesis
    from sim2art.regions.joint_fit import moving_parts

    video, points = observation.video, observation.points
    assert observation.joints is not None, "Joints are looked for in the images where depth is guessed."
    joints = observation.joints
    parts = moving_parts(joints.axes, joints.pivots, joints.slides, joints.values)
    if not parts:
        return LabelledEstimate(still_estimate(points, reasons=()), np.zeros(video.depths.shape, dtype=np.uint8))
    labelled = label_by_synthesis(video, points, parts, observation.people)
    return LabelledEstimate(_unsure(labelled.estimate), labelled.labels)


def _unsure(estimate: ArticulationEstimate) -> ArticulationEstimate:
    """The estimate where depth was guessed: none of its joints is ok."""
    if not estimate.joints:
        return estimate
    joints = tuple(
        found
        if found.status is not Status.OK
        else dataclasses.replace(found, status=Status.AMBIGUOUS, reasons=(*found.reasons, _GUESSED))
        for found in estimate.joints
    )
    status = Status.AMBIGUOUS if estimate.status is Status.OK else estimate.status
    return dataclasses.replace(estimate, joints=joints, status=status, reasons=(*estimate.reasons, _GUESSED))


def still_estimate(points: PointVideo, *, reasons: tuple[str, ...]) -> ArticulationEstimate:
    """One static part and no joint."""
    return ArticulationEstimate(
        part_probabilities=np.ones((points.num_frames, points.num_points, 1)),
        joints=(),
        trajectory=JointTrajectory(joint_names=(), times=points.times.copy(), values=np.zeros((points.num_frames, 0))),
        status=Status.AMBIGUOUS,
        reasons=reasons,
    )
