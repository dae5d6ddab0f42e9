"""The training loop: batches in, checkpoints and logs out; stops cleanly on SIGTERM or Ctrl-C and resumes exactly.

Under `torchrun` several processes share each batch (`processes`); the first writes.
"""

import contextlib
import ctypes
import dataclasses
import json
import math
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, assert_never

import torch
from torch import Tensor, nn
from tqdm import tqdm

from sim2art.dataset.clip import Clip
from sim2art.errors import InvalidFileError, OutputExistsError
from sim2art.inference.checkpoint import build_network, load_checkpoint, save_checkpoint
from sim2art.train.cached_batches import CachedBatches, open_batches
from sim2art.train.config import NetworkName, TrainConfig
from sim2art.train.curve import Curve
from sim2art.train.data import iterate_batches
from sim2art.train.losses import judge_loss
from sim2art.train.mask_examples import link_batch, mask_loss
from sim2art.train.network_sizes import network_config
from sim2art.train.optimizers import Together, build_optimizer
from sim2art.train.processes import Processes, join_processes
from sim2art.train.scene_flow import scene_flow_loss
from sim2art.train.slot_losses import slot_loss
from sim2art.train.state import Average, load_state, save_state
from sim2art.train.watch import Watch


def train(
    config: TrainConfig,
    folder: Path,
    *,
    resume: bool = False,
    start_from: Path | None = None,
    clips: Sequence[Clip] | None = None,
    cache: Path | None = None,
) -> nn.Module:
    """Train and leave `checkpoint/`, `state.safetensors`, `log.jsonl` and `config.json` in `folder`.

    Args:
        resume: Go on from the state in `folder`; without one, begin there.
        start_from: Checkpoint folder whose weights a new run begins with; a resumed run has its own.
        clips: Train on these, over and over, instead of the generator's.
        cache: Folder of a cache (`clip_cache`), for configs that learn from one.

    Returns:
        The network with averaged weights.

    Raises:
        OutputExistsError: When the folder holds a run and `resume` is false.
        DivergedError: When learning goes wrong; the state before stays.
        InvalidFileError: When a state or cache is damaged or cannot be written.
    """
    with join_processes() as processes:
        return _train(config, folder, processes, resume=resume, start_from=start_from, clips=clips, cache=cache)


def _train(
    config: TrainConfig,
    folder: Path,
    processes: Processes,
    *,
    resume: bool,
    start_from: Path | None,
    clips: Sequence[Clip] | None,
    cache: Path | None,
) -> nn.Module:
    if processes.is_first:
        folder.mkdir(parents=True, exist_ok=True)
        if not resume and any(folder.iterdir()):
            raise OutputExistsError(f"{folder} is not empty: pass --resume to go on, or another folder.", path=folder)
    processes.wait()
    _keep_memory()
    device = processes.device
    torch.manual_seed(config.seed)
    network = build_network(network_config(config))
    if start_from is not None:
        _copy_weights(start_from, network)
    network.to(device)
    average = Average(network, config.ema_decay)
    optimizer = build_optimizer(
        network, config.optimizer, learning_rate=config.learning_rate, weight_decay=config.weight_decay
    )
    is_begun = (folder / "state.safetensors").exists()
    first, num_clips = load_state(folder, network, average, optimizer) if is_begun else (0, 0)
    if processes.is_first:
        (folder / "config.json").write_text(json.dumps(dataclasses.asdict(config), indent=2, default=str))
    stopped = _catch_stop()
    curve: Curve | None = None
    if config.cache is None:
        batches = iterate_batches(config, first, clips, rank=processes.rank, num_ranks=processes.count)
    else:
        batches = open_batches(config, cache, processes, step=first, num_clips=num_clips)
        curve = Curve(config, folder, cache)
    watch = Watch(folder)
    sums: dict[str, float] = defaultdict(float)
    waited, started = 0.0, time.monotonic()
    step = logged = first
    is_quiet = not (processes.is_first and sys.stderr.isatty())
    try:
        with tqdm(total=config.num_steps, initial=first, unit="step", disable=is_quiet) as bar:
            while step < config.num_steps and not processes.agree(wish=bool(stopped)):
                begin = time.monotonic()
                batch = {name: value.to(device, non_blocking=True) for name, value in next(batches).items()}
                waited += time.monotonic() - begin
                if watch.untrained is None:
                    watch.untrained = _untrained_loss(batch, config, processes)
                terms = train_step(network, optimizer, batch, config, step, processes)
                average.update(network, step)
                step += 1
                for name, value in terms.items():
                    sums[name] += value
                bar.update()
                watch.see(terms["total"], step)
                if curve is not None:
                    curve.draw(average, step)
                if step % config.log_every == 0 and processes.is_first:
                    # A resumed run's first record covers fewer steps than the others.
                    spent, count = time.monotonic() - started, step - logged
                    record = {name: round(value / count, 5) for name, value in sums.items()} | {
                        "step": step,
                        "clips_per_second": round(count * config.batch_size / spent, 3),
                        "waiting": round(waited / spent, 3),
                        "rate": round(_rate(config, step), 7),
                    }
                    with (folder / "log.jsonl").open("a") as log:
                        log.write(json.dumps(record) + "\n")
                    bar.set_postfix(loss=record["total"])
                    sums.clear()
                    waited, started, logged = 0.0, time.monotonic(), step
                if step % config.checkpoint_every == 0 and processes.is_first and watch.is_well:
                    _save(folder, network, average, optimizer, step, config, batches)
    finally:
        # Whatever ends the run, a clip that cannot be made or a request to stop: what was learned is kept, and the
        # workers, which leave stopping to this process, are told to go.
        batches.close()
        if step > first and processes.is_first and watch.is_well:
            _save(folder, network, average, optimizer, step, config, batches)
    network.load_state_dict(average.weights)
    return network.eval()


def _copy_weights(checkpoint: Path, network: nn.Module) -> None:
    """Begin with a checkpoint's weights.

    Raises:
        InvalidFileError: When they are those of another network.
    """
    trained = load_checkpoint(checkpoint)
    if trained.config != network.config:
        raise InvalidFileError(
            f"{checkpoint} holds {trained.config}; this run builds {network.config}. Use the preset it was trained with.",
            path=checkpoint,
        )
    network.load_state_dict(trained.state_dict())


def train_step(
    network: nn.Module,
    optimizer: Together,
    batch: dict[str, Tensor],
    config: TrainConfig,
    step: int,
    processes: Processes,
) -> dict[str, float]:
    """One update from this process's slice of a batch; returns the loss terms of the whole batch."""
    for group in optimizer.param_groups:
        group["lr"] = _rate(config, step)
    terms = _loss_terms(network, batch, config, processes)
    optimizer.zero_grad()
    terms["total"].backward()
    processes.sum_gradients(network)
    nn.utils.clip_grad_norm_(network.parameters(), config.clip_norm)
    optimizer.step()
    values = processes.sum(torch.stack([value.detach() for value in terms.values()]))
    return dict(zip(terms, values.tolist(), strict=True))


def _loss_terms(
    network: nn.Module, batch: dict[str, Tensor], config: TrainConfig, processes: Processes
) -> dict[str, Tensor]:
    """This process's part of the loss terms of a batch."""
    device = next(iter(batch.values())).device
    # The slot network's products are too small on a CPU to gain from bfloat16, and it casts its output itself.
    is_slots = config.network == "paper"
    is_rough = _has_bfloat16(device) and not (is_slots and device.type == "cpu")
    with torch.autocast(device.type, dtype=torch.bfloat16) if is_rough else contextlib.nullcontext():
        output = _run_network(network, batch, config)
    if not is_slots:
        output = type(output)(*(value.float() for value in output))
    return _LOSSES[config.network](output, batch, processes.sum)


@torch.no_grad()
def _untrained_loss(batch: dict[str, Tensor], config: TrainConfig, processes: Processes) -> float:
    """Loss of a batch under a network that has learned nothing; draws no random number of the run's."""
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        network = build_network(network_config(config)).to(processes.device)
        return float(processes.sum(_loss_terms(network, batch, config, processes)["total"]))


_LOSSES: dict[NetworkName, Callable[..., dict[str, Tensor]]] = {
    "proposals": judge_loss,
    "paper": slot_loss,
    "scene_flow": scene_flow_loss,
    "masks": mask_loss,
}


def _run_network(network: nn.Module, batch: dict[str, Tensor], config: TrainConfig) -> Any:
    match config.network:
        case "proposals":
            return network(batch["evidence"].float(), batch["points"], batch["point_valid"], batch["hypothesis_valid"])
        case "paper":
            return network(batch["points"], batch["features"].float(), batch["point_valid"])
        case "scene_flow":
            return network(*(batch[name].flatten(0, 1) for name in ("first", "second", "first_cues", "second_cues")))
        case "masks":
            return network(batch["features"].float().flatten(0, 1), link_batch(batch, needs_gradient=True))
        case _:
            assert_never(config.network)


def _rate(config: TrainConfig, step: int) -> float:
    """Linear warm-up; then cosine to 2 % of the peak, or the peak until the last steps, which fall in a line to 0."""
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    if config.final_steps is not None:
        return config.learning_rate * min(max(config.num_steps - step, 0) / max(config.final_steps, 1), 1.0)
    done = (step - config.warmup_steps) / max(config.num_steps - config.warmup_steps, 1)
    return config.learning_rate * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(done, 1.0))))


def _save(
    folder: Path,
    network: nn.Module,
    average: Average,
    optimizer: Together,
    step: int,
    config: TrainConfig,
    batches: Any,
) -> None:
    """State for resuming, and the averaged weights as a checkpoint."""
    num_clips = batches.num_clips if isinstance(batches, CachedBatches) else 0
    save_state(folder, network, average, optimizer, step, num_clips=num_clips)
    averaged = build_network(network_config(config))
    averaged.load_state_dict({name: value.cpu() for name, value in average.weights.items()})
    facts: dict[str, Any] = {"steps": step, "clips_seen": step * config.batch_size, "train": dataclasses.asdict(config)}
    if num_clips:
        facts["different_clips"] = num_clips
    save_checkpoint(folder / "checkpoint", averaged, **facts)


def _has_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 pays: on GPUs, and on CPUs with AVX512-BF16 or AMX."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    return bool(getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)())


def _catch_stop() -> list[int]:
    """A list that becomes non-empty when the process is asked to stop."""
    caught: list[int] = []
    with contextlib.suppress(ValueError):  # Not in the main thread: the caller handles signals.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda received, _: caught.append(received))
    return caught


def _keep_memory() -> None:
    """Let glibc keep freed blocks: returning 100 MB arrays to the system at every step halves the CPU's speed."""
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(-4, 0)  # M_MMAP_MAX
        libc.mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD
