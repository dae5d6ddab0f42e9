"""Scissors lying on the table: one blade is the base, the other turns about the rivet."""

from dataclasses import dataclass

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.procedural.builder import ObjectBuilder
from sim2art.assets.procedural.palette import DARK, METALS, PLASTICS, chance, pick, vary
from sim2art.assets.procedural.shapes import Color, Span, ellipse, prism, ring_prism, rod


@dataclass(frozen=True, kw_only=True)
class _Looks:
    """What both halves share; m."""

    blade: float
    grip: float
    half: float
    """Half the width of a blade."""
    metal: Color
    plastic: Color


def make_scissors(rng: np.random.Generator) -> ArticulatedObject:
    """Scissors, 0.13-0.28 m long, closed at rest with the tips towards +y."""
    builder = ObjectBuilder("scissors")
    blade, grip = float(rng.uniform(0.07, 0.15)), float(rng.uniform(0.06, 0.12))
    thick, half = float(rng.uniform(0.004, 0.006)), float(rng.uniform(0.006, 0.011))
    metal = vary(rng, pick(rng, METALS[:3]), 8.0)
    plastic = vary(rng, pick(rng, PLASTICS) if chance(rng, 0.85) else metal, 10.0)
    loop = (float(rng.uniform(0.014, 0.02)), 0.42 * grip)
    big = float(rng.uniform(1.0, 1.4)) if chance(rng, 0.4) else 1.0
    lower, upper = (0.0, thick), (thick + 0.001, 2 * thick + 0.001)
    looks = _Looks(blade=blade, grip=grip, half=half, metal=metal, plastic=plastic)
    _add_half(builder, "body", -1.0, lower, loop, looks)
    _add_half(builder, "blade", 1.0, upper, (loop[0] * big, loop[1] * big), looks)
    builder.add("blade", rod((0, 0, upper[1]), (0, 0, upper[1] + 0.0015), 0.45 * half, DARK))
    builder.hinge("blade", axis=(0, 0, 1), pivot=(0.0, 0.0, 0.0), limits=(0.0, float(rng.uniform(0.7, 1.5))))
    return builder.build()


def _add_half(builder: ObjectBuilder, link: str, side: float, z: Span, loop: Span, looks: _Looks) -> None:
    """One blade with its finger loop; the loop lies on the side of the sign of `side`."""
    half, blade, plastic = looks.half, looks.blade, looks.plastic
    outline = np.array([[-half, -0.6 * half], [half, -0.6 * half], [0.9 * half, 0.4 * blade], [0.1 * half, blade],
                        [-0.1 * half, blade], [-0.8 * half, 0.4 * blade]])  # fmt: skip
    outline[:, 0] *= -side
    builder.add(link, prism(outline, 2, z, looks.metal))
    center = (side * (loop[0] + 0.003), -looks.grip)
    ring = ring_prism(ellipse(loop, center, 18), ellipse((loop[0] - 0.006, loop[1] - 0.007), center, 18), 2, z, plastic)
    builder.add(link, ring)
    top = center[1] + loop[1] - 0.004
    shank = np.array([[-0.7 * half, 0.0], [0.7 * half, 0.0], [center[0] + 0.006, top], [center[0] - 0.006, top]])
    inset = (z[0] + 0.0003, z[1] - 0.0003)
    builder.add(link, prism(shank, 2, inset, plastic))
