"""Collision geometry: a part as a few convex pieces, so that a drawer stays hollow; its one hull where that fails.

The pieces come from CoACD (X. Wei et al., "Approximate convex decomposition for 3D meshes with collision-aware concavity
and tree search", arXiv:2205.02961). It runs in processes of its own, so that a part that takes too long, or crashes it,
costs no more than its pieces.
"""

import io
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

import numpy as np
from jaxtyping import Float
from scipy.spatial import ConvexHull, QhullError

from sim2art.geometry.hulls import make_hull
from sim2art.geometry.meshes import TriangleMesh, make_box, spread_points

NUM_SAMPLES = 40_000
"""Points on a surface that tell where it is."""
_TIME_SIGNALS = {int(getattr(signal, name)) for name in ("SIGXCPU", "SIGKILL") if hasattr(signal, name)}


@dataclass(frozen=True, kw_only=True)
class CollisionConfig:
    """How fine, and how long it may take."""

    max_pieces: int = 16
    """A part."""
    concavity: float = 0.1
    """Pieces are split until none is less convex than this (CoACD's threshold, 0.01 fine .. 1 coarse)."""
    max_corners: int = 48
    """Vertices of a piece; engines slow down above 64."""
    max_seconds: float = 20.0
    """Of computing; a part that takes longer gets its hull."""
    min_thickness: float = 0.01
    """A part seen from one side only counts as at least this thick, m."""


@dataclass(frozen=True, kw_only=True)
class CollisionShape:
    """Convex pieces that stand for a part in contacts, in the frame of its mesh."""

    pieces: tuple[TriangleMesh, ...]
    """Closed, faces outward; empty where the part has no geometry."""
    kind: Literal["pieces", "hull", "none"]
    """hull: one piece, every cavity filled."""
    trouble: str | None = None
    """Why there is a hull where pieces were asked for, in words."""


def collide_as_hulls(meshes: Sequence[TriangleMesh | None], config: CollisionConfig) -> list[CollisionShape]:
    """One hull a part."""
    return [_hull_shape(mesh, config) for mesh in meshes]


def decompose_parts(meshes: Sequence[TriangleMesh | None], config: CollisionConfig) -> list[CollisionShape]:
    """Convex pieces of each part; its hull, with the reason, where there are none to be had."""
    if find_spec("coacd") is None:
        missing = "package 'coacd' is not installed (pip install 'sim2art[export]')"
        return [_hull_shape(mesh, config, trouble=missing) for mesh in meshes]
    with ThreadPoolExecutor(max_workers=max(1, min(4, len(meshes), os.cpu_count() or 1))) as pool:
        return list(pool.map(lambda mesh: _decompose(mesh, config), meshes))


def convex_hull(mesh: TriangleMesh, config: CollisionConfig) -> TriangleMesh:
    """The hull of a mesh's vertices, closed, at least `min_thickness` thick."""
    return _hull_of(mesh.vertices, config)


def _hull_of(points: Float[np.ndarray, "point 3"], config: CollisionConfig) -> TriangleMesh:
    """The hull of points; where they lie on a plane or a line, of the points moved to both sides of it."""
    middle = points.mean(axis=0)
    axes = np.linalg.svd(points - middle, full_matrices=len(points) < 3)[2]
    extents = np.ptp((points - middle) @ axes.T, axis=0)
    for axis, extent in zip(axes, extents, strict=True):
        lacking = config.min_thickness - float(extent)
        if lacking > 0:
            points = np.concatenate([points - 0.5 * lacking * axis, points + 0.5 * lacking * axis])
    try:
        return make_hull(points)
    except QhullError:  # Nothing but noise of rounding is left to span it.
        return make_box(np.full(3, config.min_thickness), middle)


def _fitted(piece: Float[np.ndarray, "corner 3"], surface: Float[np.ndarray, "point 3"]) -> np.ndarray:
    """A piece's corners drawn in to the surface inside it: the closed shell that was split is thicker than the scan.

    Every corner goes to the surface point inside the piece that is farthest in its direction, so there are no more
    corners than before.
    """
    equations = ConvexHull(piece).equations
    inside = surface[np.all(surface @ equations[:, :3].T + equations[:, 3] <= 1e-9, axis=1)]
    if len(inside) < 4:
        return piece
    directions = piece - piece.mean(axis=0)
    return inside[np.unique(np.argmax(inside @ directions.T, axis=0))]


def _hull_shape(mesh: TriangleMesh | None, config: CollisionConfig, *, trouble: str | None = None) -> CollisionShape:
    if mesh is None or len(mesh.faces) == 0:
        return CollisionShape(pieces=(), kind="none")
    return CollisionShape(pieces=(convex_hull(mesh, config),), kind="hull", trouble=trouble)


def _decompose(mesh: TriangleMesh | None, config: CollisionConfig) -> CollisionShape:
    if mesh is None or len(mesh.faces) < 4:
        return _hull_shape(mesh, config)
    request = io.BytesIO()
    settings = np.array([config.concavity, config.max_pieces, config.max_corners, config.max_seconds])
    np.savez(request, vertices=mesh.vertices, faces=mesh.faces, settings=settings)
    try:
        answer = subprocess.run(
            [sys.executable, "-m", "sim2art.export.collision_worker"],
            input=request.getvalue(),
            capture_output=True,
            timeout=6 * config.max_seconds,
            check=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        ).stdout
        with np.load(io.BytesIO(answer), allow_pickle=False) as arrays:
            points, counts = arrays["points"], arrays["counts"]
    except (subprocess.SubprocessError, OSError, ValueError, KeyError) as error:
        out_of_time = isinstance(error, subprocess.TimeoutExpired) or -getattr(error, "returncode", 0) in _TIME_SIGNALS
        trouble = f"took longer than {config.max_seconds:g} s" if out_of_time else f"failed ({type(error).__name__})"
        return _hull_shape(mesh, config, trouble=f"splitting it {trouble}")
    if len(counts) == 0:
        return _hull_shape(mesh, config, trouble="splitting it gave no piece")
    surface = np.concatenate(
        [mesh.vertices[np.unique(mesh.faces)], spread_points(mesh, NUM_SAMPLES, np.random.default_rng(0))[0]]
    )
    pieces = tuple(_hull_of(_fitted(piece, surface), config) for piece in np.split(points, np.cumsum(counts)[:-1]))
    return CollisionShape(pieces=pieces, kind="pieces")
