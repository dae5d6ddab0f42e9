"""Everything that a run needs to go on exactly where it stopped, as safetensors and JSON; written atomically."""

import json
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from sim2art.errors import InvalidFileError


class Average:
    """Exponential moving average of a network's weights."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights = {name: value.detach().clone() for name, value in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the weights after step number `step` (from 0); early steps weigh more."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for name, value in network.state_dict().items():
            self.weights[name].lerp_(value, 1 - decay)


def save_state(folder: Path, network: nn.Module, average: Average, optimizer: torch.optim.Optimizer, step: int) -> None:
    """Write `state.safetensors` (weights, average, optimiser) and `state.json` (steps done)."""
    tensors: dict[str, Tensor] = {f"network.{k}": v.contiguous() for k, v in network.state_dict().items()}
    tensors |= {f"average.{k}": v.contiguous() for k, v in average.weights.items()}
    for index, entry in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{k}": v.contiguous() for k, v in entry.items()}
    partial = folder / "state.safetensors.part"
    save_file({k: v.clone() for k, v in tensors.items()}, partial, metadata={"step": json.dumps(step)})
    partial.replace(folder / "state.safetensors")


def load_state(folder: Path, network: nn.Module, average: Average, optimizer: torch.optim.Optimizer) -> int:
    """Restore what `save_state` wrote and return the number of steps done.

    Raises:
        InvalidFileError: When the state does not fit the network.
    """
    path = folder / "state.safetensors"

    with safe_open(path, framework="pt") as file:
        step = int(json.loads(file.metadata()["step"]))
    tensors = load_file(path)
    groups: dict[str, dict[str, Tensor]] = {"network": {}, "average": {}, "optimizer": {}}
    for name, value in tensors.items():
        group, rest = name.split(".", 1)
        groups[group][rest] = value
    try:
        network.load_state_dict(groups["network"])
    except RuntimeError as error:
        raise InvalidFileError(f"{path} belongs to another network: {error}", path=path) from error
    average.weights = groups["average"]
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in groups["optimizer"].items():
        index, key = name.split(".", 1)
        state.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    return step
