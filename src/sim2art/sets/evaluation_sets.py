"""The named sets that `sim2art evaluate` scores on: which seeds, and how a seed becomes a clip."""

from dataclasses import dataclass
from typing import Any, Literal, assert_never

from sim2art.assets.procedural import NOVEL_FAMILIES, VALIDATION_FAMILIES
from sim2art.assets.real_mesh import REAL_MESHES
from sim2art.dataset.clip import Clip
from sim2art.dataset.splits import (
    FAST,
    NOVEL,
    REAL_MESH,
    REAL_MESH_RGBD,
    RGBD,
    STILL,
    VALIDATION,
    WALLS,
    HalfName,
    Halves,
)
from sim2art.errors import InvalidValueError
from sim2art.sets.crowded_and_still import make_still_clip, make_wall_clip, still_of, wall_of
from sim2art.sets.recorded_clips import ColorClip, SwapName, observe_colors, observe_recording
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
    "still",
    "walls",
]
HALVES: dict[SetName, Halves] = {
    "procedural-val": VALIDATION,
    "procedural-novel": NOVEL,
    "procedural-rgbd": RGBD,
    "procedural-fast": FAST,
    "real-mesh": REAL_MESH,
    "real-mesh-rgbd": REAL_MESH_RGBD,
    "real-mesh-rgb": REAL_MESH_RGBD,  # The same recordings without their depth.
    "still": STILL,
    "walls": WALLS,
}
RECORDED: tuple[SetName, ...] = ("procedural-rgbd", "procedural-fast", "real-mesh-rgbd")
"""Sets of rendered recordings, which have a sensor model of their own and go through the whole chain."""
COLOR_ONLY: SetName = "real-mesh-rgb"
"""Rendered recordings of which colour alone is used, by chain `light`."""


@dataclass(frozen=True, kw_only=True)
class EvaluationSet:
    """A set of clips, each named by its seed."""

    name: SetName
    half: HalfName
    num: int
    """Clips to use: the first `num` seeds of the half."""
    corruption: CorruptionName = "real"
    """What is added to clean clips; sets of recordings have their own sensor model."""
    num_frames: int = 16
    num_points: int = 2048
    swaps: tuple[SwapName, ...] = ()
    """Stages of the RGB-D chain that the truth replaces."""

    def __post_init__(self) -> None:
        available = len(HALVES[self.name].seeds(self.half))
        if not 1 <= self.num <= available:
            raise InvalidValueError(
                f"Set '{self.name}', half '{self.half}', has {available} clips; --num {self.num} asks for another number."
            )
        if self.swaps and self.name not in RECORDED:
            known = " and ".join(f"'{name}'" for name in RECORDED)
            raise InvalidValueError(
                f"--swap {' '.join(self.swaps)}: only {known} have stages to swap; set '{self.name}' has none."
            )

    @staticmethod
    def choose(name: SetName, half: HalfName = "tune", num: int | None = None, **options: Any) -> "EvaluationSet":
        """A set as the command line names it; without `num` all of the half, `options` are the other fields."""
        count = len(HALVES[name].seeds(half)) if num is None else num
        return EvaluationSet(name=name, half=half, num=count, **options)

    @property
    def seeds(self) -> range:
        """The seeds of the clips."""
        return HALVES[self.name].seeds(self.half)[: self.num]

    @property
    def uses_chain(self) -> bool:
        """Whether any of its clips comes out of the chain, whose outside weights then matter."""
        return self.is_recorded or self.name == "still"

    @property
    def is_recorded(self) -> bool:
        """Whether its clips are recordings that go through the whole chain."""
        return self.name in (*RECORDED, COLOR_ONLY)

    @property
    def depth_is_guessed(self) -> bool:
        """Whether its recordings are seen without their depth."""
        return self.name == COLOR_ONLY

    def families(self, seed: int) -> tuple[str, ...]:
        """What the object of a clip is drawn from: families, or the one object of a real-mesh set."""
        match self.name:
            case "walls":
                return (wall_of(seed - WALLS.start).family,)
            case "still":
                return still_of(seed - STILL.start).families
            case "procedural-val" | "procedural-rgbd" | "procedural-fast":
                return VALIDATION_FAMILIES
            case "procedural-novel":
                return NOVEL_FAMILIES
            case (
                "real-mesh" | "real-mesh-rgbd" | "real-mesh-rgb"
            ):  # In turn, so that each object is there equally often.
                names = tuple(REAL_MESHES)
                return (names[(seed - HALVES[self.name].start) % len(names)],)
            case _:
                assert_never(self.name)

    def see_colors(self, seed: int) -> ColorClip:
        """The recording that a seed names, seen in colour alone."""
        return observe_colors(
            seed, num_frames=self.num_frames, num_points=self.num_points, families=self.families(seed)
        )

    def make_clip(self, seed: int) -> Clip:
        """The clip that a seed names."""
        place = seed - HALVES[self.name].start
        sizes = {"num_frames": self.num_frames, "num_points": self.num_points}
        if self.name == "walls":
            return make_wall_clip(seed, place, num_points=self.num_points, corruption=self.corruption)
        if self.name == "still":
            return make_still_clip(seed, place, corruption=self.corruption, **sizes)
        families = self.families(seed)
        if self.depth_is_guessed:
            return self.see_colors(seed).clip
        if self.is_recorded:
            return observe_recording(
                seed, num_frames=self.num_frames, num_points=self.num_points, swaps=self.swaps, families=families,
                config=FAST_RECORDINGS if self.name == "procedural-fast" else None,
            )  # fmt: skip
        config = ClipConfig(
            families=families, num_frames=self.num_frames, num_points=self.num_points, corruption=self.corruption
        )
        return generate_clip(config, seed)
