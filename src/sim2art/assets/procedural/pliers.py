"""Pliers lying on the table: two halves cross at a rivet; the jaws lie side by side, unlike scissor blades."""

import itertools
from dataclasses import dataclass

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.procedural.builder import ObjectBuilder
from sim2art.assets.procedural.palette import DARK, METALS, PLASTICS, pick, vary
from sim2art.assets.procedural.shapes import Color, Span, circle, prism, rod


@dataclass(frozen=True, kw_only=True)
class _Looks:
    """What both halves share; m."""

    jaw: float
    grip: float
    radius: float
    """Of the rivet's disc."""
    spread: float
    """How far the grips stand apart."""
    bow: float
    tip: float
    """How much of the jaw's width its tip has lost, 0..1."""
    metal: Color
    rubber: Color


def make_pliers(rng: np.random.Generator) -> ArticulatedObject:
    """Pliers, 0.14-0.25 m long, closed at rest with the jaws towards +y."""
    builder = ObjectBuilder("pliers")
    jaw, grip = float(rng.uniform(0.035, 0.08)), float(rng.uniform(0.09, 0.16))
    thick, radius = float(rng.uniform(0.009, 0.014)), float(rng.uniform(0.011, 0.016))
    metal, rubber = vary(rng, pick(rng, METALS), 10.0), vary(rng, pick(rng, PLASTICS), 12.0)
    spread, bow = float(rng.uniform(0.018, 0.03)), float(rng.uniform(0.3, 0.6))
    tip = float(rng.uniform(0.25, 0.7))
    looks = _Looks(jaw=jaw, grip=grip, radius=radius, spread=spread, bow=bow, tip=tip, metal=metal, rubber=rubber)
    for link, side in (("body", 1.0), ("half", -1.0)):
        layer = (0.0, 0.5 * thick - 0.0005) if link == "body" else (0.5 * thick + 0.0005, thick)
        builder.add(link, prism(circle(radius, segments=14), 2, layer, metal))
        _add_half(builder, link, side, (0.0, thick), layer, looks)
    builder.add("half", rod((0, 0, thick), (0, 0, thick + 0.0015), 0.4 * radius, DARK))
    builder.hinge("half", axis=(0, 0, -1), pivot=(0.0, 0.0, 0.0), limits=(0.0, float(rng.uniform(0.5, 1.0))))
    return builder.build()


def _add_half(builder: ObjectBuilder, link: str, side: float, z: Span, layer: Span, looks: _Looks) -> None:
    """The grip on the side of the sign of `side`, the jaw on the other; only the thin neck passes the rivet."""
    jaw, grip, radius, metal = looks.jaw, looks.grip, looks.radius, looks.metal
    mirror = np.array([side, 1.0])
    gap, wide = 0.0008, 0.9 * radius
    start = 1.06 * radius
    jaw_outline = np.array(
        [[-gap, start], [-gap, start + jaw], [-gap - looks.tip * 0.5 * wide, start + jaw], [-wide, start]]
    )
    builder.add(link, prism(jaw_outline * mirror, 2, z, metal))
    neck = np.array([[-gap, 0.3 * radius], [-gap, start], [-wide, start], [-0.8 * wide, 0.3 * radius]])
    builder.add(link, prism(neck * mirror, 2, layer, metal))
    spread, bow = looks.spread, looks.bow
    half = 0.0055
    knots = [(0.55 * radius, -start), (0.5 * radius + bow * spread, -start - 0.3 * grip),
             (0.4 * radius + spread, -start - 0.65 * grip), (0.4 * radius + 0.9 * spread, -start - grip)]  # fmt: skip
    root = np.array([[0.1 * radius, -0.4 * radius], [0.85 * radius, -0.4 * radius], [0.55 * radius + half, -start],
                     [0.55 * radius - half, -start]])  # fmt: skip
    builder.add(link, prism(root * mirror, 2, layer, metal))
    for index, (near, far) in enumerate(itertools.pairwise(knots)):
        strip = np.array([[near[0] - half, near[1]], [near[0] + half, near[1]], [far[0] + half, far[1]],
                          [far[0] - half, far[1]]])  # fmt: skip
        builder.add(link, prism(strip * mirror, 2, z, metal if index == 0 else looks.rubber))
