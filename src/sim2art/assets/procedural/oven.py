"""An oven or range: a glazed door hinged at the bottom, knobs and hotplates that do not move, racks inside."""

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.procedural.blocks import GAP, Front, FrontStyle, carcass, door, drawer
from sim2art.assets.procedural.builder import ObjectBuilder
from sim2art.assets.procedural.palette import DARK, METALS, PLASTICS, chance, pick, sample_palette, vary
from sim2art.assets.procedural.shapes import box, rod


def make_oven(rng: np.random.Generator) -> ArticulatedObject:
    """An oven, 0.45-0.75 m wide; a range has hotplates and sometimes a drawer below."""
    builder = ObjectBuilder("oven")
    palette = sample_palette(rng, METALS, PLASTICS[:2])
    width, depth = float(rng.uniform(0.45, 0.75)), float(rng.uniform(0.45, 0.65))
    is_range = chance(rng, 0.6)
    height = float(rng.uniform(0.8, 0.95) if is_range else rng.uniform(0.45, 0.65))
    x, y = (-0.5 * width, 0.5 * width), (0.0, depth)
    foot = float(rng.uniform(0.15, 0.25)) if is_range else 0.02
    panel = float(rng.uniform(0.08, 0.14))
    wall = float(rng.uniform(0.02, 0.045))
    builder.add("body", *carcass(x, y, (foot, height - panel), wall, palette.body, vary(rng, DARK, 8.0)))
    builder.add("body", box(x, y, (height - panel, height), palette.body))
    style = FrontStyle(
        panel="glass", handle=pick(rng, ("bar", "flat_bar")), thickness=float(rng.uniform(0.025, 0.045)),
        front=palette.front, handle_color=palette.handle, handle_length=float(rng.uniform(0.55, 0.8)), handle_place=0.5,
    )  # fmt: skip
    for level in np.linspace(foot + wall, height - panel - wall, int(rng.integers(3, 5)) + 1)[1:-1]:
        for share in np.linspace(0.08, 0.92, 7):
            at = x[0] + wall + share * (width - 2 * wall)
            ends = (at, 0.02, float(level)), (at, depth - 0.03, float(level))
            builder.add("body", rod(*ends, 0.003, (150, 150, 150), segments=4))
    door(builder, rng, "door", "bottom", Front(x, (foot, height - panel - 0.004), -GAP, style), limit=(1.3, 1.56))
    for at in np.linspace(x[0] + 0.08, x[1] - 0.08, int(rng.integers(2, 7))):
        z = height - 0.5 * panel
        builder.add("body", rod((at, 0.0, z), (at, -0.025, z), float(rng.uniform(0.014, 0.024)), DARK, segments=10))
    if is_range:
        _add_hotplates(builder, rng, x, y, height)
        if foot > 0.17 and chance(rng, 0.5):
            builder.add("body", *carcass(x, y, (0.0, foot - 0.004), 0.015, palette.body, palette.inside))
            front = Front(x, (0.01, foot - 0.006), -GAP, style)
            drawer(builder, rng, "drawer", front, 0.8 * depth, palette.inside, overlay=0.02)
        else:
            builder.add("body", box(x, (0.03, depth), (0.0, foot), palette.body))
    else:
        builder.add("body", box((x[0] + 0.02, x[1] - 0.02), (0.02, depth - 0.02), (0.0, foot), DARK))
    return builder.build()


def _add_hotplates(
    builder: ObjectBuilder, rng: np.random.Generator, x: tuple[float, float], y: tuple[float, float], top: float
) -> None:
    for share_x in (0.27, 0.73):
        for share_y in (0.3, 0.72):
            at = (x[0] + share_x * (x[1] - x[0]), share_y * y[1])
            radius = float(rng.uniform(0.06, 0.1)) * (x[1] - x[0]) / 0.6
            builder.add("body", rod((*at, top), (*at, top + 0.008), radius, vary(rng, DARK, 6.0), segments=12))
    if chance(rng, 0.4):
        builder.add("body", box(x, (y[1] - 0.05, y[1]), (top, top + float(rng.uniform(0.05, 0.18))), DARK))
