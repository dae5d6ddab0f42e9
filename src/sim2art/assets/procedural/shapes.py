"""Closed, painted solids: box, rod, prism, ring, tube. All are lofts, so all are watertight with outward winding.

Lengths are metres, positions are in the object frame (z up, the front looks along -y).
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from sim2art.geometry.meshes import TriangleMesh, make_box
from sim2art.geometry.rotations import any_perpendicular, rotation_from_rotvec
from sim2art.geometry.transforms import make_transform

Color = tuple[int, int, int]
"""RGB, 0..255."""
Span = tuple[float, float]
"""Low and high end, m."""
Rectangle = tuple[Span, Span]
"""x and z of a front or an opening."""
Point = Sequence[float] | Float[np.ndarray, "3"]
"""x, y, z, m."""


def paint(vertices: Float[np.ndarray, "vertex 3"], faces: Int[np.ndarray, "face 3"], color: Color) -> TriangleMesh:
    """A closed mesh of one colour, turned inside out if its faces wound inwards."""
    # The determinants are six times the signed volumes of tetrahedra to the origin.
    if np.linalg.det(vertices[faces]).sum() < 0:
        faces = faces[:, ::-1]
    return TriangleMesh(vertices=vertices, faces=faces).painted(color)


def box(x: Span, y: Span, z: Span, color: Color) -> TriangleMesh:
    """An axis-aligned box."""
    low, high = np.array([x, y, z], dtype=np.float64).T
    assert np.all(high > low), f"A box needs spans from low to high; found x {x}, y {y}, z {z}."
    return make_box(high - low, 0.5 * (low + high)).painted(color)


def loft(sections: Float[np.ndarray, "section point 3"], color: Color) -> TriangleMesh:
    """A solid skinned over closed outlines, its two ends capped by fans about their centroids."""
    count, size, _ = sections.shape
    centers = sections[[0, -1]].mean(axis=1)
    here = np.arange(size)
    after = (here + 1) % size
    faces = [_band(row * size, (row + 1) * size, size) for row in range(count - 1)]
    faces.append(np.stack([np.full(size, count * size), after, here], axis=1))
    top = (count - 1) * size
    faces.append(np.stack([np.full(size, count * size + 1), top + here, top + after], axis=1))
    return paint(np.concatenate([sections.reshape(-1, 3), centers]), np.concatenate(faces), color)


def loop_loft(sections: Float[np.ndarray, "section point 3"], color: Color) -> TriangleMesh:
    """A ring-like solid: the last outline joins the first, so there are no caps."""
    count, size, _ = sections.shape
    faces = [_band(row * size, (row + 1) % count * size, size) for row in range(count)]
    return paint(sections.reshape(-1, 3), np.concatenate(faces), color)


def _band(lower: int, upper: int, size: int) -> Int[np.ndarray, "face 3"]:
    here = np.arange(size)
    after = (here + 1) % size
    return np.concatenate(
        [
            np.stack([lower + here, lower + after, upper + after], axis=1),
            np.stack([lower + here, upper + after, upper + here], axis=1),
        ]
    )


def raised(outline: Float[np.ndarray, "point 2"], axis: int, level: float) -> Float[np.ndarray, "point 3"]:
    """A flat outline put at `level` along an axis; its two coordinates are the next axes in cyclic order."""
    points = np.empty((len(outline), 3))
    points[:, axis] = level
    points[:, (axis + 1) % 3] = outline[:, 0]
    points[:, (axis + 2) % 3] = outline[:, 1]
    return points


def prism(outline: Float[np.ndarray, "point 2"], axis: int, span: Span, color: Color) -> TriangleMesh:
    """An outline (star-shaped about its centroid) extruded along an axis."""
    return loft(np.stack([raised(outline, axis, level) for level in span]), color)


def ring_prism(
    outer: Float[np.ndarray, "point 2"], inner: Float[np.ndarray, "point 2"], axis: int, span: Span, color: Color
) -> TriangleMesh:
    """A plate with a hole; both outlines have the same number of points, in the same order."""
    low, high = span
    sections = [
        raised(outer, axis, low),
        raised(outer, axis, high),
        raised(inner, axis, high),
        raised(inner, axis, low),
    ]
    return loop_loft(np.stack(sections), color)


def circle(radius: float, center: Span = (0.0, 0.0), segments: int = 16) -> Float[np.ndarray, "point 2"]:
    """A regular polygon."""
    return ellipse((radius, radius), center, segments)


def ellipse(radii: Span, center: Span = (0.0, 0.0), segments: int = 16) -> Float[np.ndarray, "point 2"]:
    """A polygon on an ellipse; its first edge straddles the first axis."""
    angles = (np.arange(segments) + 0.5) * 2 * np.pi / segments
    return np.stack([center[0] + radii[0] * np.cos(angles), center[1] + radii[1] * np.sin(angles)], axis=1)


def rectangle_around(
    inner: Float[np.ndarray, "point 2"], center: Span, half_sizes: Span
) -> Float[np.ndarray, "point 2"]:
    """Points on a rectangle's border in the directions of `inner`: the outer outline of a plate with a hole.

    The corners are met when `inner` has 4 k points at 45 degrees, as `circle` with 4, 12 or 20 segments has.
    """
    directions = (inner - np.array(center)) / np.array(half_sizes)
    return np.array(center) + directions / np.abs(directions).max(axis=1, keepdims=True) * np.array(half_sizes)


def rod(
    start: Point, end: Point, radius: float, color: Color, *, segments: int = 8, end_radius: float | None = None
) -> TriangleMesh:
    """A round bar (or cone frustum) between two points."""
    first, last = np.array(start, dtype=np.float64), np.array(end, dtype=np.float64)
    along = (last - first) / np.linalg.norm(last - first)
    side = any_perpendicular(along)
    outline = circle(1.0, segments=segments)
    unit = outline[:, :1] * side + outline[:, 1:] * np.cross(along, side)
    tip = radius if end_radius is None else end_radius
    return loft(np.stack([first + radius * unit, last + tip * unit]), color)


def tube(
    center: Span, z: Span, radii: Span, wall: float, color: Color, *, segments: int = 16, scale: Span = (1.0, 1.0)
) -> TriangleMesh:
    """An upright pipe open at both ends, with its outer radius at the bottom and at the top; `scale` stretches x, y."""

    def outline(radius: float) -> Float[np.ndarray, "point 2"]:
        return ellipse((radius * scale[0], radius * scale[1]), center, segments)

    sections = [
        raised(outline(radii[0]), 2, z[0]), raised(outline(radii[1]), 2, z[1]),
        raised(outline(radii[1] - wall), 2, z[1]), raised(outline(radii[0] - wall), 2, z[0]),
    ]  # fmt: skip
    return loop_loft(np.stack(sections), color)


def bevelled_panel(x: Span, y: Span, z: Span, bevel: float, color: Color) -> TriangleMesh:
    """An upright board whose front (-y) edges are chamfered."""

    def section(level: float, shrink: float) -> Float[np.ndarray, "4 3"]:
        x0, x1, z0, z1 = x[0] + shrink, x[1] - shrink, z[0] + shrink, z[1] - shrink
        return np.array([[x0, level, z0], [x1, level, z0], [x1, level, z1], [x0, level, z1]])

    return loft(np.stack([section(y[1], 0.0), section(y[0] + bevel, 0.0), section(y[0], bevel)]), color)


def turned(mesh: TriangleMesh, axis: int, angle: float, pivot: Point = (0.0, 0.0, 0.0)) -> TriangleMesh:
    """A mesh turned about a line along one of the frame's axes (0, 1, 2) through a point."""
    rotation = rotation_from_rotvec(np.eye(3)[axis] * angle)
    center = np.array(pivot, dtype=np.float64)
    return mesh.transformed(make_transform(rotation, center - rotation @ center))


def shifted(mesh: TriangleMesh, offset: Point) -> TriangleMesh:
    """A mesh moved by an offset."""
    return mesh.transformed(make_transform(np.eye(3), np.array(offset, dtype=np.float64)))
