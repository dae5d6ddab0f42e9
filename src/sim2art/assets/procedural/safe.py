"""A safe: thick walls, one thick plug door, and a spoked wheel on it that turns (a chain)."""

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.procedural.blocks import carcass, clutter, shelves
from sim2art.assets.procedural.builder import ObjectBuilder
from sim2art.assets.procedural.palette import DARK, METALS, PAINTS, chance, pick, sample_palette, vary
from sim2art.assets.procedural.shapes import box, rod


def make_safe(rng: np.random.Generator) -> ArticulatedObject:
    """A safe, 0.35-0.7 m wide."""
    builder = ObjectBuilder("safe")
    palette = sample_palette(rng, METALS, PAINTS)
    width, depth, height = float(rng.uniform(0.35, 0.7)), float(rng.uniform(0.35, 0.6)), float(rng.uniform(0.35, 0.9))
    wall, thick = float(rng.uniform(0.035, 0.08)), float(rng.uniform(0.05, 0.09))
    x, z = (-0.5 * width, 0.5 * width), (0.0, height)
    builder.add("body", *carcass(x, (0.0, depth), z, wall, palette.body, vary(rng, DARK, 10.0)))
    room = (x[0] + wall, x[1] - wall), (thick + 0.03, depth - 0.02), (wall, height - wall)
    if chance(rng, 0.6):
        builder.add("body", *shelves(rng, *room, (120, 120, 124), count=int(rng.integers(1, 3)), fill=0.6))
    else:
        builder.add("body", *clutter(rng, *room, count=int(rng.integers(1, 4))))
    side = pick(rng, (-1.0, 1.0))
    gap = 0.004
    inner = (x[0] + wall + gap, x[1] - wall - gap)
    # The free edge of a plug is cut back, or its inner corner would jam in the frame.
    cut = 0.5 * thick**2 / (inner[1] - inner[0]) + 0.006
    plug = (inner[0] + 0.01, inner[1] - cut) if side < 0 else (inner[0] + cut, inner[1] - 0.01)
    door_z = (wall + gap, height - wall - gap)
    front = 0.35 * thick
    builder.add("door", box(inner, (-0.004, front), door_z, palette.front))
    builder.add(
        "door", box(plug, (front, thick), (door_z[0] + 0.006, door_z[1] - 0.006), vary(rng, palette.front, 10.0))
    )
    for share in (0.2, 0.8):
        at, edge = door_z[0] + share * (door_z[1] - door_z[0]), side * (0.5 * width - wall + 0.008)
        builder.add("body", rod((edge, -0.008, at - 0.03), (edge, -0.008, at + 0.03), 0.006, palette.handle))
    pivot = (side * (0.5 * width - wall - gap), -0.004, 0.0)
    builder.hinge("door", axis=(0, 0, side), pivot=pivot, limits=(0.0, float(rng.uniform(1.3, 2.0))))
    _add_wheel(builder, rng, -side * 0.12 * width, height, palette.handle)
    return builder.build()


def _add_wheel(
    builder: ObjectBuilder, rng: np.random.Generator, x: float, height: float, color: tuple[int, int, int]
) -> None:
    z, radius = 0.45 * height, float(rng.uniform(0.055, 0.09))
    hub = (x, -0.0045, z), (x, -0.05, z)
    builder.add("wheel", rod(*hub, 0.016, color, segments=10))
    spokes = int(rng.integers(3, 6))
    start = float(rng.uniform(0.0, np.pi))
    for angle in start + np.arange(spokes) * 2 * np.pi / spokes:
        tip = (x + radius * float(np.cos(angle)), -0.045, z + radius * float(np.sin(angle)))
        builder.add("wheel", rod((x, -0.04, z), tip, 0.007, color, segments=6, end_radius=0.009))
    dial = (x, -0.004, 0.7 * height), (x, -0.022, 0.7 * height)
    builder.add("door", rod(*dial, 0.03, DARK, segments=12))
    builder.hinge(
        "wheel", axis=(0, -1, 0), pivot=(x, 0.0, z), limits=(0.0, float(rng.uniform(1.2, 2.4))), parent="door"
    )  # fmt: skip
