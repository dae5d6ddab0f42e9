"""A cardboard box with one to four flaps."""

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.procedural.blocks import clutter, open_box
from sim2art.assets.procedural.builder import ObjectBuilder
from sim2art.assets.procedural.palette import PAINTS, chance, pick, vary
from sim2art.assets.procedural.shapes import Color, Span, box, prism

BOARD = 0.005
"""m, thickness of the cardboard."""
AIR = 0.003
"""m, between flaps, and between flaps and walls."""


def make_flap_box(rng: np.random.Generator) -> ArticulatedObject:
    """A box, 0.2-0.6 m wide.

    Flaps that overlap could not open in any order, so four flaps either meet in mitres, or the two short ones stand
    upright at rest and fold outwards.
    """
    builder = ObjectBuilder("flap_box")
    width, depth, height = float(rng.uniform(0.2, 0.6)), float(rng.uniform(0.2, 0.5)), float(rng.uniform(0.12, 0.45))
    card = vary(rng, pick(rng, ((186, 146, 100), (170, 128, 84), (206, 172, 130), pick(rng, PAINTS))), 10.0)
    x, y = (-0.5 * width, 0.5 * width), (-0.5 * depth, 0.5 * depth)
    builder.add("body", *open_box(x, y, (0.0, height), BOARD, card))
    if chance(rng, 0.6):
        room = (x[0] + 0.02, x[1] - 0.02), (y[0] + 0.02, y[1] - 0.02), (BOARD, height - 0.03)
        builder.add("body", *clutter(rng, *room, count=int(rng.integers(1, 4))))
    if chance(rng, 0.5):
        label = (x[0] + 0.2 * width, x[0] + 0.6 * width), (y[0] - 0.001, y[0]), (0.3 * height, 0.7 * height)
        builder.add("body", box(*label, vary(rng, (230, 226, 216), 12.0)))
    level = height + AIR
    variant = pick(rng, ("one", "two", "two_sided", "mitred", "upright"))
    if variant == "one":
        _add_flap(builder, rng, "back", _corners(x, (y[0], y[1])), level, card)
    elif variant == "two_sided":
        cut = x[0] + float(rng.uniform(0.35, 0.65)) * width
        _add_flap(builder, rng, "left", _corners((x[0], cut - AIR / 2), y), level, card)
        _add_flap(builder, rng, "right", _corners((cut + AIR / 2, x[1]), y), level, card)
    elif variant == "mitred":
        _add_mitred_flaps(builder, rng, x, y, level, card)
    else:
        reach = 0.5 * depth * float(rng.uniform(0.75, 1.0)) - AIR
        _add_flap(builder, rng, "front", _corners(x, (y[0], y[0] + reach)), level, card)
        _add_flap(builder, rng, "back", _corners(x, (y[1] - reach, y[1])), level, card)
        if variant == "upright":
            _add_upright_flaps(builder, rng, x, y, level, card)
    return builder.build()


def _corners(x: Span, y: Span) -> np.ndarray:
    return np.array([[x[0], y[0]], [x[1], y[0]], [x[1], y[1]], [x[0], y[1]]])


def _add_flap(
    builder: ObjectBuilder, rng: np.random.Generator, side: str, outline: np.ndarray, level: float, color: Color
) -> None:
    """A level flap hinged at the edge of the box that it is named after."""
    builder.add(f"flap_{side}", prism(outline, 2, (level, level + BOARD), vary(rng, color, 5.0)))
    low, high = outline.min(axis=0), outline.max(axis=0)
    axis, pivot = {
        "front": ((1, 0, 0), (0.0, low[1], level)),
        "back": ((-1, 0, 0), (0.0, high[1], level)),
        "left": ((0, -1, 0), (low[0], 0.0, level)),
        "right": ((0, 1, 0), (high[0], 0.0, level)),
    }[side]
    builder.hinge(f"flap_{side}", axis=axis, pivot=pivot, limits=(0.0, float(rng.uniform(1.6, 3.9))))


def _add_mitred_flaps(
    builder: ObjectBuilder, rng: np.random.Generator, x: Span, y: Span, level: float, color: Color
) -> None:
    reach = 0.5 * min(x[1] - x[0], y[1] - y[0]) * float(rng.uniform(0.6, 0.96)) - AIR
    slack = 1.5 * AIR
    x0, x1, y0, y1 = x[0] + slack, x[1] - slack, y[0] + slack, y[1] - slack
    outlines = {
        "front": [[x0, y[0]], [x1, y[0]], [x1 - reach, y[0] + reach], [x0 + reach, y[0] + reach]],
        "back": [[x1, y[1]], [x0, y[1]], [x0 + reach, y[1] - reach], [x1 - reach, y[1] - reach]],
        "left": [[x[0], y1], [x[0], y0], [x[0] + reach, y0 + reach], [x[0] + reach, y1 - reach]],
        "right": [[x[1], y0], [x[1], y1], [x[1] - reach, y1 - reach], [x[1] - reach, y0 + reach]],
    }
    for side, outline in outlines.items():
        _add_flap(builder, rng, side, np.array(outline), level, color)


def _add_upright_flaps(
    builder: ObjectBuilder, rng: np.random.Generator, x: Span, y: Span, level: float, color: Color
) -> None:
    tall = float(rng.uniform(0.3, 0.5)) * (x[1] - x[0])
    for side, wall, axis, edge in (("left", x[0] - AIR - BOARD, -1, 0), ("right", x[1] + AIR, 1, 1)):
        span = (wall, wall + BOARD)
        flap = box(span, (y[0], y[1]), (level, level + tall), vary(rng, color, 5.0))
        builder.add(f"flap_{side}", flap)
        limits = (0.0, float(rng.uniform(1.2, 2.4)))
        builder.hinge(f"flap_{side}", axis=(0, axis, 0), pivot=(span[edge], 0.0, level), limits=limits)
