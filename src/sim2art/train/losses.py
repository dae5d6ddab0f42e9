"""The loss of the judge, which is dense, and the mask losses that it shares with slots (`slot_losses`)."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from sim2art.networks.judge import JudgeOutput

EMPTY_WEIGHT = 0.1
"""Weight of the mask loss of hypotheses and slots that stand for no part."""

Total = Callable[[Tensor], Tensor]
"""Sums a count over the processes that share a batch; alone, gives it back."""


def alone(count: Tensor) -> Tensor:
    """The total of one process."""
    return count


def judge_loss(output: JudgeOutput, batch: dict[str, Tensor], total: Total = alone) -> dict[str, Tensor]:
    """Mask BCE + Dice, score BCE with soft targets, and type cross-entropy; "total" is their sum.

    In several processes each term is this process's share: they add up to the term of the whole batch.

    Departs from the paper: no matching is needed, since each hypothesis knows the true part that moves like it.
    """
    targets, valid = batch["targets"].long(), batch["hypothesis_valid"]
    weights = batch["point_valid"].to(output.masks.dtype)[:, None]
    matched = (targets > 0) & valid
    empty = (targets == 0) & valid
    part_ids, wanted = batch["part_ids"].long()[:, None], targets[:, :, None, None]
    labels = ((part_ids == wanted) & matched[:, :, None, None]).to(weights.dtype)
    mask = mask_losses(output.masks, labels, weights)
    score = functional.binary_cross_entropy_with_logits(output.scores, batch["qualities"], reduction="none")
    types = functional.cross_entropy(
        output.types.flatten(0, 1), batch["types"].long().clamp_min(0).flatten(), reduction="none"
    ).view_as(score)
    terms = {
        "mask": mean_of(mask["bce"] + mask["dice"], matched, total),
        "empty": EMPTY_WEIGHT * mean_of(mask["bce"], empty, total),
        "score": mean_of(score, valid, total),
        "type": mean_of(types, matched, total),
    }
    return {**terms, "total": torch.stack(list(terms.values())).sum()}


def mask_losses(logits: Tensor, labels: Tensor, weights: Tensor) -> dict[str, Tensor]:
    """BCE and Dice (with +1 smoothing) of masks (clip, mask, frame, point), over the valid points of all frames."""
    total = weights.sum(dim=(2, 3)).clamp_min(1.0)
    bce = functional.binary_cross_entropy_with_logits(logits, labels, reduction="none")
    soft = torch.sigmoid(logits) * weights
    overlap = (soft * labels).sum(dim=(2, 3))
    size = soft.sum(dim=(2, 3)) + (labels * weights).sum(dim=(2, 3))
    return {"bce": (bce * weights).sum(dim=(2, 3)) / total, "dice": 1 - (2 * overlap + 1) / (size + 1)}


def mean_of(values: Tensor, chosen: Tensor, total: Total) -> Tensor:
    """This process's share of the mean of all chosen values; 0 when none is chosen."""
    return (values * chosen).sum() / total(chosen.sum()).clamp_min(1)
