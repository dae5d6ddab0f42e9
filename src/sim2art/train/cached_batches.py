"""Batches from a cache of clips: which clips a step passes over follows from the seed, the step and the clips known."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sim2art.dataset.splits import FIRST_TRAINING_SEED
from sim2art.errors import InvalidFileError, InvalidValueError
from sim2art.train.cached_examples import NO_AUGMENTATION, SlotExample, make_cached_example
from sim2art.train.clip_cache import ClipCache, Grower, grow_cache
from sim2art.train.config import Augmentation, CacheConfig, TrainConfig
from sim2art.train.processes import Processes


class CachedBatches(Iterator[dict[str, Tensor]]):
    """Batches without end, from step `step` on; clips that came since count from the next checkpoint on."""

    def __init__(
        self,
        config: TrainConfig,
        cache: ClipCache,
        *,
        step: int = 0,
        num_clips: int = 0,
        grower: Grower | None = None,
    ) -> None:
        assert config.cache is not None
        self.grower = grower
        self.config, self.settings, self.cache = config, config.cache, cache
        self.step = step
        self.num_clips = num_clips or len(cache)
        """How many clips of the cache are known; a resumed run knows those that the stopped one knew."""

    def __next__(self) -> dict[str, Tensor]:
        if self.step % self.config.checkpoint_every == 0:
            self.num_clips = max(self.num_clips, self.cache.refresh())
            if self.grower is not None:
                self.grower.check(self.num_clips)
        rng = np.random.default_rng([self.config.first_seed, self.step, 2])
        examples = [
            _make_example(self.settings, self.cache, int(index), rng, self.settings.augmentation)
            for index in rng.integers(self.num_clips, size=self.config.batch_size)
        ]
        self.step += 1
        return _stack(examples)

    def close(self) -> None:
        """End the process that makes clips."""
        if self.grower is not None:
            self.grower.stop()


def open_batches(
    config: TrainConfig, folder: Path | None, processes: Processes, *, step: int, num_clips: int
) -> CachedBatches:
    """The batches of a run; the cache is begun where there is none, and grows beside a run that has workers.

    Raises:
        InvalidValueError: When no cache is named, or several processes are to share a batch.
        InvalidFileError: When the cache cannot be read, or holds fewer clips than the stopped run knew.
    """
    assert config.cache is not None
    if folder is None:
        raise InvalidValueError(
            "This preset learns from a cache of clips: name its folder by --cache (made if missing)."
        )
    if processes.count > 1:
        raise InvalidValueError("Runs that learn from a cache work in one process; start it without torchrun.")
    settings = config.cache
    # The first seed is the same for every run: one cache serves them all.
    facts: dict[str, Any] = {
        "first_seed": FIRST_TRAINING_SEED,
        "shard_clips": settings.shard_clips,
        "num_semantics": settings.num_semantics,
    }
    grow_cache(folder, settings.clips, num_clips=min(settings.shard_clips, settings.num_clips), **facts)
    cache = ClipCache(folder, settings.clips, shard_clips=settings.shard_clips, num_semantics=settings.num_semantics)
    if num_clips > len(cache):
        raise InvalidFileError(
            f"The stopped run knew {num_clips} clips; '{folder}' holds {len(cache)}. Name the cache it learned from.",
            path=folder,
        )
    grower = None
    if config.num_workers and len(cache) < settings.num_clips:
        grower = Grower(folder, settings.clips, num_clips=settings.num_clips, **facts)
    return CachedBatches(config, cache, step=step, num_clips=num_clips, grower=grower)


def validation_batches(settings: CacheConfig, cache: ClipCache) -> list[dict[str, Tensor]]:
    """The first clips of a cache, always with the same points and noise and as they are, 32 a batch."""
    examples = [
        _make_example(settings, cache, index, np.random.default_rng([index, 3]), NO_AUGMENTATION)
        for index in range(min(settings.num_curve_clips, len(cache)))
    ]
    return [_stack(examples[first : first + 32]) for first in range(0, len(examples), 32)]


def _make_example(
    settings: CacheConfig, cache: ClipCache, index: int, rng: np.random.Generator, augmentation: Augmentation
) -> SlotExample:
    return make_cached_example(
        cache[index],
        rng,
        num_points=settings.num_points,
        kept_baselines=settings.clips.baselines,
        baselines=settings.shown_baselines,
        noise=settings.noise,
        num_semantics=settings.shown_semantics,
        augmentation=augmentation,
    )


def _stack(examples: list[SlotExample]) -> dict[str, Tensor]:
    return {
        name: torch.from_numpy(np.stack([getattr(example, name) for example in examples]))
        for name in SlotExample._fields
    }
