"""A trash can, round or square: lid hinged at the back, swinging about its middle, or split in two halves."""

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.procedural.blocks import open_box
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
from sim2art.assets.procedural.shapes import box, circle, loft, prism, raised, ring_prism, rod, tube


def make_trash_can(rng: np.random.Generator) -> ArticulatedObject:
    """A trash can, 0.25-0.9 m high."""
    builder = ObjectBuilder("trash_can")
    palette = sample_palette(rng, METALS, PLASTICS, PAINTS)
    if chance(rng, 0.5):
        _make_round(builder, rng, palette)
    else:
        _make_square(builder, rng, palette)
    return builder.build()


def _make_round(builder: ObjectBuilder, rng: np.random.Generator, palette: Palette) -> None:
    radius, height = float(rng.uniform(0.1, 0.22)), float(rng.uniform(0.28, 0.75))
    foot = radius * float(rng.uniform(0.75, 1.0))
    wall, gap = 0.006, 0.003
    builder.add("body", tube((0.0, 0.0), (0.0, height), (foot, radius), wall, palette.body, segments=20))
    builder.add("body", rod((0, 0, 0.002), (0, 0, 0.012), foot - 0.5 * wall, vary(rng, DARK), segments=20))
    _add_rubbish(builder, rng, 0.6 * foot, height)
    level = height + gap
    if chance(rng, 0.25):  # A flap that swings about its middle, in a collar.
        hole = 0.72 * radius
        top = level + 0.01
        collar = ring_prism(circle(radius, segments=20), circle(hole, segments=20), 2, (height, top), palette.front)
        builder.add("body", collar)
        builder.add("lid", prism(circle(hole - 0.006, segments=20), 2, (height + 0.002, top - 0.002), palette.accent))
        swing = float(rng.uniform(0.6, 1.2))
        builder.hinge("lid", axis=(1, 0, 0), pivot=(0.0, 0.0, height + 0.005), limits=(0.0, swing))
        return
    outer = radius + 0.004
    dome = float(rng.uniform(0.01, 0.5)) * radius
    rows = [(outer, 0.0), (outer, 0.012), (0.75 * outer, 0.012 + 0.7 * dome), (0.3 * outer, 0.012 + dome)]
    lid = loft(np.stack([raised(circle(r, segments=20), 2, level + z) for r, z in rows]), palette.front)
    builder.add("lid", lid)
    peak = level + 0.012 + dome
    if chance(rng, 0.6):
        builder.add("lid", rod((0, 0, peak), (0, 0, peak + 0.02), 0.016, palette.handle))
    builder.add("body", box((-0.03, 0.03), (outer + 0.002, outer + 0.014), (height - 0.06, level), palette.handle))
    builder.hinge(
        "lid", axis=(-1, 0, 0), pivot=(0.0, outer, level), limits=(0.0, float(rng.uniform(1.2, 1.9)))
    )  # fmt: skip
    _add_pedal(builder, rng, -foot)


def _make_square(builder: ObjectBuilder, rng: np.random.Generator, palette: Palette) -> None:
    width, depth, height = float(rng.uniform(0.22, 0.5)), float(rng.uniform(0.2, 0.45)), float(rng.uniform(0.3, 0.9))
    x, y = (-0.5 * width, 0.5 * width), (-0.5 * depth, 0.5 * depth)
    builder.add("body", *open_box(x, y, (0.0, height), 0.008, palette.body))
    _add_rubbish(builder, rng, 0.35 * min(width, depth), height)
    level, thick = height + 0.003, float(rng.uniform(0.01, 0.03))
    z = (level, level + thick)
    limit = float(rng.uniform(1.2, 2.2))
    if chance(rng, 0.25):
        builder.add("lid_left", box((x[0], -0.002), y, z, palette.front))
        builder.add("lid_right", box((0.002, x[1]), y, z, palette.front))
        builder.hinge("lid_left", axis=(0, -1, 0), pivot=(x[0], 0.0, z[1]), limits=(0.0, limit))
        builder.hinge("lid_right", axis=(0, 1, 0), pivot=(x[1], 0.0, z[1]), limits=(0.0, limit))
    else:
        # Some lids cover only the front part of a fixed top.
        back = y[1] if chance(rng, 0.7) else y[1] - 0.3 * depth
        if back < y[1]:
            builder.add("body", box(x, (back + 0.003, y[1]), (height, z[1]), palette.body))
        lid_y = (y[0] - 0.006, back)
        builder.add("lid", box(x, lid_y, z, palette.front))
        if chance(rng, 0.5):
            builder.add("lid", box((-0.05, 0.05), (lid_y[0] - 0.015, lid_y[0]), z, palette.handle))
        builder.hinge("lid", axis=(-1, 0, 0), pivot=(0.0, back, z[1]), limits=(0.0, min(limit, 1.9)))
    _add_pedal(builder, rng, y[0])


def _add_pedal(builder: ObjectBuilder, rng: np.random.Generator, front: float) -> None:
    if chance(rng, 0.5):
        builder.add("body", box((-0.04, 0.04), (front - 0.04, front), (0.01, 0.02), pick(rng, METALS)))


def _add_rubbish(builder: ObjectBuilder, rng: np.random.Generator, reach: float, height: float) -> None:
    top = height * float(rng.uniform(0.3, 0.85))
    builder.add("body", rod((0, 0, 0.013), (0, 0, top), reach, vary(rng, (225, 222, 214), 20.0), segments=9))
