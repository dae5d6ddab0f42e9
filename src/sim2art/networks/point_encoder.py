"""Point-cloud-video encoder of the P4DConv family (Fan et al., P4Transformer, CVPR 2021), as sim2art Eq. (1) uses it.

Feature of an anchor = max over frames dt in {-1, 0, 1} of max over neighbours j in a ball of
MLP(W_d [dx, dy, dz, dt] + W_f f_j). Departs from the published code: LayerNorm for BatchNorm (batches are small), and
an empty ball is masked instead of filled with point 0. Self-attention over all anchors of all frames follows, then
three-nearest-neighbour interpolation back to the points.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class EncoderConfig:
    """Sizes of the encoder."""

    num_features: int
    """Channels of a point besides its place."""
    width: int = 128
    num_anchors: int = 64
    """Keypoints a frame, by farthest point sampling."""
    radius: float = 0.25
    """Ball radius, normalised units."""
    num_neighbors: int = 32
    depth: int = 4
    """Self-attention layers."""
    num_heads: int = 4
    time_bands: int = 6
    """Fourier bands of t / (T - 1)."""


class PointEncoder(nn.Module):
    """Tokens of a point video, and features for every point."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.offset = nn.Linear(4, width, bias=False)
        self.feature = nn.Linear(config.num_features, width, bias=False)
        self.edge = nn.Sequential(nn.LayerNorm(width), nn.GELU(), nn.Linear(width, width))
        self.place = nn.Linear(3, width)
        self.time = nn.Linear(2 * config.time_bands, width)
        layer = nn.TransformerEncoderLayer(
            width, config.num_heads, 2 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.attention = nn.TransformerEncoder(layer, config.depth, enable_nested_tensor=False)
        self.skip = nn.Sequential(nn.Linear(3 + config.num_features, width), nn.GELU(), nn.Linear(width, width))
        self.fuse = nn.Sequential(
            nn.LayerNorm(2 * width), nn.Linear(2 * width, width), nn.GELU(), nn.Linear(width, width)
        )

    def forward(
        self,
        points: Float[Tensor, "clip frame point 3"],
        features: Float[Tensor, "clip frame point channel"],
        valid: Bool[Tensor, "clip frame point"],
    ) -> tuple[Float[Tensor, "clip token width"], Float[Tensor, "clip frame point width"]]:
        """Tokens (frames x anchors) and per-point features of each clip."""
        clips, frames, _, _ = points.shape
        count = min(self.config.num_anchors, points.shape[2])
        flat_points, flat_valid = points.flatten(0, 1), valid.flatten(0, 1)
        anchors = _gather(flat_points, sample_farthest(flat_points, flat_valid, count)).view(clips, frames, count, 3)
        tokens = self._convolve(points, self.feature(features), valid, anchors)
        time = torch.linspace(0, 1, frames, device=points.device, dtype=points.dtype)
        bands = 2.0 ** torch.arange(self.config.time_bands, device=points.device, dtype=points.dtype) * torch.pi
        phases = time[:, None] * bands
        code = self.time(torch.cat([phases.sin(), phases.cos()], dim=-1))
        tokens = tokens + self.place(anchors) + code[None, :, None]
        tokens = self.attention(tokens.flatten(1, 2)).view(clips, frames, count, -1)
        spread = _interpolate(points.flatten(0, 1), anchors.flatten(0, 1), tokens.flatten(0, 1))
        skip = self.skip(torch.cat([points, features], dim=-1))
        return tokens.flatten(1, 2), self.fuse(torch.cat([spread.view_as(skip), skip], dim=-1))

    def _convolve(self, points: Tensor, lifted: Tensor, valid: Tensor, anchors: Tensor) -> Tensor:
        """Eq. (1): per frame offset dt, the max over a ball; then the max over dt. Frame ends are replicated."""
        frames = points.shape[1]
        outputs = []
        for step in (-1, 0, 1):
            index = (torch.arange(frames, device=points.device) + step).clamp(0, frames - 1)
            near_points, near_features, near_valid = points[:, index], lifted[:, index], valid[:, index]
            distance = torch.cdist(anchors, near_points).masked_fill(~near_valid[:, :, None], torch.inf)
            nearest, neighbor = distance.topk(min(self.config.num_neighbors, points.shape[2]), dim=-1, largest=False)
            inside = nearest <= self.config.radius
            offsets = _gather(near_points.flatten(0, 1), neighbor.flatten(0, 1)) - anchors.flatten(0, 1)[:, :, None]
            shift = torch.full_like(offsets[..., :1], float(step))
            edges = self.offset(torch.cat([offsets, shift], dim=-1))
            edges = self.edge(edges + _gather(near_features.flatten(0, 1), neighbor.flatten(0, 1)))
            edges = edges.masked_fill(~inside.flatten(0, 1)[..., None], torch.finfo(edges.dtype).min)
            outputs.append(edges.amax(dim=-2))
        pooled = torch.stack(outputs).amax(dim=0)
        # An anchor whose balls are all empty (a slot without a point) gets zeros.
        pooled = pooled.masked_fill(pooled <= torch.finfo(pooled.dtype).min, 0.0)
        return pooled.view(*anchors.shape[:3], -1)


def sample_farthest(
    points: Float[Tensor, "cloud point 3"], valid: Bool[Tensor, "cloud point"], count: int
) -> Int[Tensor, "cloud count"]:
    """Farthest point sampling, from the point farthest from the centroid; depends on the set, not on its order."""
    weights = valid.to(points.dtype)[..., None]
    centroid = (points * weights).sum(dim=1) / weights.sum(dim=1).clamp_min(1.0)
    far = (points - centroid[:, None]).square().sum(dim=-1).masked_fill(~valid, -1.0)
    chosen = [far.argmax(dim=1)]
    distance = torch.full_like(far, torch.inf).masked_fill(~valid, -1.0)
    for _ in range(count - 1):
        last = points.gather(1, chosen[-1][:, None, None].expand(-1, 1, 3))
        distance = torch.minimum(distance, (points - last).square().sum(dim=-1))
        chosen.append(distance.argmax(dim=1))
    return torch.stack(chosen, dim=1)


def _gather(values: Tensor, indices: Tensor) -> Tensor:
    """`values[cloud, indices[cloud]]` for values (cloud, point, channel) and indices (cloud, ...)."""
    flat = indices.flatten(1)
    picked = values.gather(1, flat[..., None].expand(-1, -1, values.shape[-1]))
    return picked.view(*indices.shape, values.shape[-1])


def _interpolate(points: Tensor, anchors: Tensor, values: Tensor) -> Tensor:
    """Inverse-distance interpolation from the three nearest anchors of the same frame."""
    distance, index = torch.cdist(points, anchors).topk(min(3, anchors.shape[1]), dim=-1, largest=False)
    weights = 1.0 / (distance + 1e-4)
    weights = weights / weights.sum(dim=-1, keepdim=True)
    return (_gather(values, index) * weights[..., None]).sum(dim=-2)
