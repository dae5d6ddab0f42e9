"""Everything that a run needs to go on exactly where it stopped, as safetensors and JSON; written atomically."""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from sim2art.errors import InvalidFileError
from sim2art.train.optimizers import Together


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


def save_state(
    folder: Path, network: nn.Module, average: Average, optimizer: Together, step: int, *, num_clips: int = 0
) -> None:
    """Write `state.safetensors`: weights, average, optimiser, steps done, clips known (of a cache that may grow).

    Raises:
        InvalidFileError: When it cannot be written, as on a full disk; what was there before stays.
    """
    tensors: dict[str, Tensor] = {f"network.{k}": v for k, v in network.state_dict().items()}
    tensors |= {f"average.{k}": v for k, v in average.weights.items()}
    tensors |= {f"optimizer.{k}": v for k, v in optimizer.tensors().items()}
    partial = folder / "state.safetensors.part"
    # One entry: several would be written in any order.
    metadata = {"done": json.dumps({"step": step, "num_clips": num_clips})}
    try:
        save_file({k: v.contiguous().clone() for k, v in tensors.items()}, partial, metadata=metadata)
    except (OSError, SafetensorError) as error:
        partial.unlink(missing_ok=True)
        raise InvalidFileError(
            f"Cannot write the state of step {step} to '{folder}': {error}. The last one before it stays; "
            "make room and go on with --resume.",
            path=folder,
        ) from error
    partial.replace(folder / "state.safetensors")


def load_state(folder: Path, network: nn.Module, average: Average, optimizer: Together) -> tuple[int, int]:
    """Restore what `save_state` wrote and return the number of steps done, and of clips known.

    Raises:
        InvalidFileError: When the state is damaged or does not fit the network.
    """
    path = folder / "state.safetensors"
    groups: dict[str, dict[str, Tensor]] = {"network": {}, "average": {}, "optimizer": {}}
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata()
        for name, value in load_file(path).items():
            group, rest = name.split(".", 1)
            groups[group][rest] = value
        network.load_state_dict(groups["network"])
        average.weights = groups["average"]
        optimizer.load_tensors(groups["optimizer"])
    except (SafetensorError, RuntimeError, ValueError, KeyError) as error:
        raise InvalidFileError(f"{path} is damaged, or belongs to another network: {error}", path=path) from error
    done = json.loads(metadata["done"]) if "done" in metadata else {k: json.loads(v) for k, v in metadata.items()}
    return int(done["step"]), int(done.get("num_clips", 0))
