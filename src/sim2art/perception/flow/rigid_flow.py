"""Lifted flow made locally rigid: noise averaged out, lone mismatches dropped, flat patches filled in.

Around each point the flow of its neighbours is fitted by one rigid motion (Cayley's form: with midpoints a finite turn is
linear, see `geometry.screws`), robustly. A measured flow that its neighbours contradict is dropped. A point without flow
of its own takes the fitted one when that is certain, leads to where the other frame's depth has a surface, and standing
still does not lead there just as well.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial import KDTree

from sim2art.geometry.cameras import project, unproject
from sim2art.geometry.rotations import skew
from sim2art.geometry.transforms import apply, inverse
from sim2art.perception.depth.filter import read_depth_between
from sim2art.perception.flow.lifted_flow import LiftedFlow

_NEIGHBOURS = 24
_EXTRA_SEEDS = 1500
"""Confident pixels whose flow is used beside that of the points themselves."""
_MIN_SEEDS = 12
_SIGMA = 0.004
"""First guess of the flow's noise, as a share of depth."""
_SIGMA_LIMITS = (0.0012, 0.008)
_MOTION_SHARE = 0.04
"""Flow is that much less certain the further it goes."""
_MIN_SUPPORT = 0.35
"""Share of the neighbours that must agree with the fit for it to contradict a measured flow."""
_FILL_SUPPORT = 0.6
_FILL_SIGMA = 0.005
"""Largest standard deviation, as a share of depth, of a flow that is filled in."""
_FILL_REACH = 0.25
"""Furthest (share of depth) that flow is carried to points without any."""
_FILL_RATIO = 1.0
"""Filled-in flows a measured one, at most: a frame pair with little to go by must not look like one with plenty."""
_LANDING = 0.006
"""A filled-in flow must land on a surface to within this share of depth."""


@dataclass(frozen=True, kw_only=True)
class RigidFlow:
    """A `FlowSource` that makes the flow of another one locally rigid."""

    raw: LiftedFlow
    seed: int

    def __call__(
        self, frame: int, baseline: int, pixels: Int[np.ndarray, "point 2"], points_world: Float[np.ndarray, "point 3"]
    ) -> tuple[Float[np.ndarray, "point 3"], Bool[np.ndarray, "point"]]:
        """Flow (world frame, m) of pixels from `frame` to `frame + baseline`, and whether it is known."""
        flow, measured = self.raw(frame, baseline, pixels, points_world)
        if (frame, frame + baseline) not in self.raw.flows:
            return flow, measured
        seeds, seed_flow = self._seeds(frame, baseline, points_world[measured], flow[measured])
        if len(seeds) < _MIN_SEEDS:
            return flow, measured
        depth = self.raw.depths[frame][pixels[:, 1], pixels[:, 0]].astype(np.float64)
        fit = fit_locally(points_world, depth, seeds, seed_flow)
        off = np.linalg.norm(flow - fit.flow, axis=1)
        tolerance = 3.0 * (fit.noise * depth + _MOTION_SHARE * np.linalg.norm(fit.flow, axis=1))
        agrees = measured & (off < tolerance)
        kept_raw = measured & ~agrees & (fit.support < _MIN_SUPPORT)
        filled = ~measured & (fit.support >= _FILL_SUPPORT) & (fit.sigma < _FILL_SIGMA * depth)
        filled &= fit.distance < _FILL_REACH * depth
        filled &= self._lands(frame + baseline, points_world, fit.flow, depth)
        filled = _surest(filled, fit.sigma, count=int(_FILL_RATIO * agrees.sum()))
        known = agrees | kept_raw | filled
        return np.where(known[:, None], np.where((agrees | filled)[:, None], fit.flow, flow), 0.0), known

    def _seeds(
        self, frame: int, baseline: int, points: Float[np.ndarray, "point 3"], flow: Float[np.ndarray, "point 3"]
    ) -> tuple[Float[np.ndarray, "seed 3"], Float[np.ndarray, "seed 3"]]:
        """Points with measured flow: those given and some more of the whole image."""
        pair = self.raw.flows[frame, frame + baseline]
        depth = self.raw.depths[frame]
        candidates = np.flatnonzero(pair.confident & (depth > 0))
        rng = np.random.default_rng((self.seed, frame, baseline))
        if len(candidates) > _EXTRA_SEEDS:
            candidates = rng.choice(candidates, _EXTRA_SEEDS, replace=False)
        pixels = np.stack([candidates % depth.shape[1], candidates // depth.shape[1]], axis=1)
        depths = depth[pixels[:, 1], pixels[:, 0]].astype(np.float64)
        more = apply(
            self.raw.world_from_camera[frame], unproject(self.raw.intrinsics, pixels.astype(np.float64), depths)
        )
        more_flow, good = self.raw(frame, baseline, pixels, more)
        return np.concatenate([points, more[good]]), np.concatenate([flow, more_flow[good]])

    def _lands(
        self, other: int, points: Float[np.ndarray, "point 3"], flow: Float[np.ndarray, "point 3"],
        depth: Float[np.ndarray, "point"],
    ) -> Bool[np.ndarray, "point"]:  # fmt: skip
        """Whether the flow ends on a surface of the other frame, and staying put does not just as well."""
        miss = self._distance_to_surface(other, points + flow)
        miss_still = self._distance_to_surface(other, points)
        limit = _LANDING * depth
        is_small = np.linalg.norm(flow, axis=1) < limit
        return (miss < limit) & (is_small | (miss_still > limit))

    def _distance_to_surface(self, other: int, points: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, "point"]:
        """How far along the line of sight the surface seen in a frame is from each point, m; inf where unseen."""
        there = apply(inverse(self.raw.world_from_camera[other]), points)
        at = np.nan_to_num(project(self.raw.intrinsics, there), nan=-1.0, posinf=-1.0, neginf=-1.0)
        at = np.clip(at, -1.0, 1e5)
        seen, one_surface = read_depth_between(self.raw.depths[other], at[:, 0], at[:, 1])
        return np.where(one_surface & (there[:, 2] > 0.05), np.abs(seen - there[:, 2]), np.inf)


def _surest(
    candidates: Bool[np.ndarray, "point"], sigma: Float[np.ndarray, "point"], *, count: int
) -> Bool[np.ndarray, "point"]:
    """At most `count` of the candidates, those with the smallest sigma."""
    chosen = np.flatnonzero(candidates)
    chosen = chosen[np.argsort(sigma[chosen], kind="stable")[:count]]
    kept = np.zeros(len(candidates), dtype=bool)
    kept[chosen] = True
    return kept


@dataclass(frozen=True, kw_only=True)
class LocalFit:
    """Rigid fit of the flow around each point."""

    flow: Float[np.ndarray, "point 3"]
    """m."""
    support: Float[np.ndarray, "point"]
    """Share of the neighbours that agree with the fit, 0..1."""
    sigma: Float[np.ndarray, "point"]
    """Standard deviation of the fitted flow, m."""
    distance: Float[np.ndarray, "point"]
    """Median distance to the neighbours, m."""
    noise: float
    """Noise of the measured flow found on the way, as a share of depth."""


def fit_locally(
    points: Float[np.ndarray, "point 3"],
    depth: Float[np.ndarray, "point"],
    seeds: Float[np.ndarray, "seed 3"],
    seed_flow: Float[np.ndarray, "seed 3"],
    *,
    num_rounds: int = 4,
) -> LocalFit:
    """Fit one rigid motion to the flow of the nearest seeds of each point; `depth` (m) sets the scale of the noise."""
    count = min(_NEIGHBOURS, len(seeds))
    distance, index = KDTree(seeds).query(points, k=count)
    flow = seed_flow[index]
    middle = seeds[index] + 0.5 * flow - points[:, None]
    reach = np.maximum(np.median(distance, axis=1), 1e-4)
    near = 1.0 / (1.0 + (distance / (2.0 * reach[:, None])) ** 2)
    noise = _SIGMA
    start = np.median(flow, axis=1)
    residual = np.linalg.norm(flow - start[:, None], axis=2)
    for round_index in range(num_rounds):
        spread = 2.0 ** max(0, 2 - round_index)  # Begin tolerant: the median flow knows nothing of turns.
        scale = spread * (noise * depth[:, None] + _MOTION_SHARE * np.linalg.norm(flow, axis=2))
        agreement = 1.0 / (1.0 + (residual / scale) ** 2) ** 2
        shift, turn, normal = _solve_twist(middle, flow, near * agreement, reach)
        predicted = shift[:, None] + np.cross(turn[:, None], middle)
        residual = np.linalg.norm(flow - predicted, axis=2)
        inliers = residual < 2 * scale
        if inliers.any():
            typical = float(np.median((residual / depth[:, None])[inliers]))
            noise = float(np.clip(0.8 * typical, *_SIGMA_LIMITS))
    identity = np.eye(3)
    # At the point itself the midpoint is half its own flow away: (I - [w] / 2) d = u.
    fitted = np.linalg.solve(identity - 0.5 * skew(turn), shift[..., None])[..., 0]
    limit = 3.0 * (noise * depth[:, None] + _MOTION_SHARE * np.linalg.norm(flow, axis=2))
    support = np.mean(residual < limit, axis=1)
    covariance = np.linalg.inv(normal)[:, :3, :3]
    spread = noise * depth + _MOTION_SHARE * np.linalg.norm(fitted, axis=1)
    sigma = np.sqrt(np.maximum(np.trace(covariance, axis1=1, axis2=2), 0)) * spread
    return LocalFit(flow=fitted, support=support, sigma=sigma, distance=reach, noise=noise)


def _solve_twist(
    middle: Float[np.ndarray, "point neighbour 3"], flow: Float[np.ndarray, "point neighbour 3"],
    weights: Float[np.ndarray, "point neighbour"], reach: Float[np.ndarray, "point"],
) -> tuple[Float[np.ndarray, "point 3"], Float[np.ndarray, "point 3"], Float[np.ndarray, "point 6 6"]]:  # fmt: skip
    """Shift u and turn w of the least-squares fit flow = u + w x middle, and its normal matrix."""
    w = weights[..., None]
    total = weights.sum(axis=1)
    first = np.sum(w * middle, axis=1)
    outer = np.einsum("nk,nki,nkj->nij", weights, middle, middle)
    squared = np.trace(outer, axis1=1, axis2=2)
    normal = np.zeros((len(middle), 6, 6))
    normal[:, :3, :3] = (total[:, None, None] + 1e-9) * np.eye(3)
    # flow = u - [m]x w, so the blocks of J^T J are I, -[m]x and |m|^2 I - m m^T.
    cross = skew(first)
    normal[:, :3, 3:] = -cross
    normal[:, 3:, :3] = cross
    normal[:, 3:, 3:] = squared[:, None, None] * np.eye(3) - outer
    # A mild prior against turns that the neighbours say nothing of (they may lie on a line).
    normal[:, 3:, 3:] += (0.02 * total * reach**2)[:, None, None] * np.eye(3) + 1e-12 * np.eye(3)
    right = np.concatenate([np.sum(w * flow, axis=1), np.sum(w * np.cross(middle, flow), axis=1)], axis=1)
    solved = np.linalg.solve(normal, right[..., None])[..., 0]
    return solved[:, :3], solved[:, 3:], normal
