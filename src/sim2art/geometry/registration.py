"""Where one surface lies against another that shows the same thing from elsewhere: many rough starts, then ICP.

Starts turn the second surface about the upright and tip it, with middles, box centres or given hints laid on each other.
The best are refined by point-to-plane ICP (Chen and Medioni 1992) whose reach shrinks. More than one place may fit: all
that do come back, best first, and the caller says which.
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial import KDTree

from sim2art.errors import InvalidValueError
from sim2art.geometry.meshes import TriangleMesh, spread_points
from sim2art.geometry.rotations import rotation_from_rotvec, rotvec_from_rotation
from sim2art.geometry.transforms import apply, inverse, make_transform

# Lengths are shares of the first surface's radius.
_NUM_POINTS = 1200
_NUM_ROUGH = 250
"""Points that judge a start."""
_NUM_TURNS = 24
"""About the upright."""
_TIPS = (-0.5, -0.25, 0.0, 0.25, 0.5)
"""rad, about the second surface's x axis: cameras were held at different slants."""
_NUM_REFINED = 24
"""Starts that ICP refines roughly; a quarter of them to the end."""
_REACHES = (0.3, 0.15, 0.07, 0.035)
"""Farthest pairs of ICP, one a stage."""
_TOLERANCE = 0.02
"""Points nearer than this to the other surface lie on it."""
_COLOR_SCALE = 60.0
"""Colour difference at which an overlap counts for little."""


@dataclass(frozen=True, kw_only=True)
class SurfaceSample:
    """Points drawn evenly from a mesh."""

    points: Float[np.ndarray, "point 3"]
    """m."""
    normals: Float[np.ndarray, "point 3"]
    colors: Float[np.ndarray, "point 3"] | None = None
    """RGB, 0..255."""
    tree: KDTree = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Registration:
    """One place where the second surface fits the first."""

    a_from_b: Float[np.ndarray, "4 4"]
    overlap: float
    """Mean share, 0..1, of each surface's points that lie on the other."""
    score: float
    """The same, less where colours differ."""
    distance: float
    """Median distance of the points that lie on the other surface, m."""


def sample_surface(mesh: TriangleMesh, count: int, rng: np.random.Generator) -> SurfaceSample:
    """Points drawn from a mesh, evenly by area.

    Raises:
        InvalidValueError: When the mesh has no area.
    """
    normals, areas = mesh.face_normals()
    if areas.sum() <= 0:
        raise InvalidValueError("A mesh without area cannot be laid on another.")
    points, chosen = spread_points(mesh, count, rng)
    return SurfaceSample(
        points=points,
        normals=normals[chosen],
        colors=None if mesh.colors is None else mesh.colors[chosen].astype(np.float64),
        tree=KDTree(points),
    )


def register_surfaces(
    a: TriangleMesh,
    b: TriangleMesh,
    *,
    rng: np.random.Generator,
    up: Float[np.ndarray, "3"],
    hints_a: Float[np.ndarray, "hint_a 3"] | None = None,
    hints_b: Float[np.ndarray, "hint_b 3"] | None = None,
) -> list[Registration]:
    """Places where surface b fits surface a, best first; they differ by more than ICP would mend.

    Args:
        a: m.
        b: m, in its own frame.
        up: Roughly the upright, in both frames.
        hints_a: Places in a of which some may be places of `hints_b`, such as the middles of moving parts.
        hints_b: In b.
    """
    # Rough judging needs fewer points on the moved side only; the still side stays dense.
    sample_a, sample_b = (sample_surface(mesh, _NUM_POINTS, rng) for mesh in (a, b))
    center = np.median(sample_a.points, axis=0)
    radius = float(np.percentile(np.linalg.norm(sample_a.points - center, axis=1), 90))
    starts = _starts(sample_a.points, sample_b.points, up, hints_a, hints_b)
    rough = sample_b.points[:_NUM_ROUGH]
    scores = [
        float(np.mean(np.exp(-((sample_a.tree.query(apply(start, rough))[0] / (0.1 * radius)) ** 2))))
        for start in starts
    ]
    best = [starts[index] for index in np.argsort(scores)[::-1][:_NUM_REFINED]]

    def refined(places: list[np.ndarray], reaches: tuple[float, ...], count: int) -> list[Registration]:
        registered = (_register(sample_a, sample_b, place, radius, reaches, count) for place in places)
        return sorted((_judge(sample_a, sample_b, found, radius) for found in registered), key=lambda x: -x.score)

    roughly = refined(best, _REACHES[:2], 350)[: max(1, _NUM_REFINED // 4)]
    final = refined([found.a_from_b for found in roughly], _REACHES[1:], 1200)
    distinct: list[Registration] = []
    for found in final:
        if not any(_is_near(found.a_from_b, other.a_from_b, center, radius) for other in distinct):
            distinct.append(found)
    return distinct


def _starts(
    points_a: np.ndarray,
    points_b: np.ndarray,
    up: np.ndarray,
    hints_a: np.ndarray | None,
    hints_b: np.ndarray | None,
) -> list[np.ndarray]:
    """Rough guesses of a_from_b."""
    starts = []
    pairs = [(np.median(points_a, axis=0), np.median(points_b, axis=0)), (points_a.mean(axis=0), points_b.mean(axis=0))]
    if hints_a is not None and hints_b is not None:
        pairs += [(x, y) for x in hints_a for y in hints_b]
    low, high = np.percentile(points_a, [2, 98], axis=0)
    for turn in np.arange(_NUM_TURNS) * 2 * np.pi / _NUM_TURNS:
        for tip in _TIPS:
            rotation = rotation_from_rotvec(up * turn) @ rotation_from_rotvec(np.array([tip, 0.0, 0.0]))
            turned = points_b @ rotation.T
            shifts = [x - rotation @ y for x, y in pairs]
            turned_low, turned_high = np.percentile(turned, [2, 98], axis=0)
            shifts += [(low + high - turned_low - turned_high) / 2]
            starts += [make_transform(rotation, shift) for shift in shifts]
    return starts


def _register(
    a: SurfaceSample, b: SurfaceSample, start: np.ndarray, radius: float, reaches: tuple[float, ...], count: int
) -> np.ndarray:
    """Point-to-plane ICP, farther pairs left out stage by stage."""
    a_from_b = start
    points, normals = b.points[:count], b.normals[:count]
    for reach in reaches:
        limit = reach * radius
        for _ in range(10):
            moved = apply(a_from_b, points)
            distance, nearest = a.tree.query(moved, distance_upper_bound=limit)
            paired = np.flatnonzero(np.isfinite(distance))
            if len(paired) < 12:
                break
            # Surfaces that turn their backs on each other are not the same.
            facing = np.sum((normals[paired] @ a_from_b[:3, :3].T) * a.normals[nearest[paired]], axis=1)
            paired = paired[np.abs(facing) > 0.5]
            if len(paired) < 12:
                break
            step = plane_step(moved[paired], a.points[nearest[paired]], a.normals[nearest[paired]], limit)
            a_from_b = step @ a_from_b
            if np.linalg.norm(step[:3, 3]) + np.linalg.norm(step[:3, :3] - np.eye(3)) < 1e-5:
                break
    return a_from_b


def plane_step(
    moved: Float[np.ndarray, "pair 3"],
    targets: Float[np.ndarray, "pair 3"],
    normals: Float[np.ndarray, "pair 3"],
    limit: float,
) -> Float[np.ndarray, "4 4"]:
    """The small motion that brings points nearer to the planes of their targets."""
    center = moved.mean(axis=0)
    gap = np.sum((targets - moved) * normals, axis=1)
    weight = 1.0 / (1.0 + (gap / (0.3 * limit)) ** 2)
    rows = np.concatenate([np.cross(moved - center, normals), normals], axis=1)
    normal = (weight[:, None] * rows).T @ rows
    # A little damping: on a bare plane nothing holds the motion within it.
    normal += 1e-3 * np.trace(normal) / 6 * np.diag([0.1, 0.1, 0.1, 1.0, 1.0, 1.0])
    solved = np.linalg.solve(normal, rows.T @ (weight * gap))
    rotation = rotation_from_rotvec(solved[:3])
    return make_transform(rotation, center - rotation @ center + solved[3:])


def _judge(a: SurfaceSample, b: SurfaceSample, a_from_b: np.ndarray, radius: float) -> Registration:
    """How well b lies on a."""
    limit = _TOLERANCE * radius + 1.5 * radius / np.sqrt(_NUM_POINTS)
    to_a, nearest_a = a.tree.query(apply(a_from_b, b.points), distance_upper_bound=limit)
    to_b, nearest_b = b.tree.query(apply(inverse(a_from_b), a.points), distance_upper_bound=limit)
    overlap = 0.5 * float(np.isfinite(to_a).mean() + np.isfinite(to_b).mean())
    likeness = 0.5 * (_likeness(b.colors, a.colors, to_a, nearest_a) + _likeness(a.colors, b.colors, to_b, nearest_b))
    near = to_a[np.isfinite(to_a)]
    return Registration(
        a_from_b=a_from_b, overlap=overlap, score=overlap * (0.6 + 0.4 * likeness),
        distance=float(np.median(near)) if len(near) else np.inf,
    )  # fmt: skip


def _likeness(
    own: np.ndarray | None, other: np.ndarray | None, distance: np.ndarray, nearest: Int[np.ndarray, "point"]
) -> float:
    """Mean likeness in colour, 0..1, of points that lie on the other surface; 1 when colours are not known."""
    paired = np.isfinite(distance)
    if own is None or other is None or not paired.any():
        return 1.0
    difference = np.linalg.norm(own[paired] - other[nearest[paired]], axis=1)
    return float(np.mean(np.exp(-((difference / _COLOR_SCALE) ** 2))))


def _is_near(first: np.ndarray, second: np.ndarray, center: np.ndarray, radius: float) -> bool:
    """Whether two placements are the same up to what ICP would mend."""
    between = first @ inverse(second)
    shift = apply(between, center[None])[0] - center
    angle = float(np.linalg.norm(rotvec_from_rotation(between[:3, :3])))
    return bool(float(np.linalg.norm(shift)) < 0.1 * radius and angle < np.deg2rad(10.0))
