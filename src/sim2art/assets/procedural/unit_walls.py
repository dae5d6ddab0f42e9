"""Walls of equal doors or drawers: many parts that look alike. For evaluation only; `training_walls` are built otherwise."""

import itertools
from collections.abc import Callable
from functools import partial
from typing import Literal

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.procedural.builder import ObjectBuilder
from sim2art.assets.procedural.cabinets import (
    add_cabinet_door,
    add_cabinet_drawer,
    add_dividers,
    sample_cabinet,
    split_span,
)
from sim2art.assets.procedural.palette import sample_palette

UnitKind = Literal["doors", "drawers"]
UNIT_COUNTS = (5, 10, 20)
COLUMNS = 5
_UNIT_WIDTH = (0.3, 0.42)
_UNIT_HEIGHT: dict[UnitKind, tuple[float, float]] = {"doors": (0.36, 0.5), "drawers": (0.2, 0.32)}
"""m."""


def make_unit_wall(rng: np.random.Generator, *, kind: UnitKind, count: int) -> ArticulatedObject:
    """A cabinet with `count` doors or drawers in rows of five."""
    builder = ObjectBuilder(f"wall_of_{count}_{kind}")
    rows = count // COLUMNS
    assert rows * COLUMNS == count
    cabinet = sample_cabinet(
        builder, rng, sample_palette(rng), (
            (COLUMNS * _UNIT_WIDTH[0], COLUMNS * _UNIT_WIDTH[1]), (0.35, 0.5),
            (rows * _UNIT_HEIGHT[kind][0], rows * _UNIT_HEIGHT[kind][1]),
        ), glass=0.0,
    )  # fmt: skip
    columns = split_span(rng, cabinet.front_x, COLUMNS, unevenness=0.0)
    levels = split_span(rng, cabinet.front_z, rows, unevenness=0.0)
    add_dividers(builder, cabinet, columns, upright=True)
    add_dividers(builder, cabinet, levels, upright=False)
    for number, (z, x) in enumerate(itertools.product(levels, columns)):
        if kind == "doors":
            # Short of a right angle, so that no door reaches over its neighbour's front.
            add_cabinet_door(builder, rng, cabinet, f"door_{number + 1}", "left", x, z, limit=(1.0, 1.5))
        else:
            add_cabinet_drawer(builder, rng, cabinet, f"drawer_{number + 1}", x, z)
    return builder.build()


UNIT_WALLS: dict[str, Callable[[np.random.Generator], ArticulatedObject]] = {
    f"wall_of_{count}_{kind}": partial(make_unit_wall, kind=kind, count=count)
    for count in UNIT_COUNTS
    for kind in ("doors", "drawers")
}
"""Every wall by its name."""
