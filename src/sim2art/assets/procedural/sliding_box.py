"""A small box that opens by sliding: a tray in a sleeve (as a matchbox), or a lid in grooves."""

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.procedural.blocks import clutter, open_box
from sim2art.assets.procedural.builder import ObjectBuilder
from sim2art.assets.procedural.palette import PAINTS, PLASTICS, WOODS, Palette, chance, pick, sample_palette, vary
from sim2art.assets.procedural.shapes import Span, box


def make_sliding_box(rng: np.random.Generator) -> ArticulatedObject:
    """A sliding box, 0.1-0.5 m long; the long side lies along x or y."""
    builder = ObjectBuilder("sliding_box")
    palette = sample_palette(rng, WOODS, PAINTS, PLASTICS)
    length = float(rng.uniform(0.1, 0.5))
    width, height = length * float(rng.uniform(0.35, 0.8)), max(0.03, length * float(rng.uniform(0.15, 0.45)))
    along_x = chance(rng, 0.6)
    half = (0.5 * length, 0.5 * width) if along_x else (0.5 * width, 0.5 * length)
    x, y = (-half[0], half[0]), (-half[1], half[1])
    wall = float(np.clip(0.03 * length, 0.004, 0.01))
    forward = (pick(rng, (-1, 1)), 0, 0) if along_x else (0, -1, 0)
    travel = length * float(rng.uniform(0.6, 0.95))
    if chance(rng, 0.5):
        _add_sleeve(builder, rng, x, y, height, wall, palette, along_x=along_x)
        builder.slide("tray", axis=forward, limits=(0.0, travel))
    else:
        _add_grooved_lid(builder, rng, x, y, height, wall, palette, along_x=along_x)
        builder.slide("lid", axis=forward, limits=(0.0, travel))
    return builder.build()


def _add_sleeve(
    builder: ObjectBuilder, rng: np.random.Generator, x: Span, y: Span, height: float, wall: float, palette: Palette,
    *, along_x: bool,
) -> None:  # fmt: skip
    """A flat tube with a tray in it."""
    builder.add("body", box(x, y, (0.0, wall), palette.body), box(x, y, (height - wall, height), palette.body))
    sides = [(x, (y[0], y[0] + wall)), (x, (y[1] - wall, y[1]))] if along_x else [
        ((x[0], x[0] + wall), y), ((x[1] - wall, x[1]), y)
    ]  # fmt: skip
    builder.add("body", *(box(sx, sy, (wall, height - wall), palette.body) for sx, sy in sides))
    gap = wall + 0.002
    # The tray's ends stand a little out of the sleeve.
    tray_x = (x[0] - 0.003, x[1] + 0.003) if along_x else (x[0] + gap, x[1] - gap)
    tray_y = (y[0] + gap, y[1] - gap) if along_x else (y[0] - 0.003, y[1] + 0.003)
    tray_z = (gap, height - gap)
    builder.add("tray", *open_box(tray_x, tray_y, tray_z, wall, palette.front))
    room = (tray_x[0] + 2 * wall, tray_x[1] - 2 * wall), (tray_y[0] + 2 * wall, tray_y[1] - 2 * wall)
    builder.add("tray", *clutter(rng, *room, (tray_z[0] + wall, tray_z[1]), count=int(rng.integers(1, 5))))


def _add_grooved_lid(
    builder: ObjectBuilder, rng: np.random.Generator, x: Span, y: Span, height: float, wall: float, palette: Palette,
    *, along_x: bool,
) -> None:  # fmt: skip
    """An open box whose two long walls rise beside the lid."""
    builder.add("body", *open_box(x, y, (0.0, height), wall, palette.body))
    room = (x[0] + 2 * wall, x[1] - 2 * wall), (y[0] + 2 * wall, y[1] - 2 * wall), (wall, height - 0.003)
    builder.add("body", *clutter(rng, *room, count=int(rng.integers(1, 5))))
    rise = (height, height + wall + 0.005)
    gap = wall + 0.002
    if along_x:
        rails = [(x, (y[0], y[0] + wall)), (x, (y[1] - wall, y[1]))]
        lid = (x, (y[0] + gap, y[1] - gap))
    else:
        rails = [((x[0], x[0] + wall), y), ((x[1] - wall, x[1]), y)]
        lid = ((x[0] + gap, x[1] - gap), y)
    builder.add("body", *(box(rx, ry, rise, palette.body) for rx, ry in rails))
    z = (height + 0.002, height + 0.002 + wall)
    builder.add("lid", box(*lid, z, palette.front))
    middle = 0.15 * (lid[0][0] + lid[0][1]), 0.15 * (lid[1][0] + lid[1][1])
    grip = float(np.clip(0.1 * (x[1] - x[0]), 0.006, 0.03))
    spot = (middle[0] - grip, middle[0] + grip), (middle[1] - grip, middle[1] + grip)
    builder.add("lid", box(*spot, (z[1], z[1] + 0.4 * grip + 0.002), vary(rng, palette.handle)))
