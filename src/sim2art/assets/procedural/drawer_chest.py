"""A chest of one to five drawers, sometimes in two columns, sometimes with a false drawer on top."""

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.procedural.builder import ObjectBuilder
from sim2art.assets.procedural.cabinets import add_cabinet_drawer, add_decoy, add_dividers, sample_cabinet, split_span
from sim2art.assets.procedural.palette import PAINTS, WOODS, chance, sample_palette


def make_drawer_chest(rng: np.random.Generator) -> ArticulatedObject:
    """A chest of drawers, 0.3-1.2 m wide."""
    builder = ObjectBuilder("drawer_chest")
    rows = int(rng.integers(1, 6))
    height = float(np.clip(rows * rng.uniform(0.14, 0.28), 0.2, 1.3))
    cabinet = sample_cabinet(
        builder, rng, sample_palette(rng, WOODS, PAINTS),
        ((0.32, 1.1), (0.32, 0.55), (0.95 * height, 1.05 * height)), glass=0.0,
    )  # fmt: skip
    cells = split_span(rng, cabinet.front_z, rows)
    add_dividers(builder, cabinet, cells, upright=False)
    decoy_row = rows - 1 if rows > 2 and chance(rng, 0.2) else -1
    twin_row = rows - 1 if rows > 1 and chance(rng, 0.2) and cabinet.x[1] > 0.3 else -1
    number = 0
    for row, z in enumerate(cells):
        if row == decoy_row:
            add_decoy(builder, rng, cabinet, cabinet.front_x, z)
            continue
        for x in split_span(rng, cabinet.front_x, 2 if row == twin_row else 1):
            number += 1
            add_cabinet_drawer(builder, rng, cabinet, f"drawer_{number}", x, z)
    return builder.build()
