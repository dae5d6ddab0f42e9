"""Losses of both presets: dense ones for the judge, Hungarian-matched ones for slots (sim2art Sec. 3.5-3.6)."""

from collections.abc import Callable

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn import functional

from sim2art.networks.judge import JudgeOutput
from sim2art.networks.slot_network import SlotOutput

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
    mask = _mask_losses(output.masks, labels, weights)
    score = functional.binary_cross_entropy_with_logits(output.scores, batch["qualities"], reduction="none")
    types = functional.cross_entropy(
        output.types.flatten(0, 1), batch["types"].long().clamp_min(0).flatten(), reduction="none"
    ).view_as(score)
    terms = {
        "mask": _mean(mask["bce"] + mask["dice"], matched, total),
        "empty": EMPTY_WEIGHT * _mean(mask["bce"], empty, total),
        "score": _mean(score, valid, total),
        "type": _mean(types, matched, total),
    }
    return {**terms, "total": torch.stack(list(terms.values())).sum()}


def slot_loss(output: SlotOutput, batch: dict[str, Tensor], total: Total = alone) -> dict[str, Tensor]:
    """Hungarian matching on BCE + Dice of the masks, then the unweighted sum of all terms.

    Axis: 1 - cos with the sign tied to the motion (largest excursion positive). Pivot: distance to the true axis line,
    revolute only. Motion: smooth L1, moving parts only. Unmatched slots: type `empty`, empty mask with low weight.
    """
    present = batch["part_present"]
    weights = batch["point_valid"].to(output.axes.dtype)[:, None]
    parts = torch.arange(present.shape[1], device=weights.device)[None, :, None, None]
    truth_masks = (batch["part_ids"].long()[:, None] == parts).to(weights.dtype) * weights
    cost = _pair_costs(output.masks, truth_masks, weights).detach().cpu().numpy()
    clip_index, slot_index, part_index = [], [], []
    for clip in range(len(cost)):
        listed = torch.nonzero(present[clip])[:, 0].cpu().numpy()
        rows, columns = linear_sum_assignment(cost[clip][:, listed])
        clip_index += [clip] * len(rows)
        slot_index += rows.tolist()
        part_index += listed[columns].tolist()
    c, s, p = (torch.tensor(x, device=output.axes.device) for x in (clip_index, slot_index, part_index))
    slots = output.axes.shape[1]
    matched = torch.zeros(output.axes.shape[:2], dtype=torch.bool, device=output.axes.device)
    matched[c, s] = True
    labels = torch.zeros_like(output.masks)
    labels[c, s] = truth_masks[c, p]
    mask = _mask_losses(output.masks, labels, weights)
    types = torch.full(matched.shape, 3, device=matched.device)
    types[c, s] = batch["part_types"].long()[c, p]
    type_loss = functional.cross_entropy(output.types.flatten(0, 1), types.flatten(), reduction="none").view(-1, slots)
    confidence_loss = functional.binary_cross_entropy_with_logits(
        output.confidences, matched.to(weights.dtype), reduction="none"
    )
    moving = batch["part_types"][c, p] > 0
    revolute = batch["part_types"][c, p] == 1
    axis = batch["part_axes"][c, p]
    axis_loss = 1 - (output.axes[c, s] * axis).sum(dim=-1)
    arm = output.pivots[c, s] - batch["part_pivots"][c, p]
    pivot_loss = torch.linalg.norm(arm - (arm * axis).sum(dim=-1, keepdim=True) * axis + 1e-8, dim=-1)
    motion_loss = functional.smooth_l1_loss(
        output.motions[c, :, s], batch["part_motions"][c, :, p], reduction="none", beta=0.1
    ).mean(dim=-1)
    terms = {
        "mask": _mean(mask["bce"] + mask["dice"], matched, total),
        "empty": EMPTY_WEIGHT * _mean(mask["bce"], ~matched, total),
        "type": _mean(type_loss, torch.ones_like(matched), total),
        "confidence": _mean(confidence_loss, torch.ones_like(matched), total),
        "axis": _mean(axis_loss, moving, total),
        "pivot": _mean(pivot_loss, revolute, total),
        "motion": _mean(motion_loss, moving, total),
    }
    return {**terms, "total": torch.stack(list(terms.values())).sum()}


def _mask_losses(logits: Tensor, labels: Tensor, weights: Tensor) -> dict[str, Tensor]:
    """BCE and Dice (with +1 smoothing) of masks (clip, mask, frame, point), over the valid points of all frames."""
    total = weights.sum(dim=(2, 3)).clamp_min(1.0)
    bce = functional.binary_cross_entropy_with_logits(logits, labels, reduction="none")
    soft = torch.sigmoid(logits) * weights
    overlap = (soft * labels).sum(dim=(2, 3))
    size = soft.sum(dim=(2, 3)) + (labels * weights).sum(dim=(2, 3))
    return {"bce": (bce * weights).sum(dim=(2, 3)) / total, "dice": 1 - (2 * overlap + 1) / (size + 1)}


def _pair_costs(logits: Tensor, truth: Tensor, weights: Tensor) -> Tensor:
    """BCE + Dice of every slot with every part, (clip, slot, part); masks are (clip, mask, frame, point)."""
    total = weights.sum(dim=(2, 3)).clamp_min(1.0)[..., None]
    parts = truth.flatten(2).transpose(1, 2)
    seen = weights.flatten(2).transpose(1, 2)
    on = (functional.softplus(-logits) * weights).flatten(2)
    off = (functional.softplus(logits) * weights).flatten(2)
    bce = (on @ parts + off @ (seen - parts)) / total
    soft = (torch.sigmoid(logits) * weights).flatten(2)
    size = soft.sum(dim=-1)[..., None] + parts.sum(dim=1)[:, None]
    return bce + 1 - (2 * (soft @ parts) + 1) / (size + 1)


def _mean(values: Tensor, chosen: Tensor, total: Total) -> Tensor:
    """This process's share of the mean of all chosen values; 0 when none is chosen."""
    return (values * chosen).sum() / total(chosen.sum()).clamp_min(1)
