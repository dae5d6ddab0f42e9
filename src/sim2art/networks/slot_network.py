"""Presets `paper` and `queries`: the encoder, M = 20 slots, and one head for each thing the paper names.

sim2art (arXiv 2512.07698) Sec. 3.4-3.6. `paper`: slots come from the pooled clip feature, masks are per-point M-way
logits. `queries` departs from it: M learned queries look at the tokens (as in Mask2Former, without its masked attention),
and a mask is the product of a slot with each point's feature. Types are static, revolute, prismatic and, departing
from the paper, which is silent on unused slots, empty.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from sim2art.networks.point_encoder import EncoderConfig, PointEncoder


@dataclass(frozen=True, kw_only=True)
class SlotConfig:
    """Sizes of the slot network."""

    encoder: EncoderConfig
    num_slots: int = 20
    slots: Literal["pooled", "queries"] = "pooled"
    """From the pooled clip feature, or from queries that look at the tokens."""
    num_rounds: int = 3
    """Times that queries look."""


class SlotOutput(NamedTuple):
    """Raw predictions of M slots."""

    masks: Float[Tensor, "clip slot frame point"]
    """Logits."""
    types: Float[Tensor, "clip slot 4"]
    """Logits: static, revolute, prismatic, empty."""
    axes: Float[Tensor, "clip slot 3"]
    """Unit directions."""
    pivots: Float[Tensor, "clip slot 3"]
    """Normalised coordinates."""
    confidences: Float[Tensor, "clip slot"]
    """Logits."""
    motions: Float[Tensor, "clip frame slot"]
    """rad, or normalised length; 0 at frame 0."""


class SlotNetwork(nn.Module):
    """The paper's network."""

    def __init__(self, config: SlotConfig) -> None:
        super().__init__()
        self.config = config
        width, slots = config.encoder.width, config.num_slots
        self.encoder = PointEncoder(config.encoder)
        if config.slots == "pooled":
            self.mask_head = nn.Linear(width, slots)
            self.slots = nn.Sequential(nn.Linear(2 * width, 2 * width), nn.GELU(), nn.Linear(2 * width, slots * width))
        else:
            self.queries = nn.Parameter(torch.randn(slots, width))
            layer = nn.TransformerDecoderLayer(
                width, config.encoder.num_heads, 2 * width, 0.0, "gelu", batch_first=True, norm_first=True
            )
            self.looks = nn.TransformerDecoder(layer, config.num_rounds)
            self.mask_key = nn.Linear(width, width)
            self.mask_bias = nn.Linear(width, 1)
        self.slot_mix = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU())
        self.joint_head = nn.Linear(width, 4 + 3 + 3 + 1)
        self.motion_query = nn.Linear(width, width)
        self.motion_head = nn.Sequential(nn.Linear(2 * width, width), nn.GELU(), nn.Linear(width, 1))

    def forward(
        self,
        points: Float[Tensor, "clip frame point 3"],
        features: Float[Tensor, "clip frame point channel"],
        valid: Bool[Tensor, "clip frame point"],
    ) -> SlotOutput:
        """Slots of each clip."""
        clips, frames = points.shape[:2]
        tokens, per_point = self.encoder(points, features, valid)
        slots, masks = self._find_slots(tokens, per_point)
        joints = self.joint_head(slots)
        # The clip at each time: pooled tokens of that frame, joined to the slot.
        moments = self.motion_query(tokens.view(clips, frames, -1, tokens.shape[-1]).amax(dim=2))
        pairs = torch.cat(
            [
                moments[:, :, None].expand(-1, -1, slots.shape[1], -1),
                slots[:, None].expand(-1, frames, -1, -1),
            ],
            dim=-1,
        )
        motions = self.motion_head(pairs)[..., 0]
        return SlotOutput(
            masks=masks,
            types=joints[..., :4],
            axes=functional.normalize(joints[..., 4:7], dim=-1, eps=1e-6),
            pivots=joints[..., 7:10],
            confidences=joints[..., 10],
            motions=motions - motions[:, :1],
        )

    def _find_slots(self, tokens: Tensor, per_point: Tensor) -> tuple[Tensor, Tensor]:
        """Slots (clip, slot, width) and mask logits (clip, slot, frame, point)."""
        clips = len(tokens)
        if self.config.slots == "pooled":
            pooled = torch.cat([tokens.mean(dim=1), tokens.amax(dim=1)], dim=-1)
            slots = self.slot_mix(self.slots(pooled).view(clips, self.config.num_slots, -1))
            return slots, self.mask_head(per_point).movedim(-1, 1)
        slots = self.slot_mix(self.looks(self.queries.expand(clips, -1, -1), tokens))
        keys = self.mask_key(slots) / slots.shape[-1] ** 0.5
        masks = torch.einsum("csw,cfpw->csfp", keys, per_point) + self.mask_bias(slots)[..., None]
        return slots, masks
