"""A toaster: pressing the lever lowers the bread into the slots. A short vertical slide of a small part."""

import itertools

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.procedural.builder import ObjectBuilder
from sim2art.assets.procedural.palette import DARK, METALS, PLASTICS, chance, sample_palette, vary
from sim2art.assets.procedural.shapes import box, rod


def make_toaster(rng: np.random.Generator) -> ArticulatedObject:
    """A toaster, 0.25-0.4 m long, with one or two slots and the lever on its left end; bread up is value 0."""
    builder = ObjectBuilder("toaster")
    palette = sample_palette(rng, METALS, PLASTICS)
    slots = int(rng.integers(1, 3))
    length, height = float(rng.uniform(0.25, 0.4)), float(rng.uniform(0.16, 0.21))
    slot, wall = float(rng.uniform(0.026, 0.036)), float(rng.uniform(0.03, 0.04))
    depth = slots * slot + (slots + 1) * wall
    x, end = (-0.5 * length, 0.5 * length), 0.045
    base = 0.03
    builder.add("body", box((x[0] + 0.01, x[1] - 0.01), (0.008, depth - 0.008), (0.0, base), DARK))
    edges = np.cumsum([0.0] + [wall, slot] * slots + [wall])
    spans = [(float(low), float(high)) for low, high in itertools.pairwise(edges)]
    for index, y in enumerate(spans):
        if index % 2 == 0:
            builder.add("body", box((x[0] + end, x[1] - end), y, (base, height), palette.body))
    for side in ((x[0], x[0] + end), (x[1] - end, x[1])):
        builder.add("body", box(side, (0.0, depth), (base, height), palette.front))
    travel = float(rng.uniform(0.4, 0.55)) * height
    crust = vary(rng, (176, 122, 70), 18.0)
    top = height + float(rng.uniform(0.02, 0.05))
    for y in spans[1::2]:
        bread = (x[0] + end + 0.015, x[1] - end - 0.015), (y[0] + 0.006, y[1] - 0.006)
        builder.add("lever", box(*bread, (base + 0.004 + travel, top), crust))
    # The lever rides outside the left end, on a guide.
    middle, at = 0.5 * depth, height - 0.035
    builder.add(
        "body", box((x[0] - 0.001, x[0]), (middle - 0.006, middle + 0.006), (at - travel - 0.01, at + 0.01), DARK)
    )
    builder.add(
        "lever", box((x[0] - 0.012, x[0] - 0.002), (middle - 0.008, middle + 0.008), (at - 0.008, at + 0.008), DARK)
    )
    builder.add(
        "lever", box((x[0] - 0.045, x[0] - 0.012), (middle - 0.03, middle + 0.03), (at - 0.007, at + 0.007), DARK)
    )
    builder.slide("lever", axis=(0, 0, -1), limits=(0.0, min(travel, at - base - 0.02)))
    if chance(rng, 0.6):
        dial = (x[1], 0.5 * depth, base + 0.04), (x[1] + 0.015, 0.5 * depth, base + 0.04)
        builder.add("body", rod(*dial, 0.014, palette.handle, segments=10))
    return builder.build()
