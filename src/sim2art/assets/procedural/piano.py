"""An upright piano: a fallboard over the keys and a top lid, both hinged at the back."""

import itertools

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.procedural.builder import ObjectBuilder
from sim2art.assets.procedural.palette import DARK, METALS, WOODS, chance, sample_palette, vary
from sim2art.assets.procedural.shapes import Span, box, rod


def make_piano(rng: np.random.Generator) -> ArticulatedObject:
    """An upright piano, 1.2-1.5 m wide."""
    builder = ObjectBuilder("piano")
    palette = sample_palette(rng, WOODS, ((24, 22, 24), (30, 28, 28), (240, 238, 232)))
    width, height = float(rng.uniform(1.2, 1.5)), float(rng.uniform(1.0, 1.25))
    case, bed = float(rng.uniform(0.25, 0.32)), float(rng.uniform(0.26, 0.32))
    x, wall = (-0.5 * width, 0.5 * width), 0.035
    inner = (x[0] + wall, x[1] - wall)
    shelf = float(rng.uniform(0.58, 0.64))
    for span in ((x[0], inner[0]), (inner[1], x[1])):
        builder.add("body", box(span, (0.0, case), (0.0, height), palette.body))
        builder.add("body", box(span, (-bed, 0.0), (shelf - 0.06, shelf + 0.11), palette.body))
        leg = (span[0] + 0.002, span[1] - 0.002)
        builder.add("body", box(leg, (-bed + 0.02, -bed + 0.07), (0.0, shelf - 0.06), palette.body))
    builder.add("body", box(inner, (0.0, 0.02), (0.08, shelf - 0.06), palette.front))
    builder.add("body", box(inner, (0.0, 0.02), (shelf + 0.12, height), palette.front))
    builder.add("body", box(inner, (case - 0.02, case), (0.0, height), palette.inside))
    builder.add("body", box(inner, (-bed, 0.02), (shelf - 0.06, shelf), palette.body))
    _add_keys(builder, inner, (-bed + 0.06, -0.06), shelf)
    top = (height + 0.003, height + 0.025)
    over = 0.015
    builder.add("lid", box((x[0] - over, x[1] + over), (-over, case), top, palette.body))
    builder.hinge("lid", axis=(-1, 0, 0), pivot=(0.0, case, top[0]), limits=(0.0, float(rng.uniform(1.0, 1.9))))
    board = (shelf + 0.05, shelf + 0.068)
    span = (inner[0] + 0.004, inner[1] - 0.004)
    builder.add("fallboard", box(span, (-bed + 0.02, -0.02), board, palette.front))
    builder.add("fallboard", box(span, (-bed + 0.002, -bed + 0.02), (shelf + 0.004, board[1]), palette.front))
    for share in (0.25, 0.75):
        at = span[0] + share * (span[1] - span[0])
        builder.add("fallboard", rod((at, -bed + 0.04, board[1]), (at, -bed + 0.04, board[1] + 0.015), 0.01, METALS[3]))
    limits = (0.0, float(rng.uniform(1.2, 1.5)))
    builder.hinge("fallboard", axis=(-1, 0, 0), pivot=(0.0, -0.02, board[1]), limits=limits)
    if chance(rng, 0.5):
        for at in (-0.08, 0.0, 0.08):
            builder.add("body", box((at - 0.02, at + 0.02), (-0.08, 0.0), (0.04, 0.05), vary(rng, METALS[3], 8.0)))
    return builder.build()


def _add_keys(builder: ObjectBuilder, x: Span, y: Span, shelf: float) -> None:
    edges = np.linspace(*x, 22)
    top = shelf + 0.022
    for index, (low, high) in enumerate(itertools.pairwise(edges)):
        builder.add("body", box((float(low) + 0.001, float(high) - 0.001), y, (shelf, top), (240, 238, 230)))
        if index % 7 not in (2, 6):
            sharp = (float(high) - 0.012, float(high) + 0.012)
            builder.add("body", box(sharp, (y[0] + 0.4 * (y[1] - y[0]), y[1]), (top, top + 0.01), DARK))
