"""From joints that flow shows in recordings in colour alone to an estimate: parts that lie on objects, and how far to trust them.

Hands, shadows and borders flow, too. So a joint must prove itself once more: whole regions of the images must be found
where it carries them, over the frames in which it moves.
"""

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8

from sim2art.articulation.estimate import ArticulationEstimate, JointEstimate, Status, part_name
from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.networks.region_inputs import region_inputs
from sim2art.observation.point_video import PointVideo
from sim2art.observation.rgbd_video import RgbdVideo
from sim2art.regions.alternatives import fit_alternative
from sim2art.regions.flow_odds import flow_odds
from sim2art.regions.joint_fit import Judge, MovingPart, fit_part
from sim2art.regions.labelling import Labelling, RegionGraph
from sim2art.regions.region_features import region_features
from sim2art.regions.scores import prepare_scene
from sim2art.regions.shown_motion import ShownMotion, measure_shown_motion
from sim2art.regions.shown_motion import doubts_of as doubts_of_flow

DEPTH_SIGMA = 0.06
"""Of the logarithm of guessed depth, beside what a factor for a whole region makes good."""
MIN_AGREEMENT = 0.6
"""Share of a part that must be found again where its joint takes it, to be relied on."""
FAR_MORE = 1.5
"""Times what a joint explains, that one of the other kind must for regions to be told by it: where the depth is guessed wrongly,
what slides across the image may line up what turns, and the reverse. The joint stays as it was measured."""
MIN_MARGIN = 0.2
"""Share of what a joint explains that one of the other kind must not."""
RIGHT_OF_SUREST = 0.66
"""Share that was right of the surest quarter of joints of guessed depth, on 72 rendered recordings (docs/depth_and_light.md)."""
MAX_AREA = 0.5
"""Share of the image that all parts may take: what most of the image does is what the camera does."""
AXIS_SIGMA = np.radians(7.0)
"""Set when right types on rendered recordings of colour alone were off by 8 deg in the median."""
PIVOT_SIGMA = 0.06
"""Share of the pivot's distance from the camera."""
NO_LABEL = 255
_SOURCES = 6
"""Frames from which regions are carried while a joint is fitted."""


@dataclass(frozen=True, kw_only=True)
class LabelledVideo:
    """What the images bear out of the joints, and the part of every pixel."""

    estimate: ArticulationEstimate
    labels: UInt8[np.ndarray, "frame height width"]
    labelling: Labelling


class SeenRegions(NamedTuple):
    """What was seen of all regions under all measured motions."""

    choices: list["Choice"]
    graph: RegionGraph
    motions: Float[np.ndarray, "motion frame 4 4"]
    """World motions from rest."""
    features: Float32[np.ndarray, "region motion feature"]


def see_regions(
    video: RgbdVideo, points: PointVideo, measured: list[MovingPart], people: Bool[np.ndarray, "frame height width"] | None = None,
    *, seed: int = 0,
) -> SeenRegions:  # fmt: skip
    """Fit the parts' depth under their joints, and look for every region where each takes it; arguments as `label_by_synthesis`."""
    scene = prepare_scene(
        video.images, video.depths, video.intrinsics, video.world_from_camera, depth_sigma=DEPTH_SIGMA, people=people
    )  # fmt: skip
    sources = np.unique(np.linspace(0, scene.num_frames - 1, _SOURCES).round().astype(int))
    judge = Judge(scene, sources, np.random.default_rng(seed))
    choices = [_choose_motion(judge, part) for part in measured]
    graph = RegionGraph(scene, [choice.motion for choice in choices], np.random.default_rng(seed))
    motions = np.array([choice.joint.motions() for choice in choices])
    flow = flow_odds(points, video.intrinsics, motions)
    return SeenRegions(choices, graph, motions, region_features(graph, points, flow, video.images.shape[1:3]))


def label_by_synthesis(
    video: RgbdVideo, points: PointVideo, measured: list[MovingPart], people: Bool[np.ndarray, "frame height width"] | None = None,
    *, seed: int = 0,
) -> LabelledVideo:  # fmt: skip
    """Choose the joints that are parts of their own, and label every pixel.

    Args:
        video: The used frames, with guessed depth.
        points: Sampled from them.
        measured: Joints in the world frame, at least one.
        people: What is nobody's part.
        seed: Of the pixels that stand for regions.
    """
    choices, graph, motions, features = see_regions(video, points, measured, people, seed=seed)
    size = video.images.shape[1:3]
    inputs = region_inputs(features, graph.borders, graph.over_time, graph.looks)

    def look_at(labelling: Labelling) -> list[ShownMotion]:
        part_ids = _point_parts(points, _enlarge(labelling.labels, size, people))
        return measure_shown_motion(points, video.intrinsics, motions, part_ids)

    left = list(range(len(choices)))
    labelling = graph.label(inputs, left)
    shown = look_at(labelling)
    while refuted := [k for k in left if labelling.areas[k] > 0 and not shown[k].is_joint]:
        left.remove(min(refuted, key=lambda k: labelling.gains[k]))
        labelling = graph.label(inputs, left)
        shown = look_at(labelling)
    # Each of those that are left explains what its own part does; of several for one part the needless ones go.
    needed = graph.needed(inputs, left)
    if needed != left:
        labelling = graph.label(inputs, needed)
        shown = look_at(labelling)
    kept = np.flatnonzero(labelling.areas > 0).tolist()  # A part without a pixel is none.
    labelling, choices = labelling.take(kept), [choices[k] for k in kept]
    labels = _enlarge(labelling.labels, size, people)
    lost = len(measured) - len(choices)
    told = (f"{lost} more motion(s) were measured, which regions of the images do not bear out",) if lost else ()
    camera = video.world_from_camera[0, :3, 3]
    joints = tuple(
        _as_joint(choice, k, labelling, camera, doubts_of_flow(shown[place]))
        for k, (choice, place) in enumerate(zip(choices, kept, strict=True))
    )
    values = [choice.joint.values - choice.joint.values[0] for choice in choices]
    estimate = ArticulationEstimate(
        part_probabilities=np.eye(len(joints) + 1)[_point_parts(points, labels)],
        joints=joints,
        trajectory=JointTrajectory(
            joint_names=tuple(found.joint.name for found in joints), times=points.times.copy(),
            values=np.array(values).reshape(-1, points.num_frames).T,
        ),
        status=Status.AMBIGUOUS,
        reasons=told,
    )  # fmt: skip
    return LabelledVideo(estimate=estimate, labels=labels, labelling=labelling)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What a measured joint became."""

    joint: MovingPart
    """That is reported."""
    motion: MovingPart
    """By which regions are told; of the other kind where that explains far more."""
    margin: float
    """Share more that the joint explains than one of the other kind."""


def _choose_motion(judge: Judge, part: MovingPart) -> Choice:
    """The joint on the surface on which it explains most, and the motion by which its regions are told."""
    own, gain = fit_part(judge, part)
    found = fit_alternative(judge, own)
    if found is None or gain <= 0:
        return Choice(joint=own, motion=own, margin=0.0)
    other, other_gain = found
    return Choice(joint=own, motion=other if other_gain > FAR_MORE * gain else own, margin=1 - other_gain / gain)


def _enlarge(
    labels: UInt8[np.ndarray, "frame height width"],
    shape: tuple[int, int],
    people: Bool[np.ndarray, "frame h w"] | None,
) -> UInt8[np.ndarray, "frame new_height new_width"]:
    """Labels at the video's size, their borders smooth, people without one."""
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
    enlarged = np.array(result)
    if people is not None:
        enlarged[people] = NO_LABEL
    return enlarged


def _as_joint(
    choice: Choice, index: int, labelling: Labelling, camera: Float[np.ndarray, "3"], more_doubts: tuple[str, ...]
) -> JointEstimate:
    part, margin = choice.joint, min(max(choice.margin, 0.0), 1.0)
    kinds = (JointType.REVOLUTE, JointType.PRISMATIC)
    kind, other = kinds if part.pivot is not None else kinds[::-1]
    share = 1 / (2 - margin)  # Of what the joint and the one of the other kind explain.
    joint = Joint(
        name=f"joint_{index + 1}",
        type=kind,
        parent=part_name(0),
        child=part_name(index + 1),
        axis=part.axis,
        pivot=part.pivot,
    )
    doubts, confidence = doubts_of(kind, choice.margin, index, labelling)
    return JointEstimate(
        joint=joint, type_probabilities={kind: share, other: 1 - share}, confidence=confidence, axis_sigma=AXIS_SIGMA,
        pivot_sigma=None if joint.pivot is None else PIVOT_SIGMA * float(np.linalg.norm(joint.pivot - camera)),
        status=Status.AMBIGUOUS, reasons=(*doubts, *more_doubts),
    )  # fmt: skip


def doubts_of(kind: JointType, margin: float, index: int, labelling: Labelling) -> tuple[tuple[str, ...], float]:
    """Why a joint is not to be relied on, never nothing, and the probability that it is right."""
    agreement, gain = float(labelling.agreements[index]), float(labelling.gains[index])
    doubts = []
    if gain <= 0:
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
        kinds = ("sliding", "turning") if kind is JointType.PRISMATIC else ("turning", "sliding")
        doubts.append(
            f"the images speak for {kinds[0]} hardly more than for {kinds[1]}: film more of the movement, or from another side"
        )
    borne_out = (min(1.0, agreement / MIN_AGREEMENT) if gain > 0 else 0.0) if doubts else 1.0
    if not doubts:
        doubts.append(
            "nothing speaks against it, but depth was guessed, and of the joints that look as sure a third is wrong: record with a "
            "depth camera to be sure"
        )
    return tuple(doubts), RIGHT_OF_SUREST * borne_out


def _point_parts(points: PointVideo, labels: UInt8[np.ndarray, "frame height width"]) -> Int[np.ndarray, "frame point"]:
    """Parts of sampled points, as the pixels that they were sampled from."""
    height, width = labels.shape[1:]
    x = np.clip(np.round(points.pixels[..., 0]).astype(int), 0, width - 1)
    y = np.clip(np.round(points.pixels[..., 1]).astype(int), 0, height - 1)
    own = labels[np.arange(len(labels))[:, None], y, x].astype(int)
    return np.where(own == NO_LABEL, 0, own)
