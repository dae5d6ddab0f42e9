"""Which motion each region of a colour recording follows: a small network on what was seen of every region under every motion.

The same numbers are computed of each region and motion, whatever the motions are; rounds of messages along borders and
between frames then make regions agree (an unrolled mean field, as in Zheng et al., Conditional random fields as recurrent
neural networks, ICCV 2015).
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

NUM_FEATURES = 14
"""Of a region and a motion, see `regions.region_features`."""
COMPARED = (0, 4)
"""Of these, that are compared with the largest of the other motions."""
_MESSAGES = 8


@dataclass(frozen=True, kw_only=True)
class RegionNetworkConfig:
    """Sizes of a `RegionNetwork`."""

    width: int = 24
    rounds: int = 3


class RegionNetwork(nn.Module):
    """Log odds of following each motion against standing still."""

    def __init__(self, config: RegionNetworkConfig) -> None:
        super().__init__()
        self.config, width = config, config.width
        self.encode = nn.Sequential(
            nn.Linear(NUM_FEATURES + len(COMPARED), width), nn.GELU(), nn.Linear(width, width), nn.GELU()
        )
        self.own = nn.Linear(width, 1)
        self.agree = nn.Sequential(nn.Linear(width + _MESSAGES, width), nn.GELU(), nn.Linear(width, 1))

    def forward(
        self, features: Float[Tensor, "region motion feature"], borders: Tensor, lengths: Float[Tensor, "region"], ties: list[Tensor]
    ) -> list[Float[Tensor, "region motion"]]:  # fmt: skip
        """Log odds after each round, the last ones best.

        Args:
            features: See `regions.region_features`.
            borders: Sparse (region, region), rows sum to at most 1: what a region has in common with its neighbours.
            lengths: Of each region's border, logarithm.
            ties: Sparse (region, region) of standing still and of each motion: what a region becomes in other frames.
        """
        hidden = self.encode(torch.cat([features, _best_other(features[..., list(COMPARED)])], dim=-1))
        own = self.own(hidden)[..., 0]
        found = [own]
        shape = own.shape
        for _ in range(self.config.rounds):
            shares = with_still(found[-1]).softmax(dim=1)
            near = torch.sparse.mm(borders, shares)
            later = torch.stack([torch.sparse.mm(tie, shares[:, k : k + 1])[:, 0] for k, tie in enumerate(ties)], dim=1)
            told = [
                *(part for both in (near, later, shares) for part in (both[:, 1:], both[:, :1].expand(shape))),
                lengths[:, None].expand(shape), found[-1] / 5,
            ]  # fmt: skip
            found.append(own + self.agree(torch.cat([hidden, torch.stack(told, dim=-1)], dim=-1))[..., 0])
        return found


def with_still(log_odds: Float[Tensor, "region motion"]) -> Float[Tensor, "region label"]:
    """With standing still as the first label."""
    return torch.cat([log_odds.new_zeros(len(log_odds), 1), log_odds], dim=1)


def _best_other(values: Float[Tensor, "region motion value"]) -> Float[Tensor, "region motion value"]:
    """The largest of the other motions, 0 where there is none."""
    count = values.shape[1]
    if count == 1:
        return torch.zeros_like(values)
    return torch.stack([values[:, [j for j in range(count) if j != k]].amax(dim=1) for k in range(count)], dim=1)
