"""A laptop: keyboard half on the table, screen half hinged at the back."""

import itertools

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.procedural.builder import ObjectBuilder
from sim2art.assets.procedural.palette import DARK, METALS, PLASTICS, chance, sample_palette, vary
from sim2art.assets.procedural.shapes import Color, Span, box, rod
from sim2art.geometry.meshes import TriangleMesh


def make_laptop(rng: np.random.Generator) -> ArticulatedObject:
    """A laptop computer, 0.24-0.42 m wide, closed at rest."""
    builder = ObjectBuilder("laptop")
    palette = sample_palette(rng, METALS, PLASTICS)
    width = float(rng.uniform(0.24, 0.42))
    depth = width * float(rng.uniform(0.6, 0.78))
    x, y = (-0.5 * width, 0.5 * width), (0.0, depth)
    base_top, lid = float(rng.uniform(0.012, 0.028)), float(rng.uniform(0.006, 0.012))
    # Keys rise into a hollow under the closed lid: the lid's rim touches down, its screen lies deeper.
    seam = base_top + 0.002
    builder.add("body", box(x, y, (0.0, base_top), palette.body), *_keyboard(rng, x, y, base_top))
    bezel, rim = float(rng.uniform(0.006, 0.018)), 0.003
    shell = palette.body if chance(rng, 0.7) else palette.accent
    builder.add("lid", box(x, y, (seam + rim, seam + lid), shell))
    builder.add("lid", *_rim(x, y, (seam, seam + rim), bezel, vary(rng, DARK, 6.0)))
    screen = vary(rng, (40, 60, 90) if chance(rng, 0.5) else DARK, 25.0)
    inner_x, inner_y = (x[0] + bezel, x[1] - bezel), (y[0] + bezel, y[1] - 2 * bezel)
    builder.add("lid", box(inner_x, inner_y, (seam + 0.5 * rim, seam + rim), screen))
    for share in (0.25, 0.75):
        at = x[0] + share * width
        builder.add("body", rod((at - 0.03, depth, seam), (at + 0.03, depth, seam), 0.0025, palette.handle))
    builder.hinge(
        "lid", axis=(-1, 0, 0), pivot=(0.0, depth, seam), limits=(0.0, float(rng.uniform(1.75, 2.6)))
    )  # fmt: skip
    return builder.build()


def _rim(x: Span, y: Span, z: Span, bezel: float, color: Color) -> list[TriangleMesh]:
    inner = (x[0] + bezel, x[1] - bezel)
    return [
        box((x[0], inner[0]), y, z, color),
        box((inner[1], x[1]), y, z, color),
        box(inner, (y[0], y[0] + bezel), z, color),
        box(inner, (y[1] - 2 * bezel, y[1]), z, color),
    ]


def _keyboard(rng: np.random.Generator, x: Span, y: Span, top: float) -> list[TriangleMesh]:
    width, depth = x[1] - x[0], y[1] - y[0]
    key_color = vary(rng, DARK if chance(rng, 0.7) else (220, 220, 222), 8.0)
    left, right = x[0] + 0.06 * width, x[1] - 0.06 * width
    near, far = y[0] + 0.42 * depth, y[0] + 0.88 * depth
    keys, z = [], (top, top + 0.0015)
    rows = np.linspace(near, far, 6)
    for row, (low, high) in enumerate(itertools.pairwise(rows)):
        span_y = (float(low), float(high) - 0.002)
        if row == 0:
            keys.append(box((left + 0.25 * width, right - 0.3 * width), span_y, z, key_color))
            continue
        columns = np.linspace(left, right, 8)
        for a, b in itertools.pairwise(columns):
            keys.append(box((float(a), float(b) - 0.002), span_y, z, key_color))
    pad = 0.5 * float(rng.uniform(0.22, 0.36)) * width
    keys.append(
        box((-pad, pad), (y[0] + 0.06 * depth, y[0] + 0.36 * depth), (top, top + 0.0008), vary(rng, (90, 92, 96)))
    )
    return keys
