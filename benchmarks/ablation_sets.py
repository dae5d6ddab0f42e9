"""Examples for the ablations, made once and kept on disk: every variant learns from the same ones.

A set is a folder with one file a clip, which holds all kinds of evidence; variants hide what they do not get.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sim2art.assets.procedural import VALIDATION_FAMILIES
from sim2art.dataset.splits import ABLATION_SEEDS, FIRST_TRAINING_SEED
from sim2art.inference.score.evidence import EvidenceConfig, EvidenceKind
from sim2art.simulate.generate import ClipConfig, CorruptionName, PixelDescriber
from sim2art.train.cached_examples import make_cached_example
from sim2art.train.clip_cache import make_record
from sim2art.train.data import make_clip
from sim2art.train.examples import ExampleConfig, make_judge_example

KINDS: tuple[EvidenceKind, ...] = ("targets", "free_space", "rest_pose", "residuals", "semantics")
EXAMPLES = ExampleConfig(
    num_points=64,
    num_hypotheses=20,
    drop_semantics=0.0,
    evidence=EvidenceConfig(kinds=KINDS),
)
NUM_SLOT_POINTS = 256
"""Points a frame that a slot network sees."""
FIRST_SEED = FIRST_TRAINING_SEED + 900_000_000
"""Training clips of the ablations: no other run uses these."""


@dataclass(frozen=True, kw_only=True)
class ExampleSet:
    """Clips of one kind: seeds of training, or those that the ablations are scored on."""

    folder: Path
    corruption: CorruptionName
    is_training: bool
    count: int
    describe: PixelDescriber | None = field(default=None, compare=False)
    """Gives the points features, or None."""

    @property
    def path(self) -> Path:
        """Where the set's files are."""
        name = f"{self.corruption}-{'train' if self.is_training else 'val'}"
        return self.folder / (name if self.describe is None else name + "-features")

    def make(self) -> None:
        """Make what is missing."""
        self.path.mkdir(parents=True, exist_ok=True)
        config = ClipConfig(families=VALIDATION_FAMILIES, corruption=self.corruption)
        for index in range(self.count):
            path = self.path / f"{index:05d}.npz"
            if path.exists():
                continue
            seed = FIRST_SEED + index if self.is_training else ABLATION_SEEDS[index]
            clip = make_clip(config, seed, describe=self.describe)
            rng = np.random.default_rng([seed, 1])
            arrays = {f"judge.{k}": v for k, v in make_judge_example(clip, EXAMPLES, rng)._asdict().items()}
            if self.corruption == "real":  # Slots are compared on this noise only.
                slots = make_cached_example(
                    make_record(clip, config), rng, num_points=NUM_SLOT_POINTS, kept_baselines=config.baselines,
                    baselines=config.baselines, noise="real",
                )  # fmt: skip
                arrays |= {f"slot.{k}": v for k, v in slots._asdict().items()}
            partial = path.with_suffix(".part")
            with partial.open("wb") as file:
                np.savez(file, **arrays)
            partial.replace(path)

    def batches(
        self, network: str, batch_size: int, num_batches: int | None, *, count: int | None = None
    ) -> Iterator[dict[str, Tensor]]:
        """Batches of examples for "judge" or "slot".

        Args:
            num_batches: So many, drawn anew in each pass over the set; None: one pass in order.
            count: Use only so many of the clips.
        """
        total = min(self.count, count or self.count)
        if num_batches is None:
            order = np.arange(total)
        else:
            rng = np.random.default_rng(0)
            passes = -(-num_batches * batch_size // total)
            order = np.concatenate([rng.permutation(total) for _ in range(passes)])[: num_batches * batch_size]
        for first in range(0, len(order), batch_size):
            rows = [self._read(network, int(index)) for index in order[first : first + batch_size]]
            yield {name: torch.from_numpy(np.stack([row[name] for row in rows])) for name in rows[0]}

    def _read(self, network: str, index: int) -> dict[str, np.ndarray]:
        with np.load(self.path / f"{index:05d}.npz") as file:
            return {name.split(".", 1)[1]: file[name] for name in file.files if name.startswith(network + ".")}
