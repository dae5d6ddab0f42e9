"""Batches made on the fly: example i comes from seed `first_seed + i`, so a run can resume anywhere."""

import logging
import signal
from collections.abc import Generator, Sequence
from typing import assert_never

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from sim2art.dataset.clip import Clip
from sim2art.errors import InvalidValueError, Sim2ArtError
from sim2art.simulate.camera_paths import CameraConfig
from sim2art.simulate.generate import ClipConfig, PixelDescriber, generate_clip
from sim2art.simulate.joint_motions import MotionConfig
from sim2art.train.config import TrainConfig
from sim2art.train.examples import JudgeExample, make_judge_example
from sim2art.train.mask_examples import MaskExample, make_mask_example
from sim2art.train.scene_flow import PairExample, make_pair_example

logger = logging.getLogger(__name__)

SUBSTITUTE_STRIDE = 1_000_000_007
"""Added to a seed whose clip cannot be made."""
MAX_SUBSTITUTES = 5


class ExampleDataset(Dataset[dict[str, Tensor]]):
    """Example number i of a run, as tensors; `clips` replace the generator and are cycled through."""

    def __init__(self, config: TrainConfig, clips: Sequence[Clip] | None = None) -> None:
        self.config = config
        self.clips = clips

    def __len__(self) -> int:
        return self.config.num_steps * self.config.batch_size

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        torch.set_num_threads(1)
        seed = self.config.first_seed + index
        clip = self._make_clip(seed, index) if self.clips is None else self.clips[index % len(self.clips)]
        example = self._make_example(clip, np.random.default_rng([seed, 1]))
        return {name: torch.from_numpy(np.asarray(value)) for name, value in example._asdict().items()}

    def _make_clip(self, seed: int, index: int) -> Clip:
        """A clip of the kind that the batch of example `index` shows."""
        place = np.random.default_rng([self.config.first_seed, index // self.config.batch_size, 2]).random()
        for kind in self.config.kinds:
            place -= kind.share
            if place < 0:
                return make_clip(kind.clips, seed, motion=kind.motion, camera=kind.camera)
        return make_clip(self.config.clips, seed)

    def _make_example(self, clip: Clip, rng: np.random.Generator) -> JudgeExample | PairExample | MaskExample:
        match self.config.network:
            case "proposals":
                return make_judge_example(clip, self.config.examples, rng)
            case "scene_flow":
                return make_pair_example(clip, self.config.pairs, rng)
            case "masks":
                return make_mask_example(clip, self.config.masks, rng)
            case "paper":
                raise AssertionError("The paper's network learns from a cache.")
            case _:
                assert_never(self.config.network)


def make_clip(
    config: ClipConfig,
    seed: int,
    *,
    describe: PixelDescriber | None = None,
    motion: MotionConfig | None = None,
    camera: CameraConfig | None = None,
) -> Clip:
    """The clip of a seed, or of a substitute when that seed's object or scenario cannot be made.

    One seed in thousands asks a family for something impossible; hours of training must not end there.
    """
    for attempt in range(MAX_SUBSTITUTES):
        candidate = seed + attempt * SUBSTITUTE_STRIDE
        try:
            return generate_clip(config, candidate, describe=describe, motion=motion, camera=camera)
        except (AssertionError, Sim2ArtError) as error:
            logger.warning("The clip of seed %d cannot be made and is replaced: %s", candidate, error)
    raise InvalidValueError(f"No clip for seed {seed} nor for {MAX_SUBSTITUTES - 1} substitutes; the log says why.")


def iterate_batches(
    config: TrainConfig, first_step: int, clips: Sequence[Clip] | None = None, *, rank: int = 0, num_ranks: int = 1
) -> Generator[dict[str, Tensor], None, None]:
    """Batches from `first_step` to the end of the run, in the same order whatever the number of workers.

    Args:
        rank: Which equal slice of each batch to make.
        num_ranks: How many slices there are.

    Raises:
        InvalidValueError: When a batch cannot be cut into equal slices.
    """
    if config.batch_size % num_ranks:
        raise InvalidValueError(
            f"A batch of {config.batch_size} clips cannot be shared by {num_ranks} processes; "
            f"take a multiple of {num_ranks} (--batch-size)."
        )
    dataset = ExampleDataset(config, clips)
    share = config.batch_size // num_ranks
    order = [
        step * config.batch_size + rank * share + place
        for step in range(first_step, config.num_steps)
        for place in range(share)
    ]
    loader = DataLoader(
        dataset,
        batch_size=share,
        sampler=order,
        num_workers=config.num_workers,
        prefetch_factor=2 if config.num_workers else None,
        multiprocessing_context="fork" if config.num_workers else None,
        worker_init_fn=_leave_stopping_to_the_run,
    )
    iterator = iter(loader)
    try:
        yield from iterator
    finally:
        # After an error its traceback keeps the iterator alive, and workers that ignore SIGTERM would be waited for
        # at exit for ever.
        if config.num_workers:
            iterator._shutdown_workers()  # pyright: ignore[reportAttributeAccessIssue]


def _leave_stopping_to_the_run(worker: int) -> None:
    """Ctrl-C and SIGTERM reach the whole process group; workers that died of them would take the run's state along."""
    del worker
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
