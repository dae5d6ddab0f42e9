"""Turns guessed from the flow of the whole clip at once, for small parts that turn where they are: wheels, knobs, dials.

A seed of `propose` grows from one pair of frames, of which a wheel on a door shows half a dozen vectors. But seen from
what it sits on a wheel stays where it is, so the vectors of all frames in a small ball belong to one turn, about a line
along one of the clip's main directions. Its place and its values are fitted in turns, and with them which vectors turn
and which stand still.
"""

from dataclasses import dataclass

import numba
import numpy as np
from jaxtyping import Float, Int

from sim2art.geometry.rotations import any_perpendicular
from sim2art.observation.point_video import PointVideo
from sim2art.proposals.hypotheses import Hypotheses
from sim2art.proposals.propose import MIN_FLOOR, flow_floor


@dataclass(frozen=True, kw_only=True)
class TurnsInPlaceConfig:
    """Where turns are looked for; lengths in normalised units."""

    num_guesses: int = 24
    """At most this many are given."""
    cell: float = 0.1
    """Side of the cells that hold one seed each, if they hold `min_moving` vectors that seem to move."""
    min_moving: int = 4
    max_seeds: int = 200
    radii: tuple[float, ...] = (0.1, 0.2)
    """Of the balls."""
    num_rounds: int = 6
    min_vectors: int = 8
    """A turn that fewer vectors seem to move by is no guess."""
    min_swing: float = 0.1
    """rad; nor is one that turns less."""
    likeness: float = 0.06
    """Of turns about lines along one direction, nearer than this and with values alike, only the best is kept."""


class _Vectors:
    """All measured flow of a clip."""

    def __init__(self, video: PointVideo) -> None:
        baseline, start, slot = np.nonzero(video.flow_valid)
        stop = start + np.array(video.baselines)[baseline]
        inside = stop < video.num_frames
        baseline, self.start, slot, self.stop = baseline[inside], start[inside], slot[inside], stop[inside]
        self.flow = video.flow_world[baseline, self.start, slot].astype(np.float64)
        self.middle = video.points_world[self.start, slot] + 0.5 * self.flow


def guess_turns_in_place(
    video: PointVideo,
    directions: Float[np.ndarray, "direction 3"],
    rng: np.random.Generator,
    config: TurnsInPlaceConfig | None = None,
) -> Hypotheses | None:
    """Guessed turns, those that explain most first; None when there are none.

    Args:
        video: In normalised coordinates, its flow smoothed (`smooth_flow`).
        directions: That axes are likely to lie along (`find_main_directions`).
        rng: Draws among the seeds if there are too many.
        config: Settings.
    """
    config = config or TurnsInPlaceConfig()
    vectors = _Vectors(video)
    floor = flow_floor(video.flow_world, video.flow_valid, MIN_FLOOR)
    seeds = _choose_seeds(vectors, floor, rng, config)
    if not len(directions) or not len(seeds):
        return None
    axes = np.asarray(directions, dtype=np.float64)
    first = np.stack([any_perpendicular(axis) for axis in axes])
    pivots, values, gains, counts, lines = _fit_all(
        vectors.middle,
        vectors.flow,
        vectors.start,
        vectors.stop,
        np.stack([axes, first, np.cross(axes, first)], axis=1),
        seeds,
        np.array(config.radii),
        floor,
        video.num_frames,
        config.num_rounds,
    )
    values = values - values[:, :1]
    believed = (counts >= config.min_vectors) & (np.ptp(values, axis=1) >= config.min_swing)
    believed &= np.all(np.isfinite(pivots), axis=1)
    order = np.argsort(-gains, kind="stable")
    kept = _remove_likes(axes, lines, pivots, values, order[believed[order]], config)
    if not len(kept):
        return None
    return Hypotheses(
        is_revolute=np.ones(len(kept), dtype=bool),
        axes=axes[lines[kept]],
        pivots=pivots[kept],
        values=values[kept],
        scores=np.full(len(kept), 0.4),
    )


def _choose_seeds(
    vectors: _Vectors, floor: float, rng: np.random.Generator, config: TurnsInPlaceConfig
) -> Float[np.ndarray, "seed 3"]:
    """The mean place of what seems to move, in each cell that holds enough of it."""
    places = vectors.middle[np.linalg.norm(vectors.flow, axis=1) > floor]
    if not len(places):
        return places
    _, cell, counts = np.unique(np.floor(places / config.cell), axis=0, return_inverse=True, return_counts=True)
    sums = np.stack([np.bincount(cell.ravel(), places[:, k]) for k in range(3)], axis=1)
    seeds = (sums / counts[:, None])[counts >= config.min_moving]
    return seeds if len(seeds) <= config.max_seeds else rng.permutation(seeds)[: config.max_seeds]


def _remove_likes(
    axes: np.ndarray,
    lines: Int[np.ndarray, "guess"],
    pivots: Float[np.ndarray, "guess 3"],
    values: Float[np.ndarray, "guess frame"],
    order: Int[np.ndarray, "believed"],
    config: TurnsInPlaceConfig,
) -> Int[np.ndarray, "kept"]:
    """The best guesses, none that turns as a better one does."""
    kept: list[int] = []
    swings = np.ptp(values, axis=1)
    for index in order:
        if len(kept) == config.num_guesses:
            break
        rivals = [k for k in kept if lines[k] == lines[index]]
        apart = np.linalg.norm(np.cross(axes[lines[index]], pivots[rivals] - pivots[index]), axis=-1)
        differences = np.abs(values[rivals] - values[index]).max(axis=-1)
        alike = (apart < config.likeness) & (differences < 0.3 * np.maximum(swings[rivals], swings[index]))
        if not np.any(alike):
            kept.append(int(index))
    return np.array(kept, dtype=int)


@numba.njit(cache=True, fastmath=True, nogil=True)
def _fit_all(middles, flows, starts, stops, frames, seeds, radii, floor, num_frames, num_rounds):
    """A turn for each seed, direction and radius; `frames` (direction, 3, 3) holds axes and two directions across."""
    count = len(seeds) * len(frames) * len(radii)
    pivots, values = np.zeros((count, 3)), np.zeros((count, num_frames))
    gains, counts, lines = np.zeros(count), np.zeros(count), np.zeros(count, np.int64)
    near = np.empty(len(middles), np.int64)
    index = 0
    for seed in seeds:
        for line in range(len(frames)):
            for radius in radii:
                pivots[index] = seed
                gains[index], counts[index] = _fit_turn(
                    middles, flows, starts, stops, frames[line], radius, floor, num_rounds, near,
                    pivots[index], values[index],
                )  # fmt: skip
                lines[index] = line
                index += 1
    return pivots, values, gains, counts, lines


@numba.njit(cache=True, fastmath=True, nogil=True)
def _fit_turn(middles, flows, starts, stops, frame, radius, floor, num_rounds, near, pivot, values):
    """Fit place and values of one turn to the flow in a ball around its pivot; both are changed in place.

    Returns how much likelier the flow is by it than by standing still (logarithm, each vector counts 3 at most), and how
    many vectors it moves or should move.
    """
    axis, first, second = frame[0], frame[1], frame[2]
    num_frames = len(values)
    num_near = 0
    for i in range(len(middles)):
        if (middles[i, 0] - pivot[0]) ** 2 + (middles[i, 1] - pivot[1]) ** 2 + (middles[i, 2] - pivot[2]) ** 2 < (
            2.0 * radius
        ) ** 2:
            near[num_near] = i
            num_near += 1
    weights = np.zeros(num_near)
    variance = (0.5 * floor) ** 2
    gain, count = 0.0, 0.0
    for round_index in range(num_rounds + 1):
        normal, right, total = np.zeros((num_frames, num_frames)), np.zeros(num_frames), 0.0
        gain, count = 0.0, 0.0
        for j in range(num_near):
            i = near[j]
            weights[j] = 0.0
            x, y, z = middles[i, 0] - pivot[0], middles[i, 1] - pivot[1], middles[i, 2] - pivot[2]
            if x * x + y * y + z * z > radius * radius:
                continue
            ux, uy, uz = axis[1] * z - axis[2] * y, axis[2] * x - axis[0] * z, axis[0] * y - axis[1] * x
            lever = ux * ux + uy * uy + uz * uz
            fx, fy, fz = flows[i, 0], flows[i, 1], flows[i, 2]
            size = fx * fx + fy * fy + fz * fz
            start, stop = starts[i], stops[i]
            if round_index == 0:
                weights[j] = 1.0 if size > floor * floor else 0.0
            else:
                amount = _amount(values[stop] - values[start])
                rest = (fx - amount * ux) ** 2 + (fy - amount * uy) ** 2 + (fz - amount * uz) ** 2
                better = min(max((size - rest) / (2.0 * variance), -30.0), 30.0)
                # The chance that it turns rather than stands still, less for what does neither.
                weights[j] = 1.0 / (1.0 + np.exp(-better)) / (1.0 + rest / (4.0 * variance + 0.04 * size)) ** 2
                gain += min(np.log(0.5 + 0.5 * np.exp(better)), 3.0)
                if max(size, amount * amount * lever) > floor * floor:
                    count += 1.0
            if lever < 1e-6:
                continue
            weight = weights[j] * lever
            change = 2.0 * np.arctan(0.5 * (fx * ux + fy * uy + fz * uz) / lever)
            total += weight
            normal[start, start] += weight
            normal[stop, stop] += weight
            normal[start, stop] -= weight
            normal[stop, start] -= weight
            right[stop] += weight * change
            right[start] -= weight * change
        if round_index == num_rounds or total < 1e-9:
            break
        _solve_values(normal, right, total / num_frames, values)
        _move_pivot(middles, flows, starts, stops, axis, first, second, values, near, weights, radius, pivot)
    return gain, count


@numba.njit(cache=True, fastmath=True, nogil=True)
def _amount(change):
    """The factor of the unit twist that a midpoint's flow has by a turn (see `geometry.screws`)."""
    return 2.0 * np.tan(0.5 * min(max(change, -2.5), 2.5))


@numba.njit(cache=True, fastmath=True, nogil=True)
def _solve_values(normal, right, level, values):
    """Values from measured changes, slow where there are few; 0 in frame 0."""
    slow = 0.02 * level
    for t in range(len(values) - 1):
        normal[t, t] += slow
        normal[t + 1, t + 1] += slow
        normal[t, t + 1] -= slow
        normal[t + 1, t] -= slow
    normal[0, 0] += 1e6 * (level + 1e-3)
    for t in range(len(values)):
        normal[t, t] += 1e-9
    values[:] = np.linalg.solve(normal, right)


@numba.njit(cache=True, fastmath=True, nogil=True)
def _move_pivot(middles, flows, starts, stops, axis, first, second, values, near, weights, radius, pivot):
    """Shift the pivot across the axis to where the weighted flow is explained best, by half a radius at most."""
    total, along_first, along_second = 0.0, 0.0, 0.0
    for j in range(len(weights)):
        if weights[j] == 0.0:
            continue
        i = near[j]
        amount = _amount(values[stops[i]] - values[starts[i]])
        x, y, z = middles[i, 0] - pivot[0], middles[i, 1] - pivot[1], middles[i, 2] - pivot[2]
        rx = flows[i, 0] - amount * (axis[1] * z - axis[2] * y)
        ry = flows[i, 1] - amount * (axis[2] * x - axis[0] * z)
        rz = flows[i, 2] - amount * (axis[0] * y - axis[1] * x)
        # A pivot that is shifted by s takes amount * (axis x s) off; axis x first is second, axis x second is -first.
        along_first -= weights[j] * amount * (second[0] * rx + second[1] * ry + second[2] * rz)
        along_second += weights[j] * amount * (first[0] * rx + first[1] * ry + first[2] * rz)
        total += weights[j] * amount * amount
    if total < 1e-9:
        return
    along_first /= 1.05 * total
    along_second /= 1.05 * total
    length = np.sqrt(along_first * along_first + along_second * along_second)
    share = min(1.0, 0.5 * radius / max(length, 1e-9))
    for k in range(3):
        pivot[k] += share * (along_first * first[k] + along_second * second[k])
