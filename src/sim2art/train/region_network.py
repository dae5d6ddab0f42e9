"""Training of the region network: minutes on one core."""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from sim2art.networks.region_inputs import RegionInputs
from sim2art.networks.region_network import NUM_FEATURES, RegionNetwork, RegionNetworkConfig, with_still
from sim2art.train.region_examples import RegionExample

_FLOW_FEATURES = [4, 5, 6, 7]


@dataclass(frozen=True, kw_only=True)
class RegionTrainConfig:
    """A training run of the region network."""

    network: RegionNetworkConfig = field(default_factory=RegionNetworkConfig)
    passes: int = 40
    """Over all examples."""
    learning_rate: float = 6e-3
    """At most; one cycle."""
    weight_decay: float = 1e-3
    seed: int = 0
    fewer_motions: float = 0.4
    """How often some of the motions are left out."""
    less_flow: float = 0.3
    """How often the flow of some regions is left out."""


@dataclass(frozen=True, kw_only=True)
class _Case:
    """An example as tensors."""

    inputs: RegionInputs
    allowed: Tensor
    """(region, label), bool: labels that are right of a region; none where its part has no motion."""
    weights: Tensor
    """Of each region, px."""
    parts: list[Tensor]
    """(2, region) of each true part that has motions: which regions are of it, and px."""
    motions: list[list[int]]
    """Of each such part."""


def train_region_network(config: RegionTrainConfig, examples: list[RegionExample]) -> RegionNetwork:
    """A network that has learned on the examples in which some motion is right or something stands still."""
    torch.manual_seed(config.seed)
    rng = np.random.default_rng(config.seed)
    network = RegionNetwork(config.network)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=config.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, config.learning_rate, total_steps=max(config.passes * len(examples), 2)
    )
    for _ in range(config.passes):
        for place in rng.permutation(len(examples)):
            case = _draw_case(examples[place], config, rng)
            if case.weights.sum() > 0:
                optimizer.zero_grad()
                region_loss(network(*case.inputs), case).backward()
                nn.utils.clip_grad_norm_(network.parameters(), 1.0)
                optimizer.step()
            schedule.step()
    return network.eval()


def region_loss(rounds: list[Tensor], case: _Case) -> Tensor:
    """Log loss of regions by area, and 1 - IoU of each part that has motions (soft Jaccard); mean of all rounds."""
    total = torch.zeros(())
    for log_odds in rounds:
        logs = with_still(log_odds).log_softmax(dim=1)
        right = torch.logsumexp(logs.masked_fill(~case.allowed, -30.0), dim=1)
        total = total - (right * case.weights).sum() / case.weights.sum().clamp(min=1)
        losses = []
        for (own, areas), motions in zip(case.parts, case.motions, strict=True):
            share = logs[:, [1 + k for k in motions]].exp().sum(dim=1)
            both = (areas * share * own).sum()
            losses.append(1 - both / (areas * (share + own - share * own)).sum())
        if losses:
            total = total + torch.stack(losses).mean()
    return total / len(rounds)


def _draw_case(example: RegionExample, config: RegionTrainConfig, rng: np.random.Generator) -> _Case:
    """An example, blurred: what renders are like is not what videos are like."""
    kept, inputs = list(range(example.features.shape[1])), example.inputs
    if len(kept) > 1 and rng.random() < config.fewer_motions:
        kept = np.flatnonzero(rng.random(len(kept)) < 0.6).tolist() or [int(rng.integers(len(kept)))]
        inputs = inputs.of_motions(kept)
    features = inputs.features * (1 + 0.15 * torch.randn(1, 1, NUM_FEATURES)) + 0.1 * torch.randn(inputs.features.shape)
    if rng.random() < config.less_flow:
        lost = torch.rand(len(features)) < rng.random()
        features[lost.nonzero()[:, 0][:, None], :, torch.tensor(_FLOW_FEATURES)] = 0
    is_of = example.is_of[kept]
    allowed = np.concatenate(
        [(example.part == 0)[:, None], is_of[:, example.part].T & (example.part > 0)[:, None]], axis=1
    )
    weights = example.areas * allowed.any(axis=1) * np.clip(2 * example.purity - 1, 0, 1)
    numbers = [n for n in range(1, is_of.shape[1]) if is_of[:, n].any() and (example.part == n).any()]
    parts = [np.stack([example.part == n, example.areas]).astype(np.float32) for n in numbers]
    return _Case(
        inputs=inputs._replace(features=features), allowed=torch.from_numpy(allowed),
        weights=torch.from_numpy(weights.astype(np.float32)), parts=[torch.from_numpy(part) for part in parts],
        motions=[np.flatnonzero(is_of[:, n]).tolist() for n in numbers],
    )  # fmt: skip
