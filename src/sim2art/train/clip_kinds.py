"""Kinds of clips that a run mixes into its ordinary ones: what these hardly show.

A batch is of one kind: its clips have equally many frames.
"""

from dataclasses import dataclass

from sim2art.assets.procedural import TRAINING_FAMILIES
from sim2art.simulate.camera_paths import CameraConfig
from sim2art.simulate.generate import ClipConfig
from sim2art.simulate.joint_motions import MotionConfig

_WALL_TURNS = ((4, 1), (6, 1), (6, 2), (8, 1), (9, 1), (9, 2), (12, 1), (12, 2), (16, 1), (16, 3), (18, 1), (18, 2))
"""Cells of a wall (`training_walls`), and how many of them open together."""
_FRAMES_A_TURN = 2
_MIN_FRAMES = 16
_WALL_CAMERA = CameraConfig(
    fill=(0.65, 1.0), azimuth_deg=(-45.0, 45.0), elevation_deg=(2.0, 30.0), orbit_deg=(5.0, 40.0)
)


@dataclass(frozen=True, kw_only=True)
class ClipKind:
    """One kind."""

    share: float
    """Of the batches."""
    clips: ClipConfig
    motion: MotionConfig | None = None
    """Where not as in the generator."""
    camera: CameraConfig | None = None
    """The same."""


def wall_kinds(share: float) -> tuple[ClipKind, ...]:
    """Walls of fronts that look alike and open in turns."""
    return tuple(
        ClipKind(
            share=share / len(_WALL_TURNS),
            clips=ClipConfig(
                families=(f"front_wall_of_{count}",),
                num_frames=max(_MIN_FRAMES, _FRAMES_A_TURN * -(-count // at_once) + 1),
            ),
            motion=MotionConfig(at_once=at_once, opening=(0.4, 1.0)),
            camera=_WALL_CAMERA,
        )
        for count, at_once in _WALL_TURNS
    )


def still_kind(share: float) -> ClipKind:
    """Nothing moves but the camera, the sensor and, sometimes, a hand; in one of three clips joints tremble."""
    return ClipKind(
        share=share,
        clips=ClipConfig(families=TRAINING_FAMILIES),
        motion=MotionConfig(static_share=2 / 3, trembling_share=1 / 3),
        camera=CameraConfig(static_share=0.1),
    )


def guessed_kind(share: float, families: tuple[str, ...]) -> ClipKind:
    """Depth is guessed from colour (`guessed_depth`)."""
    return ClipKind(share=share, clips=ClipConfig(families=families, corruption="guessed"))
