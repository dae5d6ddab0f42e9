"""A toilet: lid and seat hinged behind the bowl. Where both move, the lid hangs on the seat (a chain)."""

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.procedural.builder import ObjectBuilder
from sim2art.assets.procedural.palette import PAINTS, WOODS, chance, pick, vary
from sim2art.assets.procedural.shapes import box, ellipse, loft, prism, raised, ring_prism, rod, tube, turned


def make_toilet(rng: np.random.Generator) -> ArticulatedObject:
    """A toilet, 0.6-0.75 m deep; either the lid moves, or the seat below a raised lid, or both."""
    builder = ObjectBuilder("toilet")
    china = vary(rng, pick(rng, ((244, 244, 240), (236, 232, 220), pick(rng, PAINTS))), 6.0)
    half, length, rim = float(rng.uniform(0.17, 0.2)), float(rng.uniform(0.21, 0.25)), float(rng.uniform(0.37, 0.43))
    shape = (1.0, length / half)
    builder.add("body", tube((0, 0), (0.5 * rim, rim), (0.75 * half, half), 0.035, china, segments=20, scale=shape))
    pan = half * 0.7
    builder.add("body", prism(ellipse((pan, pan * shape[1]), segments=20), 2, (0.48 * rim, 0.52 * rim), china))
    rows = [(0.62, 0.0), (0.5, 0.25), (0.72, 0.5)]
    foot = [raised(ellipse((s * half, s * length), (0.0, 0.03), segments=20), 2, z * rim) for s, z in rows]
    builder.add("body", loft(np.stack(foot), china))
    back = length + 0.02
    builder.add("body", box((-0.6 * half, 0.6 * half), (0.7 * length, back + 0.18), (0.2 * rim, rim - 0.002), china))
    tall = float(rng.uniform(0.32, 0.42))
    tank = (back + 0.04, back + 0.18)
    builder.add("body", box((-1.05 * half, 1.05 * half), tank, (rim, rim + tall), china))
    builder.add(
        "body", box((-1.1 * half, 1.1 * half), (tank[0] - 0.008, tank[1]), (rim + tall, rim + tall + 0.03), china)
    )
    builder.add("body", rod((0, 0.5 * (tank[0] + tank[1]), rim + tall + 0.03), (0, 0.5 * (tank[0] + tank[1]),
                rim + tall + 0.04), 0.02, (180, 182, 186)))  # fmt: skip
    moving = pick(rng, ("lid", "seat", "both"))
    plastic = vary(rng, pick(rng, WOODS) if chance(rng, 0.3) else china, 10.0)
    thick, gap = float(rng.uniform(0.014, 0.024)), 0.003
    seat_z = (rim + gap, rim + gap + thick)
    lid_z = (seat_z[1] + gap, seat_z[1] + gap + 0.8 * thick)
    outer = ellipse((1.02 * half, 1.02 * length), segments=20)
    inner = ellipse((0.62 * half, 0.66 * length), (0.0, -0.01), segments=20)
    seat = ring_prism(outer, inner, 2, seat_z, plastic)
    lid = prism(outer, 2, lid_z, vary(rng, plastic, 4.0))
    line = (0.0, 1.02 * length, seat_z[1])
    largest = float(rng.uniform(1.3, 1.5))
    if moving == "lid":
        builder.add("body", seat)
        builder.add("lid", lid)
        builder.hinge("lid", axis=(-1, 0, 0), pivot=line, limits=(0.0, largest))
    elif moving == "seat":
        builder.add("body", turned(lid, 0, -1.57, line))
        builder.add("seat", seat)
        builder.hinge("seat", axis=(-1, 0, 0), pivot=line, limits=(0.0, largest - 0.1))
    else:
        share = float(rng.uniform(0.35, 0.65))
        builder.add("seat", seat)
        builder.add("lid", lid)
        builder.hinge("seat", axis=(-1, 0, 0), pivot=line, limits=(0.0, share * largest))
        builder.hinge("lid", axis=(-1, 0, 0), pivot=line, limits=(0.0, (1 - share) * largest), parent="seat")
    return builder.build()
