"""The loss of the slot network: Hungarian-matched slots (sim2art Sec. 3.5-3.6), and the votes of keypoints."""

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn import functional

from sim2art.networks.slot_network import SlotOutput, Votes
from sim2art.train.losses import EMPTY_WEIGHT, Total, alone, mask_losses, mean_of


def slot_loss(output: SlotOutput, batch: dict[str, Tensor], total: Total = alone) -> dict[str, Tensor]:
    """Hungarian matching on BCE + Dice of the masks, then the unweighted sum of all terms.

    Axis: 1 - cos with the sign tied to the motion (largest excursion positive). Pivot: distance to the true axis line,
    revolute only. Motion: smooth L1, moving parts only. Unmatched slots: type `empty`, empty mask with low weight.
    """
    present = batch["part_present"]
    weights = batch["point_valid"].to(output.axes.dtype)[:, None]
    parts = torch.arange(present.shape[1], device=weights.device)[None, :, None, None]
    truth_masks = (batch["part_ids"].long()[:, None] == parts).to(weights.dtype) * weights
    # Of a run that diverges costs may be no numbers: any pairs will do, and the loss says so.
    cost = _pair_costs(output.masks, truth_masks, weights).detach().nan_to_num(0.0, 0.0, 0.0).cpu().numpy()
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
    mask = mask_losses(output.masks, labels, weights)
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
        "mask": mean_of(mask["bce"] + mask["dice"], matched, total),
        "empty": EMPTY_WEIGHT * mean_of(mask["bce"], ~matched, total),
        "type": mean_of(type_loss, torch.ones_like(matched), total),
        "confidence": mean_of(confidence_loss, torch.ones_like(matched), total),
        "axis": mean_of(axis_loss, moving, total),
        "pivot": mean_of(pivot_loss, revolute, total),
        "motion": mean_of(motion_loss, moving, total),
    }
    if output.votes is not None and output.anchor_slots is not None:
        terms |= vote_loss(output.votes, output.anchor_slots, batch, total)
    return {**terms, "total": torch.stack(list(terms.values())).sum()}


def vote_loss(votes: Votes, anchor_slots: Tensor, batch: dict[str, Tensor], total: Total = alone) -> dict[str, Tensor]:
    """What each keypoint says, against the part that it lies on. Departs from the paper, as a help to learning.

    Axes are compared as vectors and not as directions: a keypoint in doubt does best by a short vote, and counts less.
    """
    clips, frames, _ = anchor_slots.shape
    own = batch["part_ids"].long().gather(2, anchor_slots)
    valid = batch["point_valid"].gather(2, anchor_slots)
    clip = torch.arange(clips, device=own.device)[:, None, None]
    types = batch["part_types"].long()[clip, own]
    moving, revolute = valid & (types > 0), valid & (types == 1)
    axes, pivots = batch["part_axes"][clip, own], batch["part_pivots"][clip, own]
    places = batch["points"].gather(2, anchor_slots[..., None].expand(-1, -1, -1, 3))
    feet = pivots + ((places - pivots) * axes).sum(dim=-1, keepdim=True) * axes
    motions = batch["part_motions"][clip, torch.arange(frames, device=own.device)[None, :, None], own]
    type_loss = functional.cross_entropy(votes.types.flatten(0, 2), types.flatten(), reduction="none").view_as(valid)
    axis_loss = (votes.axes - axes).square().sum(dim=-1)
    pivot_loss = functional.smooth_l1_loss(votes.pivots, feet, reduction="none", beta=0.1).sum(dim=-1)
    motion_loss = functional.smooth_l1_loss(votes.motions, motions, reduction="none", beta=0.1)
    return {
        "vote_type": mean_of(type_loss, valid, total),
        "vote_axis": mean_of(axis_loss, moving, total),
        "vote_pivot": mean_of(pivot_loss, revolute, total),
        "vote_motion": mean_of(motion_loss, moving, total),
    }


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
