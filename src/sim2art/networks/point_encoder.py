"""Point-cloud-video encoder of the P4DConv family (Fan et al., P4Transformer, CVPR 2021), as sim2art Eq. (1) uses it.

Feature of an anchor = max over frames dt in {-1, 0, 1} of max over neighbours j in a ball of
MLP(W_d [dx, dy, dz, dt] + W_f f_j). Self-attention over all anchors of all frames follows, then three-nearest-neighbour
interpolation back to the points.

Departs from the published code: LayerNorm for BatchNorm (batches are small); an empty ball is masked instead of filled
with point 0; and to the sum above a product of two such sums is added (the code can join d and f_j by products too),
whose mean over the neighbours joins the maximum: how flow changes from place to place, from which a turn is told, and
how the surface lies, are means of such products. Perceptrons are gated for the same reason.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional


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
    edge_width: int = 64
    """Channels of Eq. (1)."""
    depth: int = 4
    """Self-attention layers."""
    num_heads: int = 4
    time_bands: int = 6
    """Fourier bands of t / (T - 1)."""
    sampling: str = "farthest"
    """How keypoints are picked: `farthest` or `random` (the first points, as they come in random order)."""


class Encoded(NamedTuple):
    """What the encoder makes of a clip."""

    tokens: Float[Tensor, "clip frame anchor width"]
    anchor_slots: Int[Tensor, "clip frame anchor"]
    """Which points the anchors are."""
    anchors: Float[Tensor, "clip frame anchor 3"]


class Block(nn.Module):
    """Self-attention and a gated perceptron, each after a LayerNorm and added to what came in."""

    def __init__(self, width: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.norm, self.norm_inner = nn.LayerNorm(width), nn.LayerNorm(width)
        self.project = nn.Linear(width, 3 * width, bias=False)
        self.join = nn.Linear(width, width)
        self.widen, self.narrow = nn.Linear(width, 3 * width), nn.Linear(3 * width // 2, width)

    def forward(self, tokens: Float[Tensor, "clip token width"]) -> Float[Tensor, "clip token width"]:
        """Tokens that have looked at one another."""
        clips, count, width = tokens.shape
        heads = self.project(self.norm(tokens)).view(clips, count, 3, self.num_heads, -1).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(heads[0], heads[1], heads[2])
        tokens = tokens + self.join(seen.transpose(1, 2).reshape(clips, count, width))
        gate, value = self.widen(self.norm_inner(tokens)).chunk(2, dim=-1)
        return tokens + self.narrow(functional.gelu(gate) * value)


class PointEncoder(nn.Module):
    """Tokens of a point video, and features for every point."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        width, edge, channels = config.width, config.edge_width, config.num_features
        self.sum = nn.Linear(4 + channels, edge)
        self.product = nn.Linear(4 + channels, 2 * edge)
        self.edge = nn.Sequential(nn.LayerNorm(edge), nn.GELU(), nn.Linear(edge, edge))
        self.join = nn.Linear(2 * edge + channels, width)
        self.place = nn.Linear(3, width)
        self.time = nn.Linear(2 * config.time_bands, width)
        self.blocks = nn.ModuleList(Block(width, config.num_heads) for _ in range(config.depth))
        self.skip = nn.Sequential(nn.Linear(3 + channels, width), nn.GELU(), nn.Linear(width, width))
        self.spread = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width))
        self.fuse = nn.Sequential(nn.LayerNorm(width), nn.GELU(), nn.Linear(width, width), nn.GELU())

    def forward(
        self,
        points: Float[Tensor, "clip frame point 3"],
        features: Float[Tensor, "clip frame point channel"],
        valid: Bool[Tensor, "clip frame point"],
    ) -> Encoded:
        """Tokens of the anchors of all frames."""
        clips, frames, total, _ = points.shape
        count = min(self.config.num_anchors, total)
        flat_points, flat_valid = points.flatten(0, 1), valid.flatten(0, 1)
        if self.config.sampling == "farthest":
            slots = sample_farthest(flat_points, flat_valid, count)
        else:
            slots = flat_valid.to(torch.int8).argsort(dim=1, descending=True, stable=True)[:, :count]
        anchors = _gather(flat_points, slots).view(clips, frames, count, 3)
        tokens = self._convolve(points, features, valid, anchors)
        own = _gather(features.flatten(0, 1), slots).view(clips, frames, count, -1)
        time = torch.linspace(0, 1, frames, device=points.device, dtype=points.dtype)
        bands = 2.0 ** torch.arange(self.config.time_bands, device=points.device, dtype=points.dtype) * torch.pi
        phases = time[:, None] * bands
        code = self.time(torch.cat([phases.sin(), phases.cos()], dim=-1))
        tokens = self.join(torch.cat([tokens, own], dim=-1)) + self.place(anchors) + code[None, :, None]
        tokens = tokens.flatten(1, 2)
        for block in self.blocks:
            tokens = block(tokens)
        return Encoded(
            tokens=tokens.view(clips, frames, count, -1),
            anchor_slots=slots.view(clips, frames, count),
            anchors=anchors,
        )

    def describe_points(
        self,
        encoded: Encoded,
        points: Float[Tensor, "clip frame point 3"],
        features: Float[Tensor, "clip frame point channel"],
    ) -> Float[Tensor, "clip frame point width"]:
        """Features of any points of the frames: their own, and those of the three nearest anchors of their frame."""
        weights = _interpolation_weights(points, encoded.anchors)
        near = weights @ self.spread(encoded.tokens)
        return self.fuse(near + self.skip(torch.cat([points, features], dim=-1)))

    def _convolve(self, points: Tensor, features: Tensor, valid: Tensor, anchors: Tensor) -> Tensor:
        """Eq. (1) of every anchor, (clip, frame, anchor, 2 x edge). Frame ends are replicated."""
        frames = points.shape[1]
        offsets, joined, inside = [], [], []
        for step in (-1, 0, 1):
            index = (torch.arange(frames, device=points.device) + step).clamp(0, frames - 1)
            near_points, near_valid = points[:, index], valid[:, index]
            distance = torch.cdist(anchors, near_points).masked_fill(~near_valid[:, :, None], torch.inf)
            nearest, neighbor = distance.topk(
                min(self.config.num_neighbors, points.shape[2]), dim=-1, largest=False, sorted=False
            )
            flat = neighbor.flatten(0, 1)
            offset = (_gather(near_points.flatten(0, 1), flat) - anchors.flatten(0, 1)[:, :, None]) / self.config.radius
            offsets.append(torch.cat([offset, torch.full_like(offset[..., :1], float(step))], dim=-1))
            joined.append(_gather(features[:, index].flatten(0, 1), flat))
            inside.append((nearest <= self.config.radius).flatten(0, 1))
        offset, feature, keep = (torch.cat(x, dim=2) for x in (offsets, joined, inside))
        pairs = torch.cat([offset, feature], dim=-1)
        one, other = self.product(pairs).chunk(2, dim=-1)
        product = one * other
        edges = self.edge(self.sum(pairs) + product)
        pooled = edges.masked_fill(~keep[..., None], torch.finfo(edges.dtype).min).amax(dim=-2)
        # An anchor whose balls are all empty (a slot without a point) gets zeros.
        pooled = pooled.masked_fill(~keep.any(dim=-1, keepdim=True), 0.0)
        share = keep.to(product.dtype) / keep.sum(dim=-1, keepdim=True).clamp_min(1)
        mean = (share[..., None, :] @ product)[..., 0, :]
        return torch.cat([pooled, mean], dim=-1).view(*anchors.shape[:3], -1)


@torch.no_grad()
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


@torch.no_grad()
def _interpolation_weights(points: Tensor, anchors: Tensor) -> Tensor:
    """Inverse-distance weights (clip, frame, point, anchor) of the three nearest anchors, 0 for all others.

    A product with them costs less than a gather, whose gradient scatters.
    """
    distance, index = torch.cdist(points, anchors).topk(min(3, anchors.shape[2]), dim=-1, largest=False, sorted=False)
    weights = 1.0 / (distance + 1e-2)
    weights = weights / weights.sum(dim=-1, keepdim=True)
    return torch.zeros(*points.shape[:3], anchors.shape[2], dtype=points.dtype, device=points.device).scatter(
        -1, index, weights
    )
