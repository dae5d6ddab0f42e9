"""Scene flow by global matching, after GMSF (Zhang et al., "GMSF: Global Matching Scene Flow", NeurIPS 2023).

DGCNN features -> point transformer -> self and cross attention -> softmax over all points of the other cloud -> the mean
of the matched places is where a point goes -> the flow is smoothed by attention between features of one cloud.

`GMSF_PAPER` has the sizes of the authors. `GMSF_LIGHT` departs from them so that it trains and runs on CPUs: it is smaller,
its graph is that of space, points look at a part of each cloud (so that neighbourhoods do not shrink as points get more),
and two heads say whether a point moves at all and whether its flow can be trusted: most of what a video shows stands still.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sim2art.networks.scene_flow_cues import NUM_CUES
from sim2art.networks.scene_flow_layers import (
    ChannelNorm,
    EdgeConvolution,
    LocalTransformer,
    MatchingBlock,
    Norm,
    find_neighbors,
)


@dataclass(frozen=True, kw_only=True)
class SceneFlowConfig:
    """Sizes of the network."""

    width: int = 128
    edge_widths: tuple[int, ...] = (64, 64, 64, 128)
    """Channels of the graph convolutions."""
    num_neighbors: int = 32
    """Of the graph convolutions."""
    graph: Literal["features", "space"] = "features"
    """Where the neighbours of a graph convolution are near: in its input features, or in space."""
    norm: Norm = "batch"
    local_neighbors: int = 16
    """Of the point transformer."""
    local_expansion: int = 4
    num_layers: int = 10
    """Rounds of self and cross attention."""
    expansion: int = 4
    """Of the feed-forward parts."""
    num_support: int | None = None
    """Points of a cloud that attention looks at; None: all."""
    num_local_support: int | None = None
    """Points of a cloud among which neighbours are searched; None: all."""
    place_bands: int = 0
    """Fourier bands of a point's place that are added to its features; 0: none."""
    num_cues: int = 0
    """What each point is told beside its place, see `scene_flow_cues`."""
    has_heads: bool = False
    """Whether there are heads for what moves and for what can be trusted."""


GMSF_PAPER = SceneFlowConfig()
GMSF_LIGHT = SceneFlowConfig(
    width=64,
    edge_widths=(32, 64, 64),
    num_neighbors=16,
    graph="space",
    norm="layer",
    local_neighbors=12,
    local_expansion=1,
    num_layers=3,
    expansion=1,
    num_support=256,
    num_local_support=256,
    place_bands=4,
    num_cues=NUM_CUES,
    has_heads=True,
)
"""For two CPU cores."""


class SceneFlowOutput(NamedTuple):
    """Flow of every point of the first cloud, normalised units, at the stages of the network."""

    flow: Float[Tensor, "pair point 3"]
    """The answer: smoothed, and drawn to zero where a point is taken to stand still."""
    matched: Float[Tensor, "pair point 3"]
    """From matching alone."""
    smoothed: Float[Tensor, "pair point 3"]
    similarity: Float[Tensor, "pair point other"]
    """Logits of the match with each point of the second cloud."""
    moves: Float[Tensor, "pair point"]
    """Logits: the point moves."""
    trusted: Float[Tensor, "pair point"]
    """Logits: the flow is right."""


class SceneFlowNetwork(nn.Module):
    """Flow from one cloud to another; their points may be of any number, in random order."""

    def __init__(self, config: SceneFlowConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        inputs = (3, *config.edge_widths[:-1])
        self.edges = nn.ModuleList(
            EdgeConvolution(a, b, config.norm) for a, b in zip(inputs, config.edge_widths, strict=True)
        )
        self.join = nn.Linear(sum(config.edge_widths), width, bias=False)
        self.join_norm = ChannelNorm(width, config.norm)
        num_places = 3 + 6 * config.place_bands + config.num_cues
        self.place = nn.Linear(num_places, width) if config.place_bands else None
        self.local = LocalTransformer(width, width * config.local_expansion)
        self.blocks = nn.ModuleList(MatchingBlock(width, config.expansion) for _ in range(config.num_layers))
        self.smooth_query = nn.Linear(width, width)
        self.smooth_key = nn.Linear(width, width)
        if config.has_heads:
            self.moves_head = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, 1))
            self.trust_head = nn.Sequential(
                nn.Linear(width + 4 + config.num_cues, width), nn.GELU(), nn.Linear(width, 1)
            )

    def forward(
        self,
        first: Float[Tensor, "pair point 3"],
        second: Float[Tensor, "pair other 3"],
        first_cues: Float[Tensor, "pair point cue"] | None = None,
        second_cues: Float[Tensor, "pair other cue"] | None = None,
    ) -> SceneFlowOutput:
        """Flow of the first cloud's points to the second cloud; both in one frame, within about [-1, 1]."""
        features, others = self.describe(first, first_cues), self.describe(second, second_cues)
        for block in self.blocks:
            features, others = block(features, others, self.config.num_support)
        # Places are averaged in full precision.
        with torch.autocast(first.device.type, enabled=False):
            features, others = features.float(), others.float()
            root = self.config.width**0.5
            similarity = features @ others.transpose(1, 2) / root
            matched = similarity.softmax(dim=-1) @ second - first
            query = self.smooth_query(features)
            likeness = query @ self.smooth_key(query).transpose(1, 2) / root
            smoothed = likeness.softmax(dim=-1) @ matched.detach()
            if not self.config.has_heads:
                certain = torch.full_like(matched[..., 0], 20.0)
                return SceneFlowOutput(smoothed, matched, smoothed, similarity, certain, certain)
            moves = self.moves_head(features)[..., 0]
            flow = moves.sigmoid()[..., None] * smoothed
            change = torch.linalg.norm(matched - smoothed, dim=-1, keepdim=True)
            told = [] if first_cues is None else [first_cues]
            evidence = torch.cat([features, flow, change, *told], dim=-1).detach()
            trusted = self.trust_head(evidence)[..., 0]
            return SceneFlowOutput(flow, matched, smoothed, similarity, moves, trusted)

    def describe(
        self, points: Float[Tensor, "pair point 3"], cues: Float[Tensor, "pair point cue"] | None = None
    ) -> Float[Tensor, "pair point width"]:
        """Features of a cloud's points before the other cloud is looked at."""
        config = self.config
        count = config.num_local_support or points.shape[1]
        neighbors = find_neighbors(points, points[:, :count], config.num_neighbors)
        features, found = points, []
        for index, edge in enumerate(self.edges):
            if config.graph == "features" and index > 0:
                neighbors = find_neighbors(features, features[:, :count], config.num_neighbors)
            features = edge(features, neighbors, count)
            found.append(features)
        features = nn.functional.leaky_relu(self.join_norm(self.join(torch.cat(found, dim=-1))), 0.2)
        if self.place is not None:
            bands = torch.pi * 2.0 ** torch.arange(config.place_bands, device=points.device, dtype=points.dtype)
            phases = (points[..., None] * bands).flatten(-2)
            told = [] if cues is None else [cues]
            features = features + self.place(torch.cat([points, phases.sin(), phases.cos(), *told], dim=-1))
        if config.graph == "features" or config.local_neighbors > config.num_neighbors:
            neighbors = find_neighbors(points, points[:, :count], config.local_neighbors)
        return self.local(points, features, neighbors[..., : config.local_neighbors], count)
