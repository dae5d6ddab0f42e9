"""Furniture parts: carcass, fronts, handles, doors and drawers with their joints, feet, shelves, clutter.

Everything faces -y. A door's hinge line runs along the front edge of its panel, so that it clears the body and its
neighbours at any angle up to pi; a drawer slides along -y.
"""

import itertools
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sim2art.assets.procedural.builder import ObjectBuilder
from sim2art.assets.procedural.palette import DARK, GLASS, PAINTS, PLASTICS, WOODS, Palette, chance, pick, vary
from sim2art.assets.procedural.shapes import Color, Span, bevelled_panel, box, rod
from sim2art.geometry.meshes import TriangleMesh

PanelKind = Literal["plain", "bevel", "framed", "raised", "planks", "glass", "slats"]
HandleKind = Literal["bar", "flat_bar", "knob", "recess", "lip"]
Side = Literal["left", "right", "top", "bottom"]

GAP = 0.002
"""Air between parts that move against each other, m: without it coplanar faces would flicker in renders."""


@dataclass(frozen=True, kw_only=True)
class FrontStyle:
    """How the fronts of one object look; drawn once, so that its doors and drawers match."""

    panel: PanelKind
    handle: HandleKind
    thickness: float
    """m."""
    front: Color
    handle_color: Color
    handle_length: float
    """Share of the panel's extent."""
    handle_place: float
    """Place along the free edge, 0..1."""


def sample_front_style(rng: np.random.Generator, palette: Palette, *, glass: float = 0.1) -> FrontStyle:
    """A style; `glass` is the chance of glazed fronts."""
    opaque: tuple[PanelKind, ...] = ("plain", "plain", "bevel", "framed", "raised", "planks", "slats")
    return FrontStyle(
        panel="glass" if chance(rng, glass) else pick(rng, opaque),
        handle=pick(rng, ("bar", "bar", "flat_bar", "knob", "recess", "lip")),
        thickness=float(rng.uniform(0.016, 0.03)),
        front=palette.front,
        handle_color=palette.handle,
        handle_length=float(rng.uniform(0.12, 0.7)),
        handle_place=float(rng.uniform(0.25, 0.75)),
    )


def front_panel(
    rng: np.random.Generator, kind: PanelKind, x: Span, z: Span, y: Span, color: Color
) -> list[TriangleMesh]:
    """A board in the x-z plane between the depths `y`; its relief stays inside that thickness."""
    depth, least = y[1] - y[0], min(x[1] - x[0], z[1] - z[0])
    rail = min(float(rng.uniform(0.03, 0.08)), 0.22 * least)
    relief = min(0.4 * depth, 0.008)
    middle_x, middle_z = (x[0] + rail, x[1] - rail), (z[0] + rail, z[1] - rail)
    match kind:
        case "bevel":
            return [bevelled_panel(x, y, z, min(0.7 * depth, 0.3 * rail), color)]
        case "framed" | "glass":
            center = vary(rng, GLASS, 10.0) if kind == "glass" else vary(rng, color, 8.0)
            return [*border(x, z, y, rail, color), box(middle_x, (y[0] + relief, y[1] - 0.001), middle_z, center)]
        case "raised":
            field = bevelled_panel(middle_x, (y[0], y[0] + relief), middle_z, 0.8 * relief, vary(rng, color, 8.0))
            return [box(x, (y[0] + relief, y[1]), z, color), field]
        case "planks" | "slats":
            count = int(rng.integers(3, 6))
            edges, run = (np.linspace(*x, count + 1), 0) if kind == "planks" else (np.linspace(*z, count + 1), 1)
            boards = [box(x, (y[0] + relief, y[1]), z, vary(rng, color, 10.0))]
            for low, high in itertools.pairwise(edges):
                span = (float(low) + 0.0015, float(high) - 0.0015)
                bounds = (span, (y[0], y[0] + relief), z) if run == 0 else (x, (y[0], y[0] + relief), span)
                boards.append(box(*bounds, vary(rng, color, 9.0)))
            return boards
        case "plain":
            return [box(x, y, z, color)]


def border(x: Span, z: Span, y: Span, rail: float, color: Color) -> list[TriangleMesh]:
    """Four rails around a hole."""
    inner = (x[0] + rail, x[1] - rail)
    return [
        box((x[0], inner[0]), y, z, color),
        box((inner[1], x[1]), y, z, color),
        box(inner, y, (z[0], z[0] + rail), color),
        box(inner, y, (z[1] - rail, z[1]), color),
    ]


def handle(
    rng: np.random.Generator, kind: HandleKind, at: tuple[float, float], y: float, length: float,
    direction: Literal["x", "z"], color: Color,
) -> list[TriangleMesh]:  # fmt: skip
    """A handle on a front at depth `y`, centred at (x, z) = `at`, running along x or z over `length` (m)."""
    along = np.array([1.0, 0.0, 0.0]) if direction == "x" else np.array([0.0, 0.0, 1.0])
    center = np.array([at[0], y, at[1]])
    reach = float(np.clip(rng.uniform(0.22, 0.4) * length, 0.014, 0.055))
    radius = float(np.clip(rng.uniform(0.05, 0.09) * length, 0.003, 0.009))
    out = np.array([0.0, -reach, 0.0])
    half = 0.5 * length * along

    def strip(half_width: float, near: float, far: float) -> TriangleMesh:
        spread = half + half_width * (np.array([1.0, 0.0, 1.0]) - along)
        low, high = center - spread, center + spread
        return box((low[0], high[0]), (y - far, y - near), (low[2], high[2]), color if kind != "recess" else DARK)

    match kind:
        case "bar":
            posts = [center + sign * 0.8 * half for sign in (-1, 1)]
            bar = rod(center - half + out, center + half + out, radius, color)
            return [bar, *(rod(post, post + out, 0.8 * radius, color, segments=6) for post in posts)]
        case "flat_bar":
            posts = [center + sign * 0.85 * half for sign in (-1, 1)]
            feet = [
                box((p[0] - radius, p[0] + radius), (y - reach, y), (p[2] - radius, p[2] + radius), color)
                for p in posts
            ]
            return [strip(1.3 * radius, reach, reach + 1.2 * radius), *feet]
        case "knob":
            size = float(np.clip(0.18 * length, 0.009, 0.022))
            neck = rod(center, center + 0.6 * out, 0.5 * size, color, segments=8)
            return [neck, rod(center + 0.6 * out, center + out, size, color, segments=10, end_radius=0.8 * size)]
        case "recess":
            return [strip(0.013, 0.0, 0.0015)]
        case "lip":
            return [strip(0.005, 0.0, 0.6 * reach)]


@dataclass(frozen=True)
class Front:
    """Where a door's or drawer's front closes its opening, and how it looks."""

    x: Span
    z: Span
    y_back: float
    """Depth of its back face, m."""
    style: FrontStyle


def door(
    builder: ObjectBuilder, rng: np.random.Generator, name: str, side: Side, front: Front,
    *, limit: Span, pivot_depth: float = 0.0,
) -> None:  # fmt: skip
    """A hinged front; `side` is its hinged edge and `limit` the span its largest angle (rad) is drawn from.

    `pivot_depth` places the hinge line in the panel's thickness, 0 at the front and 1 at the back. Only the front is
    safe where the hinged edge has a neighbour; further back the free edge needs less room.
    """
    x, z, y_back, style = front.x, front.z, front.y_back, front.style
    y_front = y_back - style.thickness
    width, height = x[1] - x[0], z[1] - z[0]
    upright = side in ("left", "right")
    free, across = (height, width) if upright else (width, height)
    length = float(np.clip(style.handle_length * free, 0.05, 0.8 * free))
    inset = float(np.clip(0.12 * across, 0.02, 0.07))
    place = float(np.clip(style.handle_place * free, 0.55 * length, free - 0.55 * length))
    builder.add(name, *front_panel(rng, style.panel, x, z, (y_front, y_back), style.front))
    if upright:
        at = (x[1] - inset if side == "left" else x[0] + inset, z[0] + place)
    else:
        at = (0.5 * (x[0] + x[1]), z[1] - inset if side == "bottom" else z[0] + inset)
    builder.add(name, *handle(rng, style.handle, at, y_front, length, "z" if upright else "x", style.handle_color))
    axis = {"left": (0, 0, -1), "right": (0, 0, 1), "bottom": (1, 0, 0), "top": (-1, 0, 0)}[side]
    pivot = (x[0] if side == "left" else x[1], y_front + pivot_depth * style.thickness, z[1] if side == "top" else z[0])
    builder.hinge(name, axis=axis, pivot=pivot, limits=(0.0, float(rng.uniform(*limit))))


def drawer(
    builder: ObjectBuilder,
    rng: np.random.Generator,
    name: str,
    front: Front,
    depth: float,
    inside: Color,
    *,
    overlay: float,
) -> None:
    """A sliding box of some depth behind a front; `overlay` is how far the front overlaps the opening on each side, m."""
    x, z, y_back, style = front.x, front.z, front.y_back, front.style
    y_front = y_back - style.thickness
    width, height = x[1] - x[0], z[1] - z[0]
    panel: PanelKind = "plain" if style.panel == "glass" else style.panel
    builder.add(name, *front_panel(rng, panel, x, z, (y_front, y_back), style.front))
    length = float(np.clip(style.handle_length * width, 0.05, 0.8 * width))
    at_z = z[1] - 0.02 if style.handle == "lip" else z[0] + (0.5 + 0.2 * (style.handle_place - 0.5)) * height
    middle = 0.5 * (x[0] + x[1])
    if style.handle == "knob" and width > 0.5:
        spots = [middle - 0.28 * width, middle + 0.28 * width]
    else:
        spots = [middle]
    for spot in spots:
        builder.add(name, *handle(rng, style.handle, (spot, at_z), y_front, length, "x", style.handle_color))
    # A cell that is hardly higher than its boards still gets a shallow tray.
    tray_height = max(0.7 * (height - 2 * overlay), 0.0115)
    tray_x, tray_z = (x[0] + overlay, x[1] - overlay), (z[0] + overlay, z[0] + overlay + tray_height)
    tray_y = (y_back, y_back + depth)
    builder.add(name, *tray(tray_x, tray_y, tray_z, 0.01, inside))
    if chance(rng, 0.5):
        floor = tray_z[0] + 0.011
        room = (tray_x[0] + 0.02, tray_x[1] - 0.02), (tray_y[0] + 0.02, tray_y[1] - 0.02), (floor, tray_z[1])
        builder.add(name, *clutter(rng, *room, count=int(rng.integers(1, 3))))
    travel = depth * float(rng.uniform(0.6, 0.95))
    builder.slide(name, axis=(0, -1, 0), limits=(0.0, travel))


def tray(x: Span, y: Span, z: Span, wall: float, color: Color) -> list[TriangleMesh]:
    """A box open at the top and towards the front (-y)."""
    inner = (x[0] + wall, x[1] - wall)
    return [
        box(x, y, (z[0], z[0] + wall), color),
        box((x[0], inner[0]), y, (z[0] + wall, z[1]), color),
        box((inner[1], x[1]), y, (z[0] + wall, z[1]), color),
        box(inner, (y[1] - wall, y[1]), (z[0] + wall, z[1]), color),
    ]


def carcass(x: Span, y: Span, z: Span, wall: float, color: Color, inside: Color) -> list[TriangleMesh]:
    """A box open towards the front (-y): sides, bottom, top, and a back panel in the inside colour."""
    inner_x, inner_z = (x[0] + wall, x[1] - wall), (z[0] + wall, z[1] - wall)
    return [
        box((x[0], inner_x[0]), y, z, color),
        box((inner_x[1], x[1]), y, z, color),
        box(inner_x, y, (z[0], inner_z[0]), color),
        box(inner_x, y, (inner_z[1], z[1]), color),
        box(inner_x, (y[1] - min(wall, 0.012), y[1]), inner_z, inside),
    ]


def open_box(x: Span, y: Span, z: Span, wall: float, color: Color) -> list[TriangleMesh]:
    """A box open at the top."""
    front = box((x[0] + wall, x[1] - wall), (y[0], y[0] + wall), (z[0] + wall, z[1]), color)
    return [*tray(x, y, z, wall, color), front]


MIN_ROOM = 0.006
"""A cavity narrower than this (m) stays empty."""


def clutter(rng: np.random.Generator, x: Span, y: Span, z: Span, *, count: int) -> list[TriangleMesh]:
    """Boxes, cans and books that stand side by side on the floor `z[0]` and stay inside the room; none when it is too flat."""
    if min(high - low for low, high in (x, y, z)) < MIN_ROOM:
        return []
    items = []
    edges = np.linspace(*x, count + 1)
    for low, high in itertools.pairwise(edges):
        color = vary(rng, pick(rng, pick(rng, (PAINTS, PLASTICS, WOODS))), 14.0)
        width = float(high - low) * float(rng.uniform(0.35, 0.85))
        depth = (y[1] - y[0]) * float(rng.uniform(0.2, 0.7))
        tall = (z[1] - z[0]) * float(rng.uniform(0.25, 0.85))
        left = float(rng.uniform(low, high - width))
        near = float(rng.uniform(y[0], y[1] - depth))
        if chance(rng, 0.35):
            radius = 0.5 * min(width, depth)
            at = (left + radius, near + radius)
            items.append(rod((*at, z[0] + 0.0005), (*at, z[0] + tall), radius, color, segments=10))
        else:
            items.append(box((left, left + width), (near, near + depth), (z[0] + 0.0005, z[0] + tall), color))
    return items


def feet(rng: np.random.Generator, x: Span, y: Span, height: float, color: Color) -> list[TriangleMesh]:
    """Four legs or a plinth below z = 0 (from -height to 0); nothing when the height is 0."""
    if height < 0.01:
        return []
    if chance(rng, 0.35):
        return [box((x[0] + 0.01, x[1] - 0.01), (y[0] + 0.04, y[1] - 0.01), (-height, 0.0), color)]
    half, inset = float(rng.uniform(0.012, 0.03)), float(rng.uniform(0.03, 0.06))
    spots = [(sx, sy) for sx in (x[0] + inset, x[1] - inset) for sy in (y[0] + inset, y[1] - inset)]
    if chance(rng, 0.4):
        return [rod((*s, -height), (*s, 0.0), 0.7 * half, color, segments=8, end_radius=half) for s in spots]
    return [box((s[0] - half, s[0] + half), (s[1] - half, s[1] + half), (-height, 0.0), color) for s in spots]


def shelves(
    rng: np.random.Generator, x: Span, y: Span, z: Span, color: Color, *, count: int, fill: float = 0.5
) -> list[TriangleMesh]:
    """Level boards in a cavity, and things on them (and on its floor) with a chance of `fill` each."""
    levels = [float(level) for level in np.linspace(*z, count + 2)[1:-1]]
    thickness = float(rng.uniform(0.008, 0.02))
    boards = [box(x, (y[0] + 0.02, y[1]), (level - thickness, level), color) for level in levels]
    for floor, ceiling in zip([z[0], *levels], [*levels, z[1]], strict=True):
        if chance(rng, fill):
            room = (x[0] + 0.01, x[1] - 0.01), (y[0] + 0.04, y[1] - 0.01), (floor, ceiling - 0.03)
            boards += clutter(rng, *room, count=int(rng.integers(1, 5)))
    return boards
