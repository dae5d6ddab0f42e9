"""A window or glass door whose sashes slide sideways; one sash is often fixed."""

import dataclasses

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.procedural.blocks import sample_front_style
from sim2art.assets.procedural.builder import ObjectBuilder
from sim2art.assets.procedural.palette import PAINTS, WOODS, chance, pick, sample_palette
from sim2art.assets.procedural.sliding import add_sliding_panels
from sim2art.assets.procedural.walls import RAIL, add_wall_with_opening


def make_sliding_window(rng: np.random.Generator) -> ArticulatedObject:
    """A sliding window (0.8-1.8 m wide, in a wall) or a sliding door that reaches the floor."""
    builder = ObjectBuilder("sliding_window")
    palette = sample_palette(rng, WOODS, PAINTS, PAINTS[:3])
    is_door = chance(rng, 0.35)
    width = float(rng.uniform(1.3, 2.0) if is_door else rng.uniform(0.8, 1.8))
    height = float(rng.uniform(1.9, 2.2) if is_door else rng.uniform(0.6, 1.3))
    x, depth = (-0.5 * width, 0.5 * width), float(rng.uniform(0.1, 0.2))
    sill = 0.0 if is_door else float(rng.uniform(0.15, 0.6))
    z = (sill, sill + height)
    margin = (float(rng.uniform(0.08, 0.4)), float(rng.uniform(0.08, 0.4)))
    add_wall_with_opening(
        builder, rng, ((x[0] - margin[0], x[1] + margin[1]), (0.0, z[1] + float(rng.uniform(0.1, 0.35)))), (x, z), depth,
        frame=palette.body, has_sill=not is_door,
    )  # fmt: skip
    style = dataclasses.replace(sample_front_style(rng, palette), thickness=float(rng.uniform(0.022, 0.032)))
    bottom = z[0] + (0.006 if is_door else RAIL + 0.003)
    add_sliding_panels(
        builder, rng, ((x[0] + RAIL, x[1] - RAIL), (bottom, z[1] - RAIL - 0.003)), 0.6 * depth + style.thickness, style,
        kind="glass" if chance(rng, 0.8) else pick(rng, ("framed", "plain")), count=2,
        fixed=int(rng.integers(0, 2)) if chance(rng, 0.5) else -1,
    )  # fmt: skip
    return builder.build()
