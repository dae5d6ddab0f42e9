"""A clamshell suitcase lying flat: upper shell hinged at the back, sometimes a telescopic handle that pulls out."""

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.procedural.blocks import clutter, open_box
from sim2art.assets.procedural.builder import ObjectBuilder
from sim2art.assets.procedural.palette import DARK, METALS, PAINTS, PLASTICS, chance, pick, sample_palette, vary
from sim2art.assets.procedural.shapes import Span, box, rod, shifted, turned


def make_suitcase(rng: np.random.Generator) -> ArticulatedObject:
    """A suitcase or briefcase, 0.35-0.75 m wide."""
    builder = ObjectBuilder("suitcase")
    palette = sample_palette(rng, PLASTICS, PAINTS)
    width, height = float(rng.uniform(0.35, 0.75)), float(rng.uniform(0.1, 0.3))
    depth = width * float(rng.uniform(0.6, 0.75))
    x, y = (-0.5 * width, 0.5 * width), (0.0, depth)
    seam = height * float(rng.uniform(0.45, 0.75))
    has_telescope = chance(rng, 0.4)
    lift = 0.034 if has_telescope else 0.004  # The bars of the handle run below the floor of the shell.
    builder.add("body", *open_box(x, y, (lift, seam), 0.008, palette.body))
    room = (x[0] + 0.02, x[1] - 0.02), (0.02, depth - 0.02), (lift + 0.008, seam - 0.005)
    builder.add("body", *clutter(rng, *room, count=int(rng.integers(2, 6))))
    lid_z = (seam + 0.003, height)
    shell = open_box(x, y, (0.0, lid_z[1] - lid_z[0]), 0.008, vary(rng, palette.body, 4.0))
    # Turned over about the long middle line, the open side faces down.
    middle = (0.0, 0.5 * depth, 0.5 * (lid_z[1] - lid_z[0]))
    builder.add("lid", *(shifted(turned(mesh, 0, np.pi, middle), (0.0, 0.0, lid_z[0])) for mesh in shell))
    _add_ribs(builder, rng, x, y, height, palette.accent)
    grip = palette.handle if chance(rng, 0.5) else DARK
    for at in (-0.28 * width, 0.28 * width):
        latch = (at - 0.015, at + 0.015), (-0.006, 0.0)
        builder.add("body", box(*latch, (seam - 0.03, seam), pick(rng, METALS)))
        builder.add("lid", box(*latch, (lid_z[0], lid_z[0] + 0.015), pick(rng, METALS)))
    low = 0.5 * (lift + seam)
    for at in (-0.06, 0.06):
        builder.add("body", rod((at, 0.0, low), (at, -0.035, low), 0.007, grip))
    builder.add("body", rod((-0.07, -0.035, low), (0.07, -0.035, low), 0.009, grip))
    builder.hinge("lid", axis=(-1, 0, 0), pivot=(0.0, depth, lid_z[0]), limits=(0.0, float(rng.uniform(1.5, 3.0))))
    if has_telescope:
        under = (0.004, lift)
        builder.add("body", box((x[0], x[0] + 0.008), y, under, palette.body))
        for span in ((0.0, 0.25 * depth), (0.75 * depth, depth)):
            builder.add("body", box((x[0] + 0.008, x[1]), span, under, palette.body))
        _add_telescope(builder, rng, x, depth, 0.5 * (under[0] + under[1]), grip)
    return builder.build()


def _add_ribs(
    builder: ObjectBuilder, rng: np.random.Generator, x: Span, y: Span, top: float, color: tuple[int, int, int]
) -> None:
    count = int(rng.integers(0, 5))
    rib = vary(rng, color, 10.0)
    for at in np.linspace(x[0] + 0.08, x[1] - 0.08, count):
        builder.add("lid", box((at - 0.01, at + 0.01), (y[0] + 0.03, y[1] - 0.03), (top, top + 0.004), rib))


def _add_telescope(
    builder: ObjectBuilder, rng: np.random.Generator, x: Span, depth: float, z: float, color: tuple[int, int, int]
) -> None:
    """Two bars in the lower shell that pull out on the right, joined by a grip."""
    length = (x[1] - x[0]) * float(rng.uniform(0.55, 0.85))
    start, end = x[1] + 0.02 - length, x[1] + 0.02
    near, far = 0.38 * depth, 0.62 * depth
    for at in (near, far):
        builder.add("telescope", rod((start, at, z), (end, at, z), 0.006, pick(rng, METALS)))
    builder.add("telescope", box((end, end + 0.022), (near - 0.02, far + 0.02), (z - 0.011, z + 0.011), color))
    builder.slide("telescope", axis=(1, 0, 0), limits=(0.0, length * float(rng.uniform(0.6, 0.85))))
