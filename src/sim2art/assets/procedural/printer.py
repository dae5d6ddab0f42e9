"""A desktop printer: scanner lid on top, paper tray at the front, sometimes a paper rest behind."""

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.procedural.builder import ObjectBuilder
from sim2art.assets.procedural.palette import DARK, GLASS, PAPER, PLASTICS, chance, sample_palette, vary
from sim2art.assets.procedural.shapes import box


def make_printer(rng: np.random.Generator) -> ArticulatedObject:
    """A printer, 0.36-0.5 m wide."""
    builder = ObjectBuilder("printer")
    palette = sample_palette(rng, PLASTICS[:2], PLASTICS[6:7], PLASTICS[9:])
    width, depth, height = float(rng.uniform(0.36, 0.5)), float(rng.uniform(0.3, 0.42)), float(rng.uniform(0.14, 0.28))
    x, half = (-0.5 * width, 0.5 * width), 0.5 * width
    slot = (0.02, float(rng.uniform(0.06, 0.09)))
    mouth = 0.5 * float(rng.uniform(0.6, 0.78)) * width
    # The body around the slot: floor, two cheeks, upper block, back.
    builder.add("body", box(x, (0.0, depth), (0.0, slot[0]), palette.body))
    for span in ((x[0], -mouth), (mouth, x[1])):
        builder.add("body", box(span, (0.0, depth), slot, palette.body))
    builder.add("body", box((-mouth, mouth), (0.8 * depth, depth), slot, DARK))
    builder.add("body", box(x, (0.0, depth), (slot[1], height), palette.body))
    glass = (x[0] + 0.04, x[1] - 0.06), (0.05, depth - 0.05)
    builder.add("body", box(*glass, (height, height + 0.001), vary(rng, GLASS, 20.0)))
    builder.add("body", box((half - 0.14, half - 0.03), (-0.012, 0.0), (height - 0.05, height - 0.01), DARK))
    lid_z = (height + 0.003, height + float(rng.uniform(0.018, 0.05)))
    builder.add("lid", box(x, (0.0, depth - 0.02), lid_z, palette.front))
    builder.add("lid", box((-0.06, 0.06), (-0.008, 0.0), (lid_z[0], lid_z[0] + 0.01), DARK))
    builder.hinge(
        "lid", axis=(-1, 0, 0), pivot=(0.0, depth - 0.02, lid_z[0]), limits=(0.0, float(rng.uniform(1.0, 1.6)))
    )
    _add_tray(builder, rng, mouth - 0.004, slot, depth, vary(rng, palette.body, 15.0))
    if chance(rng, 0.45):
        tall = float(rng.uniform(0.12, 0.2))
        rest = (-0.7 * mouth, 0.7 * mouth), (depth + 0.003, depth + 0.010)
        builder.add("rest", box(*rest, (height - tall, height), vary(rng, DARK, 15.0)))
        builder.hinge(
            "rest", axis=(1, 0, 0), pivot=(0.0, depth + 0.010, height), limits=(0.0, float(rng.uniform(1.8, 2.6)))
        )
    return builder.build()


def _add_tray(
    builder: ObjectBuilder, rng: np.random.Generator, half: float, slot: tuple[float, float], depth: float,
    color: tuple[int, int, int],
) -> None:  # fmt: skip
    x, reach = (-half, half), 0.76 * depth
    floor = slot[0] + 0.003
    builder.add("tray", box(x, (0.0, reach), (floor, floor + 0.006), color))
    for span in ((x[0], x[0] + 0.008), (x[1] - 0.008, x[1])):
        builder.add("tray", box(span, (0.0, reach), (floor + 0.006, floor + 0.025), color))
    builder.add("tray", box(x, (-0.016, -0.002), (floor, slot[1] - 0.003), color))
    paper = (x[0] + 0.02, x[1] - 0.02), (0.01, reach - 0.01)
    builder.add("tray", box(*paper, (floor + 0.006, floor + float(rng.uniform(0.01, 0.02))), PAPER))
    builder.slide("tray", axis=(0, -1, 0), limits=(0.0, reach * float(rng.uniform(0.55, 0.9))))
