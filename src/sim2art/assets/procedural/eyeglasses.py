"""Eyeglasses standing on their rims, temples folded at rest behind the lenses."""

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.procedural.builder import ObjectBuilder
from sim2art.assets.procedural.palette import GLASS, METALS, PLASTICS, chance, sample_palette, vary
from sim2art.assets.procedural.shapes import Color, box, ellipse, prism, ring_prism, rod


def make_eyeglasses(rng: np.random.Generator) -> ArticulatedObject:
    """Eyeglasses, 0.12-0.15 m wide."""
    builder = ObjectBuilder("eyeglasses")
    palette = sample_palette(rng, PLASTICS, METALS)
    width = float(rng.uniform(0.12, 0.15))
    bridge = float(rng.uniform(0.014, 0.022))
    lens = 0.25 * (width - bridge), float(rng.uniform(0.016, 0.026))
    rim, thick = float(rng.uniform(0.003, 0.005)), float(rng.uniform(0.004, 0.006))
    lens_color = vary(rng, GLASS if chance(rng, 0.5) else (150, 160, 168), 15.0)
    y = (0.0, thick)
    sides = -1.0, 1.0
    corners = 20 if chance(rng, 0.6) else 8
    for side in sides:
        center = (lens[1], side * (0.5 * bridge + lens[0]))  # (z, x): the order of an extrusion along y.
        outer = ellipse((lens[1], lens[0]), center, corners)
        inner = ellipse((lens[1] - rim, lens[0] - rim), center, corners)
        builder.add("body", ring_prism(outer, inner, 1, y, palette.body))
        glass = ellipse((lens[1] - rim, lens[0] - rim), center, corners)
        builder.add("body", prism(glass, 1, (0.35 * thick, 0.6 * thick), lens_color))
    hold = 1.3 * lens[1]
    builder.add("body", box((-0.5 * bridge - 0.004, 0.5 * bridge + 0.004), y, (hold, hold + 0.005), palette.body))
    edge = 0.5 * width
    depth = 0.009
    for side in sides:
        x = sorted((side * (edge - 0.006), side * (edge + 0.004)))
        builder.add("body", box((x[0], x[1]), y, (hold - 0.010, hold + 0.005), palette.body))
        # The temples fold at different heights, so that either may open first.
        drop = 0.0025 if side < 0 else -0.0075
        name = "temple_left" if side < 0 else "temple_right"
        z = hold + drop
        _add_temple(builder, name, side, (edge + 0.002, thick + 0.002, z), min(width, 0.145), depth, palette.accent)
        pivot = (side * (edge + 0.002), thick + 0.002, 0.0)
        opening = float(rng.uniform(1.5, 1.75))
        builder.hinge(name, axis=(0, 0, -side), pivot=pivot, limits=(0.0, opening))
    return builder.build()


def _add_temple(
    builder: ObjectBuilder, name: str, side: float, hinge: tuple[float, float, float], length: float, depth: float,
    color: Color,
) -> None:  # fmt: skip
    x, y, z = hinge
    half = 0.0018

    def span(start: float, end: float) -> tuple[float, float]:
        return min(side * start, side * end), max(side * start, side * end)

    builder.add(name, box(span(x, x - 0.75 * length), (y, y + 0.004), (z - half, z + half), color))
    tip = side * (x - length)
    start = side * (x - 0.75 * length)
    middle = y + 0.002
    builder.add(name, rod((start, middle, z), (tip, middle, z - 0.35 * depth), half, color, segments=6))
