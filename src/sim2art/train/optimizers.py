"""AdamW, or Muon for the matrices inside a network with AdamW for the rest, behind one face."""

from typing import Any, Literal

import torch
from torch import Tensor, nn

OptimizerName = Literal["adamw", "muon"]
MIN_SIDE = 16
"""Muon takes matrices with no smaller side: it makes all directions of a change alike, which few rows cannot be."""


class Together:
    """Several optimisers that step as one."""

    def __init__(self, optimizers: list[torch.optim.Optimizer]) -> None:
        self.optimizers = optimizers

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """Groups of all of them."""
        return [group for optimizer in self.optimizers for group in optimizer.param_groups]

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)

    def step(self) -> None:
        """One step of each."""
        for optimizer in self.optimizers:
            optimizer.step()

    def tensors(self) -> dict[str, Tensor]:
        """Their state, flat; that of the first has no number before it, as when there was only one."""
        return {
            f"{f'{place}.' if place else ''}{index}.{name}": value
            for place, optimizer in enumerate(self.optimizers)
            for index, entry in optimizer.state_dict()["state"].items()
            for name, value in entry.items()
        }

    def load_tensors(self, tensors: dict[str, Tensor]) -> None:
        """Take back what `tensors` gave."""
        for place, optimizer in enumerate(self.optimizers):
            state: dict[int, dict[str, Tensor]] = {}
            for name, value in tensors.items():
                *owner, index, key = name.split(".")
                if place == int(owner[0] if owner else 0):
                    state.setdefault(int(index), {})[key] = value
            optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def build_optimizer(network: nn.Module, name: OptimizerName, *, learning_rate: float, weight_decay: float) -> Together:
    """The optimiser of a network.

    Muon (Jordan et al., 2024) is scaled so that its steps are as long as AdamW's: one learning rate serves both.
    """
    parameters = list(network.parameters())
    if name == "adamw":
        return Together([torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=weight_decay, betas=(0.9, 0.99))])
    inside = [p for p in parameters if p.ndim == 2 and min(p.shape) >= MIN_SIDE]
    rest = [p for p in parameters if not (p.ndim == 2 and min(p.shape) >= MIN_SIDE)]
    return Together(
        [
            torch.optim.Muon(inside, lr=learning_rate, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw"),
            torch.optim.AdamW(rest, lr=learning_rate, weight_decay=weight_decay, betas=(0.9, 0.99)),
        ]
    )
