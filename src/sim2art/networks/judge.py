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
    width: int = 32
    """Channels of a point-hypothesis pair."""
    num_blocks: int = 3
    mix_width: int = 12
    """Channels that are averaged over neighbours in space, for each bandwidth, and compared among hypotheses."""
    num_gates: int = 4
    """Weighted means over all points that make up a hypothesis."""
    bandwidths: tuple[float, ...] = (0.06, 0.18)
    """Standard deviations of the neighbourhoods, normalised units."""
    hypothesis_width: int = 80
    """Channels of a hypothesis."""
    num_heads: int = 4
    evidence: tuple[str, ...] = ()
    """Kinds of evidence beyond the basic ones that make up the features (`proposals.evidence`)."""


class JudgeOutput(NamedTuple):
    """What the judge says, as logits."""

    masks: Float[Tensor, "clip hypothesis frame point"]
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
        self.embed = nn.Sequential(nn.Linear(config.num_features, width), nn.GELU(), nn.Linear(width, width))
        self.blocks = nn.ModuleList(_Block(config) for _ in range(config.num_blocks))
        self.final_norm = nn.LayerNorm(width)
        self.mask_head = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, 1))
        self.final_gates = nn.Linear(width, config.num_gates)
        self.final_pool = _Pool(config)
        self.score_head = nn.Linear(config.hypothesis_width, 1)
        self.type_head = nn.Linear(config.hypothesis_width, 2)

    def forward(
        self,
        evidence: Float[Tensor, "clip hypothesis frame point feature"],
        points: Float[Tensor, "clip frame point 3"],
        point_valid: Bool[Tensor, "clip frame point"],
        hypothesis_valid: Bool[Tensor, "clip hypothesis"],
        kernels: list[Tensor] | None = None,
    ) -> JudgeOutput:
        """Judge each clip's hypotheses; invalid points and hypotheses influence nothing.

        Args:
            points: Where the points are, normalised.
            kernels: `neighborhoods` of the points, for those who ask about the same points again.
        """
        kernels = kernels or self.neighborhoods(points, point_valid)
        weights = point_valid.to(evidence.dtype)[:, None]
        pairs = self.embed(evidence)
        memory = None
        for block in self.blocks:
            pairs, memory = block(pairs, kernels, weights, hypothesis_valid, memory)
        normed = self.final_norm(pairs)
        hypotheses = self.final_pool(normed, self.final_gates(normed), weights, hypothesis_valid, memory)
        return JudgeOutput(
            masks=self.mask_head(normed)[..., 0],
            scores=self.score_head(hypotheses)[..., 0],
            types=self.type_head(hypotheses),
        )

    def neighborhoods(
        self, points: Float[Tensor, "clip frame point 3"], point_valid: Bool[Tensor, "clip frame point"]
    ) -> list[Tensor]:
        """Row-normalised neighbourhood weights in each frame, (clip, frame, point, point) a bandwidth."""
        squared = torch.cdist(points, points).square()
        kernels = []
        for bandwidth in self.config.bandwidths:
            weights = torch.exp(-squared / (2 * bandwidth**2)) * point_valid[..., None, :]
            kernels.append(weights / weights.sum(dim=-1, keepdim=True).clamp_min(1e-6))
        return kernels


class _Pool(nn.Module):
    """One vector a hypothesis from its pairs (gated means), then attention among the clip's hypotheses."""

    def __init__(self, config: JudgeConfig) -> None:
        super().__init__()
        width, inner, gates = config.width, config.hypothesis_width, config.num_gates
        self.inward = nn.Sequential(nn.Linear((gates + 1) * width + gates, inner), nn.GELU(), nn.Linear(inner, inner))
        self.attention_norm = nn.LayerNorm(inner)
        self.query_key_value = nn.Linear(inner, 3 * inner)
        self.outward = nn.Linear(inner, inner)
        self.num_heads = config.num_heads

    def forward(
        self, normed: Tensor, gates: Tensor, weights: Tensor, hypothesis_valid: Tensor, memory: Tensor | None
    ) -> Tensor:
        shares = torch.cat([torch.sigmoid(gates), torch.ones_like(gates[..., :1])], dim=-1) * weights[..., None]
        shares = shares.flatten(2, 3).transpose(-1, -2)
        sums = shares.sum(dim=-1, keepdim=True)
        means = (shares @ normed.flatten(2, 3)) / sums.clamp_min(1e-2)
        fractions = torch.log(sums[:, :, :-1, 0] / sums[:, :, -1:, 0].clamp_min(1.0) + 1e-3)
        hypotheses = self.inward(torch.cat([means.flatten(2), fractions], dim=-1))
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
    """One round of mixing. Narrow channels travel: to hypotheses, to neighbours, and against rival hypotheses."""

    def __init__(self, config: JudgeConfig) -> None:
        super().__init__()
        width, mix = config.width, config.mix_width
        self.config = config
        self.norm = nn.LayerNorm(width)
        self.narrow = nn.Linear(width, config.num_gates + mix * (len(config.bandwidths) + 1))
        self.pool = _Pool(config)
        self.own = nn.Linear(width, width)
        self.from_hypothesis = nn.Linear(config.hypothesis_width, width, bias=False)
        self.from_near = nn.ModuleList(nn.Linear(mix, width, bias=False) for _ in config.bandwidths)
        self.from_rivals = nn.Linear(2 * mix, width, bias=False)
        self.out = nn.Linear(width, width)

    def forward(
        self, pairs: Tensor, kernels: list[Tensor], weights: Tensor, hypothesis_valid: Tensor, memory: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        normed = self.norm(pairs)
        mix = self.config.mix_width
        gates, *near, rivals = self.narrow(normed).split([self.config.num_gates] + [mix] * (len(kernels) + 1), dim=-1)
        hypotheses = self.pool(normed, gates, weights, hypothesis_valid, memory)
        update = self.own(normed) + self.from_hypothesis(hypotheses)[:, :, None, None]
        for kernel, values, project in zip(kernels, near, self.from_near, strict=True):
            update = update + project(_average_near(kernel, values))
        visible = hypothesis_valid[:, :, None, None, None]
        count = hypothesis_valid.sum(dim=-1).clamp_min(1)[:, None, None, None, None]
        mean = (rivals * visible).sum(dim=1, keepdim=True) / count
        best = rivals.masked_fill(~visible, -1e4).amax(dim=1, keepdim=True)
        update = update + self.from_rivals(torch.cat([mean, best], dim=-1))
        return pairs + self.out(functional.gelu(update)), hypotheses


def _average_near(kernel: Tensor, values: Tensor) -> Tensor:
    """Channels (clip, hypothesis, frame, point, channel) averaged over neighbours, all hypotheses in one product.

    Broadcasting the kernel over hypotheses would copy it for each of them.
    """
    side_by_side = values.permute(0, 2, 3, 1, 4)
    averaged = (kernel @ side_by_side.flatten(3)).view(side_by_side.shape)
    return averaged.permute(0, 3, 1, 2, 4)
