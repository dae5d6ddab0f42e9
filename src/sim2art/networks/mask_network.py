"""Masks once the joints are known: a network over the points of all frames, linked in the world and in the rest pose.

The judge looks at each frame apart, at few points, at joints that are not fitted yet. This network comes last. Its nodes
are all points of a clip, for one part at a time; it sees the prior mask, the evidence about the part's final joint, and
what neighbours say: those that lie nearby where all frames are seen at once, left where they are (what stands still agrees
there) or carried back to frame 0 by the joint (what moves with it agrees there). Links between points of one plane are
told apart from all links, so that a verdict spreads over a panel and stops at its edge. The paper (sim2art, arXiv
2512.07698) has no such stage.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

# Nothing of what may still change there is used here.
warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta state")

NUM_LINKS = 4
"""Kinds of links: all and those of one plane, in the world and in the rest pose."""


@dataclass(frozen=True, kw_only=True)
class MaskNetworkConfig:
    """Sizes of the mask network."""

    num_features: int
    """Length of a node's features (`proposals.mask_evidence`); the first is the prior's log-odds."""
    width: int = 32
    """Channels of a node."""
    inner_width: int = 8
    """Channels that travel along each kind of links."""
    num_blocks: int = 4
    evidence: tuple[str, ...] = ()
    """Kinds of evidence beyond the basic ones among the features (`proposals.evidence`)."""


class MaskOutput(NamedTuple):
    """What the mask network says, as logits."""

    masks: Float[Tensor, "point"]
    """Whether a point belongs to the part."""


class Links(NamedTuple):
    """Weighted links to each point's neighbours as a sparse matrix."""

    matrix: Tensor
    transposed: Tensor | None
    """For gradients."""


class MaskNetwork(nn.Module):
    """Mask logits of one part (or several, unlinked with each other) from features and links of points."""

    def __init__(self, config: MaskNetworkConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.embed = nn.Sequential(
            nn.Linear(config.num_features, width), nn.LayerNorm(width), nn.GELU(), nn.Linear(width, width)
        )
        self.blocks = nn.ModuleList(_Block(config) for _ in range(config.num_blocks))
        self.final_norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, 1)
        # An untrained network repeats the prior.
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, features: Float[Tensor, "point feature"], links: Sequence[Links]) -> MaskOutput:
        """Judge points; `links` are the `NUM_LINKS` kinds, each over all points."""
        nodes = self.embed(features)
        for block in self.blocks:
            nodes = block(nodes, links)
        return MaskOutput(features[:, 0] + self.head(self.final_norm(nodes))[:, 0])


def link(
    neighbors: Int[Tensor, "point neighbor"],
    weights: Float[Tensor, "kernel point neighbor"],
    *,
    needs_gradient: bool = False,
) -> list[Links]:
    """Links from neighbours and the weights of several kernels."""
    count, each = neighbors.shape
    starts = torch.arange(0, count * each + 1, each, device=neighbors.device)
    targets = neighbors.flatten().long()
    back_starts, back_order = None, None
    if needs_gradient:
        back_order = torch.argsort(targets, stable=True)
        ends = torch.cumsum(torch.bincount(targets, minlength=count), 0)
        back_starts = torch.cat([torch.zeros_like(ends[:1]), ends])
    links = []
    for kernel in weights:
        values = kernel.flatten().float()
        matrix = torch.sparse_csr_tensor(starts, targets, values, size=(count, count), check_invariants=False)
        transposed = None
        if back_order is not None and back_starts is not None:
            sources = torch.div(back_order, each, rounding_mode="floor")
            transposed = torch.sparse_csr_tensor(
                back_starts, sources, values[back_order], size=(count, count), check_invariants=False
            )
        links.append(Links(matrix, transposed))
    return links


class _Block(nn.Module):
    """One round of messages: along each kind of links a mean of what neighbours send, by how much they have to say."""

    def __init__(self, config: MaskNetworkConfig) -> None:
        super().__init__()
        width, self.inner = config.width, config.inner_width
        self.norm = nn.LayerNorm(width)
        self.gates = nn.Linear(width, NUM_LINKS)
        self.values = nn.Linear(width, NUM_LINKS * self.inner)
        self.out = nn.Sequential(
            nn.Linear(width + NUM_LINKS * (self.inner + 1), 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(self, nodes: Tensor, links: Sequence[Links]) -> Tensor:
        normed = self.norm(nodes)
        gates, values = torch.sigmoid(self.gates(normed)), self.values(normed)
        heard = [normed]
        for kind, (own, sent) in enumerate(zip(links, values.split(self.inner, dim=1), strict=True)):
            gate = gates[:, kind : kind + 1]
            received = _sum_along(torch.cat([gate, gate * sent], dim=1), own)
            mass = received[:, :1]
            heard += [received[:, 1:] / (mass + 1e-4), torch.log(mass + 1e-3)]
        return nodes + self.out(torch.cat(heard, dim=1))


def _sum_along(values: Float[Tensor, "point channel"], links: Links) -> Float[Tensor, "point channel"]:
    """Sum of neighbours' values by the weights of their links."""
    return cast(Tensor, _SumAlong.apply(values, links.matrix, links.transposed))


class _SumAlong(torch.autograd.Function):
    """Sparse times dense in float32, whatever the precision around it: PyTorch has no gradient for it with CSR."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, matrix: Tensor, transposed: Tensor | None) -> Tensor:
        ctx.transposed = transposed
        with torch.autocast(values.device.type, enabled=False):
            return matrix @ values.float()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, None, None]:
        assert ctx.transposed is not None, "links were made without `needs_gradient`"
        with torch.autocast(gradients[0].device.type, enabled=False):
            return ctx.transposed @ gradients[0].float().contiguous(), None, None
