"""A book or binder lying flat: its cover, and sometimes a block of pages, turn about the spine."""

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.procedural.builder import ObjectBuilder
from sim2art.assets.procedural.palette import PAINTS, PAPER, PLASTICS, chance, sample_palette, vary
from sim2art.assets.procedural.shapes import box


def make_book(rng: np.random.Generator) -> ArticulatedObject:
    """A book, 0.12-0.32 m wide, with its spine on the left; pages, if they turn, hang on the cover's stack below it."""
    builder = ObjectBuilder("book")
    palette = sample_palette(rng, PAINTS, PLASTICS)
    width = float(rng.uniform(0.12, 0.32))
    depth, bulk = width * float(rng.uniform(1.2, 1.5)), float(rng.uniform(0.02, 0.07))
    board = 0.004
    x, y = (0.0, width), (0.0, depth)
    top = board + bulk
    builder.add("body", box(x, y, (0.0, board), palette.front))
    builder.add("body", box((-board, 0.0), y, (0.0, top), vary(rng, palette.front, 6.0)))
    leaf_x, leaf_y = (0.002, width - 0.006), (0.006, depth - 0.006)
    page = vary(rng, PAPER, 6.0)
    turns_pages = chance(rng, 0.5)
    cut = board + bulk * (float(rng.uniform(0.4, 0.75)) if turns_pages else 1.0) - (0.0 if turns_pages else 0.002)
    builder.add("body", box(leaf_x, leaf_y, (board, cut), page))
    parent = "body"
    largest = float(rng.uniform(1.6, 2.9))
    if turns_pages:
        builder.add("pages", box(leaf_x, leaf_y, (cut + 0.002, top - 0.002), vary(rng, page, 5.0)))
        # The cover rides on the pages, so that either may turn first.
        share = float(rng.uniform(0.4, 0.6))
        limits = (0.0, share * largest)
        builder.hinge("pages", axis=(0, -1, 0), pivot=(0.0, 0.0, top), limits=limits)
        parent, largest = "pages", (1 - share) * largest
    cover = (top, top + board)
    builder.add("cover", box((-board, width), y, cover, palette.front))
    if chance(rng, 0.7):
        title = (0.2 * width, 0.8 * width), (0.55 * depth, 0.75 * depth)
        builder.add("cover", box(*title, (cover[1], cover[1] + 0.0008), palette.accent))
    pivot = (-board, 0.0, top)
    builder.hinge("cover", axis=(0, -1, 0), pivot=pivot, limits=(0.0, largest), parent=parent)
    return builder.build()
