"""Training in several processes that share each batch, started by `torchrun`; one process alone needs none of it.

The network is small, so plain data parallelism will do: every process takes its slice of each batch, losses are divided
by counts over all slices, gradients are summed in one message, and each process makes the same step. The loss curve is
that of one process with the same batch.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn


@dataclass(frozen=True, kw_only=True)
class Processes:
    """The processes of a run."""

    rank: int = 0
    """Which of them this is."""
    count: int = 1
    device: torch.device

    @property
    def is_first(self) -> bool:
        """Whether this one writes logs and checkpoints."""
        return self.rank == 0

    def sum(self, tensor: Tensor) -> Tensor:
        """A tensor summed over all processes."""
        if self.count == 1:
            return tensor
        tensor = tensor.detach().clone()
        distributed.all_reduce(tensor)
        return tensor

    def sum_gradients(self, network: nn.Module) -> None:
        """Sum every gradient over all processes, in one message."""
        if self.count == 1:
            return
        parameters = [p for p in network.parameters() if p.requires_grad]
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        flat = torch.cat([p.grad.flatten() for p in parameters if p.grad is not None])
        distributed.all_reduce(flat)
        for parameter, total in zip(parameters, flat.split([p.numel() for p in parameters]), strict=True):
            parameter.grad = total.view_as(parameter)

    def agree(self, *, wish: bool) -> bool:
        """Whether any process wishes it."""
        if self.count == 1:  # Every step asks: no tensor on the device, no wait for it.
            return wish
        return bool(self.sum(torch.tensor(float(wish), device=self.device)) > 0)

    def wait(self) -> None:
        """Go on when all have come this far."""
        self.sum(torch.zeros(1, device=self.device))


@contextmanager
def join_processes() -> Iterator[Processes]:
    """The processes that `torchrun` started, or this one alone; NCCL between GPUs, Gloo otherwise."""
    has_gpu = torch.cuda.is_available()
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Processes(device=torch.device("cuda" if has_gpu else "cpu"))
        return
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0"))) if has_gpu else torch.device("cpu")
    if has_gpu:
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if has_gpu else "gloo")
    try:
        yield Processes(rank=distributed.get_rank(), count=count, device=device)
    finally:
        distributed.destroy_process_group()
