"""A short training run of a variant, and its scores on validation examples."""

import dataclasses
import math

import numpy as np
import torch
from ablation_sets import ExampleSet
from ablation_variants import BASELINES, KINDS, Variant
from torch import Tensor, nn

from sim2art.inference.checkpoint import build_network
from sim2art.inference.score.evidence import num_evidence_features
from sim2art.networks.judge import JudgeConfig
from sim2art.networks.point_encoder import EncoderConfig
from sim2art.networks.slot_network import READ_CHANNELS, SlotConfig
from sim2art.observation.sampling import DEFAULT_BASELINES
from sim2art.train.losses import judge_loss
from sim2art.train.slot_losses import slot_loss

BATCH = 8
LEARNING_RATE = 2e-3
WARMUP = 10


def train_variant(variant: Variant, data: ExampleSet, num_steps: int) -> nn.Module:
    """The variant's network after `num_steps` batches; the same start and the same batches for every variant."""
    torch.manual_seed(0)
    network = build_network(_config(variant))
    rng = np.random.default_rng(0)
    optimizer = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=1e-3, betas=(0.9, 0.99))
    kind = "judge" if variant.network == "judge" else "slot"
    assert variant.num_clips is None or variant.num_clips <= data.count, f"{variant.name} asks for more clips."
    for step, batch in enumerate(data.batches(kind, BATCH, num_steps, count=variant.num_clips)):
        rise = min(1.0, (step + 1) / WARMUP)
        fall = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / num_steps))
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * rise * fall
        output = _run(network, _show(batch, variant, dropped=rng.random(BATCH) < variant.drop_semantics), variant)
        loss = (judge_loss if kind == "judge" else slot_loss)(output, batch)["total"]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
    return network.eval()


@torch.inference_mode()
def score_variant(
    network: nn.Module, variant: Variant, data: ExampleSet, *, without_semantics: bool = False
) -> dict[str, float]:
    """Means over the validation examples: losses, and for the judge how good masks, types and choices are."""
    kind = "judge" if variant.network == "judge" else "slot"
    rows: list[dict[str, float]] = []
    for batch in data.batches(kind, 1, None):
        output = _run(network, _show(batch, variant, dropped=np.array([without_semantics], dtype=bool)), variant)
        terms = (judge_loss if kind == "judge" else slot_loss)(output, batch)
        row = {"loss": float(terms["total"]), "mask": float(terms["mask"]), "type": float(terms["type"])}
        if kind == "judge":
            row |= _judge_scores(output, batch)
        else:
            row |= {"axis": float(terms["axis"]), "pivot": float(terms["pivot"])}
        rows.append(row)
    return {name: float(np.nanmean([row[name] for row in rows])) for name in rows[0]}


def _judge_scores(output, batch: dict[str, Tensor]) -> dict[str, float]:
    """Mask IoU of hypotheses that are true joints; right types; quality of the best scored against the best there is."""
    targets, valid = batch["targets"][0].long(), batch["point_valid"][0]
    matched = torch.nonzero((targets > 0) & batch["hypothesis_valid"][0])[:, 0]
    ious, types, picks = [], [], []
    for index in matched:
        truth = (batch["part_ids"][0] == targets[index]) & valid
        mask = (output.masks[0, index] > 0) & valid
        if truth.any():
            ious.append(float((mask & truth).sum() / (mask | truth).sum().clamp_min(1)))
        types.append(float(output.types[0, index].argmax() == batch["types"][0, index]))
    for part in targets[matched].unique():
        rivals = matched[targets[matched] == part]
        quality = batch["qualities"][0, rivals]
        if quality.max() > 0.2:
            picks.append(float(quality[output.scores[0, rivals].argmax()] / quality.max()))
    named = {"iou": ious, "type_right": types, "pick": picks}
    return {name: float(np.mean(values)) if values else math.nan for name, values in named.items()}


def _config(variant: Variant) -> JudgeConfig | SlotConfig:
    if variant.network == "judge":
        # The width is the same for all variants: what one does not see is zero.
        return JudgeConfig(num_features=num_evidence_features(BASELINES, KINDS), evidence=KINDS)
    encoder = dataclasses.replace(EncoderConfig(num_features=READ_CHANNELS * BASELINES), **dict(variant.encoder))
    slots = "queries" if variant.network == "queries" else "pooled"
    return SlotConfig(encoder=encoder, slots=slots, baselines=DEFAULT_BASELINES)


def _show(batch: dict[str, Tensor], variant: Variant, *, dropped: np.ndarray) -> dict[str, Tensor]:
    """A batch without what the variant does not see; semantic features are hidden from the dropped clips."""
    if variant.network != "judge":
        return batch
    evidence = batch["evidence"].float()
    evidence[..., variant.hidden_columns()] = 0.0
    hidden = variant.hidden_columns(without_semantics=True)
    for clip in np.flatnonzero(dropped[: len(evidence)]):
        evidence[int(clip)][..., hidden] = 0.0
    return {**batch, "evidence": evidence}


def _run(network: nn.Module, batch: dict[str, Tensor], variant: Variant):
    if variant.network != "judge":  # It casts its output itself.
        return network(batch["points"], batch["features"].float(), batch["point_valid"])
    with torch.autocast("cpu", torch.bfloat16, enabled=network.training):
        output = network(batch["evidence"], batch["points"], batch["point_valid"], batch["hypothesis_valid"])
    return type(output)(*(value.float() for value in output))
