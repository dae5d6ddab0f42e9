"""A window with one or two sashes hinged at the side, the top (awning) or the bottom (hopper)."""

import dataclasses

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.procedural.blocks import Front, Side, door, sample_front_style
from sim2art.assets.procedural.builder import ObjectBuilder
from sim2art.assets.procedural.palette import PAINTS, WOODS, chance, pick, sample_palette
from sim2art.assets.procedural.shapes import Span, box
from sim2art.assets.procedural.walls import RAIL, add_wall_with_opening


def make_casement_window(rng: np.random.Generator) -> ArticulatedObject:
    """A casement window, 0.5-1.5 m wide, in a piece of wall."""
    builder = ObjectBuilder("casement_window")
    palette = sample_palette(rng, WOODS, PAINTS[:4])
    is_pair = chance(rng, 0.45)
    width, height = float(rng.uniform(0.9, 1.5) if is_pair else rng.uniform(0.5, 0.9)), float(rng.uniform(0.6, 1.3))
    x, sill = (-0.5 * width, 0.5 * width), float(rng.uniform(0.1, 0.7))
    z, depth = (sill, sill + height), float(rng.uniform(0.08, 0.2))
    margin = (float(rng.uniform(0.1, 0.4)), float(rng.uniform(0.1, 0.4)))
    add_wall_with_opening(
        builder, rng, ((x[0] - margin[0], x[1] + margin[1]), (0.0, z[1] + float(rng.uniform(0.1, 0.4)))), (x, z), depth,
        frame=palette.body, has_sill=True,
    )  # fmt: skip
    style = dataclasses.replace(
        sample_front_style(rng, palette, glass=1.0), thickness=float(rng.uniform(0.03, 0.045)),
        handle=pick(rng, ("flat_bar", "bar", "knob")), handle_length=0.16,
    )  # fmt: skip
    inner_z = (z[0] + RAIL + 0.003, z[1] - RAIL - 0.003)
    left, right = x[0] + RAIL + 0.003, x[1] - RAIL - 0.003
    y_back = style.thickness - 0.014  # Just proud of the frame, so that it clears it while turning.
    sashes: list[tuple[str, Side, Span]]
    if is_pair:
        post = 0.02 if chance(rng, 0.5) else 0.0
        if post:
            builder.add("body", box((-post, post), (y_back + 0.003, depth), (z[0] + RAIL, z[1] - RAIL), palette.body))
        sashes = [("sash_left", "left", (left, -0.002)), ("sash_right", "right", (0.002, right))]
    else:
        sashes = [("sash", pick(rng, ("left", "right", "left", "right", "top", "bottom")), (left, right))]
    for name, side, span in sashes:
        limit = (0.9, 1.9) if side in ("left", "right") else (0.4, 1.0)
        door(builder, rng, name, side, Front(span, inner_z, y_back, style), limit=limit)
    return builder.build()
