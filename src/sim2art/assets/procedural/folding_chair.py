"""A folding chair: rear legs and seat lie against the front frame at rest and swing out to open it."""

import itertools

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.placement import stand_on_floor
from sim2art.assets.procedural.builder import ObjectBuilder
from sim2art.assets.procedural.palette import METALS, PAINTS, WOODS, chance, sample_palette, vary
from sim2art.assets.procedural.shapes import Color, Span, bevelled_panel, box, rod
from sim2art.geometry.rotations import rotation_from_rotvec
from sim2art.geometry.transforms import make_transform


def make_folding_chair(rng: np.random.Generator) -> ArticulatedObject:
    """A folding chair, 0.4-0.5 m wide.

    The body is the frame of front legs and backrest. The rear legs run outside its rails and the seat between them, so
    either may move first.
    """
    builder = ObjectBuilder("folding_chair")
    palette = sample_palette(rng, METALS, PAINTS, WOODS)
    half = 0.5 * float(rng.uniform(0.36, 0.46))
    seat_height, height = float(rng.uniform(0.42, 0.48)), float(rng.uniform(0.76, 0.95))
    radius = float(rng.uniform(0.009, 0.015))
    for x in (-half, half):
        builder.add("body", rod((x, 0, 0), (x, 0, height), radius, palette.body))
    for z in (0.14 * height, 0.98 * height):
        builder.add("body", rod((-half, 0, z), (half, 0, z), 0.8 * radius, palette.body))
    _add_backrest(builder, rng, (-half, half), (seat_height + 0.16, 0.96 * height), palette.front)
    outside, top = half + 2 * radius + 0.004, seat_height * float(rng.uniform(0.85, 1.05))
    leg, foot = vary(rng, palette.body, 5.0), 0.02
    for x in (-outside, outside):
        builder.add("rear_legs", rod((x, 0, foot), (x, 0, top), radius, leg))
    # Behind the front frame, so that the folded bars do not meet.
    low = float(rng.uniform(0.25, 0.4)) * seat_height
    for x in (-outside, outside):
        builder.add("rear_legs", rod((x, 0, low), (x, 3 * radius, low), 0.6 * radius, leg))
    builder.add("rear_legs", rod((-outside, 3 * radius, low), (outside, 3 * radius, low), 0.7 * radius, leg))
    lean = float(rng.uniform(0.1, 0.25))
    limits = (0.0, lean + float(rng.uniform(0.3, 0.5)))
    builder.hinge("rear_legs", axis=(1, 0, 0), pivot=(0.0, 0.0, top - 0.02), limits=limits)
    _add_seat(builder, rng, half - radius - 0.004, seat_height, radius, palette.front)
    limits = (0.0, 0.5 * np.pi + lean - float(rng.uniform(0.0, 0.1)))
    builder.hinge("seat", axis=(1, 0, 0), pivot=(0.0, 0.0, seat_height), limits=limits)
    tilt = make_transform(rotation_from_rotvec(np.array([-lean, 0.0, 0.0])), np.zeros(3))
    return stand_on_floor(builder.build().moved(tilt))


def _add_backrest(builder: ObjectBuilder, rng: np.random.Generator, x: Span, z: Span, color: Color) -> None:
    edges = np.linspace(*z, int(rng.integers(1, 4)) + 1)
    for low, high in itertools.pairwise(edges):
        span = (float(low), float(high) - 0.02)
        builder.add("body", bevelled_panel(x, (-0.006, 0.006), span, 0.003, vary(rng, color, 6.0)))


def _add_seat(
    builder: ObjectBuilder, rng: np.random.Generator, half: float, pin: float, radius: float, color: Color
) -> None:
    """A board, or slats on two runners, in front of the folded frame."""
    depth, thick = float(rng.uniform(0.33, 0.4)), float(rng.uniform(0.014, 0.035))
    y = (-radius - 0.004 - thick, -radius - 0.004)
    z = (pin - 0.05, pin - 0.05 + depth)
    if chance(rng, 0.5):
        builder.add("seat", box((-half, half), y, z, vary(rng, color, 6.0)))
        return
    edges = np.linspace(*z, int(rng.integers(4, 7)))
    for low, high in itertools.pairwise(edges):
        span = (float(low), float(high) - 0.012)
        builder.add("seat", box((-half, half), (y[0], y[0] + 0.5 * thick), span, vary(rng, color, 8.0)))
    for x in (-0.8 * half, 0.8 * half):
        runner = (x - 0.012, x + 0.012), (y[0] + 0.5 * thick, y[1]), (z[0], z[1] - 0.012)
        builder.add("seat", box(*runner, vary(rng, color, 8.0)))
