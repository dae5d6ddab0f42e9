"""Preset `proposals`: a network that judges guessed joints (hypothesise and verify).

Departs from the paper (sim2art, arXiv 2512.07698), which predicts slots from scratch: here every slot is a hypothesis
that geometry proposed, and the network sees, for each point and hypothesis, how well they agree (see
`proposals.evidence`). Weights are shared over hypotheses and points, so the order of neither matters and any number
of each works. Blocks mix (a) neighbours in space, (b) all points of a hypothesis and all hypotheses of the clip,
(c) all hypotheses of a point.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, kw_only=True)
class JudgeConfig:
    """Sizes of the judge."""

    num_features: int
    """Length of the evidence's feature axis."""
    width: int = 40
    """Channels of a point-hypothesis pair."""
    num_blocks: int = 3
    mix_width: int = 12
    """Channels that are averaged over neighbours in space, for each bandwidth."""
    bandwidths: tuple[float, ...] = (0.05, 0.15)
    """Standard deviations of the neighbourhoods, normalised units."""
    hypothesis_width: int = 80
    """Channels of a hypothesis."""
    num_heads: int = 4


class JudgeOutput(NamedTuple):
    """What the judge says, as logits."""

    masks: Float[Tensor, "clip frame point hypothesis"]
    """Whether a point moves with a hypothesis."""
    scores: Float[Tensor, "clip hypothesis"]
    """Whether a hypothesis is a true joint: right motion, right type, right axis."""
    types: Float[Tensor, "clip hypothesis 2"]
    """Type of the true joint behind it: prismatic, revolute."""


class Judge(nn.Module):
    """Masks, scores and types for a clip's hypotheses."""

    def __init__(self, config: JudgeConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.register_buffer("feature_mean", torch.zeros(config.num_features))
        self.register_buffer("feature_scale", torch.ones(config.num_features))
        self.embed = nn.Sequential(nn.Linear(config.num_features, width), nn.GELU(), nn.Linear(width, width))
        self.blocks = nn.ModuleList(_Block(config) for _ in range(config.num_blocks))
        self.mask_head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Linear(width, 1))
        self.final_pool = _Pool(config)
        self.score_head = nn.Linear(config.hypothesis_width, 1)
        self.type_head = nn.Linear(config.hypothesis_width, 2)

    def forward(
        self,
        evidence: Float[Tensor, "clip frame point hypothesis feature"],
        points: Float[Tensor, "clip frame point 3"],
        point_valid: Bool[Tensor, "clip frame point"],
        hypothesis_valid: Bool[Tensor, "clip hypothesis"],
    ) -> JudgeOutput:
        """Judge each clip's hypotheses; invalid points and hypotheses influence nothing."""
        kernels = self._kernels(points, point_valid)
        weights = point_valid.to(evidence.dtype)
        pairs = self.embed((evidence - self.feature_mean) / self.feature_scale)
        memory = None
        for block in self.blocks:
            pairs, memory = block(pairs, kernels, weights, hypothesis_valid, memory)
        hypotheses = self.final_pool(pairs, weights, hypothesis_valid, memory)
        return JudgeOutput(
            masks=self.mask_head(pairs)[..., 0],
            scores=self.score_head(hypotheses)[..., 0],
            types=self.type_head(hypotheses),
        )

    def _kernels(self, points: Tensor, point_valid: Tensor) -> list[Tensor]:
        """Row-normalised neighbourhood weights in each frame, one matrix (clip, frame, point, point) a bandwidth."""
        squared = torch.cdist(points, points).square()
        kernels = []
        for bandwidth in self.config.bandwidths:
            weights = torch.exp(-squared / (2 * bandwidth**2)) * point_valid[..., None, :]
            kernels.append(weights / weights.sum(dim=-1, keepdim=True).clamp_min(1e-6))
        return kernels


class _Pool(nn.Module):
    """One vector a hypothesis from its pairs (gated mean and maximum), then attention among hypotheses."""

    def __init__(self, config: JudgeConfig) -> None:
        super().__init__()
        width, inner = config.width, config.hypothesis_width
        self.norm = nn.LayerNorm(width)
        self.gate = nn.Linear(width, 1)
        self.value = nn.Linear(width, width)
        self.inward = nn.Sequential(nn.Linear(3 * width + 1, inner), nn.GELU(), nn.Linear(inner, inner))
        self.attention_norm = nn.LayerNorm(inner)
        self.query_key_value = nn.Linear(inner, 3 * inner)
        self.outward = nn.Linear(inner, inner)
        self.num_heads = config.num_heads

    def forward(self, pairs: Tensor, weights: Tensor, hypothesis_valid: Tensor, memory: Tensor | None) -> Tensor:
        pairs = self.norm(pairs)
        value = self.value(pairs)
        gate = torch.sigmoid(self.gate(pairs)) * weights[..., None, None]
        total = weights.sum(dim=(1, 2)).clamp_min(1.0)[:, None, None]
        share = gate.sum(dim=(1, 2))
        gated = (gate * value).sum(dim=(1, 2)) / share.clamp_min(1e-3)
        mean = (value * weights[..., None, None]).sum(dim=(1, 2)) / total
        lowest = torch.finfo(value.dtype).min
        largest = value.masked_fill(weights[..., None, None] == 0, lowest).amax(dim=(1, 2)).clamp_min(-1e4)
        hypotheses = self.inward(torch.cat([gated, mean, largest, torch.log(share / total + 1e-3)], dim=-1))
        if memory is not None:
            hypotheses = hypotheses + memory
        clips, count, inner = hypotheses.shape
        query, key, value = (
            self.query_key_value(self.attention_norm(hypotheses))
            .view(clips, count, 3, self.num_heads, inner // self.num_heads)
            .permute(2, 0, 3, 1, 4)
        )
        # A clip without any hypothesis would give a row of all -inf: let it look at everything instead.
        allowed = hypothesis_valid | ~hypothesis_valid.any(dim=-1, keepdim=True)
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=allowed[:, None, None, :])
        return hypotheses + self.outward(mixed.transpose(1, 2).reshape(clips, count, inner))


class _Block(nn.Module):
    """One round of mixing."""

    def __init__(self, config: JudgeConfig) -> None:
        super().__init__()
        width, mix = config.width, config.mix_width
        self.pool = _Pool(config)
        self.from_hypotheses = nn.Linear(config.hypothesis_width, width)
        self.norm = nn.LayerNorm(width)
        self.near = nn.ModuleList(nn.Linear(width, mix) for _ in config.bandwidths)
        self.rivals = nn.Linear(width, mix)
        joined = width + mix * (len(config.bandwidths) + 2)
        self.update = nn.Sequential(nn.Linear(joined, width), nn.GELU(), nn.Linear(width, width))

    def forward(
        self, pairs: Tensor, kernels: list[Tensor], weights: Tensor, hypothesis_valid: Tensor, memory: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        hypotheses = self.pool(pairs, weights, hypothesis_valid, memory)
        pairs = pairs + self.from_hypotheses(hypotheses)[:, None, None]
        normed = self.norm(pairs)
        parts = [normed]
        for kernel, project in zip(kernels, self.near, strict=True):
            narrow = project(normed)
            flat = kernel @ narrow.flatten(-2)
            parts.append(flat.view_as(narrow))
        rivals = self.rivals(normed)
        visible = hypothesis_valid[:, None, None, :, None]
        count = hypothesis_valid.sum(dim=-1).clamp_min(1)[:, None, None, None, None]
        mean = (rivals * visible).sum(dim=-2, keepdim=True) / count
        best = rivals.masked_fill(~visible, torch.finfo(rivals.dtype).min).amax(dim=-2, keepdim=True).clamp_min(-1e4)
        parts += [mean.expand_as(rivals), best.expand_as(rivals) - rivals]
        return pairs + self.update(torch.cat(parts, dim=-1)), hypotheses
