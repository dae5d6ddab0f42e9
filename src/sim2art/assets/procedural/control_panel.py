"""A hob, radio or machine front with knobs, dials, levers and keys: small parts that move where they sit."""

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.procedural.builder import ObjectBuilder
from sim2art.assets.procedural.palette import (
    DARK,
    METALS,
    PAINTS,
    PLASTICS,
    Palette,
    chance,
    pick,
    sample_palette,
    vary,
)
from sim2art.assets.procedural.shapes import Color, Span, box, rod

_FRONT = -0.0035
"""Where what moves begins, m: clear of the plate."""
_KINDS = ("bar_knob", "bar_knob", "notched_dial", "spoked_wheel", "lever", "key")


def make_control_panel(rng: np.random.Generator) -> ArticulatedObject:
    """A box, 0.12-0.7 m wide, with one to five controls on its front; at times a single one that nearly fills it."""
    builder = ObjectBuilder("control_panel")
    palette = sample_palette(rng, METALS, PAINTS, PLASTICS)
    count = int(rng.integers(1, 6))
    radius = float(rng.uniform(0.018, 0.06))
    pitch = radius * float(rng.uniform(2.3, 4.0))
    width = count * pitch + radius * float(rng.uniform(0.6, 5.0))
    height = radius * float(rng.uniform(2.6, 7.0))
    depth = min(float(rng.uniform(0.05, 0.35)), 10 * radius)
    builder.add("body", box((-0.5 * width, 0.5 * width), (0.0, depth), (0.0, height), palette.body))
    edge = 0.3 * radius
    plate = (-0.5 * width + edge, 0.5 * width - edge), (-0.003, 0.0), (edge, height - edge)
    builder.add("body", box(*plate, palette.front if chance(rng, 0.5) else palette.body))
    z = height * float(rng.uniform(0.45, 0.55))
    kind = pick(rng, _KINDS)
    for index in range(count):
        x = (index - 0.5 * (count - 1)) * pitch
        # Most panels have a row of one kind.
        if chance(rng, 0.3):
            kind = pick(rng, _KINDS)
        _add_control(builder, rng, f"{kind}_{index + 1}", kind, (x, z), radius, palette)
    return builder.build()


def _add_control(
    builder: ObjectBuilder, rng: np.random.Generator, link: str, kind: str, place: Span, radius: float, palette: Palette
) -> None:
    color = vary(rng, palette.handle, 8.0)
    if kind == "key":
        _add_key(builder, rng, link, place, radius, color)
    elif kind == "lever":
        _add_lever(builder, rng, link, place, radius, color)
    else:
        _add_knob(builder, rng, link, kind, place, radius, color, palette)


def _add_key(
    builder: ObjectBuilder, rng: np.random.Generator, link: str, place: Span, radius: float, color: Color
) -> None:
    """It stands off the panel by what it can be pressed."""
    x, z = place
    half, travel = radius * float(rng.uniform(0.5, 0.9)), radius * float(rng.uniform(1.0, 1.6))
    back = _FRONT - travel
    for share, near, far in ((1.0, back - 0.3 * radius, back), (0.8, back - 0.4 * radius, back - 0.3 * radius)):
        size = share * half
        builder.add(link, box((x - size, x + size), (near, far), (z - size, z + size), color))
    builder.slide(link, axis=(0, 1, 0), limits=(0.0, travel))


def _add_knob(
    builder: ObjectBuilder,
    rng: np.random.Generator,
    link: str,
    kind: str,
    place: Span,
    radius: float,
    color: Color,
    palette: Palette,
) -> None:
    """What turns about its middle: with a bar across, with a mark near the rim, or as spokes."""
    x, z = place
    if chance(rng, 0.5):
        builder.add("body", rod((x, 0.0, z), (x, _FRONT + 0.0015, z), 1.15 * radius, DARK, segments=20))
    out = radius * float(rng.uniform(0.5, 1.3))
    start = float(rng.uniform(0.0, 2 * np.pi))
    toward = float(np.cos(start)), float(np.sin(start))
    if kind == "spoked_wheel":
        _add_spokes(builder, rng, link, place, radius, out, color)
    else:
        rim = radius if kind == "notched_dial" else radius * float(rng.uniform(0.7, 1.0))
        builder.add(link, rod((x, _FRONT, z), (x, _FRONT - out, z), rim, color, segments=24, end_radius=0.92 * rim))
        if kind == "bar_knob":
            reach, level = 0.95 * radius, _FRONT - out - 0.2 * radius
            bar, thickness = vary(rng, color, 25.0), radius * float(rng.uniform(0.15, 0.3))
            tail, tip = ((x + way * reach * toward[0], level, z + way * reach * toward[1]) for way in (-1, 1))
            builder.add(link, rod(tail, tip, thickness, bar, segments=6))
        else:
            at = x + 0.6 * rim * toward[0], z + 0.6 * rim * toward[1]
            mark = (at[0], _FRONT - out, at[1]), (at[0], _FRONT - out - 0.15 * radius, at[1])
            builder.add(link, rod(*mark, 0.22 * radius, vary(rng, palette.accent, 20.0), segments=8))
    way = pick(rng, (-1.0, 1.0))
    builder.hinge(link, axis=(0, way, 0), pivot=(x, 0.0, z), limits=(0.0, float(rng.uniform(1.0, 4.1))))


def _add_spokes(
    builder: ObjectBuilder, rng: np.random.Generator, link: str, place: Span, radius: float, out: float, color: Color
) -> None:
    x, z = place
    builder.add(link, rod((x, _FRONT, z), (x, _FRONT - out, z), 0.25 * radius, color, segments=10))
    spokes = int(rng.integers(2, 6))
    for angle in float(rng.uniform(0.0, np.pi)) + np.arange(spokes) * 2 * np.pi / spokes:
        tip = (x + radius * float(np.cos(angle)), -0.002 - out, z + radius * float(np.sin(angle)))
        builder.add(link, rod((x, -0.002 - out, z), tip, 0.12 * radius, color, segments=6))


def _add_lever(
    builder: ObjectBuilder, rng: np.random.Generator, link: str, place: Span, radius: float, color: Color
) -> None:
    """A toggle that tips about a line in the panel."""
    x, z = place
    length, half = radius * float(rng.uniform(1.5, 2.5)), radius * float(rng.uniform(0.15, 0.4))
    tilt = float(rng.uniform(0.2, 0.6))
    out, up = -float(np.cos(tilt)), float(np.sin(tilt))
    # Its foot stays clear of the panel however it tips.
    foot = 0.7 * half + 0.005
    root, tip = ((x, reach * out, z + reach * up) for reach in (foot, foot + length))
    builder.add(link, rod(root, tip, half, color, segments=8, end_radius=1.3 * half))
    builder.hinge(link, axis=(1, 0, 0), pivot=(x, 0.0, z), limits=(0.0, tilt + float(rng.uniform(0.2, 0.6))))
