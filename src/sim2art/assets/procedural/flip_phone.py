"""A flip phone or similar clamshell lying on the table, hinged across its short side with a barrel."""

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.procedural.builder import ObjectBuilder
from sim2art.assets.procedural.palette import DARK, METALS, PLASTICS, chance, sample_palette, vary
from sim2art.assets.procedural.shapes import Color, Span, box, prism, rod


def make_flip_phone(rng: np.random.Generator) -> ArticulatedObject:
    """A clamshell phone, 0.08-0.12 m long when closed."""
    builder = ObjectBuilder("flip_phone")
    palette = sample_palette(rng, PLASTICS, METALS)
    width, length = float(rng.uniform(0.042, 0.06)), float(rng.uniform(0.08, 0.12))
    thick = float(rng.uniform(0.008, 0.013))
    x, y = (-0.5 * width, 0.5 * width), (0.0, length)
    seam = thick + 0.002
    outline = _rounded(x, (y[0], y[1] - 0.003), float(rng.uniform(0.15, 0.35)) * width)
    builder.add("body", prism(outline, 2, (0.0, thick), palette.body))
    builder.add("cover", prism(outline, 2, (seam, seam + thick), palette.front))
    radius = 0.5 * thick
    line = length + radius + 0.001
    for low, high, link in ((0.0, 0.28, "body"), (0.3, 0.7, "cover"), (0.72, 1.0, "body")):
        ends = (x[0] + low * width, line, seam), (x[0] + high * width, line, seam)
        builder.add(link, rod(*ends, radius, palette.handle, segments=12))
        middle = 0.5 * (ends[0][0] + ends[1][0])
        arm = (middle - 0.1 * width, middle + 0.1 * width), (y[1] - 0.006, line - 0.2 * radius)
        z = (thick - 0.004, seam - 0.001) if link == "body" else (seam + 0.001, seam + 0.005)
        builder.add(link, box(*arm, z, palette.handle))
    _add_keys(builder, rng, x, y, thick)
    screen = (x[0] + 0.12 * width, x[1] - 0.12 * width), (0.2 * length, 0.85 * length)
    builder.add("cover", box(*screen, (seam - 0.0006, seam), vary(rng, (60, 110, 140), 30.0)))
    if chance(rng, 0.6):
        small = (x[0] + 0.25 * width, x[1] - 0.25 * width), (0.5 * length, 0.75 * length)
        builder.add("cover", box(*small, (seam + thick, seam + thick + 0.0006), DARK))
    builder.hinge("cover", axis=(-1, 0, 0), pivot=(0.0, line, seam), limits=(0.0, float(rng.uniform(2.2, 2.9))))
    return builder.build()


def _rounded(x: Span, y: Span, bevel: float) -> np.ndarray:
    """A rectangle whose near corners are cut."""
    return np.array(
        [
            [x[0] + bevel, y[0]],
            [x[1] - bevel, y[0]],
            [x[1], y[0] + bevel],
            [x[1], y[1]],
            [x[0], y[1]],
            [x[0], y[0] + bevel],
        ]
    )


def _add_keys(builder: ObjectBuilder, rng: np.random.Generator, x: Span, y: Span, top: float) -> None:
    width, length = x[1] - x[0], y[1] - y[0]
    color: Color = vary(rng, DARK if chance(rng, 0.6) else (220, 220, 224), 10.0)
    for row in range(4):
        for column in range(3):
            low = x[0] + (0.17 + 0.23 * column) * width
            near = y[0] + (0.12 + 0.12 * row) * length
            key = (low, low + 0.18 * width), (near, near + 0.08 * length)
            builder.add("body", box(*key, (top, top + 0.0008), color))
    pad = 0.14 * width
    builder.add("body", box((-pad, pad), (y[0] + 0.66 * length, y[0] + 0.84 * length), (top, top + 0.001), color))
