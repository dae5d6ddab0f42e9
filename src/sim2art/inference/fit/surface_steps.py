"""How far a joint moves between two frames, from surfaces alone: where the part lands on the part seen later.

Flow fails exactly where motion is fast. There a one-dimensional search along the joint still works: carry the part's
points of one frame by every candidate amount and ask how near they come to the part's points of the other frame.
Surfaces that slide within themselves give a flat cost, and so no weight.
"""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from sim2art.geometry.screws import prismatic_transform, revolute_transform
from sim2art.geometry.transforms import apply
from sim2art.inference.hypotheses import JointGuess
from sim2art.observation.point_video import PointVideo


@dataclass(frozen=True, kw_only=True)
class SurfaceStepConfig:
    """What is searched; lengths in normalised units."""

    offsets: tuple[int, ...] = (1, 2, 5)
    """Frame distances of the pairs that are compared."""
    num_points: int = 120
    """Points of the first frame that are carried."""
    num_candidates: int = 31
    reach: float = 0.5
    """The search spans this much motion (rad, or length) on both sides of the guess."""
    far: float = 0.08
    """Distances are cut here: what left the view should not pull."""
    trust: float = 0.3
    """Weight of a carried point against a point with flow."""


@dataclass(frozen=True, kw_only=True)
class SurfaceSteps:
    """Measured changes of the joint value, one row a frame pair."""

    start: np.ndarray
    stop: np.ndarray
    changes: np.ndarray
    """rad or length."""
    weights: np.ndarray
    """In the unit of the sum of squared levers of flow rows."""


def measure_surface_steps(
    video: PointVideo, weights: np.ndarray, joint: JointGuess, config: SurfaceStepConfig | None = None
) -> SurfaceSteps:
    """Search every frame pair of the configured distances.

    Args:
        video: In normalised coordinates.
        weights: Probability (frame, point) that a point belongs to the part.
    """
    config = config or SurfaceStepConfig()
    clouds = [video.points_world[t][(weights[t] > 0.5) & video.valid[t]] for t in range(video.num_frames)]
    trees = [KDTree(cloud) if len(cloud) >= 8 else None for cloud in clouds]
    rows: list[tuple[int, int, float, float]] = []
    grid = np.linspace(-config.reach, config.reach, config.num_candidates)
    for offset in config.offsets:
        for start in range(video.num_frames - offset):
            stop = start + offset
            tree = trees[stop]
            if tree is None or trees[start] is None:
                continue
            cloud = clouds[start]
            points = cloud[:: max(1, len(cloud) // config.num_points)]
            guess = float(joint.values[stop] - joint.values[start])
            candidates = guess + grid
            if joint.is_revolute:
                motions = revolute_transform(joint.axis, joint.pivot, candidates)
            else:
                motions = prismatic_transform(joint.axis, candidates)
            distance, _ = tree.query(apply(motions, points[None]), distance_upper_bound=config.far)
            costs = np.mean(np.minimum(distance, config.far) ** 2, axis=1)
            found = _sharp_minimum(candidates, costs)
            if found is not None:
                change, curvature = found
                rows.append((start, stop, change, config.trust * len(cloud) * curvature))
    table = np.array(rows).reshape(-1, 4)
    return SurfaceSteps(
        start=table[:, 0].astype(int), stop=table[:, 1].astype(int), changes=table[:, 2], weights=table[:, 3]
    )


def _sharp_minimum(candidates: np.ndarray, costs: np.ndarray) -> tuple[float, float] | None:
    """Place and half curvature of the lowest cost, by a parabola; None at the search's ends or where the cost is flat."""
    best = int(np.argmin(costs))
    if not 1 <= best < len(costs) - 1:
        return None
    # Compare with the cost a few candidates away, so that noise of neighbouring ones does not pass for a minimum.
    wide = max(2, len(costs) // 10)
    sides = costs[max(best - wide, 0)], costs[min(best + wide, len(costs) - 1)]
    if costs[best] > 0.7 * min(sides):
        return None
    step = candidates[1] - candidates[0]
    low, middle, high = costs[best - 1 : best + 2]
    bend = low - 2 * middle + high
    if bend <= 1e-12:
        return None
    return float(candidates[best] + 0.5 * step * (low - high) / bend), float(0.5 * bend / step**2)
