"""Flow between two clouds as that of a few rigid bodies: coarse flow starts the search, surfaces fit the rest.

A network's flow is right in the large and blurred in the small. Here patches of points that seem to move are carried by
the motion that fits their flow, laid onto the other cloud (point to plane, robust), and the few motions are kept that
explain what standing still does not. Each point then moves with one of them, or not at all.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial import KDTree

from sim2art.geometry.alignment import fit_rigid
from sim2art.geometry.rotations import rotation_from_rotvec
from sim2art.geometry.transforms import apply, make_transform

_NORMAL_NEIGHBORS = 10
_PATCH = 48
"""Points of a patch; as it is registered it grows to this many times as many."""
_GROWTH = 3
_NUM_PATCHES = 24
"""From each first guess."""
_NUM_ROUNDS = 8
_MAX_MOTIONS = 4
_SMOOTH = 12
"""Neighbours over which the price of a motion is averaged."""
_NOISE_LIMITS = (0.002, 0.02)
"""Of the half-size of the clouds."""
_FLOW_TRUST = 0.2
"""Weight of the given flow beside that of the surface."""
_MIN_GAIN = 0.012
"""Share of all points that a motion must explain, to be kept."""
_MOVE_PRICE = 0.25
"""What moving costs a point, so that noise is not taken for motion."""


@dataclass(frozen=True, kw_only=True)
class _Surface:
    """Points with the planes through them."""

    points: Float[np.ndarray, "other 3"]
    normals: Float[np.ndarray, "other 3"]
    tree: KDTree
    spacing: float
    """Median distance to the nearest other point, m."""

    def gaps(
        self, points: Float[np.ndarray, "*batch 3"]
    ) -> tuple[Float[np.ndarray, "*batch"], Float[np.ndarray, "*batch"], Int[np.ndarray, "*batch"]]:
        """Signed distance to the nearest point's plane, distance to the surface (m), and which point that is."""
        distance, nearest = self.tree.query(points)
        gap = np.sum((self.points[nearest] - points) * self.normals[nearest], axis=-1)
        beside = np.maximum(distance - 3 * self.spacing, 0)
        return gap, np.hypot(gap, beside), nearest


def fit_piecewise_rigid(
    points: Float[np.ndarray, "point 3"],
    others: Float[np.ndarray, "other 3"],
    flow: Float[np.ndarray, "point 3"],
    *,
    scale: float,
    rng: np.random.Generator,
) -> tuple[Float[np.ndarray, "point 3"], Bool[np.ndarray, "point"]]:
    """Flow (m) by a few rigid motions, and whether a point ends on the other surface: whether it is still seen.

    Args:
        points: m.
        others: Of the other frame, m.
        flow: First guess, m.
        scale: Half the size of the clouds, m.
        rng: Draws patches.
    """
    surface = _make_surface(others)
    _, rest, nearest = surface.gaps(points)
    # Most points stand still, so the lower part of the distances at rest is noise.
    low, high = (scale * share for share in _NOISE_LIMITS)
    noise = float(np.clip(2.6 * np.quantile(rest, 0.3), low, high))
    limit = 2.5 * noise
    length = np.linalg.norm(flow, axis=1)
    moving = np.flatnonzero((rest > limit) | (length > np.maximum(limit, 0.02 * scale)))
    motions = np.eye(4)[None]
    if len(moving) >= _PATCH:
        # Small motions begin well at the nearest points of the other surface, large ones do not.
        guesses = (flow, surface.points[nearest] - points)
        found = [_register_patches(points, guess, moving, surface, limit, rng) for guess in guesses]
        motions = np.concatenate([motions, *found])
    ends = apply(motions, points[None])
    miss = np.minimum(surface.gaps(ends)[1], 3 * limit) / (3 * limit)
    off = np.linalg.norm(ends - points - flow, axis=-1) / (0.03 * scale + 0.3 * length + 1e-9)
    price = (1 - _FLOW_TRUST) * miss + _FLOW_TRUST * np.minimum(off, 1.0)
    price[1:] += _MOVE_PRICE * (1 - _FLOW_TRUST) * 0.5
    neighbors = KDTree(points).query(points, k=min(_SMOOTH, len(points)))[1].reshape(len(points), -1)
    price = price[:, neighbors].mean(axis=2)
    kept = _choose(price)
    choice = kept[np.argmin(price[kept], axis=0)]
    index = np.arange(len(points))
    return ends[choice, index] - points, miss[choice, index] < 1.0 / 1.2


def _make_surface(points: Float[np.ndarray, "other 3"]) -> _Surface:
    tree = KDTree(points)
    distance, index = tree.query(points, k=min(_NORMAL_NEIGHBORS, len(points)))
    near = points[index]
    spread = near - near.mean(axis=1, keepdims=True)
    normals = np.linalg.eigh(np.einsum("nki,nkj->nij", spread, spread))[1][..., 0]
    return _Surface(points=points, normals=normals, tree=tree, spacing=float(np.median(distance[:, 1])))


def _register_patches(
    points: Float[np.ndarray, "point 3"],
    flow: Float[np.ndarray, "point 3"],
    moving: Int[np.ndarray, "candidate"],
    surface: _Surface,
    limit: float,
    rng: np.random.Generator,
) -> Float[np.ndarray, "patch 4 4"]:
    """Motions of patches around some of the candidates, laid onto the surface."""
    seeds = rng.choice(moving, min(_NUM_PATCHES, len(moving)), replace=False)
    count = min(_PATCH * _GROWTH, len(moving))
    members = moving[KDTree(points[moving]).query(points[seeds], k=count)[1]]
    patches = points[members]
    core = patches[:, :_PATCH]
    motions = fit_rigid(core, core + flow[members[:, :_PATCH]])
    for step in range(_NUM_ROUNDS):
        used = _PATCH + (count - _PATCH) * step // (_NUM_ROUNDS - 1)
        moved = apply(motions, patches[:, :used])
        gap, miss, nearest = surface.gaps(moved)
        reach = limit * max(8.0 * 0.6**step, 1.0)
        weights = 1.0 / (1.0 + (miss / reach) ** 2) ** 2
        motions = _plane_steps(moved, surface.normals[nearest], gap, weights) @ motions
    return motions


def _plane_steps(
    moved: Float[np.ndarray, "patch point 3"],
    normals: Float[np.ndarray, "patch point 3"],
    gap: Float[np.ndarray, "patch point"],
    weights: Float[np.ndarray, "patch point"],
) -> Float[np.ndarray, "patch 4 4"]:
    """The small motion of each patch that closes the gaps along the normals."""
    center = moved.mean(axis=1, keepdims=True)
    arm = moved - center
    size = np.sqrt(np.mean(np.sum(arm**2, axis=-1), axis=1))[:, None, None]
    rows = np.concatenate([np.cross(arm, normals) / size, normals], axis=-1)
    normal = np.einsum("pn,pni,pnj->pij", weights, rows, rows)
    # On a bare plane nothing holds the motion within it: there the first guess stays.
    damping = 0.02 * np.trace(normal, axis1=1, axis2=2)[:, None, None] / 6 + 1e-12
    solved = np.linalg.solve(normal + damping * np.eye(6), np.einsum("pn,pni,pn->pi", weights, rows, gap)[..., None])
    turn = rotation_from_rotvec(solved[:, :3, 0] / size[:, 0])
    shift = center[:, 0] + solved[:, 3:, 0] - np.einsum("pij,pj->pi", turn, center[:, 0])
    return make_transform(turn, shift)


def _choose(price: Float[np.ndarray, "motion point"]) -> Int[np.ndarray, "kept"]:
    """Standing still, and greedily the motions that lower the price most."""
    kept, best = [0], price[0]
    for _ in range(_MAX_MOTIONS):
        gain = np.maximum(best - price, 0).sum(axis=1)
        index = int(np.argmax(gain))
        if gain[index] < _MIN_GAIN * price.shape[1]:
            break
        kept.append(index)
        best = np.minimum(best, price[index])
    return np.array(kept)
