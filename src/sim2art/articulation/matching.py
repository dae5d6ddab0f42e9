"""Which estimated part is which true part: a one-to-one assignment that maximises the shared points (Hungarian, IoU).

Points are those of all frames jointly, so a part that keeps changing its number over time is not rewarded.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.optimize import linear_sum_assignment

from sim2art.errors import InvalidValueError


@dataclass(frozen=True, kw_only=True)
class PartMatch:
    """The assignment between true and estimated parts; pairs that share no point are no pairs."""

    ious: Float[np.ndarray, "true_part part"]
    """Intersection over union of the points of each pair, 0..1."""
    part_of_true: tuple[int | None, ...]
    """The estimated part of each true part, or None."""
    true_sizes: Int[np.ndarray, "true_part"]
    """Number of valid points of each true part, all frames together."""

    @property
    def matched_ious(self) -> Float[np.ndarray, "true_part"]:
        """IoU of each true part with its match; 0 where it has none."""
        return np.array([0.0 if j is None else self.ious[i, j] for i, j in enumerate(self.part_of_true)])

    @property
    def true_of_part(self) -> tuple[int | None, ...]:
        """The true part of each estimated part, or None."""
        owners: list[int | None] = [None] * self.ious.shape[1]
        for true_part, part in enumerate(self.part_of_true):
            if part is not None:
                owners[part] = true_part
        return tuple(owners)


def match_parts(
    true_ids: Int[np.ndarray, "frame point"],
    part_ids: Int[np.ndarray, "frame point"],
    valid: Bool[np.ndarray, "frame point"],
    *,
    num_true: int,
    num_parts: int,
) -> PartMatch:
    """Assign estimated parts to true parts, one to one, so that the sum of IoU is largest.

    Args:
        true_ids: True part of each point, 0..num_true - 1.
        part_ids: Estimated part of each point, 0..num_parts - 1.
        valid: Points that count.
    """
    counted_true, counted_parts = true_ids[valid], part_ids[valid]
    for name, ids, bound in (("true", counted_true, num_true), ("estimated", counted_parts, num_parts)):
        if len(ids) and not (ids.min() >= 0 and ids.max() < bound):
            raise InvalidValueError(
                f"The {name} part ids span {ids.min()}..{ids.max()}; 0..{bound - 1} is needed for {bound} parts."
            )
    shared = np.zeros((num_true, num_parts), dtype=np.int64)
    np.add.at(shared, (counted_true, counted_parts), 1)
    true_sizes, part_sizes = shared.sum(axis=1), shared.sum(axis=0)
    union = true_sizes[:, None] + part_sizes[None] - shared
    ious = shared / np.maximum(union, 1)
    rows, columns = linear_sum_assignment(ious, maximize=True)
    part_of_true: list[int | None] = [None] * num_true
    for row, column in zip(rows, columns, strict=True):
        if ious[row, column] > 0:
            part_of_true[row] = int(column)
    return PartMatch(ious=ious, part_of_true=tuple(part_of_true), true_sizes=true_sizes)


def mask_iou(one: Bool[np.ndarray, "*shape"], other: Bool[np.ndarray, "*shape"]) -> float:
    """Intersection over union of two masks, 0 when both are empty."""
    return float((one & other).sum() / max((one | other).sum(), 1))
