"""What real sensors and trackers do to clean data, each effect switchable. Half of the sim-to-real gap lives here.

The configs name the magnitudes: a pair is a range, drawn log-uniformly once per clip, and a single number a share or a
bound. `switch_off` and `keep_only` switch effects by name, such as `depth.holes`; the other effects of a seed stay what
they are. `sensor_noise.py` applies those of depth, masks and poses, `guessed_depth.py` those of guessed depth,
`measured_flow.py` those of flow.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from sim2art.errors import InvalidValueError

Range = tuple[float, float]
OFF: Range = (0.0, 0.0)
"""The range of an effect that is switched off."""


@dataclass(frozen=True, kw_only=True)
class WhiteNoise:
    """Gaussian noise on every point and flow vector: the `paper` corruption, in normalised units."""

    points: Range = (0.005, 0.02)
    flow: Range = (0.002, 0.01)


@dataclass(frozen=True, kw_only=True)
class DepthNoise:
    """Errors of a depth camera, as shares of the depth unless said otherwise."""

    scale: Range = (0.001, 0.012)
    """Error of the whole clip's scale."""
    flicker: Range = (0.0002, 0.0018)
    """Change of scale from frame to frame."""
    tilt: Range = (0.0002, 0.0012)
    """Slope across the image that changes from frame to frame."""
    warp: Range = (0.0007, 0.006)
    """Low-frequency warp, slowly changing."""
    noise: Range = (0.0002, 0.0014)
    """Range noise at 1 m (m); grows with the square of the depth."""
    noise_floor: Range = (0.00005, 0.0004)
    """Range noise at any depth, m."""
    edge: Range = (0.05, 0.5)
    """Share of the pixels at depth edges that bleed, fly or become holes."""
    holes: Range = (0.002, 0.06)
    """Share of the image that holes cover."""
    quantum: float = 0.001
    """m."""


@dataclass(frozen=True, kw_only=True)
class MaskNoise:
    """Errors of an object mask."""

    shift: float = 3.0
    """Erosion or dilation up to this many px at an image of 256 px."""
    leak_share: float = 0.5
    """Clips in which pieces of the background belong to the mask."""
    hole_share: float = 0.3
    """Clips in which pieces of the object are missing."""


@dataclass(frozen=True, kw_only=True)
class PoseNoise:
    """Errors of camera poses."""

    exact_share: float = 0.35
    """Clips with exact poses: tripods, and devices that track well."""
    drift: Range = (0.0003, 0.005)
    """Travel of the error over the clip, as a share of the distance to the object; rad for its rotation."""
    jitter: Range = (0.0001, 0.001)
    """Error of each frame, in the same units."""


@dataclass(frozen=True, kw_only=True)
class FlowNoise:
    """Errors of dense optical flow that is lifted with depth. px are those of an image 256 px wide."""

    smooth: Range = (0.05, 0.5)
    """Size of the smooth error field, px."""
    growth: Range = (0.005, 0.04)
    """Error as a share of the length of the motion."""
    smear: Range = (0.5, 3.5)
    """Points move like what lies about this many px away: part borders wander, as patches match across them."""
    blur: Range = (0.02, 0.2)
    """How much of the mean motion around it each pixel takes."""
    textureless: Range = (0.05, 0.6)
    """Share of the surface without texture: there flow is dragged along with what is around, or stays behind."""
    slide: Range = (0.5, 8.0)
    """How far such flow slides along the edges that it does see, px."""
    outliers: Range = (0.002, 0.03)
    """Share of points that land anywhere near."""
    missed: Range = (0.05, 0.35)
    """Share of wrong matches that the forward-backward check does not notice."""
    dropped: Range = (0.06, 0.45)
    """Share of good matches that the check refuses, in patches; more over long baselines."""


@dataclass(frozen=True, kw_only=True)
class HandConfig:
    """A hand and forearm that reaches for the moving part."""

    share: float = 0.15
    """Clips with a hand."""
    leak_share: float = 0.5
    """Of those with an object mask: clips in which the hand is inside the mask."""


@dataclass(frozen=True, kw_only=True)
class GuessNoise:
    """Errors of depth that a network guesses from colour, once the whole video has one scale."""

    warp: Range = (0.05, 0.2)
    """Smooth error of the logarithm of depth, standard deviation over the image."""
    drift: Range = (0.1, 0.4)
    """Part of the warp that belongs to places of the image and changes slowly; the rest moves along with what is seen."""
    flicker: Range = (0.0005, 0.005)
    """Change of scale from frame to frame."""
    blur: Range = (0.7, 3.0)
    """Over how many px the borders of parts are smeared, at an image of 256 px."""
    motion: Range = (0.005, 0.04)
    """Error of how far away the images say that a part's motion is, as a share."""


@dataclass(frozen=True, kw_only=True)
class CorruptionConfig:
    """Which groups of effects are on; None switches all of a group off."""

    white_noise: WhiteNoise | None = None
    depth: DepthNoise | None = None
    guess: GuessNoise | None = None
    """In place of `depth`: there is no depth camera."""
    mask: MaskNoise | None = None
    poses: PoseNoise | None = None
    flow: FlowNoise | None = None
    hand: HandConfig | None = None
    severity: Range = (0.35, 1.15)
    """One factor a clip on all depth, pose and flow magnitudes, so that clips range from mild to hard."""
    drops_frames: bool = True
    """Whether a share of the clips have frames unevenly spread in time, as when frames are dropped or chosen."""


DEPTH_CAMERA = DepthNoise(
    scale=(0.0005, 0.004),
    flicker=(0.0015, 0.0025),
    tilt=(0.0002, 0.0008),
    warp=(0.001, 0.004),
    noise=(0.0012, 0.0018),
    noise_floor=(0.0001, 0.0003),
    edge=(0.2, 0.5),
    holes=(0.002, 0.01),
)
"""The depth camera of rendered recordings: 1.5 mm x z^2 of range noise, 0.2 % flicker of scale, a slow warp, holes."""
TRACKED_POSES = PoseNoise(exact_share=0.0, drift=(0.001, 0.004), jitter=(0.0003, 0.001))
"""Camera poses as a good tracker gives them."""

CORRUPTION_NONE = CorruptionConfig()
CORRUPTION_PAPER = CorruptionConfig(white_noise=WhiteNoise())
CORRUPTION_REAL = CorruptionConfig(
    depth=DepthNoise(), mask=MaskNoise(), poses=PoseNoise(), flow=FlowNoise(), hand=HandConfig()
)
CORRUPTION_GUESSED = dataclasses.replace(CORRUPTION_REAL, depth=None, guess=GuessNoise())
CORRUPTIONS = {
    "none": CORRUPTION_NONE,
    "paper": CORRUPTION_PAPER,
    "real": CORRUPTION_REAL,
    "guessed": CORRUPTION_GUESSED,
}
"""Presets by name."""

FRAMES = "frames"
"""Name of the effect that drops frames."""
_GROUPS = {
    "white_noise": WhiteNoise,
    "depth": DepthNoise,
    "guess": GuessNoise,
    "mask": MaskNoise,
    "poses": PoseNoise,
    "flow": FlowNoise,
    "hand": HandConfig,
}
_NO_EFFECTS = ("poses.exact_share",)
"""Fields that are no errors."""
EFFECTS: dict[str, tuple[str, ...]] = {
    group: tuple(
        f"{group}.{field.name}" for field in dataclasses.fields(kind) if f"{group}.{field.name}" not in _NO_EFFECTS
    )
    for group, kind in _GROUPS.items()
} | {FRAMES: ()}
"""Names of the effects of each group; a group's name stands for all of them."""


def switch_off(config: CorruptionConfig, names: Sequence[str]) -> CorruptionConfig:
    """A corruption without the effects of these names, such as `hand` or `depth.holes`.

    Raises:
        InvalidValueError: With the names that are known.
    """
    off = set(_expand(names))
    changes: dict[str, object] = {"drops_frames": config.drops_frames and FRAMES not in off}
    for group, effects in EFFECTS.items():
        own = [effect.partition(".")[2] for effect in effects if effect in off]
        values = getattr(config, group, None)
        if values is None or not own:
            continue
        if len(own) == len(effects):
            changes[group] = None
            continue
        still = {name: OFF if isinstance(getattr(values, name), tuple) else 0.0 for name in own}
        changes[group] = dataclasses.replace(values, **still)
    return dataclasses.replace(config, **changes)  # pyright: ignore[reportArgumentType]


def keep_only(config: CorruptionConfig, names: Sequence[str]) -> CorruptionConfig:
    """A corruption with the effects of these names and no others.

    Raises:
        InvalidValueError: With the names that are known.
    """
    kept = set(_expand(names))
    return switch_off(config, [name for name in _expand(list(EFFECTS)) if name not in kept])


def _expand(names: Sequence[str]) -> list[str]:
    """Effects that the names stand for."""
    known = {effect: (effect,) for effects in EFFECTS.values() for effect in effects}
    known |= {group: effects or (group,) for group, effects in EFFECTS.items()}
    for name in names:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            hint = f" Did you mean '{close[0]}'?" if close else ""
            raise InvalidValueError(f"There is no effect '{name}'; known: {', '.join(known)}.{hint}")
    return [effect for name in names for effect in known[name]]
