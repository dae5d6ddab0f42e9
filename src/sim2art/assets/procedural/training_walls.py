"""Walls of fronts that look alike, for training: never five columns wide, as those of `unit_walls`, which methods are scored on.

Rows of doors or of drawers, hinges on either side, some cells with a front that never opens.
"""

import itertools
from collections.abc import Callable
from functools import partial

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.procedural.builder import ObjectBuilder
from sim2art.assets.procedural.cabinets import (
    add_cabinet_door,
    add_cabinet_drawer,
    add_decoy,
    add_dividers,
    sample_cabinet,
    split_span,
)
from sim2art.assets.procedural.palette import sample_palette

CELL_COUNTS = (4, 6, 8, 9, 12, 16, 18)
_COLUMNS = (2, 3, 4, 6)
_MAX_ROWS = 5
_CELL_WIDTH = (0.26, 0.5)
_DOOR_HEIGHT, _DRAWER_HEIGHT = (0.3, 0.6), (0.16, 0.34)
"""m."""
_DECOY_SHARE = 0.1


def make_training_wall(rng: np.random.Generator, *, count: int) -> ArticulatedObject:
    """A cabinet whose front has `count` cells in equal columns; nearly all of them open."""
    builder = ObjectBuilder(f"front_wall_of_{count}")
    columns = int(rng.choice([n for n in _COLUMNS if count % n == 0 and count // n <= _MAX_ROWS]))
    rows = count // columns
    kind = rng.choice(["doors", "drawers", "mixed"], p=[0.35, 0.45, 0.2])
    has_doors = rng.uniform(size=rows) < 0.5 if kind == "mixed" else np.full(rows, kind == "doors")
    heights = _DRAWER_HEIGHT if kind == "drawers" else _DOOR_HEIGHT
    size = (
        (columns * _CELL_WIDTH[0], columns * _CELL_WIDTH[1]), (0.3, 0.6), (rows * heights[0], rows * heights[1])
    )  # fmt: skip
    cabinet = sample_cabinet(builder, rng, sample_palette(rng), size, glass=0.0)
    across = split_span(rng, cabinet.front_x, columns, unevenness=0.0)
    levels = split_span(rng, cabinet.front_z, rows, unevenness=0.1)
    add_dividers(builder, cabinet, across, upright=True)
    add_dividers(builder, cabinet, levels, upright=False)
    hinges = rng.choice(["left", "right", "in pairs"])
    is_decoy = rng.permutation(count) < rng.binomial(count, _DECOY_SHARE)
    is_decoy[0] = False
    for number, (row, column) in enumerate(itertools.product(range(rows), range(columns))):
        x, z = across[column], levels[row]
        if is_decoy[number]:
            add_decoy(builder, rng, cabinet, x, z)
        elif has_doors[row]:
            is_left = hinges == "left" or (hinges == "in pairs" and column % 2 == 0)
            side = "left" if is_left else "right"
            add_cabinet_door(builder, rng, cabinet, f"door_{number + 1}", side, x, z, limit=(1.0, 1.7))
        else:
            add_cabinet_drawer(builder, rng, cabinet, f"drawer_{number + 1}", x, z)
    return builder.build()


TRAINING_WALLS: dict[str, Callable[[np.random.Generator], ArticulatedObject]] = {
    f"front_wall_of_{count}": partial(make_training_wall, count=count) for count in CELL_COUNTS
}
"""Every wall by its name."""
