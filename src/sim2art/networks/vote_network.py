"""Votes of single points: joint type, axis direction, and the way to the axis. The network of baseline `gamma_style`."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class VoteConfig:
    """Sizes of the vote network."""

    num_features: int
    """Channels of a point (see `predict.vote_features`)."""
    width: int = 64


class VoteOutput(NamedTuple):
    """What each point says."""

    types: Float[Tensor, "frame point 3"]
    """Logits of static, revolute, prismatic."""
    axes: Float[Tensor, "frame point 3"]
    """Direction of its joint's axis; the sign means nothing, and a vote shorter than 1 is in doubt."""
    offsets: Float[Tensor, "frame point 3"]
    """From the point to the nearest point of its turning axis, normalised units."""


class VoteNetwork(nn.Module):
    """A perceptron on each point, and on each point with a summary of its frame. Frames know nothing of each other."""

    def __init__(self, config: VoteConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.embed = nn.Sequential(
            nn.Linear(config.num_features, width), nn.GELU(), nn.LayerNorm(width), nn.Linear(width, width), nn.GELU()
        )
        self.summary = nn.Sequential(nn.Linear(2 * width, width), nn.GELU(), nn.Linear(width, width))
        self.fuse = nn.Sequential(
            nn.LayerNorm(2 * width), nn.Linear(2 * width, 2 * width), nn.GELU(), nn.Linear(2 * width, width), nn.GELU()
        )
        # Axes are nearly linear in some features (direction of flow, of turn): gates choose, and the rest is added.
        self.gates = nn.Linear(width, config.num_features)
        self.directions = nn.Linear(config.num_features, 3, bias=False)
        self.heads = nn.Linear(width, 9)

    def forward(self, features: Float[Tensor, "frame point channel"], valid: Bool[Tensor, "frame point"]) -> VoteOutput:
        """Votes of all points; those of points that are not valid mean nothing."""
        own = self.embed(features)
        keep = valid[..., None]
        largest = own.masked_fill(~keep, -1e4).amax(dim=1)
        mean = (own * keep).sum(dim=1) / keep.sum(dim=1).clamp(min=1)
        summary = self.summary(torch.cat([largest.clamp(min=-10.0), mean], dim=-1))
        fused = self.fuse(torch.cat([own, summary[:, None].expand_as(own)], dim=-1))
        heads = self.heads(fused)
        axes = heads[..., 3:6] + self.directions(features * torch.sigmoid(self.gates(fused)))
        return VoteOutput(types=heads[..., :3], axes=axes, offsets=heads[..., 6:])
