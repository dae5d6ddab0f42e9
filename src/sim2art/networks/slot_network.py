"""The paper's network: the encoder, M = 20 slots, and one head for each thing the paper names.

sim2art (arXiv 2512.07698) Sec. 3.4-3.6. Slots come from the pooled clip feature (`pooled`), or from M learned queries
that look at the tokens (`queries`); a mask is the product of a slot with each point's feature. Types are static,
revolute, prismatic and, departing from the paper, which is silent on unused slots, empty.

The paper does not say what its joint heads read. Here every keypoint votes for the joint of its own part (type, axis,
way to the axis, motion in its frame); a slot's joint is the mean vote under its mask, corrected by a perceptron of the
slot and of the mean token under its mask. Votes learn from every keypoint of every clip, whatever the masks do yet.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from sim2art.networks.point_encoder import Encoded, EncoderConfig, PointEncoder

VELOCITY = 20.0
"""Flow is read as this many times its length a frame: a typical moving point then has about half a unit."""
STILL = 0.01
"""Normalised units of flow, about its noise, from which on its logarithm is read."""
READ_CHANNELS = 8
"""Channels of each flow as the encoder reads it."""


def read_flow(features: Float[Tensor, "*shape channel"], baselines: tuple[int, ...]) -> Float[Tensor, "*shape read"]:
    """Each flow (3 and whether it was measured) as velocity, as direction with logarithmic length, and that length.

    A part that opens by a tenth moves a tenth as far as one that opens fully; the logarithm shows both.
    """
    flows = features.unflatten(-1, (len(baselines), 4))
    flow, measured = flows[..., :3], flows[..., 3:]
    length = torch.linalg.vector_norm(flow, dim=-1, keepdim=True)
    logarithm = torch.log1p(length / STILL)
    velocity = flow * (VELOCITY / torch.tensor(baselines, dtype=flow.dtype, device=flow.device))[:, None]
    direction = flow / length.clamp_min(1e-6) * logarithm
    return torch.cat([velocity, direction, logarithm, measured], dim=-1).flatten(-2)


@dataclass(frozen=True, kw_only=True)
class SlotConfig:
    """Sizes of the slot network."""

    encoder: EncoderConfig
    num_slots: int = 20
    slots: Literal["pooled", "queries"] = "pooled"
    """From the pooled clip feature, or from queries that look at the tokens."""
    num_rounds: int = 3
    """Times that queries look."""
    baselines: tuple[int, ...] = (1,)
    """Frame offsets of the flows among the features."""
    num_semantics: int = 0
    """Semantic channels behind the flows."""
    num_points: int = 512
    """Points a frame that the encoder sees, when a video has more."""


class Votes(NamedTuple):
    """What each keypoint says of the part that it lies on."""

    types: Float[Tensor, "clip frame anchor 3"]
    """Logits: static, revolute, prismatic."""
    axes: Float[Tensor, "clip frame anchor 3"]
    """Directions; a vote shorter than 1 is in doubt."""
    pivots: Float[Tensor, "clip frame anchor 3"]
    """Nearest point of the axis, normalised coordinates."""
    motions: Float[Tensor, "clip frame anchor"]
    """Joint value in the keypoint's frame."""


class SlotOutput(NamedTuple):
    """Raw predictions of M slots, and the votes that they came from."""

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
    votes: Votes | None = None
    anchor_slots: Int[Tensor, "clip frame anchor"] | None = None
    """Which points vote."""


class SlotNetwork(nn.Module):
    """The paper's network."""

    def __init__(self, config: SlotConfig) -> None:
        super().__init__()
        self.config = config
        width, slots = config.encoder.width, config.num_slots
        self.encoder = PointEncoder(config.encoder)
        if config.slots == "pooled":
            self.slots = nn.Sequential(nn.Linear(2 * width, width), nn.GELU(), nn.Linear(width, slots * width))
        else:
            self.queries = nn.Parameter(torch.randn(slots, width))
            layer = nn.TransformerDecoderLayer(
                width, config.encoder.num_heads, 2 * width, 0.0, "gelu", batch_first=True, norm_first=True
            )
            self.looks = nn.TransformerDecoder(layer, config.num_rounds)
        self.norm = nn.LayerNorm(width)
        self.slot_norm = nn.LayerNorm(width)
        self.mask_key = nn.Linear(width, width)
        self.mask_bias = nn.Linear(width, 1)
        self.vote = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, 3 + 3 + 3 + 1))
        self.joint_head = nn.Sequential(nn.Linear(2 * width, width), nn.GELU(), nn.Linear(width, 4 + 3 + 3 + 1))
        self.motion_head = nn.Sequential(nn.Linear(2 * width, width), nn.GELU(), nn.Linear(width, 1))

    def forward(
        self,
        points: Float[Tensor, "clip frame point 3"],
        features: Float[Tensor, "clip frame point channel"],
        valid: Bool[Tensor, "clip frame point"],
        asked: tuple[Float[Tensor, "clip frame asked 3"], Float[Tensor, "clip frame asked channel"]] | None = None,
    ) -> SlotOutput:
        """Slots of each clip.

        Args:
            points: What the encoder sees.
            features: Flow channels of the points, then semantic ones.
            asked: Points of the same frames, with their features, whose masks are wanted; by default the same points.
        """
        features = self._read(features)
        encoded = self.encoder(points, features, valid)
        tokens = self.norm(encoded.tokens)
        slots = self.slot_norm(self._find_slots(tokens.flatten(1, 2)))
        keys, bias = self.mask_key(slots) / slots.shape[-1] ** 0.5, self.mask_bias(slots)
        own = self.encoder.describe_points(encoded, points, features)
        masks = torch.einsum("csw,cfpw->csfp", keys, own) + bias[..., None]
        shares = self._shares(masks, encoded)
        if asked is not None:
            described = self.encoder.describe_points(encoded, asked[0], self._read(asked[1]))
            masks = torch.einsum("csw,cfpw->csfp", keys, described) + bias[..., None]
        votes = self._cast_votes(tokens, encoded)
        return self._join(slots, tokens, votes, shares, masks, encoded)

    def _read(self, features: Tensor) -> Tensor:
        """Channels as the encoder reads them."""
        flows = 4 * len(self.config.baselines)
        return torch.cat([read_flow(features[..., :flows], self.config.baselines), features[..., flows:]], dim=-1)

    def _find_slots(self, tokens: Tensor) -> Tensor:
        """Slots (clip, slot, width)."""
        if self.config.slots == "pooled":
            pooled = torch.cat([tokens.mean(dim=1), tokens.amax(dim=1)], dim=-1)
            return self.slots(pooled).view(len(tokens), self.config.num_slots, -1)
        return self.looks(self.queries.expand(len(tokens), -1, -1), tokens)

    @staticmethod
    def _shares(masks: Tensor, encoded: Encoded) -> Tensor:
        """How much of each keypoint belongs to each slot, (clip, slot, frame, anchor); carries no gradient."""
        index = encoded.anchor_slots[:, None].expand(-1, masks.shape[1], -1, -1)
        return torch.softmax(masks.detach().float().gather(-1, index), dim=1)

    def _cast_votes(self, tokens: Tensor, encoded: Encoded) -> Votes:
        said = self.vote(tokens).float()
        return Votes(
            types=said[..., :3], axes=said[..., 3:6], pivots=encoded.anchors + said[..., 6:9], motions=said[..., 9]
        )

    def _join(
        self, slots: Tensor, tokens: Tensor, votes: Votes, shares: Tensor, masks: Tensor, encoded: Encoded
    ) -> SlotOutput:
        """The joints of the slots."""
        shares = shares.to(tokens.dtype)
        sizes = shares.sum(dim=(2, 3)).clamp_min(1e-3)
        mean = torch.einsum("csfa,cfaw->csw", shares, tokens) / sizes[..., None]
        heads = self.joint_head(torch.cat([slots, mean], dim=-1)).float()
        cast = torch.cat([votes.types, votes.axes, votes.pivots], dim=-1)
        pooled = torch.einsum("csfa,cfaw->csw", shares.float(), cast) / sizes.float()[..., None]
        each = shares.sum(dim=3).clamp_min(1e-3)
        moments = torch.einsum("csfa,cfaw->csfw", shares, tokens) / each[..., None]
        voted = torch.einsum("csfa,cfa->csf", shares.float(), votes.motions) / each.float()
        pairs = torch.cat([moments, slots[:, :, None].expand_as(moments)], dim=-1)
        motions = (voted + self.motion_head(pairs)[..., 0].float()).transpose(1, 2)
        types = heads[..., :4] + functional.pad(pooled[..., :3], (0, 1))
        return SlotOutput(
            masks=masks.float(),
            types=types,
            axes=functional.normalize(heads[..., 4:7] + pooled[..., 3:6], dim=-1, eps=1e-6),
            pivots=heads[..., 7:10] + pooled[..., 6:9],
            confidences=heads[..., 10],
            motions=motions - motions[:, :1],
            votes=votes,
            anchor_slots=encoded.anchor_slots,
        )
