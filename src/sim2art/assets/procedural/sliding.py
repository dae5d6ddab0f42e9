"""Panels on two parallel tracks that slide sideways past each other."""

import numpy as np

from sim2art.assets.procedural.blocks import FrontStyle, PanelKind, front_panel
from sim2art.assets.procedural.builder import ObjectBuilder
from sim2art.assets.procedural.palette import DARK, chance
from sim2art.assets.procedural.shapes import Rectangle, box


def add_sliding_panels(
    builder: ObjectBuilder, rng: np.random.Generator, opening: Rectangle, y_back: float, style: FrontStyle, *,
    kind: PanelKind, count: int, fixed: int = -1,
) -> None:  # fmt: skip
    """Fill an opening with panels that overlap a little; even ones run on the front track.

    `y_back` is the back face of the rear track's panels, `count` 2 or 3, and `fixed` the index of a panel that belongs to the
    body (-1 for none).
    """
    x, z = opening
    overlap = 0.03
    width = (x[1] - x[0] + (count - 1) * overlap) / count
    for index in range(count):
        start = x[0] + index * (width - overlap)
        span = (start + 0.002, start + width - 0.002)
        back = y_back - (0.0 if index % 2 else style.thickness + 0.006)
        y = (back - style.thickness, back)
        link = "body" if index == fixed else f"panel_{index + 1}"
        builder.add(link, *front_panel(rng, kind, span, z, y, style.front))
        near_right = index < count - 1 if index % 2 == 0 and count == 2 else chance(rng, 0.5)
        grip = span[0] + 0.03 if near_right else span[1] - 0.03
        middle, half = 0.5 * (z[0] + z[1]), min(0.08, 0.15 * (z[1] - z[0]))
        if index != fixed:
            builder.add(
                link, box((grip - 0.01, grip + 0.01), (y[0] - 0.0015, y[0]), (middle - half, middle + half), DARK)
            )
            # The first panel runs right and the last left; a middle one has a neighbour's place on both sides.
            axis = (1, 0, 0) if index < count - 1 else (-1, 0, 0)
            share = float(rng.uniform(0.7, 0.97))
            # Of three panels the first and the last share a track and may meet halfway.
            room = width - overlap if count == 2 else 0.5 * (width - 2 * overlap)
            builder.slide(link, axis=axis, limits=(0.0, share * room))
