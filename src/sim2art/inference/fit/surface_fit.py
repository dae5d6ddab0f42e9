"""A joint fitted to surfaces alone: carried to another frame, a part should lie on the part that is seen there.

Flow may fail for a whole part and a whole clip: without texture it stays behind, or is dragged along with what is
around. Depth shows where the part went all the same. Point-to-plane distances (Chen and Medioni 1992) over many pairs
of frames at once are lowered in axis, pivot and values together. What surfaces cannot tell, such as how far a panel slid
along itself, stays near the guess.
"""

import dataclasses
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial import KDTree

from sim2art.geometry.rotations import any_perpendicular
from sim2art.geometry.screws import prismatic_transform, revolute_transform
from sim2art.geometry.transforms import apply
from sim2art.inference.fit.joint_fit import SMOOTHNESS, STANDSTILL
from sim2art.inference.hypotheses import JointGuess
from sim2art.observation.point_video import PointVideo

MIN_CLOUD = 8
"""A part with fewer points in a frame shows no surface there."""
MIN_PAIRS = 4
_APART = 100.0
"""Frames lie this far apart along the fourth coordinate of the tree, so that none finds a point of another."""
_REST = 1e6
"""Weight of the rest pose: values are 0 in frame 0."""


@dataclass(frozen=True, kw_only=True)
class SurfaceFitConfig:
    """How a joint is fitted; lengths in normalised units."""

    offsets: tuple[int, ...] = (1, 2, 4, 8)
    """Frame distances of the pairs that are compared, in both directions."""
    num_points: int = 40
    """Points of one frame that are carried, at most."""
    num_rounds: int = 10
    reach: float = 0.15
    """A carried point farther than this from the part meets nothing there, in the first round."""
    shrink: float = 0.7
    """Of the reach, from round to round."""
    least_reach: float = 0.03
    min_noise: float = 0.004
    smoothness: float = SMOOTHNESS
    """Weight of second differences of the values, as a share of the data's weight."""


@dataclass(frozen=True, kw_only=True)
class PartSurface:
    """A part's points of all frames, and those of them that are carried. Built once for all fits."""

    tree: KDTree
    """Of all points, their frame (times `_APART`) as fourth coordinate."""
    points: Float[np.ndarray, "point 3"]
    normals: Float[np.ndarray, "point 3"]
    source: Float[np.ndarray, "row 3"]
    start: Int[np.ndarray, "row"]
    """Frame in which a row's point was seen."""
    stop: Int[np.ndarray, "row"]
    """Frame that it is carried to."""
    num_frames: int


def gather_part_surface(
    video: PointVideo,
    normals: Float[np.ndarray, "frame point 3"],
    weights: Float[np.ndarray, "frame point"],
    config: SurfaceFitConfig | None = None,
) -> PartSurface | None:
    """The surface of a part; None when too few pairs of frames show it.

    Args:
        video: In normalised coordinates.
        normals: Unit normals of its points, of either sign; zeros where unknown.
        weights: Probability that a point belongs to the part; those above a half make it up.
    """
    config = config or SurfaceFitConfig()
    chosen = (weights > 0.5) & video.valid & np.any(normals != 0, axis=-1)
    seen = chosen.sum(axis=1) >= MIN_CLOUD
    chosen &= seen[:, None]
    pairs = [
        pair
        for offset in config.offsets
        for first in range(video.num_frames - offset)
        for pair in ((first, first + offset), (first + offset, first))
        if seen[first] and seen[first + offset]
    ]
    if len(pairs) < MIN_PAIRS:
        return None
    carried = []
    for t in range(video.num_frames):
        cloud = video.points_world[t][chosen[t]]
        carried.append(cloud[:: max(1, -(-len(cloud) // config.num_points))])
    sizes = [len(carried[start]) for start, _ in pairs]
    frames, slots = np.nonzero(chosen)
    points = video.points_world[frames, slots].astype(np.float64)
    return PartSurface(
        tree=KDTree(_with_frames(points, frames)),
        points=points,
        normals=normals[frames, slots].astype(np.float64),
        source=np.concatenate([carried[start] for start, _ in pairs]).astype(np.float64),
        start=np.repeat([start for start, _ in pairs], sizes),
        stop=np.repeat([stop for _, stop in pairs], sizes),
        num_frames=video.num_frames,
    )


def fit_to_surfaces(
    part: PartSurface, guess: JointGuess, config: SurfaceFitConfig | None = None, *, hold_direction: bool = False
) -> JointGuess:
    """A joint of the guess's type that carries the part's surface onto itself; the guess where that cannot be solved.

    Args:
        part: The surface.
        guess: Where to start.
        config: Settings.
        hold_direction: Keep the direction of the axis.
    """
    config = config or SurfaceFitConfig()
    joint = JointGuess(is_revolute=guess.is_revolute, axis=guess.axis, pivot=guess.pivot, values=guess.values)
    for index in range(config.num_rounds):
        moved, rotations = _carry(part, joint)
        reach = max(config.reach * config.shrink**index, config.least_reach)
        distance, nearest = part.tree.query(_with_frames(moved, part.stop), distance_upper_bound=reach)
        met = np.isfinite(distance)
        nearest = np.where(met, nearest, 0)
        normals = part.normals[nearest]
        gaps = np.sum((moved - part.points[nearest]) * normals, axis=1)
        noise = max(1.5 * float(np.median(np.abs(gaps[met]))) if met.any() else 0.0, config.min_noise)
        robust = met / (1 + (gaps / (2 * noise)) ** 2) ** 2
        columns = _columns(part, joint, moved, rotations, normals)
        step = _solve(columns[:, 2 * hold_direction :], gaps, robust, joint, config)
        if step is None:
            return guess
        joint = _take_step(joint, np.pad(step, (2 * hold_direction, 0)))
    return joint


def measure_distance(part: PartSurface, joint: JointGuess, cut: float = 0.06) -> float:
    """Mean squared distance (cut at `cut`) of carried points from the part in the other frame, normalised units."""
    moved, _ = _carry(part, joint)
    distance, _ = part.tree.query(_with_frames(moved, part.stop), distance_upper_bound=cut)
    return float(np.mean(np.minimum(distance, cut) ** 2))


def _with_frames(points: np.ndarray, frames: np.ndarray) -> np.ndarray:
    return np.column_stack([points, frames * _APART])


def _basis(joint: JointGuess) -> tuple[np.ndarray, np.ndarray]:
    """Two unit vectors across the axis."""
    first = any_perpendicular(joint.axis)
    return first, np.cross(joint.axis, first)


def _carry(part: PartSurface, joint: JointGuess) -> tuple[np.ndarray, np.ndarray]:
    """Where each row's point is carried to, and the rotation on the way."""
    change = joint.values[part.stop] - joint.values[part.start]
    motions = (
        revolute_transform(joint.axis, joint.pivot, change)
        if joint.is_revolute
        else prismatic_transform(joint.axis, change)
    )
    return apply(motions, part.source[:, None])[:, 0], motions[:, :3, :3]


def _columns(
    part: PartSurface, joint: JointGuess, moved: np.ndarray, rotations: np.ndarray, normals: np.ndarray
) -> Float[np.ndarray, "row unknown"]:
    """Derivatives of the gaps by the axis (2), a turn's pivot (2) and the values."""
    change = (joint.values[part.stop] - joint.values[part.start])[:, None]
    shape = []
    if joint.is_revolute:
        arm = part.source - joint.pivot
        sine, versine = np.sin(change), 1 - np.cos(change)
        for across in _basis(joint):
            # Rodrigues' formula, differentiated by the axis.
            turned = np.cross(across, arm) * sine
            turned += versine * (across * (arm @ joint.axis)[:, None] + joint.axis * (arm @ across)[:, None])
            shape.append(np.sum(turned * normals, axis=1))
        shape += [np.sum((across - rotations @ across) * normals, axis=1) for across in _basis(joint)]
        lever = np.sum(np.cross(joint.axis, moved - joint.pivot) * normals, axis=1)
    else:
        shape = [change[:, 0] * (normals @ across) for across in _basis(joint)]
        lever = normals @ joint.axis
    values = np.zeros((len(moved), part.num_frames))
    rows = np.arange(len(moved))
    values[rows, part.stop] = lever
    values[rows, part.start] = -lever
    return np.column_stack([*shape, values])


def _solve(
    columns: np.ndarray, gaps: np.ndarray, robust: np.ndarray, joint: JointGuess, config: SurfaceFitConfig
) -> np.ndarray | None:
    """A damped Gauss-Newton step with smooth values; None where there is none."""
    matrix = (columns * robust[:, None]).T @ columns
    right = -columns.T @ (robust * gaps)
    count = len(joint.values)
    first = len(matrix) - count
    slow, bend = np.diff(np.eye(count), 1, axis=0), np.diff(np.eye(count), 2, axis=0)
    data = float(np.trace(matrix[first:, first:])) / count
    rough = (config.smoothness * data + 1e-6) * (bend.T @ bend + STANDSTILL * slow.T @ slow)
    matrix[first:, first:] += rough
    right[first:] -= rough @ joint.values
    matrix[first, first] += _REST * (1 + data)
    damping = 1e-3 * np.diag(matrix) + 1e-6
    damping[:first] += 1e-4 * robust.sum()
    try:
        step = np.linalg.solve(matrix + np.diag(damping), right)
    except np.linalg.LinAlgError:
        return None
    return step if np.all(np.isfinite(step)) else None


def _take_step(joint: JointGuess, step: np.ndarray) -> JointGuess:
    """The joint after a step, which turns the axis and shifts the pivot by no more than 0.3, values by 0.5."""
    first, second = _basis(joint)
    count = len(joint.values)
    axis = joint.axis + _shortened(step[0] * first + step[1] * second)
    pivot = joint.pivot
    if joint.is_revolute:
        pivot = pivot + _shortened(step[2] * first + step[3] * second)
    values = joint.values + np.clip(step[-count:], -0.5, 0.5)
    return dataclasses.replace(joint, axis=axis / np.linalg.norm(axis), pivot=pivot, values=values - values[0])


def _shortened(step: np.ndarray, longest: float = 0.3) -> np.ndarray:
    return step * min(1.0, longest / max(float(np.linalg.norm(step)), 1e-9))
