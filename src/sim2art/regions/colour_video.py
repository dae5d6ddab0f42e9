"""What recordings in colour alone show of joints that were measured in them: parts that lie on objects, and how far to trust them.

A joint of guessed depth comes from the flow between images, which hands, shadows and borders have, too. Here it must prove
itself once more: whole regions of the images must be found where it carries them, over the frames in which it moves.
"""

import dataclasses
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from sim2art.articulation.assembly import part_motions
from sim2art.articulation.estimate import ArticulationEstimate, JointEstimate, Status, part_name
from sim2art.articulation.estimate_io import keep_parts, with_parents
from sim2art.articulation.joint import JointType
from sim2art.observation.point_video import PointVideo
from sim2art.observation.rgbd_video import RgbdVideo
from sim2art.regions.alternatives import fit_alternative
from sim2art.regions.joint_fit import Judge, MovingPart, fit_part
from sim2art.regions.labelling import Labelling, label_regions
from sim2art.regions.own_joints import MIN_SHARE, own_joints
from sim2art.regions.scores import prepare_scene

DEPTH_SIGMA = 0.06
"""Of the logarithm of guessed depth, beside what a factor for a whole region makes good."""
MIN_AGREEMENT = 0.6
"""Share of a part that must be found again where its joint takes it, to be relied on."""
FAR_MORE = 1.5
"""Times what a measured joint explains, that one of the other kind must: the measured motion spoke for the former."""
MAX_TILT = np.radians(20.0)
"""By which a measured hinge may be turned when it is looked for again along the part's edges."""
MIN_MARGIN = 0.2
"""Share of what a joint explains that one of the other kind must not."""
RIGHT_OF_SUREST = 0.66
"""Share that was right of the surest quarter of joints of guessed depth, on 72 rendered recordings (docs/depth_and_light.md)."""
MAX_AREA = 0.5
"""Share of the image that all parts may take: what most of the image does is what the camera does."""
NO_LABEL = 255
_SOURCES = 6
"""Frames from which regions are carried while a joint is fitted."""


@dataclass(frozen=True, kw_only=True)
class LabelledVideo:
    """The estimate as the images bear it out, and the part of every pixel."""

    estimate: ArticulationEstimate
    labels: UInt8[np.ndarray, "frame height width"]
    labelling: Labelling
    margins: Float[np.ndarray, "part"]
    """Share of what each joint explains that one of the other kind does not."""


def label_by_synthesis(
    video: RgbdVideo, points: PointVideo, estimate: ArticulationEstimate, people: Bool[np.ndarray, "frame height width"] | None = None,
    *, seed: int = 0,
) -> LabelledVideo:  # fmt: skip
    """Fit the parts' depth under their joints, label every pixel, and doubt what the images do not bear out.

    Args:
        video: The used frames, with guessed depth.
        points: Sampled from them.
        estimate: World frame, at least one joint.
        people: What is nobody's part.
        seed: Of the pixels that stand for regions.
    """
    scene = prepare_scene(
        video.images, video.depths, video.intrinsics, video.world_from_camera, depth_sigma=DEPTH_SIGMA, people=people
    )  # fmt: skip
    values, motions = estimate.trajectory.values, part_motions(estimate)
    index_of = {part_name(index): index for index in range(len(estimate.joints) + 1)}
    measured = [
        MovingPart(
            axis=found.joint.axis, pivot=found.joint.pivot, values=values[:, k], host=motions[:, index_of[found.joint.parent]]
        )
        for k, found in enumerate(estimate.joints)
    ]  # fmt: skip
    sources = np.unique(np.linspace(0, scene.num_frames - 1, _SOURCES).round().astype(int))
    judge = Judge(scene, sources, np.random.default_rng(seed))
    parents = [index_of[found.joint.parent] - 1 for found in estimate.joints]
    choices = [_choose_kind(judge, part) for part in measured]
    motions_found = [choice.motion for choice in choices]
    gains = [judge.advantages(part) for part in motions_found]
    own = own_joints(motions_found, gains, parents, video.world_from_camera[0, :3, 3])
    labelling = label_regions(scene, [motions_found[k] for k in own], np.random.default_rng(seed))
    # A part without a pixel is none.
    seen = with_parents(keep_parts(estimate, own), np.flatnonzero(labelling.areas > 0).tolist())
    kept, labelling = [own[k] for k in seen], labelling.take(seen)
    estimate, choices = _keep(estimate, kept), [choices[k] for k in kept]
    parts, margins = [choice.joint for choice in choices], np.array([choice.margin for choice in choices])
    labels = _enlarge(labelling.labels, video.images.shape[1:3])
    if people is not None:
        labels[people] = NO_LABEL
    judged = _judged(points, estimate, parts, margins, labelling, labels)
    return LabelledVideo(estimate=judged, labels=labels, labelling=labelling, margins=margins)


@dataclass(frozen=True, kw_only=True)
class _Choice:
    """What a measured joint became."""

    joint: MovingPart
    """That is reported."""
    motion: MovingPart
    """That explains most of the images, by which regions are told; of the other kind where that one ended at a wrong place."""
    margin: float
    """Share more that the joint explains than one of the other kind."""


def _choose_kind(judge: Judge, part: MovingPart) -> _Choice:
    """The joint fitted, or a turn in place of a slide if it explains far more."""
    own, gain = fit_part(judge, part)
    found = fit_alternative(judge, own)
    if found is None or gain <= 0:
        return _Choice(joint=own, motion=own, margin=0.0)
    other, other_gain = found
    if part.pivot is None:
        if other_gain > FAR_MORE * gain:
            return _Choice(joint=other, motion=other, margin=1 - gain / other_gain)
        return _Choice(joint=own, motion=own, margin=1 - other_gain / gain)
    if other_gain > gain:
        # A slide is a hinge far away: where it seems to explain more than a turn, the turn ended at a wrong place.
        again = fit_alternative(judge, other)
        if again is not None and again[1] > gain and abs(again[0].axis @ part.axis) > np.cos(MAX_TILT):
            own, gain = again
    motion = other if other_gain > FAR_MORE * gain else own
    return _Choice(joint=own, motion=motion, margin=1 - other_gain / gain)


def _keep(estimate: ArticulationEstimate, kept: list[int]) -> ArticulationEstimate:
    """The estimate with those joints, and a word on the others, for which it is not sure."""
    left = len(estimate.joints) - len(kept)
    if not left:
        return estimate
    told = f"{left} more motion(s) were measured, which regions of the images do not bear out beside the others"
    status = Status.AMBIGUOUS if estimate.status is Status.OK else estimate.status
    return dataclasses.replace(keep_parts(estimate, kept), status=status, reasons=(*estimate.reasons, told))


def _enlarge(
    labels: UInt8[np.ndarray, "frame height width"], shape: tuple[int, int]
) -> UInt8[np.ndarray, "frame new_height new_width"]:
    """Labels at the video's size, their borders smooth."""
    count = int(labels.max()) + 1
    result = []
    for image in labels:
        shares = [
            cv2.resize(
                cv2.GaussianBlur((image == k).astype(np.float32), (0, 0), 0.8),
                shape[::-1],
                interpolation=cv2.INTER_LINEAR,
            )
            for k in range(count)
        ]
        result.append(np.argmax(shares, axis=0).astype(np.uint8))
    return np.array(result)


def _judged(
    points: PointVideo,
    estimate: ArticulationEstimate,
    parts: list[MovingPart],
    margins: np.ndarray,
    labelling: Labelling,
    labels: np.ndarray,
) -> ArticulationEstimate:
    """The estimate with the joints and the points' parts that were found, and doubts in words."""
    joints = tuple(
        doubted(_moved(found, part), float(margins[k]), k, labelling)
        for k, (found, part) in enumerate(zip(estimate.joints, parts, strict=True))
    )
    values = np.stack([part.values - part.values[0] for part in parts], axis=1) if parts else estimate.trajectory.values
    open_parts = [
        after.joint.child
        for before, after in zip(estimate.joints, joints, strict=True)
        if len(after.reasons) > len(before.reasons)
    ]
    told = f"depth was guessed, and the images do not make sure of: {', '.join(open_parts)}"
    return dataclasses.replace(
        estimate,
        joints=joints,
        part_probabilities=_point_parts(points, estimate.part_probabilities, labels),
        trajectory=dataclasses.replace(estimate.trajectory, values=values),
        status=Status.AMBIGUOUS if open_parts and estimate.status is Status.OK else estimate.status,
        reasons=(*estimate.reasons, told) if open_parts else estimate.reasons,
    )


def _moved(found: JointEstimate, part: MovingPart) -> JointEstimate:
    """The joint where it was fitted, of the kind that explains more."""
    kind = JointType.PRISMATIC if part.pivot is None else JointType.REVOLUTE
    probabilities = found.type_probabilities
    if kind is not found.joint.type:
        share = max(probabilities.values())
        probabilities = {kind: share, found.joint.type: 1 - share}
    return dataclasses.replace(
        found, joint=dataclasses.replace(found.joint, type=kind, axis=part.axis, pivot=part.pivot), type_probabilities=probabilities,
        pivot_sigma=None if part.pivot is None else found.pivot_sigma,
    )  # fmt: skip


def doubted(found: JointEstimate, margin: float, index: int, labelling: Labelling) -> JointEstimate:
    """A joint with why it is not to be relied on, if so."""
    agreement, gain = float(labelling.agreements[index]), float(labelling.gains[index])
    doubts = []
    if gain < MIN_SHARE * max(float(labelling.gains.max()), 1e-9) or gain <= 0:
        doubts.append(
            "hardly any region of the images is found where this joint takes it: it may be a hand, a shadow or an edge; "
            "film again without touching the part, or with more of it in view"
        )
    elif agreement < MIN_AGREEMENT:
        doubts.append(
            f"only {100 * agreement:.0f} % of its part are found again where the joint takes it: film it slower, from a place from "
            "which the whole movement is in view"
        )
    if labelling.areas.sum() > MAX_AREA:
        doubts.append(
            "more than half of the image moves as parts do: the camera was taken to move with a part; film with more of what "
            "stands still in view"
        )
    if margin < MIN_MARGIN and gain > 0:
        kinds = ("sliding", "turning") if found.joint.pivot is None else ("turning", "sliding")
        doubts.append(
            f"the images speak for {kinds[0]} hardly more than for {kinds[1]}: film more of the movement, or from another side"
        )
    borne_out = (min(1.0, agreement / MIN_AGREEMENT) if gain > 0 else 0.0) if doubts else 1.0
    # The confidence so far was fitted where depth was measured.
    confidence = RIGHT_OF_SUREST * found.confidence * borne_out
    if not doubts and found.status is Status.OK:  # A joint of guessed depth is never ok.
        doubts.append(
            "nothing speaks against it, but depth was guessed, and of the joints that look as sure a third is wrong: record with a "
            "depth camera to be sure"
        )
    if not doubts:
        return dataclasses.replace(found, confidence=confidence)
    return dataclasses.replace(
        found,
        status=Status.AMBIGUOUS,
        reasons=tuple(dict.fromkeys([*found.reasons, *doubts])),
        confidence=confidence,
    )


def _point_parts(
    points: PointVideo,
    probabilities: Float[np.ndarray, "frame point part"],
    labels: UInt8[np.ndarray, "frame height width"],
) -> Float[np.ndarray, "frame point part"]:
    """Parts of sampled points, as the pixels that they were sampled from."""
    height, width = labels.shape[1:]
    x = np.clip(np.round(points.pixels[..., 0]).astype(int), 0, width - 1)
    y = np.clip(np.round(points.pixels[..., 1]).astype(int), 0, height - 1)
    own = labels[np.arange(len(labels))[:, None], y, x]
    own = np.where(own == NO_LABEL, 0, own)
    return np.eye(probabilities.shape[2])[own]
