"""Where on its joint a part lies when another surface shows it too, and surfaces without what another already shows."""

from collections.abc import Sequence

import numpy as np
from scipy.spatial import KDTree

from sim2art.articulation.joint import Joint, JointType
from sim2art.geometry.meshes import TriangleMesh
from sim2art.geometry.registration import sample_surface
from sim2art.geometry.transforms import apply

NUM_POINTS = 500
STEPS = 81
SLACK = {JointType.REVOLUTE: 0.4, JointType.PRISMATIC: 0.15, JointType.FIXED: 0.0}
"""The search goes this much beyond the spans that the videos showed, rad or m."""
TOLERANCE = 0.05
"""A point lies on a surface that is nearer than this share of the part's size ..."""
MAX_TOLERANCE = 0.03
"""... and than this, m."""


def find_rest(
    joint: Joint,
    part: TriangleMesh,
    other: TriangleMesh,
    span: tuple[float, float],
    rng: np.random.Generator,
    *,
    one_way: bool = False,
) -> tuple[float, float]:
    """The joint value (rad or m) at which a part lies on another surface best, and the overlap there, 0..1.

    Args:
        joint: Moves the part from its rest pose.
        part: In its rest pose.
        other: The same part elsewhere on its joint, or a surface that shows it among other things.
        span: Values that are likely; the search goes a little beyond.
        one_way: Ask only how much of the part lies on the other surface, not the other way round.
    """
    if len(part.faces) == 0 or len(other.faces) == 0:
        return 0.0, 0.0
    own = sample_surface(part, NUM_POINTS, rng)
    size = float(np.linalg.norm(np.ptp(part.vertices, axis=0)))
    limit = min(TOLERANCE * size, MAX_TOLERANCE)
    # Drawn points lie apart from each other: a surface is as thick as their spacing.
    theirs = sample_surface(other, 40 * NUM_POINTS if one_way else NUM_POINTS, rng)
    gap = np.quantile(theirs.tree.query(theirs.points, k=2)[0][:, 1], 0.9)
    reach = limit + float(gap)

    def overlap_at(values: np.ndarray) -> np.ndarray:
        moved = apply(joint.transform(values), own.points[None])
        on = theirs.tree.query(moved, distance_upper_bound=reach)[0]
        shares = np.where(np.isfinite(on), 1.0 - 0.5 * np.minimum(on / reach, 1.0) ** 2, 0.0).mean(axis=1)
        if one_way:
            return shares
        back = apply(joint.transform(-values), theirs.points[None])
        off = own.tree.query(back, distance_upper_bound=reach)[0]
        return 0.5 * (
            shares + np.where(np.isfinite(off), 1.0 - 0.5 * np.minimum(off / reach, 1.0) ** 2, 0.0).mean(axis=1)
        )

    slack = SLACK[joint.type]
    grid = np.linspace(span[0] - slack, span[1] + slack, STEPS)
    best = float(grid[np.argmax(overlap_at(grid))])
    step = grid[1] - grid[0]
    fine = best + np.linspace(-step, step, 21)
    scores = overlap_at(fine)
    return float(fine[np.argmax(scores)]), float(scores.max())


def keep_parts_apart(base: TriangleMesh | None, parts: Sequence[TriangleMesh | None]) -> TriangleMesh | None:
    """A base without the faces that show parts which move."""
    for part in parts:
        if base is not None and part is not None and len(base.faces) and len(part.faces):
            size = float(np.linalg.norm(np.ptp(part.vertices, axis=0)))
            base = _without_faces_near(base, part, min(TOLERANCE * size, MAX_TOLERANCE) / 2)
    return base


def without_doubles(more: TriangleMesh, known: TriangleMesh) -> TriangleMesh:
    """The faces of a surface that another does not show already."""
    size = float(np.linalg.norm(np.ptp(known.vertices, axis=0))) if len(known.vertices) else 0.0
    return _without_faces_near(more, known, min(0.02 * size, MAX_TOLERANCE))


def _without_faces_near(mesh: TriangleMesh, other: TriangleMesh, limit: float) -> TriangleMesh:
    if len(mesh.faces) == 0 or len(other.faces) == 0:
        return mesh
    dense = sample_surface(other, 20_000, np.random.default_rng(0))
    gap = float(np.quantile(dense.tree.query(dense.points, k=2)[0][:, 1], 0.9))
    middles = mesh.vertices[mesh.faces].mean(axis=1)
    distance, _ = KDTree(np.concatenate([dense.points, other.vertices])).query(middles)
    return mesh.with_faces(distance > limit + gap)
