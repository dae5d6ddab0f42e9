"""A desk with one or two pedestals of drawers (or a door), sometimes a drawer under the top."""

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.procedural.blocks import Side, carcass, clutter, sample_front_style
from sim2art.assets.procedural.builder import ObjectBuilder
from sim2art.assets.procedural.cabinets import Cabinet, add_cabinet_door, add_cabinet_drawer, add_dividers, split_span
from sim2art.assets.procedural.palette import chance, pick, sample_palette
from sim2art.assets.procedural.shapes import Span, box


def make_desk(rng: np.random.Generator) -> ArticulatedObject:
    """A desk, 0.9-1.6 m wide."""
    builder = ObjectBuilder("desk")
    palette = sample_palette(rng)
    width, depth, height = float(rng.uniform(0.9, 1.6)), float(rng.uniform(0.5, 0.8)), float(rng.uniform(0.7, 0.78))
    x, board = (-0.5 * width, 0.5 * width), float(rng.uniform(0.02, 0.04))
    out = float(rng.uniform(0.0, 0.04))
    builder.add("body", box((x[0], x[1]), (-out, depth), (height - board, height), palette.front))
    style, is_inset = sample_front_style(rng, palette, glass=0.0), chance(rng, 0.3)

    def cell(span: Span, z: Span) -> Cabinet:
        return Cabinet(
            x=span, y=(0.0, depth - 0.02), z=z, wall=0.016, is_inset=is_inset, style=style, palette=palette
        )  # fmt: skip

    pedestal = float(rng.uniform(0.3, 0.42))
    layouts: tuple[tuple[Side, ...], ...] = (("left",), ("right",), ("left", "right"))
    sides = pick(rng, layouts)
    if width < 2.2 * pedestal + 0.3:
        sides = sides[:1]
    floor = float(rng.uniform(0.02, 0.1))
    number = 0
    for side in sides:
        span = (x[0] + 0.01, x[0] + pedestal) if side == "left" else (x[1] - pedestal, x[1] - 0.01)
        cabinet = cell(span, (floor, height - board - 0.001))
        builder.add("body", *carcass(cabinet.x, cabinet.y, cabinet.z, cabinet.wall, palette.body, palette.inside))
        builder.add("body", box((span[0] + 0.02, span[1] - 0.02), (0.04, depth - 0.05), (0.0, floor), palette.body))
        if chance(rng, 0.25):
            add_cabinet_door(builder, rng, cabinet, f"door_{side}", side, cabinet.front_x, cabinet.front_z)
            continue
        cells = split_span(rng, cabinet.front_z, int(rng.integers(1, 4)))
        add_dividers(builder, cabinet, cells, upright=False)
        for z in cells:
            number += 1
            add_cabinet_drawer(builder, rng, cabinet, f"drawer_{number}", cabinet.front_x, z)
    knee = (x[0] + (pedestal if "left" in sides else 0.06), x[1] - (pedestal if "right" in sides else 0.06))
    for side, edge in (("left", x[0]), ("right", x[1])):
        if side not in sides:
            leg = (edge + 0.01, edge + 0.05) if side == "left" else (edge - 0.05, edge - 0.01)
            for y in ((0.01, 0.05), (depth - 0.06, depth - 0.02)):
                builder.add("body", box(leg, y, (0.0, height - board), palette.body))
    if chance(rng, 0.5):
        flat = cell((knee[0] + 0.01, knee[1] - 0.01), (height - board - 0.125, height - board - 0.001))
        builder.add("body", *carcass(flat.x, flat.y, flat.z, flat.wall, palette.body, palette.inside))
        add_cabinet_drawer(builder, rng, flat, "drawer_middle", flat.front_x, flat.front_z)
    if chance(rng, 0.6):
        room = (x[0] + 0.1, x[1] - 0.1), (0.1, depth - 0.05), (height, height + 0.3)
        builder.add("body", *clutter(rng, *room, count=int(rng.integers(1, 4))))
    return builder.build()
