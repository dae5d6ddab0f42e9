"""A kitchen or bathroom cabinet with one door or a pair, shelves and clutter behind."""

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.procedural.blocks import shelves
from sim2art.assets.procedural.builder import ObjectBuilder
from sim2art.assets.procedural.cabinets import add_cabinet_door, add_decoy, sample_cabinet, split_span
from sim2art.assets.procedural.palette import chance, pick, sample_palette


def make_base_cabinet(rng: np.random.Generator) -> ArticulatedObject:
    """A cabinet with doors, 0.3-1.0 m wide."""
    builder = ObjectBuilder("base_cabinet")
    is_pair = chance(rng, 0.5)
    cabinet = sample_cabinet(
        builder, rng, sample_palette(rng),
        ((0.55, 1.0) if is_pair else (0.3, 0.6), (0.3, 0.6), (0.5, 0.95)), glass=0.2,
    )  # fmt: skip
    z = cabinet.front_z
    if chance(rng, 0.2):
        z, strip = split_span(rng, (z[0], z[1]), 2, unevenness=0.0)
        cut = z[1] + 0.55 * (strip[1] - z[1])
        z, strip = (z[0], cut), (cut + 0.004, strip[1])
        add_decoy(builder, rng, cabinet, cabinet.front_x, strip)
    room = cabinet.inner_x, cabinet.cavity_y, (cabinet.inner_z[0], min(cabinet.inner_z[1], z[1]))
    builder.add("body", *shelves(rng, *room, cabinet.palette.inside, count=int(rng.integers(0, 4))))
    if is_pair:
        left, right = split_span(rng, cabinet.front_x, 2, unevenness=0.1)
        add_cabinet_door(builder, rng, cabinet, "door_left", "left", left, z)
        add_cabinet_door(builder, rng, cabinet, "door_right", "right", right, z)
    else:
        add_cabinet_door(builder, rng, cabinet, "door", pick(rng, ("left", "right")), cabinet.front_x, z)
    return builder.build()
