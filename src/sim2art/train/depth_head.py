"""Training of the depth head on cached features; stops at any time and resumes where it stopped."""

import dataclasses
import json
import math
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor
from torch.nn import functional

from sim2art.errors import InvalidFileError
from sim2art.networks.depth_head import DepthHead, DepthHeadConfig, normalize_images
from sim2art.networks.depth_head_files import save_depth_head
from sim2art.simulate.seeds import named_rng
from sim2art.train.depth_head_losses import depth_loss
from sim2art.train.optimizers import Together, build_optimizer
from sim2art.train.state import Average, load_state, save_state


@dataclass(frozen=True, kw_only=True)
class DepthTrainConfig:
    """A training run of the depth head."""

    head: DepthHeadConfig = field(default_factory=DepthHeadConfig)
    num_steps: int = 2400
    batch_size: int = 8
    learning_rate: float = 1e-3
    weight_decay: float = 0.02
    warmup: int = 100
    ema_decay: float = 0.995
    seed: int = 0
    stop_after: int | None = None
    """Leave the run at this step, to be gone on with."""
    log_every: int = 50
    save_every: int = 200
    use_bfloat16: bool = True
    """Whether products are taken in half precision; twice as fast on processors that know it."""


def train_depth_head(config: DepthTrainConfig, frames: Path, folder: Path) -> DepthHead:
    """Train and leave `checkpoint/`, `state.safetensors`, `log.jsonl` and `config.json` in `folder`.

    Args:
        frames: Folder of shards, see `depth_head_frames`. Shards that appear during the run are taken in.
        folder: Of the run; one that was begun is gone on with.

    Returns:
        The head with averaged weights.

    Raises:
        InvalidFileError: When there are no shards.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(config.seed)
    head = DepthHead(config.head)
    average = Average(head, config.ema_decay)
    optimizer = build_optimizer(head, "adamw", learning_rate=config.learning_rate, weight_decay=config.weight_decay)
    first = load_state(folder, head, average, optimizer)[0] if (folder / "state.safetensors").exists() else 0
    (folder / "config.json").write_text(json.dumps(dataclasses.asdict(config), indent=2))
    sums: dict[str, float] = defaultdict(float)
    started = time.monotonic()
    shards = ShardFolder(frames)
    last = min(config.num_steps, config.stop_after or config.num_steps)
    for step, batch in zip(range(first, last), shards.batches(config, first), strict=False):
        terms = _train_step(head, optimizer, batch, config, step)
        average.update(head, step)
        for name, value in terms.items():
            sums[name] += value / config.log_every
        if (step + 1) % config.log_every == 0:
            record = {name: round(value, 5) for name, value in sums.items()}
            record |= {"step": step + 1, "frames": shards.num_frames, "seconds": round(time.monotonic() - started, 1)}
            with (folder / "log.jsonl").open("a") as log:
                log.write(json.dumps(record) + "\n")
            sums.clear()
        if (step + 1) % config.save_every == 0 or step + 1 == last:
            save_state(folder, head, average, optimizer, step + 1)
            averaged = DepthHead(config.head)
            averaged.load_state_dict(average.weights)
            facts: dict[str, Any] = {
                "steps": step + 1,
                "frames": shards.num_frames,
                "train": dataclasses.asdict(config),
            }
            save_depth_head(folder / "checkpoint", averaged, **facts)
    head.load_state_dict(average.weights)
    return head.eval()


def _train_step(
    head: DepthHead, optimizer: Together, batch: dict[str, Tensor], config: DepthTrainConfig, step: int
) -> dict[str, float]:
    """One step of the optimiser, and the terms of the loss."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(config, step)
    dtype = torch.bfloat16 if config.use_bfloat16 else torch.float32
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=config.use_bfloat16):
        found = head(batch["features"].to(dtype), batch["images"].to(dtype))
    found = found.float()
    true = functional.interpolate(batch["depths"][:, None], size=found.shape[1:], mode="nearest-exact")[:, 0]
    known = true > 0
    loss, terms = depth_loss(found, torch.where(known, true, torch.ones_like(true)).log(), known)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(head.parameters(), 1.0)
    optimizer.step()
    return {"total": float(loss.detach())} | terms


def learning_rate(config: DepthTrainConfig, step: int) -> float:
    """Rises at first, then falls to a hundredth along a cosine."""
    share = min(1.0, step / max(1, config.num_steps))
    wave = 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * share))
    return config.learning_rate * min(1.0, (step + 1) / config.warmup) * wave


class ShardFolder:
    """Frames on disk, drawn at random; a batch holds frames of one size."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._shards: dict[tuple[int, ...], list[Any]] = {}
        self._seen: set[Path] = set()
        self._look()
        if not self._seen:
            raise InvalidFileError(
                f"{folder} holds no shards; make them with benchmarks/depth_head.py cache.", path=folder
            )

    @property
    def num_frames(self) -> int:
        """Frames at hand."""
        return sum(shard.get_slice("images").get_shape()[0] for group in self._shards.values() for shard in group)

    def batches(self, config: DepthTrainConfig, first: int) -> Iterator[dict[str, Tensor]]:
        """Batches from step `first` on; the same step draws the same numbers."""
        step = first
        while True:
            if step % config.log_every == 0:
                self._look()
            rng = named_rng(config.seed, step, "depth batch")
            sizes = list(self._shards)
            counts = np.array([len(self._shards[size]) for size in sizes], float)
            group = self._shards[sizes[rng.choice(len(sizes), p=counts / counts.sum())]]
            picks: list[dict[str, Tensor]] = []
            for _ in range(config.batch_size):
                shard = group[rng.integers(len(group))]
                index = int(rng.integers(shard.get_slice("images").get_shape()[0]))
                picks.append({name: shard.get_slice(name)[index : index + 1] for name in shard.keys()})
            batch = {name: torch.cat([pick[name] for pick in picks]) for name in picks[0]}
            images = normalize_images(batch["images"])
            # The features stand for the colours as they were; the edges should not hang on them.
            gain = torch.from_numpy(np.exp(rng.normal(0.0, 0.2, (len(images), 3, 1, 1))).astype(np.float32))
            yield {"features": batch["features"], "images": images * gain, "depths": batch["depths"].float()}
            step += 1

    def _look(self) -> None:
        """Take in shards that have appeared."""
        for path in sorted(self._folder.glob("*.safetensors")):
            if path not in self._seen:
                self._seen.add(path)
                shard = safe_open(path, framework="pt")
                size = tuple(shard.get_slice("images").get_shape()[1:3])
                self._shards.setdefault(size, []).append(shard)
