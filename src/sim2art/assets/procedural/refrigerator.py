"""A refrigerator: one door, freezer above or below, or a pair; sometimes a freezer drawer. Thick doors with bins."""

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.procedural.blocks import Front, FrontStyle, Side, carcass, door, drawer, open_box, shelves
from sim2art.assets.procedural.builder import ObjectBuilder
from sim2art.assets.procedural.palette import (
    DARK,
    METALS,
    PAINTS,
    PLASTICS,
    Palette,
    chance,
    pick,
    sample_palette,
    vary,
)
from sim2art.assets.procedural.shapes import Rectangle, box

AIR = 0.004
"""m, between doors and body (the seal)."""


def make_refrigerator(rng: np.random.Generator) -> ArticulatedObject:
    """A refrigerator, 0.5-0.95 m wide and 0.8-2.0 m high."""
    builder = ObjectBuilder("refrigerator")
    palette = sample_palette(rng, METALS[:3], PAINTS[:3], PLASTICS[:2])
    layout = pick(rng, ("single", "stacked", "pair", "pair_drawer", "stacked_drawer"))
    width = float(rng.uniform(0.75, 0.95) if "pair" in layout else rng.uniform(0.5, 0.75))
    height = float(rng.uniform(0.8, 1.4) if layout == "single" else rng.uniform(1.5, 2.0))
    depth, wall = float(rng.uniform(0.5, 0.68)), float(rng.uniform(0.035, 0.055))
    x, y = (-0.5 * width, 0.5 * width), (0.0, depth)
    style = FrontStyle(
        panel=pick(rng, ("plain", "plain", "bevel")), handle=pick(rng, ("bar", "flat_bar", "recess", "lip")),
        thickness=float(rng.uniform(0.04, 0.075)), front=palette.front, handle_color=palette.handle,
        handle_length=float(rng.uniform(0.3, 0.7)), handle_place=float(rng.uniform(0.35, 0.65)),
    )  # fmt: skip
    foot = 0.04
    builder.add("body", box((x[0] + 0.03, x[1] - 0.03), (0.04, depth - 0.03), (0.0, foot), DARK))
    side: Side = pick(rng, ("left", "right"))
    if layout in ("single", "pair"):
        cells = [(foot, height)]
    else:
        cut = foot + float(rng.uniform(0.25, 0.7) if layout == "stacked" else rng.uniform(0.22, 0.4)) * (height - foot)
        cells = [(foot, cut - 0.003), (cut + 0.003, height)]
    for number, z in enumerate(cells):
        builder.add("body", *carcass(x, y, z, wall, palette.body, (236, 240, 242)))
        if "drawer" in layout and number == 0:
            drawer(builder, rng, "drawer", Front(x, z, -AIR, style), 0.8 * depth, (228, 232, 236), overlay=wall + 0.006)
            continue
        room = (x[0] + wall, x[1] - wall), (0.14, depth - 0.02), (z[0] + wall, z[1] - wall)
        count = max(1, round((z[1] - z[0]) / float(rng.uniform(0.25, 0.4))) - 1)
        builder.add("body", *shelves(rng, *room, (214, 224, 228), count=count, fill=0.6))
        if "pair" in layout:
            _add_door(builder, rng, "door_left", "left", ((x[0], -0.002), z), style, wall, palette)
            _add_door(builder, rng, "door_right", "right", ((0.002, x[1]), z), style, wall, palette)
        else:
            name = "door" if len(cells) == 1 or "drawer" in layout else ("door_lower", "door_upper")[number]
            _add_door(builder, rng, name, side, (x, z), style, wall, palette)
    return builder.build()


def _add_door(
    builder: ObjectBuilder, rng: np.random.Generator, name: str, side: Side, front: Rectangle,
    style: FrontStyle, wall: float, palette: Palette,
) -> None:  # fmt: skip
    """A door with bins and bottles inside; `wall` is the thickness (m) of the sides that the bins must pass."""
    x, z = front
    pivot_depth = float(rng.uniform(0.4, 0.8))
    door(builder, rng, name, side, Front(x, z, -AIR, style), limit=(1.4, 2.2), pivot_depth=pivot_depth)
    # The far corner of a bin swings on a wider circle than the door's edge: keep it clear of the side wall.
    bin_depth = 0.09
    inset = wall + (style.thickness + bin_depth) ** 2 / (x[1] - x[0]) + 0.012
    span = (x[0] + inset, x[1] - inset)
    levels = np.linspace(z[0] + wall + 0.03, z[1] - wall, max(2, round((z[1] - z[0]) / 0.35) + 1))[:-1]
    for level in levels:
        if span[1] - span[0] < 0.1 or chance(rng, 0.2):
            continue
        height = min(0.1, 0.5 * float(levels[-1] - levels[0]) if len(levels) > 1 else 0.1)
        color = vary(rng, (222, 228, 232), 6.0)
        builder.add(name, *open_box(span, (-AIR, bin_depth - AIR), (level, level + height), 0.006, color))
        at = float(rng.uniform(span[0] + 0.05, span[1] - 0.05))
        bottle = vary(rng, palette.accent, 40.0)
        top = float(level) + float(rng.uniform(0.5, 2.0)) * 0.1
        builder.add(name, box((at - 0.035, at + 0.035), (0.012, 0.07), (level + 0.007, min(top, z[1] - wall)), bottle))
