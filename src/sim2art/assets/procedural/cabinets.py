"""A carcass with cells in its front; each cell is filled with a door, a drawer, a decoy, or left open."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sim2art.assets.procedural.blocks import (
    GAP,
    Front,
    FrontStyle,
    Side,
    carcass,
    door,
    drawer,
    feet,
    front_panel,
    handle,
    sample_front_style,
)
from sim2art.assets.procedural.builder import ObjectBuilder
from sim2art.assets.procedural.palette import Palette, chance
from sim2art.assets.procedural.shapes import Span, box


@dataclass(frozen=True, kw_only=True)
class Cabinet:
    """A carcass that stands in an object as link "body", and where its fronts go."""

    x: Span
    y: Span
    z: Span
    """Outer extents, m."""
    wall: float
    """Thickness of the carcass boards, m."""
    is_inset: bool
    """Whether fronts lie inside the opening, flush with the body, instead of covering its edges."""
    style: FrontStyle
    palette: Palette

    @property
    def front_x(self) -> Span:
        """Width that fronts share."""
        return self._front(self.x)

    @property
    def front_z(self) -> Span:
        """Height that fronts share."""
        return self._front(self.z)

    @property
    def inner_x(self) -> Span:
        """Cavity between the side boards."""
        return self.x[0] + self.wall, self.x[1] - self.wall

    @property
    def inner_z(self) -> Span:
        """Cavity between bottom and top board."""
        return self.z[0] + self.wall, self.z[1] - self.wall

    @property
    def y_back(self) -> float:
        """Depth of the back faces of the fronts."""
        return self.style.thickness - 0.001 if self.is_inset else -GAP

    @property
    def cavity_y(self) -> Span:
        """Cavity behind the fronts."""
        return max(self.y_back, 0.0) + 0.004, self.y[1] - 0.015

    def _front(self, span: Span) -> Span:
        margin = self.wall + GAP if self.is_inset else 0.0
        return span[0] + margin, span[1] - margin


def sample_cabinet(
    builder: ObjectBuilder, rng: np.random.Generator, palette: Palette, size: tuple[Span, Span, Span], *,
    foot: Span = (0.0, 0.12), glass: float, inset: float = 0.3,
) -> Cabinet:  # fmt: skip
    """Draw a cabinet's width, depth and height (m, from the spans) and looks, and add its carcass and feet to the body."""
    w, d, h = (float(rng.uniform(*span)) for span in size)
    cabinet = Cabinet(
        x=(-0.5 * w, 0.5 * w),
        y=(0.0, d),
        z=(0.0, h),
        wall=float(rng.uniform(0.014, 0.028)),
        is_inset=chance(rng, inset),
        style=sample_front_style(rng, palette, glass=glass),
        palette=palette,
    )
    builder.add("body", *carcass(cabinet.x, cabinet.y, cabinet.z, cabinet.wall, palette.body, palette.inside))
    foot_height = float(rng.uniform(*foot)) if chance(rng, 0.6) else 0.0
    builder.add("body", *feet(rng, cabinet.x, cabinet.y, foot_height, palette.body))
    if chance(rng, 0.3):  # A top board that sticks out beyond the fronts.
        out = float(rng.uniform(0.03, 0.06))
        top = box(
            (cabinet.x[0] - 0.5 * out, cabinet.x[1] + 0.5 * out), (-out, d), (h, h + cabinet.wall * 1.2), palette.front
        )
        builder.add("body", top)
    return cabinet


def split_span(rng: np.random.Generator, span: Span, count: int, *, unevenness: float = 0.25) -> list[Span]:
    """Neighbouring cells with air between them; `unevenness` 0 makes them equal."""
    gap = 0.004
    shares = np.exp(rng.normal(0.0, unevenness, size=count)) if chance(rng, 0.5) else np.ones(count)
    edges = span[0] + (span[1] - span[0]) * np.concatenate([[0.0], np.cumsum(shares) / shares.sum()])
    return [
        (float(low) + (0.5 * gap if i else 0.0), float(high) - (0.5 * gap if i < count - 1 else 0.0))
        for i, (low, high) in enumerate(itertools.pairwise(edges))
    ]


def add_cabinet_door(
    builder: ObjectBuilder, rng: np.random.Generator, cabinet: Cabinet, name: str, side: Side, x: Span, z: Span,
    *, limit: Span = (1.2, 2.2),
) -> None:  # fmt: skip
    """A hinged front over a cell."""
    # An inset door has its side board right beside its hinged edge.
    pivot_depth = 0.0 if cabinet.is_inset else float(rng.uniform(0.0, 0.8))
    front = Front(x, z, cabinet.y_back, cabinet.style)
    door(builder, rng, name, side, front, limit=limit, pivot_depth=pivot_depth)


def add_cabinet_drawer(
    builder: ObjectBuilder, rng: np.random.Generator, cabinet: Cabinet, name: str, x: Span, z: Span
) -> None:
    """A drawer behind a front over a cell."""
    overlay = 0.4 * cabinet.wall + 0.003 if cabinet.is_inset else cabinet.wall + 0.004
    depth = (cabinet.cavity_y[1] - cabinet.y_back) * float(rng.uniform(0.85, 0.98))
    front = Front(x, z, cabinet.y_back, cabinet.style)
    drawer(builder, rng, name, front, depth, cabinet.palette.inside, overlay=overlay)


def add_decoy(builder: ObjectBuilder, rng: np.random.Generator, cabinet: Cabinet, x: Span, z: Span) -> None:
    """A front that looks as if it opened but is part of the body."""
    style = cabinet.style
    y = (cabinet.y_back - style.thickness, cabinet.y_back)
    builder.add("body", *front_panel(rng, style.panel, x, z, y, style.front))
    width, height = x[1] - x[0], z[1] - z[0]
    at = (0.5 * (x[0] + x[1]), 0.5 * (z[0] + z[1]))
    length = float(np.clip(style.handle_length * width, 0.04, 0.7 * width))
    if chance(rng, 0.7) and min(width, height) > 0.06:
        builder.add("body", *handle(rng, style.handle, at, y[0], length, "x", style.handle_color))


def add_dividers(builder: ObjectBuilder, cabinet: Cabinet, cells: Sequence[Span], *, upright: bool) -> None:
    """A board between every two neighbouring cells, given by their spans along the split direction."""
    for low, high in itertools.pairwise(cells):
        middle, half = 0.5 * (low[1] + high[0]), 0.4 * cabinet.wall
        board = (middle - half, middle + half)
        x, z = (board, cabinet.inner_z) if upright else (cabinet.inner_x, board)
        builder.add("body", box(x, cabinet.cavity_y, z, cabinet.palette.inside))
