"""A stapler: a magazine hinged on the base at the back, and a cover hinged on the magazine (a chain)."""

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.procedural.builder import ObjectBuilder
from sim2art.assets.procedural.palette import METALS, PLASTICS, chance, pick, sample_palette, vary
from sim2art.assets.procedural.shapes import box, prism, rod


def make_stapler(rng: np.random.Generator) -> ArticulatedObject:
    """A desk stapler, 0.12-0.22 m long; its rest is a little open, as staplers stand."""
    builder = ObjectBuilder("stapler")
    palette = sample_palette(rng, PLASTICS, METALS)
    length, width = float(rng.uniform(0.12, 0.22)), float(rng.uniform(0.025, 0.04))
    metal = vary(rng, pick(rng, METALS), 8.0)
    half, base = 0.5 * width, float(rng.uniform(0.008, 0.014))
    cheek = 0.003
    # Long side along x, nose at the left, pin at the right.
    pin = (0.42 * length, base + 0.022)
    foot = np.array([[-0.5, 0.0], [0.5, 0.0], [0.5, base], [-0.46, base], [-0.5, 0.6 * base]])
    foot[:, 0] *= length
    builder.add("body", prism(_swap(foot), 1, (-half, half), palette.body))
    builder.add(
        "body", box((-0.47 * length, -0.37 * length), (-0.3 * width, 0.3 * width), (base, base + 0.0015), metal)
    )
    for y in ((-half, -half + cheek), (half - cheek, half)):
        builder.add("body", box((pin[0] - 0.014, pin[0] + 0.014), y, (base, pin[1] + 0.01), palette.body))
    low, inner = base + 0.01, half - cheek - 0.002
    rail = (low, low + 0.012)
    builder.add("magazine", box((-0.47 * length, pin[0] + 0.01), (-inner, inner), rail, metal))
    builder.add("magazine", rod((pin[0], -inner, pin[1]), (pin[0], inner, pin[1]), 0.0018, metal))
    turn = float(rng.uniform(0.4, 1.4))
    builder.hinge("magazine", axis=(0, 1, 0), pivot=(pin[0], 0.0, pin[1]), limits=(0.0, turn))
    bulge = float(rng.uniform(0.012, 0.024))
    floor = rail[1] + 0.002
    cover = np.array(
        [[-0.5 * length, floor], [pin[0] + 0.008, floor], [pin[0] + 0.008, floor + 0.6 * bulge],
         [0.1 * length, floor + bulge], [-0.42 * length, floor + 0.8 * bulge], [-0.5 * length, floor + 0.35 * bulge]]
    )  # fmt: skip
    builder.add("cover", prism(_swap(cover), 1, (-inner, inner), palette.front))
    if chance(rng, 0.5):
        strip = (-0.3 * length, 0.1 * length), (-0.3 * inner, 0.3 * inner)
        builder.add("cover", box(*strip, (floor + 0.7 * bulge, floor + bulge + 0.002), palette.accent))
    opening = float(rng.uniform(0.8, 2.2))
    builder.hinge("cover", axis=(0, 1, 0), pivot=(pin[0] + 0.006, 0.0, floor), limits=(0.0, opening), parent="magazine")
    return builder.build()


def _swap(outline: np.ndarray) -> np.ndarray:
    """An (x, z) outline in the (z, x) order that an extrusion along y takes."""
    return outline[:, ::-1]
