"""Joints tried one by one on a piece of surface: lines along main directions at several places, all values at once.

Free ICP (`surface_guesses`) loses a piece that slides along itself or moves fast. Held to one joint there is one unknown
a frame: how far the piece comes from the surfaces that were seen there is looked up for a grid of values, and the
cheapest smooth course through all frames is found by dynamic programming (Viterbi 1967).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numba
import numpy as np
from jaxtyping import Bool, Float, Float32

from sim2art.geometry.rotations import any_perpendicular
from sim2art.inference.hypotheses import JointGuess
from sim2art.inference.propose.twists import carry


@dataclass(frozen=True, kw_only=True)
class SurfaceScanConfig:
    """What is tried; lengths in normalised units."""

    num_values: int = 41
    """Odd; of a frame, the piece's own place in the middle."""
    reach: float = 1.3
    """The piece's farthest point is carried this far at most."""
    max_turn: float = 2.6
    """rad; and turned this far at most."""
    in_plane: tuple[float, ...] = (0.0, 0.12, 0.22, 0.35, 0.5, 0.75, 1.1)
    """Hinges of a panel: how far they lie from the middle of the piece, to both sides."""
    around: tuple[float, ...] = (0.15, 0.35, 0.7)
    """Axes across a piece: how far they lie from its middle, eight each."""
    roughness: float = 0.014
    """What a change by one step of the grid costs, as a share of a lost frame; grows with its square."""
    min_gain: float = 0.03
    """Share of what standing still costs that a joint must save."""
    max_likes: int = 3
    """Joints of one piece, type and direction that are given."""


class Scanned(NamedTuple):
    """A joint that carries a piece along."""

    gain: float
    """How much nearer it brings the piece to what was seen than standing still does, 0..1."""
    joint: JointGuess


CUT = 0.12
"""Farther from all surfaces than this counts as this far."""
_CELL = 0.04
_HALF = 1.5
_SIDE = int(2 * _HALF / _CELL)
"""The field covers a clip in normalised units and some space around."""

DistanceField = Float32[np.ndarray, "frame x y z"]
"""Distance of each cell's middle from the nearest surface of a frame, `CUT` at most."""


def measure_distances(
    points: Float[np.ndarray, "frame point 3"], chosen: Bool[np.ndarray, "frame point"]
) -> DistanceField:
    """The field around chosen points, in normalised coordinates."""
    return _fill(np.ascontiguousarray(points, dtype=np.float32), np.ascontiguousarray(chosen))


def scan(
    field: DistanceField,
    piece: Float[np.ndarray, "place 3"],
    frame: int,
    normal: Float[np.ndarray, "3"],
    directions: Float[np.ndarray, "direction 3"],
    config: SurfaceScanConfig | None = None,
) -> list[Scanned]:
    """Slides and turns along the directions and the piece's normal that bring it to what was seen, best first.

    Args:
        field: Of what the piece may lie on in each frame.
        piece: Places of a piece of surface in `frame`.
        frame: Where it was seen.
        normal: Unit normal of the piece, of either sign.
        directions: That axes are likely to lie along; unit rows.
        config: Settings.
    """
    config = config or SurfaceScanConfig()
    middle = piece.mean(axis=0)
    lines = [*directions]
    if all(abs(float(line @ normal)) < 0.98 for line in lines):
        lines.append(normal)
    found: list[Scanned] = []
    for line in lines:
        slides = [_try(field, piece, frame, line, None, config)]
        turns = [_try(field, piece, frame, line, pivot, config) for pivot in _pivots(middle, normal, line, config)]
        for scanned in (slides, turns):
            worth = [one for one in scanned if one.gain >= config.min_gain]
            found += sorted(worth, key=lambda x: -x.gain)[: config.max_likes]
    return sorted(found, key=lambda x: -x.gain)


def _pivots(middle: np.ndarray, normal: np.ndarray, axis: np.ndarray, config: SurfaceScanConfig) -> list[np.ndarray]:
    """Where axes along a direction may pass a piece: in its plane, or anywhere around it if they are normal to it."""
    along = abs(float(axis @ normal))
    if along < 0.5:
        across = np.cross(axis, normal)
        across /= np.linalg.norm(across)
        offsets = {sign * offset for offset in config.in_plane for sign in (1, -1)}
        return [middle + offset * across for offset in sorted(offsets)]
    if along < 0.85:
        return []
    first = any_perpendicular(axis)
    second = np.cross(axis, first)
    angles = np.arange(8) * np.pi / 4
    circle = np.cos(angles)[:, None] * first + np.sin(angles)[:, None] * second
    return [middle, *(middle + offset * way for offset in config.around for way in circle)]


def _try(
    field: np.ndarray,
    piece: np.ndarray,
    frame: int,
    axis: np.ndarray,
    pivot: np.ndarray | None,
    config: SurfaceScanConfig,
) -> Scanned:
    """The best course of a piece by one joint: a slide, or a turn about a pivot."""
    turns = pivot is not None
    place = pivot if pivot is not None else np.zeros(3)
    farthest = config.reach
    if turns:
        arm = float(np.linalg.norm(np.cross(axis, piece - place), axis=1).max())
        farthest = min(config.max_turn, config.reach / max(arm, 0.1))
    grid = np.linspace(-farthest, farthest, config.num_values)
    carried, line, point = (x.astype(np.float32) for x in (piece, axis, place))
    costs = _look_up(field, carried, line, point, turns, grid.astype(np.float32))
    course = _cheapest(costs, frame, config.num_values // 2, config.roughness)
    frames = np.arange(len(costs))
    steps = np.sum(np.diff(course) ** 2) * config.roughness
    still = costs[:, config.num_values // 2].sum()
    gain = float(still - costs[frames, course].sum() - steps) / len(costs)
    values = grid[course] - grid[course[0]]
    return Scanned(gain, JointGuess(is_revolute=turns, axis=np.array(axis), pivot=place, values=values))


@numba.njit(cache=True, fastmath=True, nogil=True)
def _fill(points, chosen):
    num_frames = points.shape[0]
    reach = int(CUT / _CELL)
    field = np.full((num_frames, _SIDE, _SIDE, _SIDE), np.float32(CUT))
    for t in range(num_frames):
        for i in range(points.shape[1]):
            if not chosen[t, i]:
                continue
            a = (points[t, i, 0] + _HALF) / _CELL
            b = (points[t, i, 1] + _HALF) / _CELL
            c = (points[t, i, 2] + _HALF) / _CELL
            for x in range(max(int(a) - reach, 0), min(int(a) + reach + 1, _SIDE)):
                for y in range(max(int(b) - reach, 0), min(int(b) + reach + 1, _SIDE)):
                    for z in range(max(int(c) - reach, 0), min(int(c) + reach + 1, _SIDE)):
                        d = _CELL * np.sqrt((x + 0.5 - a) ** 2 + (y + 0.5 - b) ** 2 + (z + 0.5 - c) ** 2)
                        field[t, x, y, z] = min(field[t, x, y, z], np.float32(d))
    return field


@numba.njit(cache=True, fastmath=True, nogil=True)
def _look_up(field, piece, axis, pivot, turns, grid):
    """Mean squared distance (frame, value), 1 where all of the piece is lost."""
    num_frames = field.shape[0]
    costs = np.zeros((num_frames, len(grid)))
    share = 1.0 / (len(piece) * CUT * CUT)
    place = np.zeros(3, np.float32)
    for q in range(len(grid)):
        for i in range(len(piece)):
            carry(piece[i], axis, pivot, grid[q], turns, place)
            a, b, d = (place[0] + _HALF) / _CELL, (place[1] + _HALF) / _CELL, (place[2] + _HALF) / _CELL
            inside = 0 <= a < _SIDE and 0 <= b < _SIDE and 0 <= d < _SIDE
            for t in range(num_frames):
                e = field[t, int(a), int(b), int(d)] if inside else np.float32(CUT)
                costs[t, q] += e * e * share
    return costs


@numba.njit(cache=True, fastmath=True, nogil=True)
def _cheapest(costs, start, middle, roughness):
    """The cheapest course of grid places, both ways from `start`, where it is in the middle."""
    num_frames, count = costs.shape
    course = np.full(num_frames, middle, np.int64)
    for way in (1, -1):
        steps = num_frames - 1 - start if way == 1 else start
        best = np.full(count, 1e9)
        best[middle] = 0.0
        before = np.zeros((max(steps, 1), count), np.int64)
        for k in range(steps):
            reached = np.full(count, 1e9)
            for q in range(count):
                for p in range(count):
                    cost = best[p] + roughness * (q - p) ** 2
                    if cost < reached[q]:
                        reached[q] = cost
                        before[k, q] = p
                reached[q] += costs[start + way * (k + 1), q]
            best = reached
        q = int(np.argmin(best))
        for k in range(steps - 1, -1, -1):
            course[start + way * (k + 1)] = q
            q = before[k, q]
    return course
