"""A chest or toy box: flat or domed lid hinged at the back."""

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.procedural.blocks import clutter, open_box
from sim2art.assets.procedural.builder import ObjectBuilder
from sim2art.assets.procedural.palette import METALS, chance, pick, sample_palette, vary
from sim2art.assets.procedural.shapes import Color, Span, box, loft, prism, raised


def make_chest(rng: np.random.Generator) -> ArticulatedObject:
    """A chest, 0.3-1.2 m wide."""
    builder = ObjectBuilder("chest")
    palette = sample_palette(rng)
    width, depth, height = float(rng.uniform(0.3, 1.2)), float(rng.uniform(0.25, 0.55)), float(rng.uniform(0.2, 0.5))
    x, y, wall = (-0.5 * width, 0.5 * width), (0.0, depth), float(rng.uniform(0.012, 0.025))
    builder.add("body", *open_box(x, y, (0.0, height), wall, palette.body))
    room = (x[0] + 0.03, x[1] - 0.03), (0.03, depth - 0.03), (wall, height - 0.02)
    builder.add("body", *clutter(rng, *room, count=int(rng.integers(1, 6))))
    seam = height + 0.003
    out = float(rng.uniform(0.0, 0.02))
    lid_x, lid_y = (x[0] - out, x[1] + out), (y[0] - out, y[1])
    if chance(rng, 0.45):
        _add_dome(builder, lid_x, lid_y, seam, float(rng.uniform(0.12, 0.42)) * depth, wall, palette.front)
    else:
        builder.add("lid", box(lid_x, lid_y, (seam, seam + wall), palette.front))
    metal = vary(rng, pick(rng, METALS), 10.0)
    for share in (0.2, 0.8) if chance(rng, 0.6) else (0.5,):
        at = x[0] + share * width
        builder.add("body", box((at - 0.02, at + 0.02), (-0.004, 0.0), (0.0, height), metal))
        builder.add("lid", box((at - 0.02, at + 0.02), (lid_y[0] - 0.004, lid_y[0]), (seam, seam + 0.8 * wall), metal))
    if chance(rng, 0.5):
        builder.add("lid", box((-0.05, 0.05), (lid_y[0] - 0.03, lid_y[0]), (seam + 0.001, seam + 0.8 * wall), metal))
    builder.hinge("lid", axis=(-1, 0, 0), pivot=(0.0, depth, seam), limits=(0.0, float(rng.uniform(1.2, 2.2))))
    return builder.build()


def _add_dome(builder: ObjectBuilder, x: Span, y: Span, z: float, rise: float, wall: float, color: Color) -> None:
    """A vaulted lid: a curved shell with a cheek at both ends."""
    middle, half = 0.5 * (y[0] + y[1]), 0.5 * (y[1] - y[0])
    angles = np.linspace(0.0, np.pi, 11)

    def arch(shrink: float) -> np.ndarray:
        points = [middle + (half - shrink) * np.cos(angles), z + (rise - shrink) * np.sin(angles)]
        return np.stack(points, axis=1)

    outer, inner = arch(0.0), arch(min(wall, 0.5 * rise))
    # The board's cross-section is swept along the bend.
    edges = [raised(outer, 0, x[0]), raised(outer, 0, x[1]), raised(inner, 0, x[1]), raised(inner, 0, x[0])]
    builder.add("lid", loft(np.stack(edges, axis=1), color))
    for span in ((x[0] + 0.001, x[0] + wall), (x[1] - wall, x[1] - 0.001)):
        builder.add("lid", prism(arch(0.001), 0, span, color))
