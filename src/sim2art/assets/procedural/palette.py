"""Plausible colours: woods, paints, metals and plastics, drawn once per object so that its parts go together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from sim2art.assets.procedural.shapes import Color

WOODS: tuple[Color, ...] = (
    (196, 154, 108), (161, 110, 66), (112, 72, 44), (84, 56, 40), (222, 190, 150), (143, 88, 52), (176, 132, 92),
)  # fmt: skip
PAINTS: tuple[Color, ...] = (
    (238, 236, 230), (250, 250, 248), (214, 208, 196), (120, 140, 150), (70, 90, 110), (150, 170, 150), (60, 80, 70),
    (180, 70, 60), (220, 180, 80), (90, 130, 170), (50, 50, 54), (200, 160, 160),
)  # fmt: skip
METALS: tuple[Color, ...] = ((190, 192, 196), (150, 152, 156), (110, 112, 116), (196, 170, 110), (60, 60, 62))
PLASTICS: tuple[Color, ...] = (
    (30, 30, 34), (235, 235, 235), (200, 40, 40), (40, 90, 180), (50, 140, 80), (240, 150, 40), (110, 110, 116),
    (230, 200, 60), (140, 80, 160), (70, 70, 76),
)  # fmt: skip
DARK: Color = (28, 28, 32)
GLASS: Color = (52, 62, 70)
PAPER: Color = (236, 232, 222)

Option = TypeVar("Option")


def pick(rng: np.random.Generator, options: Sequence[Option]) -> Option:
    """One of the options, all alike likely."""
    return options[int(rng.integers(len(options)))]


def chance(rng: np.random.Generator, probability: float) -> bool:
    """True with a probability."""
    return bool(rng.random() < probability)


def vary(rng: np.random.Generator, color: Color, amount: float = 12.0) -> Color:
    """A colour near another: a common change of brightness and a smaller one per channel."""
    change = rng.normal(0.0, amount) + rng.normal(0.0, 0.35 * amount, size=3)
    red, green, blue = np.clip(np.array(color) + change, 8, 252).astype(int)
    return int(red), int(green), int(blue)


@dataclass(frozen=True, kw_only=True)
class Palette:
    """The colours of one object."""

    body: Color
    front: Color
    """Doors, lids and drawer fronts."""
    inside: Color
    handle: Color
    accent: Color


def sample_palette(rng: np.random.Generator, *materials: tuple[Color, ...]) -> Palette:
    """Colours of an object made of one of the given materials; fronts match the body in half of the draws."""
    material = pick(rng, materials or (WOODS, PAINTS))
    body = vary(rng, pick(rng, material), 10.0)
    front = vary(rng, body if chance(rng, 0.55) else pick(rng, pick(rng, materials or (WOODS, PAINTS))), 8.0)
    return Palette(
        body=body,
        front=front,
        inside=vary(rng, body if chance(rng, 0.6) else (225, 222, 214), 14.0),
        handle=vary(rng, pick(rng, METALS if chance(rng, 0.75) else WOODS), 10.0),
        accent=vary(rng, pick(rng, PLASTICS), 10.0),
    )
