"""A dishwasher: closed door on a bottom hinge, or door left open and racks that slide, or stacked washing drawers."""

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.procedural.blocks import GAP, Front, FrontStyle, carcass, clutter, door, drawer, front_panel
from sim2art.assets.procedural.builder import ObjectBuilder
from sim2art.assets.procedural.palette import METALS, PLASTICS, chance, pick, sample_palette, vary
from sim2art.assets.procedural.shapes import Color, Span, box, rod, turned


def make_dishwasher(rng: np.random.Generator) -> ArticulatedObject:
    """A dishwasher, 0.45-0.62 m wide.

    A rack cannot leave through a closed door, and joints must be free of each other: where racks move, the door
    stands open as part of the body.
    """
    builder = ObjectBuilder("dishwasher")
    palette = sample_palette(rng, METALS, PLASTICS[:2])
    width, depth, height = float(rng.uniform(0.45, 0.62)), float(rng.uniform(0.5, 0.6)), float(rng.uniform(0.75, 0.88))
    x, y = (-0.5 * width, 0.5 * width), (0.0, depth)
    foot, wall, steel = float(rng.uniform(0.06, 0.12)), 0.02, vary(rng, (176, 180, 184), 10.0)
    builder.add("body", box((x[0] + 0.01, x[1] - 0.01), (0.05, depth), (0.0, foot), (40, 40, 44)))
    style = FrontStyle(
        panel=pick(rng, ("plain", "bevel")), handle=pick(rng, ("bar", "flat_bar", "recess")),
        thickness=float(rng.uniform(0.02, 0.045)), front=palette.front, handle_color=palette.handle,
        handle_length=float(rng.uniform(0.4, 0.8)), handle_place=0.5,
    )  # fmt: skip
    variant = pick(rng, ("door", "racks", "drawers"))
    if variant == "drawers":
        middle = 0.5 * (foot + height)
        for number, z in enumerate(((foot, middle - 0.003), (middle + 0.003, height))):
            builder.add("body", *carcass(x, y, z, wall, palette.body, steel))
            drawer(
                builder,
                rng,
                f"drawer_{number + 1}",
                Front(x, z, -GAP, style),
                0.85 * depth,
                steel,
                overlay=wall + 0.006,
            )
        return builder.build()
    z = (foot, height)
    builder.add("body", *carcass(x, y, z, wall, palette.body, steel))
    racks = (foot + 0.08, foot + 0.08 + 0.45 * (height - foot))
    inner = (x[0] + wall + 0.012, x[1] - wall - 0.012)
    for number, level in enumerate(racks):
        link = f"rack_{number + 1}" if variant == "racks" else "body"
        _add_rack(builder, rng, link, inner, (0.03, depth - 0.04), level, vary(rng, (210, 212, 216), 20.0))
        if variant == "racks":
            travel = (depth - 0.07) * float(rng.uniform(0.6, 0.9))
            builder.slide(link, axis=(0, -1, 0), limits=(0.0, travel))
    if variant == "racks":
        panel = front_panel(rng, style.panel, x, z, (-style.thickness - GAP, -GAP), style.front)
        builder.add("body", *(turned(mesh, 0, 1.5, (0.0, -style.thickness - GAP, foot)) for mesh in panel))
    else:
        door(builder, rng, "door", "bottom", Front(x, z, -GAP, style), limit=(1.3, 1.6))
    return builder.build()


def _add_rack(
    builder: ObjectBuilder, rng: np.random.Generator, link: str, x: Span, y: Span, z: float, color: Color
) -> None:
    radius = 0.004
    for level in (z, z + 0.1):
        for ends in (((x[0], y[0]), (x[1], y[0])), ((x[1], y[0]), (x[1], y[1])), ((x[1], y[1]), (x[0], y[1])),
                     ((x[0], y[1]), (x[0], y[0]))):  # fmt: skip
            builder.add(link, rod((*ends[0], level), (*ends[1], level), radius, color, segments=4))
    for at in np.linspace(x[0], x[1], 6):
        builder.add(link, rod((at, y[0], z), (at, y[1], z), 0.003, color, segments=4))
    for at in ((x[0], y[0]), (x[1], y[0]), (x[0], y[1]), (x[1], y[1])):
        builder.add(link, rod((*at, z), (*at, z + 0.1), radius, color, segments=4))
    if chance(rng, 0.7):
        room = (x[0] + 0.02, x[1] - 0.02), (y[0] + 0.05, y[1] - 0.05), (z + 0.005, z + 0.16)
        builder.add(link, *clutter(rng, *room, count=int(rng.integers(2, 6))))
