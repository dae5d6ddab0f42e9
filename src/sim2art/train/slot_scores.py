"""How well a slot network does on batches whose truth is known: one point of a validation curve."""

import numpy as np
import torch
from torch import Tensor

from sim2art.articulation.matching import match_parts
from sim2art.networks.slot_network import SlotNetwork, SlotOutput
from sim2art.train.slot_losses import slot_loss

MISSED_DEG = 90.0
"""Axis error of a part that no moving slot answers for."""


@torch.inference_mode()
def score_slots(network: SlotNetwork, batches: list[dict[str, Tensor]]) -> dict[str, float]:
    """Mean IoU of the parts (the base among them), share of right types, errors of axis and line, and the loss.

    Parts and slots are matched as in `evaluate.metrics`, on the points that the network sees; slots of type static are
    the base. Missed parts have a wrong type and an axis 90 deg off.
    """
    ious: list[float] = []
    joints: list[tuple[bool, float, float]] = []
    losses = []
    for batch in batches:
        output = network(batch["points"], batch["features"], batch["point_valid"])
        losses.append(float(slot_loss(output, batch)["total"]))
        owners, kinds = assign_points(output)
        for clip in range(len(owners)):
            _score_clip(output, batch, clip, owners[clip], kinds[clip], ious, joints)
    angles = [angle for _, angle, _ in joints]
    lines = [distance for _, _, distance in joints if np.isfinite(distance)]
    return {
        "mean_iou": float(np.mean(ious)),
        "type_accuracy": float(np.mean([right for right, _, _ in joints])),
        "axis_deg_median": float(np.median(angles)),
        "axis_deg_mean": float(np.mean(angles)),
        "line_median": float(np.median(lines)) if lines else float("nan"),
        "loss": float(np.mean(losses)),
        "clips": float(len(ious)),
    }


def assign_points(output: SlotOutput) -> tuple[np.ndarray, np.ndarray]:
    """Slot of each point (clip, frame, point), and of each slot whether it is static, revolute or prismatic (0, 1, 2).

    A slot's claim on a point is its mask, discounted by how likely the slot is empty.
    """
    types = torch.softmax(output.types.float(), dim=-1)
    claims = torch.sigmoid(output.masks.float()) * (1 - types[..., 3])[..., None, None]
    return claims.argmax(dim=1).cpu().numpy(), types[..., :3].argmax(dim=-1).cpu().numpy()


def _score_clip(
    output: SlotOutput,
    batch: dict[str, Tensor],
    clip: int,
    owners: np.ndarray,
    kinds: np.ndarray,
    ious: list[float],
    joints: list[tuple[bool, float, float]],
) -> None:
    """Add the scores of one clip."""
    base = len(kinds)
    labels = np.where(np.isin(owners, np.flatnonzero(kinds == 0)), base, owners)
    num_true = int(batch["part_present"][clip].sum())
    match = match_parts(
        batch["part_ids"][clip].numpy().astype(np.int64),
        labels,
        batch["point_valid"][clip].numpy(),
        num_true=num_true,
        num_parts=base + 1,
    )
    seen = match.true_sizes > 0
    ious.append(float(match.matched_ious[seen].mean()))
    for part in range(1, num_true):
        if not seen[part]:
            continue
        slot = match.part_of_true[part]
        if slot is None or slot == base:
            joints.append((False, MISSED_DEG, float("nan")))
            continue
        true_type, axis = int(batch["part_types"][clip, part]), batch["part_axes"][clip, part]
        found = output.axes[clip, slot]
        angle = float(np.rad2deg(np.arccos(np.clip(abs(float(found @ axis)), 0.0, 1.0))))
        distance = float("nan")
        if true_type == 1 and kinds[slot] == 1:
            arm = output.pivots[clip, slot] - batch["part_pivots"][clip, part]
            distance = float(torch.linalg.vector_norm(arm - (arm @ axis) * axis))
        joints.append((bool(kinds[slot] == true_type), angle, distance))
