"""The named sets that `sim2art evaluate` scores on: which seeds, and how a seed becomes a clip."""

from dataclasses import dataclass
from typing import Literal

from sim2art.assets.procedural import NOVEL_FAMILIES, TRAINING_FAMILIES
from sim2art.cli.recorded_clips import SwapName, observe_recording
from sim2art.dataset.clip import Clip
from sim2art.dataset.splits import NOVEL_SEEDS, RGBD_SEEDS, VALIDATION_SEEDS
from sim2art.errors import InvalidValueError
from sim2art.simulate.generate import ClipConfig, CorruptionName, generate_clip

SetName = Literal["procedural-val", "procedural-novel", "procedural-rgbd"]
SEEDS: dict[SetName, range] = {
    "procedural-val": VALIDATION_SEEDS,
    "procedural-novel": NOVEL_SEEDS,
    "procedural-rgbd": RGBD_SEEDS,
}


@dataclass(frozen=True, kw_only=True)
class EvaluationSet:
    """A set of clips, each named by its seed."""

    name: SetName
    num: int
    """Clips to use: the first `num` seeds of the set."""
    corruption: CorruptionName = "real"
    """What is added to clean clips; `procedural-rgbd` has its own sensor model."""
    num_frames: int = 16
    num_points: int = 2048
    swaps: tuple[SwapName, ...] = ()
    """Stages of the RGB-D chain that the truth replaces."""

    def __post_init__(self) -> None:
        available = len(SEEDS[self.name])
        if not 1 <= self.num <= available:
            raise InvalidValueError(
                f"Set '{self.name}' has {available} clips; --num {self.num} asks for another number."
            )
        if self.swaps and self.name != "procedural-rgbd":
            raise InvalidValueError(
                f"--swap {' '.join(self.swaps)}: only 'procedural-rgbd' has stages to swap; set '{self.name}' has none."
            )

    @property
    def seeds(self) -> range:
        """The seeds of the clips."""
        return SEEDS[self.name][: self.num]

    def make_clip(self, seed: int) -> Clip:
        """The clip that a seed names."""
        if self.name == "procedural-rgbd":
            return observe_recording(seed, num_frames=self.num_frames, num_points=self.num_points, swaps=self.swaps)
        families = NOVEL_FAMILIES if self.name == "procedural-novel" else TRAINING_FAMILIES
        config = ClipConfig(
            families=families, num_frames=self.num_frames, num_points=self.num_points, corruption=self.corruption
        )
        return generate_clip(config, seed)
