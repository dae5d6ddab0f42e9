"""A piece of wall with a framed opening, for doors and windows."""

import numpy as np

from sim2art.assets.procedural.blocks import border
from sim2art.assets.procedural.builder import ObjectBuilder
from sim2art.assets.procedural.palette import PAINTS, chance, pick, vary
from sim2art.assets.procedural.shapes import Color, Rectangle, box

RAIL = 0.03
"""Width of a frame's sides, m."""


def add_wall_with_opening(
    builder: ObjectBuilder, rng: np.random.Generator, wall: Rectangle, opening: Rectangle, depth: float, *,
    frame: Color, has_sill: bool,
) -> None:  # fmt: skip
    """A wall from y = 0 to `depth` around an opening, whose frame takes `RAIL` off each side.

    Without a sill the opening reaches the floor and its frame has three sides.
    """
    (wall_x, wall_z), (x, z) = wall, opening
    color = vary(rng, pick(rng, PAINTS[:4]) if chance(rng, 0.7) else pick(rng, PAINTS), 8.0)
    y = (0.0, depth)
    pieces = [((wall_x[0], x[0]), wall_z), ((x[1], wall_x[1]), wall_z), (x, (z[1], wall_z[1]))]
    if has_sill:
        pieces.append((x, (wall_z[0], z[0])))
    builder.add("body", *(box(px, y, pz, color) for px, pz in pieces if px[1] - px[0] > 1e-3 and pz[1] - pz[0] > 1e-3))
    proud = (-0.012, depth + 0.012) if chance(rng, 0.6) else (-0.002, depth + 0.002)
    if has_sill:
        builder.add("body", *border(x, z, proud, RAIL, frame))
        if chance(rng, 0.5):
            board = (x[0] - 0.03, x[1] + 0.03), (-0.06, -0.012), (z[0] - 0.02, z[0])
            builder.add("body", box(*board, vary(rng, frame, 8.0)))
        return
    builder.add("body", box((x[0], x[0] + RAIL), proud, z, frame), box((x[1] - RAIL, x[1]), proud, z, frame))
    builder.add("body", box((x[0] + RAIL, x[1] - RAIL), proud, (z[1] - RAIL, z[1]), frame))
