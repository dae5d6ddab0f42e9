"""Clips of the sets `walls` and `still`: many parts that look alike, and none at all.

A clip's place in its set says what it is, so each half holds every kind equally often.
"""

import dataclasses
from dataclasses import dataclass
from typing import Literal

from sim2art.assets.procedural import NOVEL_FAMILIES, VALIDATION_FAMILIES
from sim2art.assets.procedural.unit_walls import UNIT_COUNTS
from sim2art.dataset.clip import Clip
from sim2art.sets.recorded_clips import observe_rendered
from sim2art.simulate.camera_paths import CameraConfig
from sim2art.simulate.generate import ClipConfig, CorruptionName, generate_clip
from sim2art.simulate.joint_motions import MotionConfig
from sim2art.simulate.still_recordings import STILL, StillKind, render_still

TREMBLING = MotionConfig(static_share=0.0, trembling_share=1.0)
WALL_CAMERA = CameraConfig(fill=(0.7, 1.0), azimuth_deg=(-35.0, 35.0), elevation_deg=(3.0, 25.0), orbit_deg=(5.0, 30.0))
"""Someone who films a wall stands before it."""
FRAMES_A_TURN = 2
"""Frames in which a door opens, where a video of 16 frames has fewer: else it would be shut in one and open in the next."""
MIN_FRAMES = 16


@dataclass(frozen=True, kw_only=True)
class WallCase:
    """One kind of wall."""

    family: str
    count: int
    at_once: int
    """Parts that move together, before the next ones do."""

    @property
    def name(self) -> str:
        """What tables call it."""
        return f"{self.family.removeprefix('wall_of_')}_by_{self.at_once}"

    @property
    def num_frames(self) -> int:
        """Frames that its clips have."""
        return max(MIN_FRAMES, FRAMES_A_TURN * -(-self.count // self.at_once) + 1)


WALL_CASES = tuple(
    WallCase(family=f"wall_of_{count}_{kind}", count=count, at_once=at_once)
    for count in UNIT_COUNTS
    for kind in ("doors", "drawers")
    for at_once in (1, 2 if count == min(UNIT_COUNTS) else 3)
)
"""One after another, and two or three at a time; one clip of each in each half."""


@dataclass(frozen=True, kw_only=True)
class StillCase:
    """One kind of clip in which nothing moves."""

    kind: Literal["still", "trembling"] | StillKind
    families: tuple[str, ...]


STILL_CASES = (
    *(StillCase(kind="still", families=VALIDATION_FAMILIES) for _ in range(14)),
    *(StillCase(kind="trembling", families=VALIDATION_FAMILIES) for _ in range(6)),
    *(StillCase(kind="still", families=NOVEL_FAMILIES) for _ in range(8)),
    *(
        StillCase(kind=kind, families=VALIDATION_FAMILIES + NOVEL_FAMILIES)
        for kind in ("moving_camera", "depth_flicker", "warm_up", "passing_hand")
        for _ in range(8)
    ),
)
"""28 clips of points, 32 of recordings that go through the whole chain, in each half."""


def wall_of(place: int) -> WallCase:
    """What the clip at a place of the set `walls` shows; kinds follow one another, so that any few clips have several."""
    return WALL_CASES[5 * place % len(WALL_CASES)]  # 5 and 12 share no factor: every place is reached once.


def still_of(place: int) -> StillCase:
    """What the clip at a place of the set `still` shows; kinds follow one another, so that any few clips have several."""
    # 7 and 60 share no factor: every place is reached once.
    return STILL_CASES[7 * place % len(STILL_CASES)]


def make_wall_clip(seed: int, place: int, *, num_points: int, corruption: CorruptionName) -> Clip:
    """The clip of a wall whose parts open in turns."""
    case = wall_of(place)
    config = ClipConfig(
        families=(case.family,), num_frames=case.num_frames, num_points=num_points, corruption=corruption
    )
    motion = MotionConfig(at_once=case.at_once, opening=(0.6, 1.0))
    clip = generate_clip(config, seed, motion=motion, camera=WALL_CAMERA)
    return dataclasses.replace(clip, provenance={**clip.provenance, "family": case.name})


def make_still_clip(seed: int, place: int, *, num_frames: int, num_points: int, corruption: CorruptionName) -> Clip:
    """The clip of something that stands still."""
    case = still_of(place)
    if case.kind != "still" and case.kind != "trembling":
        recording = render_still(case.kind, case.families, seed)
        return observe_rendered(recording, num_frames=num_frames, num_points=num_points)
    config = ClipConfig(families=case.families, num_frames=num_frames, num_points=num_points, corruption=corruption)
    clip = generate_clip(config, seed, motion=STILL if case.kind == "still" else TREMBLING)
    return dataclasses.replace(clip, provenance={**clip.provenance, "family": case.kind})
