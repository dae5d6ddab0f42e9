"""The named sets that `sim2art evaluate` scores on: which seeds, and how a seed becomes a clip."""

from dataclasses import dataclass
from typing import Literal, assert_never

from sim2art.assets.procedural import NOVEL_FAMILIES, VALIDATION_FAMILIES
from sim2art.assets.real_mesh import REAL_MESHES
from sim2art.cli.recorded_clips import SwapName, observe_colors, observe_recording
from sim2art.dataset.clip import Clip
from sim2art.dataset.splits import (
    FAST_SEEDS,
    NOVEL_SEEDS,
    REAL_MESH_RGBD_SEEDS,
    REAL_MESH_SEEDS,
    RGBD_SEEDS,
    VALIDATION_SEEDS,
)
from sim2art.errors import InvalidValueError
from sim2art.simulate.generate import ClipConfig, CorruptionName, generate_clip
from sim2art.simulate.recordings import FAST_RECORDINGS

SetName = Literal[
    "procedural-val",
    "procedural-novel",
    "procedural-rgbd",
    "procedural-fast",
    "real-mesh",
    "real-mesh-rgbd",
    "real-mesh-rgb",
]
SEEDS: dict[SetName, range] = {
    "procedural-val": VALIDATION_SEEDS,
    "procedural-novel": NOVEL_SEEDS,
    "procedural-rgbd": RGBD_SEEDS,
    "procedural-fast": FAST_SEEDS,
    "real-mesh": REAL_MESH_SEEDS,
    "real-mesh-rgbd": REAL_MESH_RGBD_SEEDS,
    "real-mesh-rgb": REAL_MESH_RGBD_SEEDS,  # The same recordings without their depth.
}
RECORDED: tuple[SetName, ...] = ("procedural-rgbd", "procedural-fast", "real-mesh-rgbd")
"""Sets of rendered recordings, which have a sensor model of their own and go through the whole chain."""
COLOR_ONLY: SetName = "real-mesh-rgb"
"""Rendered recordings of which colour alone is used, by chain `light`."""


@dataclass(frozen=True, kw_only=True)
class EvaluationSet:
    """A set of clips, each named by its seed."""

    name: SetName
    num: int
    """Clips to use: the first `num` seeds of the set."""
    corruption: CorruptionName = "real"
    """What is added to clean clips; sets of recordings have their own sensor model."""
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
        if self.swaps and self.name not in RECORDED:
            known = " and ".join(f"'{name}'" for name in RECORDED)
            raise InvalidValueError(
                f"--swap {' '.join(self.swaps)}: only {known} have stages to swap; set '{self.name}' has none."
            )

    @property
    def seeds(self) -> range:
        """The seeds of the clips."""
        return SEEDS[self.name][: self.num]

    @property
    def is_recorded(self) -> bool:
        """Whether its clips are recordings that go through the whole chain."""
        return self.name in (*RECORDED, COLOR_ONLY)

    def families(self, seed: int) -> tuple[str, ...]:
        """What the object of a clip is drawn from: families, or the one object of a real-mesh set."""
        match self.name:
            case "procedural-val" | "procedural-rgbd" | "procedural-fast":
                return VALIDATION_FAMILIES
            case "procedural-novel":
                return NOVEL_FAMILIES
            case (
                "real-mesh" | "real-mesh-rgbd" | "real-mesh-rgb"
            ):  # In turn, so that each object is there equally often.
                names = tuple(REAL_MESHES)
                return (names[(seed - SEEDS[self.name].start) % len(names)],)
            case _:
                assert_never(self.name)

    def make_clip(self, seed: int) -> Clip:
        """The clip that a seed names."""
        families = self.families(seed)
        if self.name == COLOR_ONLY:
            return observe_colors(seed, num_frames=self.num_frames, num_points=self.num_points, families=families)
        if self.is_recorded:
            return observe_recording(
                seed, num_frames=self.num_frames, num_points=self.num_points, swaps=self.swaps, families=families,
                config=FAST_RECORDINGS if self.name == "procedural-fast" else None,
            )  # fmt: skip
        config = ClipConfig(
            families=families, num_frames=self.num_frames, num_points=self.num_points, corruption=self.corruption
        )
        return generate_clip(config, seed)
