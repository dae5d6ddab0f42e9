"""Layers of the scene flow network: graph convolution, point transformer, attention between two clouds.

Equations of DGCNN (Wang et al., TOG 2019), Point Transformer (Zhao et al., ICCV 2021) and GMSF (Zhang et al., NeurIPS
2023). A cloud's *support* is a set of its own points that the others look at; all of them, unless it is thinned out.
"""

import math
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

Norm = Literal["batch", "layer"]
_SLOPE = 0.2
"""Of the leaky ReLU."""


def find_neighbors(
    queries: Float[Tensor, "cloud point channel"], support: Float[Tensor, "cloud support channel"], count: int
) -> Int[Tensor, "cloud point neighbor"]:
    """Indices of the nearest support points, nearest first."""
    distance = torch.cdist(queries.detach(), support.detach())
    return distance.topk(min(count, support.shape[1]), dim=-1, largest=False).indices


def gather(
    values: Float[Tensor, "cloud support channel"], indices: Int[Tensor, "cloud point neighbor"]
) -> Float[Tensor, "cloud point neighbor channel"]:
    """`values[cloud, indices[cloud]]`."""
    offset = torch.arange(values.shape[0], device=values.device)[:, None, None] * values.shape[1]
    picked = values.flatten(0, 1).index_select(0, (indices + offset).flatten())
    return picked.view(*indices.shape, values.shape[-1])


class ChannelNorm(nn.Module):
    """Batch or layer normalisation over the last axis."""

    def __init__(self, width: int, kind: Norm) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(width) if kind == "batch" else nn.LayerNorm(width)

    def forward(self, values: Float[Tensor, "*batch channel"]) -> Float[Tensor, "*batch channel"]:
        """Normalised values."""
        return self.norm(values.flatten(0, -2)).view_as(values)


class EdgeConvolution(nn.Module):
    """DGCNN: the max over neighbours j of LeakyReLU(norm(W [f_j - f_i, f_i])).

    W [f_j - f_i, f_i] = W_1 f_j + (W_2 - W_1) f_i, so each product is done once a point and not once an edge. With layer
    norm, which departs from DGCNN, the norm comes after the max.
    """

    def __init__(self, num_in: int, num_out: int, norm: Norm) -> None:
        super().__init__()
        self.linear = nn.Linear(2 * num_in, num_out, bias=False)
        self.norm = ChannelNorm(num_out, norm)
        self._norm_first = norm == "batch"

    def forward(
        self, features: Float[Tensor, "cloud point channel"], neighbors: Int[Tensor, "cloud point neighbor"],
        num_support: int,
    ) -> Float[Tensor, "cloud point width"]:  # fmt: skip
        """New features; neighbours are among the first `num_support` points."""
        near, own = self.linear.weight.chunk(2, dim=1)
        edges = gather(functional.linear(features[:, :num_support], near), neighbors)
        centers = functional.linear(features, own - near)
        if self._norm_first:
            return functional.leaky_relu(self.norm(edges + centers[:, :, None]), _SLOPE).amax(dim=2)
        return functional.leaky_relu(self.norm(edges.amax(dim=2) + centers), _SLOPE)


class LocalTransformer(nn.Module):
    """Point Transformer: every channel has its own attention over the nearest points, with their offsets encoded."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.enter = nn.Linear(width, inner)
        self.leave = nn.Linear(inner, width)
        self.offset = nn.Sequential(nn.Linear(3, inner), nn.ReLU(), nn.Linear(inner, inner))
        self.weigh = nn.Sequential(nn.Linear(inner, inner), nn.ReLU(), nn.Linear(inner, inner))
        self.query = nn.Linear(inner, inner, bias=False)
        self.key = nn.Linear(inner, inner, bias=False)
        self.value = nn.Linear(inner, inner, bias=False)

    def forward(
        self,
        points: Float[Tensor, "cloud point 3"],
        features: Float[Tensor, "cloud point channel"],
        neighbors: Int[Tensor, "cloud point neighbor"],
        num_support: int,
    ) -> Float[Tensor, "cloud point channel"]:
        """New features; neighbours are among the first `num_support` points."""
        inner = self.enter(features)
        key = gather(self.key(inner[:, :num_support]), neighbors)
        value = gather(self.value(inner[:, :num_support]), neighbors)
        offset = self.offset(points[:, :, None] - gather(points[:, :num_support], neighbors))
        weight = self.weigh(self.query(inner)[:, :, None] - key + offset) / math.sqrt(inner.shape[-1])
        return features + self.leave((weight.softmax(dim=2) * (value + offset)).sum(dim=2))


class Attention(nn.Module):
    """Single-head attention of GMSF, with a feed-forward part or without one; residual around both."""

    def __init__(self, width: int, *, expansion: int | None) -> None:
        super().__init__()
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.merge = nn.Linear(width, width, bias=False)
        self.norm = nn.LayerNorm(width)
        self.feed = None
        if expansion is not None:
            self.feed = nn.Sequential(
                nn.Linear(2 * width, 2 * width * expansion, bias=False),
                nn.GELU(),
                nn.Linear(2 * width * expansion, width, bias=False),
                nn.LayerNorm(width),
            )

    def forward(
        self, source: Float[Tensor, "cloud point channel"], target: Float[Tensor, "cloud other channel"]
    ) -> Float[Tensor, "cloud point channel"]:
        """The source's features after a look at the target's."""
        query = self.query(source) / math.sqrt(source.shape[-1])
        weights = (query @ self.key(target).transpose(1, 2)).softmax(dim=-1)
        # Softmax runs in full precision under autocast; what it multiplies need not.
        message = self.norm(self.merge(weights.to(query.dtype) @ self.value(target).to(query.dtype)))
        if self.feed is not None:
            message = self.feed(torch.cat([source, message.to(source.dtype)], dim=-1))
        return source + message


class MatchingBlock(nn.Module):
    """Attention of a cloud to itself, then to the other one."""

    def __init__(self, width: int, expansion: int) -> None:
        super().__init__()
        self.within = Attention(width, expansion=None)
        self.across = Attention(width, expansion=expansion)

    def forward(
        self,
        first: Float[Tensor, "cloud point channel"],
        second: Float[Tensor, "cloud other channel"],
        num_support: int | None,
    ) -> tuple[Float[Tensor, "cloud point channel"], Float[Tensor, "cloud other channel"]]:
        """Both clouds' new features, each from the other's old ones; only the first `num_support` are looked at."""
        seen_first, seen_second = first[:, :num_support], second[:, :num_support]
        return (
            self.across(self.within(first, seen_first), seen_second),
            self.across(self.within(second, seen_second), seen_first),
        )
