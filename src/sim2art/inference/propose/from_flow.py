"""Many guessed joints from a clip's flow: seed patches, carry each through time, fit it again, keep a diverse pool.

Geometry proposes, the network judges. So this errs on the side of too many: every seed tries a turn and a slide, at
several neighbourhood sizes and baselines, and only near-duplicates are removed.
"""

from dataclasses import dataclass

import numba
import numpy as np
from jaxtyping import Float

from sim2art.inference.hypotheses import Hypotheses
from sim2art.inference.propose.seed_joints import align_seed, grow_seed
from sim2art.inference.propose.twists import carry, follow_joint, refit_joint
from sim2art.observation.point_video import PointVideo

MIN_FLOOR = 0.01
"""Flow below this is never taken for motion, normalised units."""
CLOUD_SIZE = 16
"""Points that stand for a seed's part while it is carried through time."""
_CELL = 0.25
"""Side of the cells over which draws are spread, normalised units."""


@dataclass(frozen=True, kw_only=True)
class ProposalConfig:
    """How many joints to guess, and from what. Lengths are in normalised units (see `Normalization`)."""

    num_hypotheses: int = 40
    """At most this many are kept."""
    num_seeds: int = 80
    """Flow vectors to start from; each gives up to two joints, and two more along directions."""
    num_points: int = 512
    """Points a frame that take part."""
    radii: tuple[float, ...] = (0.12, 0.2, 0.3, 0.45)
    """Seed neighbourhoods."""
    reach: float = 0.12
    """A point this near to a carried seed cloud belongs to it."""
    min_floor: float = MIN_FLOOR
    duplicate: float = 0.12
    """Two guesses whose motion differs by less than this share of its size are the same."""


def propose(
    video: PointVideo,
    config: ProposalConfig,
    rng: np.random.Generator,
    directions: Float[np.ndarray, "direction 3"] | None = None,
) -> Hypotheses:
    """Guessed joints of a normalised video, best supported first; may be empty.

    Args:
        video: In normalised coordinates (`observation.normalization.normalize`), its flow smoothed (`smooth_flow`).
        directions: That axes are likely to lie along (`find_main_directions`): each seed gives a turn and a slide along one
            of them, too.
    """
    # Slots are in random order (invalid ones last), so a prefix is as fair a draw as the whole.
    kept = slice(0, config.num_points)
    points = np.ascontiguousarray(video.points_world[:, kept], dtype=np.float32)
    flows = np.ascontiguousarray(video.flow_world[:, :, kept], dtype=np.float32)
    valid = np.ascontiguousarray(video.flow_valid[:, :, kept])
    baselines = np.array(video.baselines, dtype=np.int64)
    floor = flow_floor(flows, valid, config.min_floor)
    seeds = _choose_seeds(points, flows, valid, floor, config.num_seeds, rng)
    if len(seeds) == 0:
        return _empty(video.num_frames)
    radii = np.array(config.radii, dtype=np.float32)[rng.integers(len(config.radii), size=len(seeds))]
    # Rounding to single precision may give 1, which would pick one past a seed's last point.
    draws = np.minimum(rng.random((len(seeds), CLOUD_SIZE)).astype(np.float32), np.float32(1 - 2**-24))
    found, is_revolute, axes, pivots, values, clouds, starts, scores = _grow_all(
        points,
        flows,
        valid,
        baselines,
        seeds,
        radii,
        draws,
        np.float32(floor),
        np.float32(config.reach),
        np.ascontiguousarray(np.zeros((0, 3)) if directions is None else directions, dtype=np.float32),
    )
    kept = np.flatnonzero(found)
    kept = kept[np.argsort(-scores[kept], kind="stable")]
    chosen = _remove_duplicates(
        is_revolute, axes, pivots, values, clouds, starts, kept, np.float32(config.duplicate), config.num_hypotheses
    )
    return Hypotheses(
        is_revolute=is_revolute[chosen],
        axes=axes[chosen],
        pivots=pivots[chosen],
        values=values[chosen] - values[chosen, :1],
        scores=scores[chosen],
    )


def flow_floor(flows: np.ndarray, valid: np.ndarray, minimum: float) -> float:
    """The flow length that still looks like noise: twice the lower quartile over all flow, within bounds."""
    lengths = np.linalg.norm(flows[valid], axis=-1)
    if len(lengths) == 0:
        return minimum
    return float(np.clip(2.0 * np.percentile(lengths, 25), minimum, 0.05))


def count_in_cells(places: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """How many places of its group share each place's cell: what is spread over space divides by that.

    Args:
        places: (place, 3), normalised units.
        groups: (place), such as the frame or a stretch of time.
    """
    cells = np.floor(places / _CELL).astype(np.int64) + 512
    keys = ((groups.astype(np.int64) * 1024 + cells[:, 0]) * 1024 + cells[:, 1]) * 1024 + cells[:, 2]
    _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    return counts[inverse]


def _choose_seeds(
    points: np.ndarray, flows: np.ndarray, valid: np.ndarray, floor: float, num_seeds: int, rng: np.random.Generator
) -> np.ndarray:
    """Indices (baseline, frame, point) of moving points, spread over space and time so that small parts get theirs."""
    lengths = np.linalg.norm(flows, axis=-1)
    candidates = np.argwhere(valid & (lengths > floor))
    if len(candidates) == 0:
        return candidates
    crowds = count_in_cells(points[candidates[:, 1], candidates[:, 2]], (candidates[:, 1] * 4) // points.shape[0])
    strength = np.minimum(lengths[tuple(candidates.T)] / floor, 4.0)
    weights = strength / np.sqrt(crowds)
    chosen = rng.choice(len(candidates), size=min(num_seeds, len(candidates)), replace=False, p=weights / weights.sum())
    return candidates[chosen]


@numba.njit(cache=True, fastmath=True, nogil=True)
def _grow_all(points, flows, valid, baselines, seeds, radii, draws, floor, reach, directions):
    """Two guesses (turn, slide) for every seed, and two along directions if there are any; arrays over all of them."""
    each = 2 if len(directions) == 0 else 4
    count = each * len(seeds)
    num_frames = points.shape[0]
    cloud_size = draws.shape[1]
    found = np.zeros(count, np.bool_)
    is_revolute = np.zeros(count, np.bool_)
    axes = np.zeros((count, 3), np.float32)
    pivots = np.zeros((count, 3), np.float32)
    values = np.zeros((count, num_frames), np.float32)
    clouds = np.zeros((count, cloud_size, 3), np.float32)
    starts = np.zeros(count, np.int64)
    scores = np.zeros(count, np.float32)
    for index in range(count):
        seed = index // each
        revolute = index % 2 == 0
        held = index % each >= 2
        b, t, i = seeds[seed, 0], seeds[seed, 1], seeds[seed, 2]
        ok, axis, pivot, member = grow_seed(points[t], flows[b, t], valid[b, t], i, radii[seed], floor, revolute)
        if not ok:
            continue
        if held:
            ok, axis, pivot = align_seed(points[t], flows[b, t], member, directions, revolute)
            if not ok:
                continue
        support = np.flatnonzero(member)
        cloud = clouds[index]
        for j in range(cloud_size):
            cloud[j] = points[t, support[int(draws[seed, j] * len(support))]]
        near_first, near_last = max(0, t - 3), min(num_frames - 1, t + 4)
        score = np.float32(0.0)
        for sweep in range(3):
            first, last = (near_first, near_last) if sweep == 0 else (0, num_frames - 1)
            follow_joint(
                points, flows, valid, baselines, axis, pivot, revolute, t, cloud, values[index], first, last, reach, floor
            )  # fmt: skip
            if sweep == 2:
                break
            axis, pivot, _, score = refit_joint(
                points, flows, valid, baselines, axis, pivot, revolute, t, cloud, values[index], first, last, reach, floor,
                held,
            )  # fmt: skip
        largest = np.float32(0.0)
        place = np.zeros(3, np.float32)
        for s in range(num_frames):
            carry(cloud[0], axis, pivot, values[index, s], revolute, place)
            d = (place[0] - cloud[0, 0]) ** 2 + (place[1] - cloud[0, 1]) ** 2 + (place[2] - cloud[0, 2]) ** 2
            largest = max(largest, d)
        if np.sqrt(largest) < 1.5 * floor or not np.isfinite(axis[0] + pivot[0]):
            continue
        found[index] = True
        is_revolute[index] = revolute
        axes[index] = axis
        if revolute:
            pivots[index] = pivot
        starts[index] = t
        # Of two that move alike the one along a direction is kept: its axis is told better.
        scores[index] = score * np.float32(1.1) if held else score
    return found, is_revolute, axes, pivots, values, clouds, starts, scores


@numba.njit(cache=True, fastmath=True, nogil=True)
def _remove_duplicates(is_revolute, axes, pivots, values, clouds, starts, order, duplicate, most):
    """Greedy pass in score order that drops a guess which carries its own cloud as a kept one of its type does."""
    chosen = np.empty(most, np.int64)
    n = 0
    mine = np.zeros(3, np.float32)
    theirs = np.zeros(3, np.float32)
    rest = np.zeros(3, np.float32)
    num_frames = values.shape[1]
    for k in order:
        fresh = True
        for m in range(n):
            other = chosen[m]
            if is_revolute[k] != is_revolute[other]:
                continue
            difference = np.float32(0.0)
            size = np.float32(1e-9)
            for j in range(0, clouds.shape[1], 4):
                # The cloud in frame 0 as k places it, then both motions from there.
                carry(clouds[k, j], axes[k], pivots[k], values[k, 0] - values[k, starts[k]], is_revolute[k], rest)
                for s in range(1, num_frames):
                    carry(rest, axes[k], pivots[k], values[k, s] - values[k, 0], is_revolute[k], mine)
                    carry(rest, axes[other], pivots[other], values[other, s] - values[other, 0], is_revolute[k], theirs)
                    for q in range(3):
                        difference += (mine[q] - theirs[q]) ** 2
                        size += (mine[q] - rest[q]) ** 2
            if difference < duplicate * duplicate * size:
                fresh = False
                break
        if fresh:
            chosen[n] = k
            n += 1
            if n == most:
                break
    return chosen[:n]


def _empty(num_frames: int) -> Hypotheses:
    """No hypotheses."""
    return Hypotheses(
        is_revolute=np.zeros(0, dtype=bool),
        axes=np.zeros((0, 3), dtype=np.float32),
        pivots=np.zeros((0, 3), dtype=np.float32),
        values=np.zeros((0, num_frames), dtype=np.float32),
        scores=np.zeros(0, dtype=np.float32),
    )
