"""A table whose one or two leaves hang at rest and swing up; sometimes with a drawer."""

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.procedural.blocks import GAP, Front, clutter, drawer, sample_front_style
from sim2art.assets.procedural.builder import ObjectBuilder
from sim2art.assets.procedural.palette import chance, pick, sample_palette, vary
from sim2art.assets.procedural.shapes import Span, box, rod


def make_drop_leaf_table(rng: np.random.Generator) -> ArticulatedObject:
    """A drop-leaf table, 0.45-0.8 m high."""
    builder = ObjectBuilder("drop_leaf_table")
    palette = sample_palette(rng)
    width, depth, height = float(rng.uniform(0.35, 0.8)), float(rng.uniform(0.5, 0.9)), float(rng.uniform(0.45, 0.78))
    x, y, board = (-0.5 * width, 0.5 * width), (0.0, depth), float(rng.uniform(0.018, 0.03))
    builder.add("body", box(x, y, (height - board, height), palette.front))
    _add_legs(builder, rng, x, y, height - board, palette.body)
    apron = float(rng.uniform(0.1, 0.16))
    low, inset = height - board - apron, 0.035
    frame_x, frame_y = (x[0] + inset, x[1] - inset), (inset, depth - inset)
    for side in ((frame_x[0], frame_x[0] + 0.02), (frame_x[1] - 0.02, frame_x[1])):
        builder.add("body", box(side, frame_y, (low, height - board), palette.body))
    inner = (frame_x[0] + 0.02, frame_x[1] - 0.02)
    builder.add("body", box(inner, (frame_y[1] - 0.02, frame_y[1]), (low, height - board), palette.body))
    if chance(rng, 0.5):
        style = sample_front_style(rng, palette, glass=0.0)
        span = (inner[0] + 0.012, inner[1] - 0.012)
        front = Front(span, (low + 0.004, height - board - 0.004), frame_y[0] + style.thickness + GAP, style)
        drawer(builder, rng, "drawer", front, 0.7 * (frame_y[1] - frame_y[0]), palette.inside, overlay=0.006)
    else:
        builder.add("body", box(inner, (frame_y[0], frame_y[0] + 0.02), (low, height - board), palette.body))
    sides = pick(rng, (("left",), ("right",), ("left", "right")))
    for side in sides:
        reach = float(rng.uniform(0.45, 0.85)) * height if chance(rng, 0.5) else float(rng.uniform(0.2, 0.35))
        reach = min(reach, height - 0.06)
        edge = x[0] - 0.003 if side == "left" else x[1] + 0.003
        span = (edge - board, edge) if side == "left" else (edge, edge + board)
        name = f"leaf_{side}"
        builder.add(name, box(span, y, (height - reach, height), vary(rng, palette.front, 5.0)))
        axis = (0, 1, 0) if side == "left" else (0, -1, 0)
        # About its upper outer edge the leaf rises beside the top, and ends level with it.
        outer = span[0] if side == "left" else span[1]
        limits = (0.0, float(rng.uniform(1.2, 0.5 * np.pi)))
        builder.hinge(name, axis=axis, pivot=(outer, 0.0, height), limits=limits)
    if chance(rng, 0.5):
        room = (x[0] + 0.05, x[1] - 0.05), (0.05, depth - 0.05), (height, height + 0.25)
        builder.add("body", *clutter(rng, *room, count=int(rng.integers(1, 3))))
    return builder.build()


def _add_legs(
    builder: ObjectBuilder, rng: np.random.Generator, x: Span, y: Span, top: float, color: tuple[int, int, int]
) -> None:
    half, round_legs = float(rng.uniform(0.016, 0.026)), chance(rng, 0.4)
    for at_x in (x[0] + 0.035, x[1] - 0.035):
        for at_y in (y[0] + 0.035, y[1] - 0.035):
            if round_legs:
                builder.add("body", rod((at_x, at_y, 0), (at_x, at_y, top), 0.7 * half, color, end_radius=half))
            else:
                span = (at_x - half, at_x + half), (at_y - half, at_y + half)
                builder.add("body", box(*span, (0.0, top), color))
