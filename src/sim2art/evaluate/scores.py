"""What scoring a clip yields: per true joint, per estimated joint, per clip. All in degrees and centimetres, for reading.

What was missed or failed is never left out: each error has a penalised value beside the measured one.
"""

from dataclasses import dataclass

from sim2art.articulation.joint import JointType

PENALTY_AXIS_DEG = 90.0
PENALTY_POSITION_CM = 100.0
FOUND_IOU = 0.5
"""A part counts as found from this IoU on (precision and recall)."""
CONFIDENT_AXIS_DEG = 10.0
"""A joint estimate's confidence is the probability of the right type and an axis within this."""


@dataclass(frozen=True, kw_only=True)
class JointScore:
    """One true moving part and what became of it. None: nothing to measure (missed, or another joint type)."""

    name: str
    true_type: JointType
    part_iou: float
    estimated_type: JointType | None = None
    """None when the part was missed or taken for the base."""
    axis_deg: float | None = None
    """Angle between the axes, folded at 90 deg; whatever the estimated type."""
    position_cm: float | None = None
    """Mean distance from the stretch of the true axis beside the part to the estimated line; both revolute."""
    line_cm: float | None = None
    """Line-to-line distance, as peers print it; meaningless for nearly parallel axes. Both revolute."""
    motion_deg: float | None = None
    """Mean error of the joint value, both revolute."""
    motion_cm: float | None = None
    """Mean error of the joint value, both prismatic."""
    tangent_deg: float | None = None
    """Mean angle between true and estimated direction of motion over the part's points; whatever the type."""
    confidence: float | None = None
    axis_sigma_deg: float | None = None
    pivot_sigma_cm: float | None = None
    true_swing: float | None = None
    """Range of the true joint's values in the clip, rad or m."""
    is_open: bool = False
    """Whether the answer itself says that it cannot tell: status not ok."""

    @property
    def is_matched(self) -> bool:
        """Whether an estimated joint answers for this part."""
        return self.estimated_type is not None

    @property
    def is_type_right(self) -> bool:
        """Whether the match has the right joint type; a missed part does not."""
        return self.estimated_type is self.true_type

    @property
    def penalised_axis_deg(self) -> float:
        """Axis angle; 90 deg when missed."""
        return PENALTY_AXIS_DEG if self.axis_deg is None else self.axis_deg

    @property
    def penalised_position_cm(self) -> float | None:
        """Axis position of a revolute joint; 100 cm when missed, of another type, or farther than that."""
        if self.true_type is not JointType.REVOLUTE:
            return None
        return PENALTY_POSITION_CM if self.position_cm is None else min(self.position_cm, PENALTY_POSITION_CM)

    def is_success(self, *, max_deg: float, max_cm: float) -> bool:
        """Whether the part is matched, its type right, and its axis within both bounds."""
        if not self.is_type_right or self.penalised_axis_deg > max_deg:
            return False
        position = self.penalised_position_cm
        return position is None or position <= max_cm


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One estimated joint: how sure it was, and whether it was right (type, and axis within 10 deg)."""

    confidence: float
    is_right: bool
    axis_deg: float
    """90 when the joint belongs to no true moving part."""


@dataclass(frozen=True, kw_only=True)
class ClipScore:
    """All scores of one clip and one method."""

    clip: str
    family: str
    num_true_parts: int
    """Parts with at least one point, the base among them."""
    num_parts: int
    """Parts of the estimate, the base among them; 0 for a failure."""
    mean_iou: float
    """Over true parts, the base among them; a missed part is 0."""
    moving_iou: float | None
    """Over true moving parts; None when nothing moves."""
    num_found: int
    """Parts with IoU above 0.5."""
    joints: tuple[JointScore, ...]
    """One for each true moving part."""
    claims: tuple[Claim, ...] = ()
    """One for each estimated joint."""
    failure: str | None = None
    """Why the method gave no answer; None when it gave one."""
    seconds: float | None = None

    @property
    def count_error(self) -> int:
        """Estimated minus true number of parts."""
        return self.num_parts - self.num_true_parts

    @property
    def precision(self) -> float:
        """Share of estimated parts that are found parts."""
        return self.num_found / self.num_parts if self.num_parts else 0.0

    @property
    def recall(self) -> float:
        """Share of true parts that were found."""
        return self.num_found / self.num_true_parts if self.num_true_parts else 1.0
