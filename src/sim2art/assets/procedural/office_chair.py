"""An office chair: the seat turns on its column, the back tilts on the seat, sometimes the column rises."""

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.procedural.builder import ObjectBuilder
from sim2art.assets.procedural.palette import DARK, METALS, PAINTS, PLASTICS, chance, pick, sample_palette, vary
from sim2art.assets.procedural.shapes import bevelled_panel, box, rod, tube


def make_office_chair(rng: np.random.Generator) -> ArticulatedObject:
    """An office chair, about 1 m high, with two or three joints in a chain."""
    builder = ObjectBuilder("office_chair")
    palette = sample_palette(rng, PLASTICS, PAINTS)
    reach, arms = float(rng.uniform(0.25, 0.33)), int(rng.integers(4, 6))
    metal = vary(rng, pick(rng, (*METALS, DARK)), 8.0)
    start = float(rng.uniform(0.0, np.pi))
    for angle in start + np.arange(arms) * 2 * np.pi / arms:
        tip = reach * float(np.cos(angle)), reach * float(np.sin(angle))
        builder.add("body", rod((0, 0, 0.1), (*tip, 0.075), 0.02, metal, end_radius=0.013))
        side = 0.012 * np.array([-np.sin(angle), np.cos(angle), 0.0])
        hub = np.array([*tip, 0.028])
        builder.add("body", rod(hub - side, hub + side, 0.028, DARK, segments=8))
    seat = float(rng.uniform(0.42, 0.5))
    builder.add("body", rod((0, 0, 0.06), (0, 0, 0.11), 0.03, metal, segments=12))
    builder.add("body", tube((0, 0), (0.11, 0.24), (0.03, 0.026), 0.006, metal, segments=12))
    parent, rises = "body", chance(rng, 0.4)
    if rises:
        builder.add("column", rod((0, 0, 0.12), (0, 0, seat - 0.045), 0.018, METALS[0], segments=10))
        builder.slide("column", axis=(0, 0, 1), limits=(0.0, float(rng.uniform(0.08, 0.12))))
        parent = "column"
    else:
        builder.add("body", rod((0, 0, 0.115), (0, 0, seat - 0.045), 0.018, METALS[0], segments=10))
    half, depth = 0.5 * float(rng.uniform(0.42, 0.52)), float(rng.uniform(0.4, 0.48))
    thick = float(rng.uniform(0.04, 0.08))
    y = (-0.55 * depth, 0.45 * depth)
    builder.add("seat", box((-half, half), y, (seat, seat + thick), palette.front))
    builder.add("seat", box((-0.1, 0.1), (-0.1, 0.1), (seat - 0.042, seat), DARK))
    limits = (-float(rng.uniform(0.6, 1.6)), float(rng.uniform(0.6, 1.6)))
    builder.hinge("seat", axis=(0, 0, 1), pivot=(0.0, 0.0, 0.0), limits=limits, parent=parent)
    if chance(rng, 0.5):
        for side in (-1.0, 1.0):
            span = sorted((side * (half + 0.004), side * (half + 0.05)))
            rest = seat + thick + 0.2
            builder.add("seat", box((span[0], span[1]), (-0.02, 0.03), (seat + 0.01, rest), DARK))
            builder.add("seat", box((span[0], span[1]), (-0.14, 0.12), (rest, rest + 0.025), DARK))
            link = sorted((side * (half - 0.02), side * (half + 0.05)))
            builder.add("seat", box((link[0], link[1]), (-0.02, 0.03), (seat - 0.012, seat - 0.001), DARK))
    tall = float(rng.uniform(0.4, 0.62))
    back = (y[1] + 0.02, y[1] + 0.02 + float(rng.uniform(0.03, 0.06)))
    low = seat + thick + float(rng.uniform(0.04, 0.12))
    builder.add("back", bevelled_panel((-0.9 * half, 0.9 * half), back, (low, low + tall), 0.01, palette.front))
    spine = back[1]
    builder.add("back", box((-0.04, 0.04), (spine, spine + 0.02), (seat - 0.02, low + 0.5 * tall), DARK))
    builder.add("seat", box((-0.03, 0.03), (0.1, spine - 0.003), (seat - 0.03, seat - 0.004), DARK))
    tilt = (0.0, float(rng.uniform(0.3, 0.6)))
    builder.hinge("back", axis=(-1, 0, 0), pivot=(0.0, spine, seat - 0.015), limits=tilt, parent="seat")
    return builder.build()
