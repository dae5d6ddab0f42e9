"""Results on real videos against outlines and hinge lines that a person drew in some of their frames.

Masks are compared in the used frame nearest to a drawn one, hands left out; a joint's axis as it projects into that
image. Parts and joints are matched by the IoU of their masks over all drawn frames. What is compared: `real_video_files`
reads it; sums and tables: `real_video_report`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8
from scipy.optimize import linear_sum_assignment

from sim2art.articulation.joint import JointType
from sim2art.evaluate.real_video_axis import AxisLine, ImageCamera, line_angle_deg, mean_distance, project_axis

MAX_GAP = 0.25
"""s between a drawn frame and the used frame that stands for it."""
MATCHED_IOU = 0.05
"""A joint answers for a part from this IoU on."""
RIGHT_IOU = 0.3
RIGHT_ANGLE_DEG = 15.0
"""A clip is right when each part has the right type, at least this IoU, and an axis within this angle."""
SURE = 0.5
"""A joint of at least this confidence, without any reason for doubt, is a sure one."""

Kind = Literal["moving", "negative", "still"]
"""Something turns or slides; or there is motion but no joint, or nothing moves: no joint may come out."""
Polygon = Float[np.ndarray, "_ 2"]


@dataclass(frozen=True, kw_only=True)
class DrawnPart:
    """A moving part as a person described it."""

    name: str
    type: Literal["revolute", "prismatic", "free"]
    range_deg: tuple[float, float] | None = None
    """What the whole swing surely lies in; None where it cannot be told."""


@dataclass(frozen=True, kw_only=True)
class DrawnFrame:
    """What a person drew into one frame, px of the original frame."""

    polygons: tuple[tuple[Polygon, ...], ...]
    """Outlines of the visible pixels of each part."""
    axes: tuple[Float[np.ndarray, "2 2"] | None, ...]
    """Two points of each part's hinge line or slide; None where it cannot be told."""
    hand: tuple[Polygon, ...] = ()
    """Outlines of hands and arms, which no mask is asked about."""


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """All that was drawn for one clip."""

    size: tuple[int, int]
    """Width and height of the original frames, px."""
    parts: tuple[DrawnPart, ...]
    frames: Mapping[int, DrawnFrame]
    """By the number of the frame in decoding order."""


@dataclass(frozen=True, kw_only=True)
class FoundJoint:
    """A joint of a result."""

    line: AxisLine
    label: int
    """Of its part in the label images."""
    swing: float
    """Range of its values over the used frames, deg for a turn."""
    confidence: float
    is_doubted: bool
    """Whether the result gives reasons for doubt."""

    @property
    def is_sure(self) -> bool:
        """Whether it is claimed without a doubt."""
        return self.confidence >= SURE and not self.is_doubted


@dataclass(frozen=True, kw_only=True)
class FoundResult:
    """What a result folder says, read where it is needed."""

    status: str
    frame_ids: tuple[int, ...]
    times: tuple[float, ...]
    """s, one a used frame."""
    joints: tuple[FoundJoint, ...]
    cameras: tuple[ImageCamera, ...]
    """One a used frame."""
    read_labels: Callable[[int], UInt8[np.ndarray, "height width"]]
    """Part of each pixel of a used frame (by its place among the used ones)."""
    read_depth: Callable[[int], float]
    """Median depth of a used frame, units of the world."""

    def nearest(self, frame: int) -> tuple[int, float]:
        """Place of the used frame nearest to a frame of the clip, and the seconds between."""
        ids = np.array(self.frame_ids)
        place = int(np.argmin(np.abs(ids - frame)))
        steps = np.diff(self.times) / np.maximum(np.diff(ids), 1)
        step = float(np.median(steps)) if len(steps) else 1 / 30
        return place, abs(int(ids[place]) - frame) * step


@dataclass(frozen=True, kw_only=True)
class PartScore:
    """What became of one drawn part."""

    name: str
    type: str
    mask_iou: float
    """Over all drawn frames that have a used frame near; 0 when nothing answers for it."""
    found_type: str | None = None
    """None when no joint's mask touches it."""
    confidence: float | None = None
    swing: float | None = None
    """Of the joint that answers: deg for a turn, else units of its world."""
    range_deg: tuple[float, float] | None = None
    """Drawn; what the swing should lie in."""
    has_axis: bool = False
    """Whether an axis was drawn, in a frame that has a used one near."""
    angle_deg: float | None = None
    """Between drawn and projected axis, median over the frames; None without the right type or a drawn axis."""
    distance_percent: float | None = None
    """Of a drawn hinge's ends from the projected line, in % of the image's diagonal."""

    @property
    def is_fixed(self) -> bool:
        """Whether a joint could describe it: it does not move freely."""
        return self.type != "free"

    @property
    def is_type_right(self) -> bool:
        """Whether the joint that answers is of the right type."""
        return self.found_type == self.type

    @property
    def is_in_range(self) -> bool | None:
        """Whether the swing lies in the drawn range; None where no range was drawn."""
        if self.range_deg is None:
            return None
        if not self.is_type_right or self.swing is None:
            return False
        return self.range_deg[0] <= self.swing <= self.range_deg[1]

    @property
    def is_right(self) -> bool:
        """Whether type, mask and axis are good enough to call the part right."""
        within = self.angle_deg is None or self.angle_deg <= RIGHT_ANGLE_DEG
        return self.is_type_right and within and self.mask_iou >= RIGHT_IOU


@dataclass(frozen=True, kw_only=True)
class VideoScore:
    """All scores of one clip."""

    clip: str
    kind: Kind
    status: str = "failed"
    parts: tuple[PartScore, ...] = ()
    """One for each drawn part."""
    extra_joints: int = 0
    """Joints that answer for no drawn part."""
    sure_extra_joints: int = 0
    """Those among them that the result does not doubt."""
    num_frames: int = 0
    """Drawn frames that were compared."""
    failure: str | None = None
    """Why there is no result; the parts then count as missed."""
    cpu_seconds: float | None = None
    """Of the whole process; None where it was not measured."""
    peak_mib: float | None = None

    @property
    def is_right(self) -> bool:
        """Whether the clip is right as a whole: each part, and no sure joint beside them; no joint where none may be."""
        if self.failure is not None:
            return False
        if self.kind != "moving":
            return not self.extra_joints
        return all(part.is_right for part in self.parts) and not self.sure_extra_joints

    @property
    def is_falsely_ok(self) -> bool:
        """Whether the result calls itself ok though it is not right: our worst failure."""
        return self.status == "ok" and not self.is_right


def score_video(clip: str, kind: Kind, drawing: Drawing | None, result: FoundResult) -> VideoScore:
    """Score one result.

    Args:
        drawing: What was drawn for it; none for clips that may give no joint.
    """
    score = VideoScore(clip=clip, kind=kind, status=result.status)
    joints = result.joints
    if drawing is None or not drawing.parts:
        return replace(score, extra_joints=len(joints), sure_extra_joints=sum(joint.is_sure for joint in joints))
    compared = _frames_near(drawing, result)
    ious = _mask_ious(drawing, result, compared)
    rows, columns = linear_sum_assignment(-ious)
    answers = {int(i): int(j) for i, j in zip(rows, columns, strict=True) if ious[i, j] > MATCHED_IOU}
    matched_iou = {int(i): float(ious[i, j]) for i, j in zip(rows, columns, strict=True)}
    parts = []
    for index, part in enumerate(drawing.parts):
        missed = PartScore(
            name=part.name, type=part.type, mask_iou=matched_iou.get(index, 0.0), range_deg=part.range_deg,
            has_axis=any(drawn.axes[index] is not None for _, drawn in compared),
        )  # fmt: skip
        parts.append(
            _judge_joint(missed, index, joints[answers[index]], drawing, result, compared)
            if index in answers
            else missed
        )
    extra = [joint for index, joint in enumerate(joints) if index not in answers.values()]
    return replace(
        score,
        parts=tuple(parts),
        extra_joints=len(extra),
        sure_extra_joints=sum(joint.is_sure for joint in extra),
        num_frames=len(compared),
    )


def score_missing(clip: str, kind: Kind, drawing: Drawing | None, reason: str) -> VideoScore:
    """The score of a clip without a result: every part is missed."""
    parts = () if drawing is None else drawing.parts
    return VideoScore(
        clip=clip,
        kind=kind,
        parts=tuple(
            PartScore(
                name=part.name, type=part.type, mask_iou=0.0, range_deg=part.range_deg,
                has_axis=drawing is not None and any(drawn.axes[i] is not None for drawn in drawing.frames.values()),
            )
            for i, part in enumerate(parts)
        ),
        failure=reason,
    )  # fmt: skip


def fill(polygons: tuple[Polygon, ...], size: tuple[int, int]) -> Bool[np.ndarray, "height width"]:
    """Pixels inside any of some outlines."""
    mask = np.zeros((size[1], size[0]), np.uint8)
    for polygon in polygons:
        if len(polygon) > 2:
            cv2.fillPoly(mask, [polygon.astype(np.int32)], 1)
    return mask > 0


def labels_at(result: FoundResult, place: int, size: tuple[int, int]) -> UInt8[np.ndarray, "height width"]:
    """The labels of a used frame at the size of the drawing."""
    labels = result.read_labels(place)
    if labels.shape[::-1] == size:
        return labels
    return cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST)


def axis_in_image(
    joint: FoundJoint, result: FoundResult, place: int, drawing: Drawing, drawn: DrawnFrame, part: int
) -> Float[np.ndarray, "2 2"] | None:
    """Two pixels of a joint's axis in a used frame, at the size of the drawing; see `project_axis`."""
    corners = drawn.polygons[part]
    middle = np.concatenate(corners).mean(axis=0) if corners else np.array(drawing.size) / 2
    return project_axis(joint.line, result.cameras[place], drawing.size, middle, result.read_depth(place))


def _frames_near(drawing: Drawing, result: FoundResult) -> list[tuple[int, DrawnFrame]]:
    """Drawn frames with the place of the used frame that stands for each."""
    near = [(result.nearest(frame), drawn) for frame, drawn in drawing.frames.items()]
    return [(place, drawn) for (place, gap), drawn in near if gap <= MAX_GAP]


def _mask_ious(
    drawing: Drawing, result: FoundResult, compared: list[tuple[int, DrawnFrame]]
) -> Float[np.ndarray, "part joint"]:
    """IoU of each drawn part with each joint's part, over all compared frames together."""
    shared = np.zeros((len(drawing.parts), len(result.joints)))
    joined = np.zeros_like(shared)
    for place, drawn in compared:
        labels = labels_at(result, place, drawing.size)
        free = ~fill(drawn.hand, drawing.size)
        guesses = [(labels == joint.label) & free for joint in result.joints]
        for i, polygons in enumerate(drawn.polygons):
            truth = fill(polygons, drawing.size) & free
            for j, guess in enumerate(guesses):
                shared[i, j] += np.count_nonzero(truth & guess)
                joined[i, j] += np.count_nonzero(truth | guess)
    return shared / np.maximum(joined, 1)


def _judge_joint(
    missed: PartScore,
    index: int,
    joint: FoundJoint,
    drawing: Drawing,
    result: FoundResult,
    compared: list[tuple[int, DrawnFrame]],
) -> PartScore:
    """The score of a part that a joint answers for."""
    score = replace(missed, found_type=joint.line.type.value, confidence=joint.confidence, swing=joint.swing)
    if not score.is_type_right:
        return score
    angles, distances = [], []
    for place, drawn in compared:
        axis = drawn.axes[index]
        line = None if axis is None else axis_in_image(joint, result, place, drawing, drawn, index)
        if axis is None or line is None:
            continue
        angles.append(line_angle_deg(axis, line))
        if joint.line.type is JointType.REVOLUTE:
            distances.append(100 * mean_distance(axis, line) / float(np.hypot(*drawing.size)))
    return replace(
        score,
        angle_deg=float(np.median(angles)) if angles else None,
        distance_percent=float(np.median(distances)) if distances else None,
    )
