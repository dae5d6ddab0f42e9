"""A microwave oven: a side-hinged glazed door beside a control panel that does not move."""

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.procedural.blocks import GAP, Front, FrontStyle, carcass, door
from sim2art.assets.procedural.builder import ObjectBuilder
from sim2art.assets.procedural.palette import DARK, GLASS, METALS, PLASTICS, chance, pick, sample_palette, vary
from sim2art.assets.procedural.shapes import box, rod


def make_microwave(rng: np.random.Generator) -> ArticulatedObject:
    """A microwave, 0.4-0.6 m wide."""
    builder = ObjectBuilder("microwave")
    palette = sample_palette(rng, METALS, PLASTICS[:2])
    width, depth, height = float(rng.uniform(0.4, 0.6)), float(rng.uniform(0.28, 0.45)), float(rng.uniform(0.22, 0.36))
    x, y, z = (-0.5 * width, 0.5 * width), (0.0, depth), (0.015, 0.015 + height)
    panel = width * float(rng.uniform(0.2, 0.3))
    cut = x[1] - panel
    wall = float(rng.uniform(0.015, 0.03))
    builder.add("body", *carcass((x[0], cut), y, z, wall, palette.body, vary(rng, (200, 200, 196), 10.0)))
    builder.add("body", box((cut, x[1]), y, z, palette.body))
    style = FrontStyle(
        panel="glass", handle=pick(rng, ("bar", "flat_bar", "recess", "lip")), thickness=float(rng.uniform(0.02, 0.04)),
        front=palette.front, handle_color=palette.handle, handle_length=float(rng.uniform(0.4, 0.75)), handle_place=0.5,
    )  # fmt: skip
    # The panel is as thick as the door, so that both are flush when closed.
    front = (-style.thickness - GAP, 0.0)
    builder.add("body", box((cut + 0.002, x[1]), front, z, palette.front))
    _add_controls(builder, rng, (cut, x[1]), z, front[0])
    door(builder, rng, "door", "left", Front((x[0], cut - 0.002), z, -GAP, style), limit=(1.4, 2.0))
    middle, radius = (0.5 * (x[0] + cut), 0.5 * depth), 0.36 * min(cut - x[0], depth)
    floor = z[0] + wall
    builder.add("body", rod((*middle, floor + 0.006), (*middle, floor + 0.014), radius, GLASS, segments=14))
    builder.add("body", rod((*middle, floor), (*middle, floor + 0.006), 0.03, DARK))
    if chance(rng, 0.4):
        food = (*middle, floor + 0.014), (*middle, floor + 0.07)
        builder.add("body", rod(*food, 0.045, vary(rng, palette.accent, 20.0), segments=10))
    for sx in (x[0] + 0.04, x[1] - 0.04):
        for sy in (0.04, depth - 0.04):
            builder.add("body", rod((sx, sy, 0.0), (sx, sy, 0.015), 0.012, DARK, segments=6))
    return builder.build()


def _add_controls(
    builder: ObjectBuilder, rng: np.random.Generator, x: tuple[float, float], z: tuple[float, float], y: float
) -> None:
    width, height = x[1] - x[0], z[1] - z[0]
    left, right = x[0] + 0.2 * width, x[1] - 0.18 * width
    builder.add("body", box((left, right), (y - 0.001, y), (z[0] + 0.78 * height, z[0] + 0.92 * height), (20, 60, 50)))
    if chance(rng, 0.4):
        middle = 0.5 * (left + right)
        for share in (0.25, 0.55):
            at = (middle, y, z[0] + share * height)
            tip = (middle, y - 0.018, z[0] + share * height)
            builder.add("body", rod(at, tip, 0.24 * width, vary(rng, DARK), segments=10))
        return
    color = vary(rng, (150, 150, 154), 30.0)
    for low in np.linspace(z[0] + 0.12 * height, z[0] + 0.62 * height, 4):
        for near in np.linspace(left, right - 0.2 * width, 3):
            button = (near, near + 0.16 * width), (y - 0.002, y), (low, low + 0.09 * height)
            builder.add("body", box(*button, color))
