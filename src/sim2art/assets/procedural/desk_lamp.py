"""A desk lamp: arms and a shade in a chain of two or three hinges on a heavy foot."""

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.assets.procedural.builder import ObjectBuilder
from sim2art.assets.procedural.palette import METALS, PAINTS, PLASTICS, chance, sample_palette, vary
from sim2art.assets.procedural.shapes import Color, rod, tube, turned


def make_desk_lamp(rng: np.random.Generator) -> ArticulatedObject:
    """A desk lamp, 0.3-0.6 m high; it may turn both ways from rest, except about its foot."""
    builder = ObjectBuilder("desk_lamp")
    palette = sample_palette(rng, METALS, PLASTICS, PAINTS)
    radius, foot = float(rng.uniform(0.07, 0.11)), float(rng.uniform(0.015, 0.035))
    builder.add("body", rod((0, 0, 0), (0, 0, foot), radius, palette.body, segments=18, end_radius=0.9 * radius))
    post = foot + float(rng.uniform(0.03, 0.08))
    builder.add("body", rod((0, 0, foot), (0, 0, post), 0.014, palette.body))
    thick = float(rng.uniform(0.007, 0.012))
    # Angles from the vertical, in the x-z plane: the lower arm leans back and the upper one reaches forward.
    if chance(rng, 0.65):
        arms = [("lower_arm", float(rng.uniform(-0.6, -0.1)), 0.35), ("upper_arm", float(rng.uniform(0.5, 1.0)), 0.45)]
    else:
        arms = [("arm", float(rng.uniform(0.1, 0.4)), 0.35)]
    parent, pin, angle = "body", np.array([0.0, 0.0, post + 0.012]), 0.0
    for name, angle, largest in arms:
        end = pin + float(rng.uniform(0.17, 0.29)) * np.array([np.sin(angle), 0.0, np.cos(angle)])
        _add_arm(builder, name, pin, end, thick, vary(rng, palette.front, 6.0), palette.handle)
        limits = (-float(rng.uniform(0.2, 0.5)), float(rng.uniform(0.2, largest)))
        builder.hinge(name, axis=(0, 1, 0), pivot=(*pin,), limits=limits, parent=parent)
        parent, pin = name, end
    # The shade hangs ahead of its arm and may turn back towards it until its rim is near the arm.
    ahead = float(rng.uniform(1.35, 1.75))
    _add_shade(builder, rng, pin, thick, palette.accent, angle - ahead)
    limits = (-float(rng.uniform(0.3, 0.6)), ahead - 1.15)
    builder.hinge("shade", axis=(0, 1, 0), pivot=(*pin,), limits=limits, parent=parent)
    return builder.build()


def _add_arm(
    builder: ObjectBuilder, name: str, start: np.ndarray, end: np.ndarray, thick: float, color: Color, joint: Color
) -> None:
    along = (end - start) / np.linalg.norm(end - start)
    builder.add(name, rod(start + 0.012 * along, end - 0.014 * along, thick, color))
    side = np.array([0.0, 1.6 * thick, 0.0])
    builder.add(name, rod(start - side, start + side, 0.012, joint, segments=10))


def _add_shade(
    builder: ObjectBuilder, rng: np.random.Generator, pin: np.ndarray, thick: float, color: Color, tilt: float
) -> None:
    wide, tall = float(rng.uniform(0.05, 0.085)), float(rng.uniform(0.08, 0.14))
    narrow = float(rng.uniform(0.3, 0.5)) * wide
    center = float(pin[0]), float(pin[1])
    top = float(pin[2]) - 0.036
    bell = tube(center, (top - tall, top), (wide, narrow), 0.004, color, segments=18)
    cap = rod((*center, top - 0.004), (*center, top + 0.004), narrow - 0.002, color, segments=18)
    bulb = rod((*center, top - 0.07), (*center, top - 0.004), 0.022, (250, 244, 214), end_radius=0.014)
    neck = rod((*center, top), (*pin,), 0.009, color)
    side = np.array([0.0, 1.6 * thick, 0.0])
    knuckle = rod(pin - side, pin + side, 0.011, color, segments=10)
    builder.add("shade", *(turned(mesh, 1, tilt, (*pin,)) for mesh in (bell, cap, bulb, neck, knuckle)))
