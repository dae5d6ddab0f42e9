"""A trained judge made larger without changing what it says (Net2Net, Chen et al., arXiv 1511.05641).

Channels are copied, and what reads them shares its weights out among the copies at random, so that copies part when
training goes on. Layer normalisation keeps its mean and variance only if every channel is copied equally often, so
widths that are normalised grow by whole factors. New inputs and new blocks start with weights of zero.
"""

import torch
from torch import Tensor

from sim2art.errors import InvalidValueError
from sim2art.networks.judge import Judge, JudgeConfig

_NEW = -1
"""Source of a channel that the trained network did not have."""


def widen_judge(trained: Judge, config: JudgeConfig, *, seed: int = 0) -> Judge:
    """A judge of a larger config that answers as the trained one does.

    Further features must come after those that the trained judge knows.

    Raises:
        InvalidValueError: When the config is smaller somewhere, or a normalised width does not grow by a whole factor.
    """
    _check(trained.config, config)
    generator = torch.Generator().manual_seed(seed)
    sources = _Sources(trained.config, config)
    known = trained.state_dict()
    with torch.no_grad():
        wide = Judge(config)
        for name, parameter in wide.named_parameters():
            if name not in known:
                if _ends_new_block(name):
                    parameter.zero_()
                continue
            out, inside = sources.of(name)
            value = known[name].index_select(0, out.clamp_min(0)) * (out >= 0).view(-1, *[1] * (parameter.ndim - 1))
            if parameter.ndim == 2 and inside is not None:
                value = value.index_select(1, inside.clamp_min(0)) * _shares(inside, len(value), generator)
            parameter.copy_(value)
    return wide.train(trained.training)


def _check(old: JudgeConfig, new: JudgeConfig) -> None:
    for name in ("width", "hypothesis_width"):
        if getattr(new, name) % getattr(old, name):
            raise InvalidValueError(
                f"A judge of {name} {getattr(old, name)} cannot grow to {getattr(new, name)}: take a multiple."
            )
    if new.hypothesis_width // new.num_heads != old.hypothesis_width // old.num_heads:
        raise InvalidValueError(
            f"Heads have {old.hypothesis_width // old.num_heads} channels each; keep that: {new.hypothesis_width} channels "
            f"need {new.hypothesis_width * old.num_heads // old.hypothesis_width} heads, not {new.num_heads}."
        )
    for name in ("num_features", "num_blocks", "mix_width", "num_gates"):
        if getattr(new, name) < getattr(old, name):
            raise InvalidValueError(
                f"A judge cannot shrink: {name} is {getattr(old, name)}, asked {getattr(new, name)}."
            )
    if new.bandwidths != old.bandwidths or new.evidence[: len(old.evidence)] != old.evidence:
        raise InvalidValueError("A judge grows only with the same bandwidths, and evidence that begins with its own.")


def _ends_new_block(name: str) -> bool:
    """Whether a parameter of a new block must be zero for the block to pass on what it gets."""
    return name.startswith("blocks.") and name.split(".", 2)[2].startswith(("out.", "pool.inward.2.", "pool.outward."))


def _repeat(old: int, new: int, *, grows_by_zeros: bool = False) -> Tensor:
    """Source of each of `new` channels: copies in turn, or none for those past the old ones."""
    index = torch.arange(new)
    return torch.where(index < old, index, _NEW) if grows_by_zeros else index % old


class _Sources:
    """Where the outputs and inputs of each parameter come from."""

    def __init__(self, old: JudgeConfig, new: JudgeConfig) -> None:
        self.width = _repeat(old.width, new.width)
        self.hypothesis = _repeat(old.hypothesis_width, new.hypothesis_width)
        self.features = _repeat(old.num_features, new.num_features, grows_by_zeros=True)
        self.mix = _repeat(old.mix_width, new.mix_width)
        self.gates = _repeat(old.num_gates, new.num_gates)
        gates, mix, width = old.num_gates, old.mix_width, old.width
        groups = len(old.bandwidths) + 1
        self.narrow = torch.cat([self.gates, *(gates + mix * i + self.mix for i in range(groups))])
        means = torch.cat([self.gates, torch.tensor([gates])])
        pooled = (means[:, None] * width + self.width).flatten()
        self.pooled = torch.cat([pooled, (gates + 1) * width + self.gates])
        self.rivals = torch.cat([self.mix, mix + self.mix])
        self.attention = torch.cat([i * old.hypothesis_width + self.hypothesis for i in range(3)])
        self.same = {count: torch.arange(count) for count in (1, 2)}

    def of(self, name: str) -> tuple[Tensor, Tensor | None]:
        """Sources of a parameter's rows, and of its columns."""
        layer = name.rsplit(".", 1)[0]
        if layer.startswith("blocks."):
            layer = layer.split(".", 2)[2]
        table: dict[str, tuple[Tensor, Tensor | None]] = {
            "embed.0": (self.width, self.features),
            "embed.2": (self.width, self.width),
            "final_norm": (self.width, None),
            "norm": (self.width, None),
            "mask_head.0": (self.width, self.width),
            "mask_head.2": (self.same[1], self.width),
            "final_gates": (self.gates, self.width),
            "score_head": (self.same[1], self.hypothesis),
            "type_head": (self.same[2], self.hypothesis),
            "narrow": (self.narrow, self.width),
            "own": (self.width, self.width),
            "from_hypothesis": (self.width, self.hypothesis),
            "from_rivals": (self.width, self.rivals),
            "out": (self.width, self.width),
            "inward.0": (self.hypothesis, self.pooled),
            "inward.2": (self.hypothesis, self.hypothesis),
            "attention_norm": (self.hypothesis, None),
            "query_key_value": (self.attention, self.hypothesis),
            "outward": (self.hypothesis, self.hypothesis),
        }
        layer = layer.removeprefix("final_pool.").removeprefix("pool.")
        if layer.startswith("from_near."):
            return self.width, self.mix
        return table[layer]


def _shares(sources: Tensor, rows: int, generator: torch.Generator) -> Tensor:
    """Positive shares (row, input) that sum to 1 over the copies of each input; 0 for new inputs."""
    draws = 0.5 + torch.rand(rows, len(sources), generator=generator)
    count = int(sources.max()) + 1
    present = sources.clamp_min(0).expand(rows, -1)
    draws = draws * (sources >= 0)
    totals = torch.zeros(rows, count).scatter_add_(1, present, draws)
    return draws / totals.gather(1, present).clamp_min(1e-9)
