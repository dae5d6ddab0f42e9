"""A cabinet that mixes doors and drawers; sometimes with a pull-out whose front also folds down (a chain)."""

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.procedural.blocks import GAP, front_panel, handle, shelves, tray
from sim2art.assets.procedural.builder import ObjectBuilder
from sim2art.assets.procedural.cabinets import (
    Cabinet,
    add_cabinet_door,
    add_cabinet_drawer,
    add_decoy,
    add_dividers,
    sample_cabinet,
    split_span,
)
from sim2art.assets.procedural.palette import chance, pick, sample_palette
from sim2art.assets.procedural.shapes import Span, box


def make_door_drawer_cabinet(rng: np.random.Generator) -> ArticulatedObject:
    """A cabinet with drawers above its doors, below them, or in a column beside them."""
    builder = ObjectBuilder("door_drawer_cabinet")
    is_wide = chance(rng, 0.5)
    cabinet = sample_cabinet(
        builder, rng, sample_palette(rng), ((0.8, 1.3) if is_wide else (0.35, 0.7), (0.35, 0.6), (0.6, 1.0)),
        glass=0.15,
    )  # fmt: skip
    if is_wide:
        _fill_columns(builder, rng, cabinet)
    else:
        _fill_rows(builder, rng, cabinet)
    return builder.build()


def _fill_rows(builder: ObjectBuilder, rng: np.random.Generator, cabinet: Cabinet) -> None:
    drawers = int(rng.integers(1, 3))
    share = float(rng.uniform(0.16, 0.26)) * drawers
    low, high = cabinet.front_z
    on_top = chance(rng, 0.75)
    cut = high - share * (high - low) if on_top else low + share * (high - low)
    below, above = (low, cut - 0.002), (cut + 0.002, high)
    add_dividers(builder, cabinet, (below, above), upright=False)
    doors_z, drawers_z = (below, above) if on_top else (above, below)
    for number, z in enumerate(split_span(rng, drawers_z, drawers, unevenness=0.0)):
        if chance(rng, 0.2):
            _add_drop_front(builder, rng, cabinet, f"drawer_{number + 1}", cabinet.front_x, z)
        else:
            add_cabinet_drawer(builder, rng, cabinet, f"drawer_{number + 1}", cabinet.front_x, z)
    room_z = (max(doors_z[0], cabinet.inner_z[0]) + 0.01, min(doors_z[1], cabinet.inner_z[1]) - 0.02)
    room = cabinet.inner_x, cabinet.cavity_y, room_z
    builder.add("body", *shelves(rng, *room, cabinet.palette.inside, count=int(rng.integers(0, 3))))
    if cabinet.x[1] - cabinet.x[0] > 0.5 and chance(rng, 0.6):
        left, right = split_span(rng, cabinet.front_x, 2, unevenness=0.0)
        add_cabinet_door(builder, rng, cabinet, "door_left", "left", left, doors_z)
        add_cabinet_door(builder, rng, cabinet, "door_right", "right", right, doors_z)
    else:
        add_cabinet_door(builder, rng, cabinet, "door", pick(rng, ("left", "right")), cabinet.front_x, doors_z)


def _fill_columns(builder: ObjectBuilder, rng: np.random.Generator, cabinet: Cabinet) -> None:
    left, right = split_span(rng, cabinet.front_x, 2, unevenness=0.15)
    add_dividers(builder, cabinet, (left, right), upright=True)
    door_on_left = chance(rng, 0.5)
    door_x, drawers_x = (left, right) if door_on_left else (right, left)
    inner = (max(door_x[0], cabinet.inner_x[0]) + 0.012, min(door_x[1], cabinet.inner_x[1]) - 0.012)
    room = inner, cabinet.cavity_y, cabinet.inner_z
    builder.add("body", *shelves(rng, *room, cabinet.palette.inside, count=int(rng.integers(0, 3))))
    # Hinged on the outside, so that the open door does not stand in the way of the drawers.
    add_cabinet_door(builder, rng, cabinet, "door", "left" if door_on_left else "right", door_x, cabinet.front_z)
    rows = split_span(rng, cabinet.front_z, int(rng.integers(2, 5)))
    for number, z in enumerate(rows):
        if number and chance(rng, 0.15):
            add_decoy(builder, rng, cabinet, drawers_x, z)
        else:
            add_cabinet_drawer(builder, rng, cabinet, f"drawer_{number + 1}", drawers_x, z)


def _add_drop_front(
    builder: ObjectBuilder, rng: np.random.Generator, cabinet: Cabinet, name: str, x: Span, z: Span
) -> None:
    """A pull-out tray whose front panel is hinged at its lower edge."""
    style, inside = cabinet.style, cabinet.palette.inside
    overlay = 0.4 * cabinet.wall + 0.003 if cabinet.is_inset else cabinet.wall + 0.004
    depth = 0.9 * (cabinet.cavity_y[1] - cabinet.y_back)
    y_back = cabinet.y_back
    tray_x, tray_z = (x[0] + overlay, x[1] - overlay), (z[0] + overlay, z[1] - overlay - 0.01)
    builder.add(name, *tray(tray_x, (y_back + GAP, y_back + depth), tray_z, 0.012, inside))
    keyboard = (tray_x[0] + 0.05, tray_x[1] - 0.05), (y_back + 0.03, y_back + 0.6 * depth)
    builder.add(name, box(*keyboard, (tray_z[0] + 0.013, tray_z[0] + 0.04), cabinet.palette.accent))
    y_front = y_back - style.thickness
    front = f"{name}_front"
    builder.add(front, *front_panel(rng, "plain", x, z, (y_front, y_back), style.front))
    middle, length = 0.5 * (x[0] + x[1]), 0.3 * (x[1] - x[0])
    builder.add(front, *handle(rng, style.handle, (middle, z[1] - 0.03), y_front, length, "x", style.handle_color))
    builder.slide(name, axis=(0, -1, 0), limits=(0.0, depth * float(rng.uniform(0.6, 0.9))))
    # At a right angle the panel still clears the fronts below it.
    limits = (0.0, float(rng.uniform(1.2, 1.5)))
    builder.hinge(front, axis=(1, 0, 0), pivot=(0.0, y_front, z[0]), limits=limits, parent=name)
