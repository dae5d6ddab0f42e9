"""A wardrobe with hinged doors or with panels that slide past each other on two tracks."""

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.procedural.blocks import shelves
from sim2art.assets.procedural.builder import ObjectBuilder
from sim2art.assets.procedural.cabinets import (
    Cabinet,
    add_cabinet_door,
    add_cabinet_drawer,
    add_dividers,
    sample_cabinet,
    split_span,
)
from sim2art.assets.procedural.palette import METALS, PAINTS, PLASTICS, chance, pick, sample_palette, vary
from sim2art.assets.procedural.shapes import box, rod
from sim2art.assets.procedural.sliding import add_sliding_panels


def make_wardrobe(rng: np.random.Generator) -> ArticulatedObject:
    """A wardrobe, 0.8-2.0 m wide."""
    builder = ObjectBuilder("wardrobe")
    slides = chance(rng, 0.5)
    cabinet = sample_cabinet(
        builder, rng, sample_palette(rng), ((1.0, 2.0) if slides else (0.7, 1.3), (0.5, 0.65), (1.6, 2.3)),
        foot=(0.02, 0.1), glass=0.0, inset=0.0,
    )  # fmt: skip
    _add_clothes(builder, rng, cabinet)
    if slides:
        _add_sliding_fronts(builder, rng, cabinet)
        return builder.build()
    z = cabinet.front_z
    if chance(rng, 0.35):
        cut = z[0] + float(rng.uniform(0.12, 0.22)) * (z[1] - z[0])
        low, z = (z[0], cut - 0.002), (cut + 0.002, z[1])
        add_dividers(builder, cabinet, (low, z), upright=False)
        for number, x in enumerate(split_span(rng, cabinet.front_x, int(rng.integers(1, 3)), unevenness=0.0)):
            add_cabinet_drawer(builder, rng, cabinet, f"drawer_{number + 1}", x, low)
    left, right = split_span(rng, cabinet.front_x, 2, unevenness=0.1)
    add_cabinet_door(builder, rng, cabinet, "door_left", "left", left, z)
    add_cabinet_door(builder, rng, cabinet, "door_right", "right", right, z)
    return builder.build()


def _add_sliding_fronts(builder: ObjectBuilder, rng: np.random.Generator, cabinet: Cabinet) -> None:
    thickness = cabinet.style.thickness
    reach = 2 * thickness + 0.016
    for z in ((cabinet.z[0], cabinet.z[0] + 0.03), (cabinet.z[1] - 0.04, cabinet.z[1])):
        builder.add("body", box(cabinet.x, (-reach, 0.0), z, cabinet.palette.body))
    add_sliding_panels(
        builder, rng, (cabinet.x, (cabinet.z[0] + 0.033, cabinet.z[1] - 0.043)), -0.003, cabinet.style,
        kind=pick(rng, ("plain", "plain", "framed", "planks", "glass")), count=int(rng.integers(2, 4)),
    )  # fmt: skip


def _add_clothes(builder: ObjectBuilder, rng: np.random.Generator, cabinet: Cabinet) -> None:
    x, y, z = cabinet.inner_x, cabinet.cavity_y, cabinet.inner_z
    floor = z[0] + 0.3 * (z[1] - z[0])
    if chance(rng, 0.5):
        room = (x[0], x[0] + 0.45 * (x[1] - x[0])), y, (floor, z[1])
        builder.add("body", *shelves(rng, *room, cabinet.palette.inside, count=int(rng.integers(2, 5)), fill=0.4))
        x = (x[0] + 0.46 * (x[1] - x[0]), x[1])
        builder.add("body", box((x[0] - 0.008, x[0]), y, (floor, z[1]), cabinet.palette.inside))
    rail, middle = z[1] - 0.08, 0.5 * (y[0] + y[1])
    builder.add("body", rod((x[0], middle, rail), (x[1], middle, rail), 0.012, pick(rng, METALS)))
    for at in np.linspace(x[0] + 0.06, x[1] - 0.06, int(rng.integers(0, 7))):
        drop = float(rng.uniform(0.3, 0.9)) * (rail - floor)
        half = float(rng.uniform(0.012, 0.03))
        cloth = vary(rng, pick(rng, (*PAINTS, *PLASTICS)), 15.0)
        builder.add("body", box((at - half, at + half), (y[0] + 0.08, y[1] - 0.05), (rail - drop, rail - 0.02), cloth))
