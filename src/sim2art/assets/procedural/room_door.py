"""A door (or a pair) in a piece of wall, with frame, lever or knob on both sides; seen from either side."""

import dataclasses

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.placement import turned
from sim2art.assets.procedural.blocks import front_panel, sample_front_style
from sim2art.assets.procedural.builder import ObjectBuilder
from sim2art.assets.procedural.palette import METALS, PAINTS, WOODS, chance, pick, sample_palette, vary
from sim2art.assets.procedural.shapes import Color, Span, box, rod
from sim2art.assets.procedural.walls import RAIL, add_wall_with_opening


def make_room_door(rng: np.random.Generator) -> ArticulatedObject:
    """A room door of 0.65-1.0 m in a wall about 2.5 m high; half of them open away from the viewer."""
    builder = ObjectBuilder("room_door")
    palette = sample_palette(rng, WOODS, PAINTS)
    leaves = 2 if chance(rng, 0.2) else 1
    width, height = leaves * float(rng.uniform(0.65, 1.0)), float(rng.uniform(1.9, 2.15))
    x, z = (-0.5 * width, 0.5 * width), (0.0, height)
    depth = float(rng.uniform(0.08, 0.2))
    margin = (float(rng.uniform(0.08, 0.8)), float(rng.uniform(0.08, 0.8)))
    add_wall_with_opening(
        builder, rng, ((x[0] - margin[0], x[1] + margin[1]), (0.0, height + float(rng.uniform(0.1, 0.5)))), (x, z),
        depth, frame=palette.body if chance(rng, 0.5) else palette.front, has_sill=False,
    )  # fmt: skip
    style = dataclasses.replace(sample_front_style(rng, palette), thickness=float(rng.uniform(0.034, 0.05)))
    metal = vary(rng, pick(rng, METALS), 10.0)
    limit = (0.0, float(rng.uniform(1.2, 2.0)))
    has_lever = chance(rng, 0.65)
    inner = (x[0] + RAIL + 0.003, x[1] - RAIL - 0.003)
    spans = [inner] if leaves == 1 else [(inner[0], -0.002), (0.002, inner[1])]
    sides = [pick(rng, ("left", "right"))] if leaves == 1 else ["left", "right"]
    top = height - RAIL - 0.003
    for span, side in zip(spans, sides, strict=True):
        name = "door" if leaves == 1 else f"door_{side}"
        # The front face lies 1 mm behind the wall's face, and the hinge line on that front edge.
        y = (0.001, 0.001 + style.thickness)
        builder.add(name, *front_panel(rng, style.panel, span, (0.008, top), y, style.front))
        hand = span[1] - 0.06 if side == "left" else span[0] + 0.06
        inward = -1.0 if side == "left" else 1.0
        _add_knobs(builder, name, hand, inward, float(rng.uniform(0.9, 1.1)), y, metal, has_lever=has_lever)
        if side == "left":
            builder.hinge(name, axis=(0, 0, -1), pivot=(span[0], y[0], 0.0), limits=limit)
        else:
            builder.hinge(name, axis=(0, 0, 1), pivot=(span[1], y[0], 0.0), limits=limit)
    built = builder.build()
    if chance(rng, 0.5):
        built = turned(built, np.pi)
    return built


def _add_knobs(
    builder: ObjectBuilder, link: str, x: float, inward: float, z: float, y: Span, color: Color, *, has_lever: bool
) -> None:
    """A lever or a knob on both faces."""
    for face, out in ((y[0], -1.0), (y[1], 1.0)):
        tip = (x, face + out * 0.05, z)
        builder.add(link, rod((x, face, z), tip, 0.01, color))
        builder.add(link, rod((x, face, z), (x, face + out * 0.006, z), 0.026, color, segments=10))
        if has_lever:
            end = x + inward * 0.115
            low, high = min(x - inward * 0.012, end), max(x - inward * 0.012, end)
            builder.add(link, box((low, high), (tip[1] - 0.007, tip[1] + 0.007), (z - 0.01, z + 0.01), color))
        else:
            builder.add(link, rod((x, tip[1] - 0.016, z), (x, tip[1] + 0.016, z), 0.028, color, segments=10))
