"""A computer monitor or television on a stand: it swivels, tilts and sometimes rises (a chain)."""

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.procedural.blocks import border
from sim2art.assets.procedural.builder import ObjectBuilder
from sim2art.assets.procedural.palette import METALS, PLASTICS, chance, pick, sample_palette, vary
from sim2art.assets.procedural.shapes import box, rod, tube


def make_monitor(rng: np.random.Generator) -> ArticulatedObject:
    """A monitor, 0.35-0.8 m wide, upright at rest; it swivels and tilts to both sides."""
    builder = ObjectBuilder("monitor")
    palette = sample_palette(rng, PLASTICS[:2], METALS, PLASTICS[6:7])
    width = float(rng.uniform(0.35, 0.8))
    tall, thick = width * float(rng.uniform(0.55, 0.75)), float(rng.uniform(0.018, 0.05))
    lift = float(rng.uniform(0.06, 0.16))
    middle = lift + 0.5 * tall
    if chance(rng, 0.5):
        radius = 0.25 * width
        builder.add("body", rod((0, 0, 0), (0, 0, 0.014), radius, palette.body, segments=20, end_radius=0.95 * radius))
    else:
        builder.add(
            "body", box((-0.25 * width, 0.25 * width), (-0.22 * width, 0.15 * width), (0.0, 0.014), palette.body)
        )
    builder.add("body", tube((0, 0), (0.014, 0.6 * middle), (0.024, 0.022), 0.006, palette.body, segments=12))
    parent, mount = "body", "body"
    kinds = pick(rng, (("swivel", "tilt"), ("tilt",), ("lift", "tilt"), ("lift", "swivel"), ("swivel",)))
    post = rod((0, 0, 0.03), (0, 0, middle), 0.014, palette.handle, segments=10)
    if kinds[0] in ("swivel", "lift"):
        mount = "post"
        if kinds[0] == "swivel":
            builder.add(mount, post)
            builder.hinge(mount, axis=(0, 0, 1), pivot=(0.0, 0.0, 0.0), limits=_both_ways(rng, 0.5, 1.1), parent=parent)
        else:
            builder.add(mount, post)
            builder.slide(mount, axis=(0, 0, 1), limits=(0.0, float(rng.uniform(0.3, 0.5)) * middle), parent=parent)
    else:
        builder.add("body", post)
    head = "screen" if len(kinds) == 2 or kinds[0] == "tilt" else mount
    neck = -0.055
    builder.add(mount, rod((0, 0, middle), (0, neck + 0.012, middle), 0.012, palette.handle))
    back = neck - 0.002
    x, z, y = (-0.5 * width, 0.5 * width), (middle - 0.5 * tall, middle + 0.5 * tall), (back - thick, back)
    rim = float(rng.uniform(0.008, 0.025))
    builder.add(head, *border(x, z, y, rim, palette.front))
    inner_x, inner_z = (x[0] + rim, x[1] - rim), (z[0] + rim, z[1] - rim)
    screen = vary(rng, pick(rng, ((30, 34, 40), (50, 80, 120), (90, 120, 90))), 20.0)
    builder.add(head, box(inner_x, (y[0] + 0.003, y[1]), inner_z, screen))
    if head == "screen":
        side = (0.03, 0.0) if "tilt" in kinds else (0.0, 0.03)  # The knuckle lies along the hinge line.
        ends = (-side[0], neck, middle - side[1]), (side[0], neck, middle + side[1])
        builder.add(head, rod(*ends, 0.01, palette.handle))
        if "tilt" in kinds:
            # Leaning back, the lower edge comes near the stand.
            axis, limits = (1, 0, 0), (-float(rng.uniform(0.2, 0.45)), min(float(rng.uniform(0.1, 0.3)), 0.05 / tall))
        else:
            axis, limits = (0, 0, 1), _both_ways(rng, 0.4, 0.9)
        builder.hinge(head, axis=axis, pivot=(0.0, neck, middle), limits=limits, parent=mount)
    return builder.build()


def _both_ways(rng: np.random.Generator, least: float, most: float) -> tuple[float, float]:
    return -float(rng.uniform(least, most)), float(rng.uniform(least, most))
