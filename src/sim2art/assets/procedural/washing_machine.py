"""A washing machine: a round porthole door and a small detergent drawer."""

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.procedural.blocks import carcass, feet
from sim2art.assets.procedural.builder import ObjectBuilder
from sim2art.assets.procedural.palette import DARK, GLASS, METALS, PLASTICS, chance, pick, sample_palette, vary
from sim2art.assets.procedural.shapes import (
    box,
    circle,
    loft,
    raised,
    rectangle_around,
    ring_prism,
    rod,
    shifted,
    tube,
    turned,
)


def make_washing_machine(rng: np.random.Generator) -> ArticulatedObject:
    """A front loader, 0.55-0.68 m wide."""
    builder = ObjectBuilder("washing_machine")
    palette = sample_palette(rng, PLASTICS[:2], METALS[:3])
    width, depth, height = float(rng.uniform(0.55, 0.68)), float(rng.uniform(0.45, 0.65)), float(rng.uniform(0.8, 0.95))
    x, panel, front = (-0.5 * width, 0.5 * width), float(rng.uniform(0.1, 0.14)), 0.02
    low, high = (0.0, height - panel), (height - panel, height)
    builder.add("body", *carcass(x, (front, depth), low, 0.015, palette.body, palette.body))
    builder.add("body", *carcass(x, (front, depth), high, 0.012, palette.body, palette.body))
    builder.add("body", *feet(rng, x, (0.0, depth), 0.02, DARK))
    hole = float(rng.uniform(0.15, 0.19))
    center = (0.5 * (low[0] + low[1]) + 0.02, 0.0)  # (z, x): the order of an extrusion along y.
    inner = circle(hole, center, 20)
    square = hole + 0.05
    outer = rectangle_around(inner, center, (square, square))
    builder.add("body", ring_prism(outer, inner, 1, (0.0, front), palette.body))
    for strip in ((x, (low[0], center[0] - square)), (x, (center[0] + square, low[1])),
                  ((x[0], -square), (center[0] - square, center[0] + square)),
                  ((square, x[1]), (center[0] - square, center[0] + square))):  # fmt: skip
        builder.add("body", box(strip[0], (0.0, front), strip[1], palette.body))
    steel = vary(rng, (150, 152, 156), 15.0)
    # An upright pipe turned onto its side makes the drum.
    drum = tube((0, 0), (0.0, 0.6 * depth), (hole + 0.02, hole + 0.02), 0.01, steel, segments=20)
    builder.add("body", shifted(turned(drum, 0, -0.5 * np.pi), (0.0, front + 0.004, center[0])))
    back = front + 0.6 * depth
    builder.add("body", rod((0, back, center[0]), (0, back + 0.01, center[0]), hole + 0.015, steel, segments=20))
    _add_door(builder, rng, center, hole, palette.front if chance(rng, 0.6) else steel)
    _add_panel(builder, rng, x, (high[0], high[1]), depth, palette.body, palette.accent)
    return builder.build()


def _add_door(
    builder: ObjectBuilder,
    rng: np.random.Generator,
    center: tuple[float, float],
    hole: float,
    color: tuple[int, int, int],
) -> None:
    radius, thick = hole + float(rng.uniform(0.02, 0.04)), float(rng.uniform(0.03, 0.05))
    y = (-thick - 0.003, -0.003)
    ring = ring_prism(circle(radius, center, 20), circle(0.7 * radius, center, 20), 1, y, color)
    rows = [(0.7 * radius, y[0] + 0.4 * thick), (0.7 * radius, 0.0), (0.45 * radius, 0.05)]
    glass = [raised(circle(r, center, 20), 1, level) for r, level in rows]
    builder.add("door", ring, loft(np.stack(glass), vary(rng, GLASS, 12.0)))
    side = pick(rng, (-1.0, 1.0))
    grip = -side * 0.85 * radius
    builder.add(
        "door", box((grip - 0.012, grip + 0.012), (y[0] - 0.012, y[0]), (center[0] - 0.05, center[0] + 0.05), DARK)
    )
    edge = side * radius
    span = sorted((edge - side * 0.02, edge + side * 0.004))
    builder.add("door", box((span[0], span[1]), y, (center[0] - 0.05, center[0] + 0.05), color))
    pivot = (edge, y[0], 0.0)
    builder.hinge("door", axis=(0, 0, side), pivot=pivot, limits=(0.0, float(rng.uniform(1.5, 2.3))))


def _add_panel(
    builder: ObjectBuilder, rng: np.random.Generator, x: tuple[float, float], z: tuple[float, float], depth: float,
    color: tuple[int, int, int], accent: tuple[int, int, int],
) -> None:  # fmt: skip
    cut = x[0] + float(rng.uniform(0.28, 0.4)) * (x[1] - x[0])
    builder.add("body", box((cut + 0.002, x[1]), (0.0, 0.02), z, vary(rng, color, 10.0)))
    middle = 0.5 * (z[0] + z[1])
    knob = 0.5 * (cut + x[1])
    builder.add("body", rod((knob, 0.0, middle), (knob, -0.03, middle), 0.028, accent, segments=12))
    builder.add("body", box((x[1] - 0.14, x[1] - 0.03), (-0.001, 0.0), (middle - 0.02, middle + 0.02), (20, 40, 50)))
    front = (x[0], cut - 0.002)
    builder.add("drawer", box(front, (-0.002, 0.018), (z[0] + 0.002, z[1]), vary(rng, color, 6.0)))
    builder.add(
        "drawer", box((front[0] + 0.03, front[1] - 0.03), (-0.014, -0.002), (z[0] + 0.01, z[0] + 0.025), accent)
    )
    reach = float(rng.uniform(0.35, 0.55)) * depth
    tray = (front[0] + 0.018, front[1] - 0.006), (0.018, reach), (z[0] + 0.016, z[1] - 0.03)
    builder.add("drawer", box(*tray, (232, 234, 238)))
    builder.slide("drawer", axis=(0, -1, 0), limits=(0.0, reach * float(rng.uniform(0.6, 0.85))))
