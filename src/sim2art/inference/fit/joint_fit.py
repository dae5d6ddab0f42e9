"""Robust least-squares fit of one joint to a part's flow over all frames and baselines.

Alternates (a) joint values: one amount per frame pair, then values that agree with all pairs and are smooth, and
(b) the twist that all pairs share; both linear, because flow is taken at its midpoints (see `geometry.screws`).
Weights are those of Geman-McClure, with a scale that is lowered in steps (graduated non-convexity).
"""

import dataclasses
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from sim2art.geometry.rotations import any_perpendicular
from sim2art.inference.fit.surface_steps import SurfaceSteps
from sim2art.inference.hypotheses import JointGuess
from sim2art.observation.point_video import PointVideo

MIN_ROWS = 12
"""Less flow than this (sum of weights) is not fitted."""
ROWS_PER_PAIR = 12.0
"""Independent observations that one frame pair is worth."""
STANDSTILL = 0.4
"""First differences against second ones: bridges gaps at constant speed, but does not run on where data end."""
SMOOTHNESS = 0.002
"""Weight of second differences of the values, as a share of the data's weight."""

FAR_PIVOT = 1.2
"""Axes of turns pass their part's middle nearer than this, in half-extents of the clip (98 % of 163 in training clips)."""
FAR_PENALTY = 4.0
"""What each half-extent beyond that speaks against a turn: it is a slide in all but name."""


@dataclass(frozen=True, kw_only=True)
class PartFlow:
    """Flow of the points of one part as rows, ready to be fitted. Built once, used by both joint types."""

    midpoints: Float[np.ndarray, "row 3"]
    flows: Float[np.ndarray, "row 3"]
    weights: Float[np.ndarray, "row"]
    """Probability that the row's point belongs to the part."""
    start: np.ndarray
    """Frame of each row."""
    stop: np.ndarray
    """Frame that its flow goes to."""
    num_frames: int


@dataclass(frozen=True, kw_only=True)
class FittedJoint(JointGuess):
    """One joint fitted to a part's flow, in the units of the flow."""

    axis_sigma: float
    """Standard deviation of the axis direction (rad), from the curvature of the cost."""
    pivot_sigma: float
    """Standard deviation of the pivot across the axis."""
    num_rows: float
    """Sum of weights."""


def gather_part_flow(
    video: PointVideo, weights: Float[np.ndarray, "frame point"], *, min_weight: float = 0.3, max_rows: int = 20_000
) -> PartFlow:
    """Rows of flow whose point belongs to a part with at least `min_weight`."""
    lists = []
    for index, baseline in enumerate(video.baselines):
        chosen = np.argwhere(video.flow_valid[index] & (weights >= min_weight))
        lists.append(np.column_stack([np.full(len(chosen), index), chosen, chosen[:, :1] + baseline]))
    rows = np.concatenate(lists) if lists else np.zeros((0, 4), dtype=int)
    if len(rows) > max_rows:
        rows = rows[:: int(np.ceil(len(rows) / max_rows))]
    index, frame, point, stop = rows.T
    flows = video.flow_world[index, frame, point]
    return PartFlow(
        midpoints=video.points_world[frame, point] + 0.5 * flows,
        flows=flows,
        weights=weights[frame, point].astype(np.float64),
        start=frame,
        stop=stop,
        num_frames=video.num_frames,
    )


def fit_joint(
    part: PartFlow,
    guess: JointGuess,
    *,
    steps: SurfaceSteps | None = None,
    num_rounds: int = 10,
    hold_axis: bool = False,
    hold_direction: bool = False,
) -> FittedJoint:
    """Fit a joint of the guess's type, starting from it.

    The guess comes back unchanged, with infinite sigmas, when there is too little flow to fit.

    Args:
        steps: Changes of the value measured on surfaces, beside those that the flow gives.
        num_rounds: Rounds of reweighting.
        hold_axis: Fit the values only, and keep axis and pivot.
        hold_direction: Keep the direction of the axis.
    """
    enough = part.weights.sum() >= MIN_ROWS
    joint = guess
    sigma = np.inf
    for round_index in range(num_rounds if enough else 0):
        residuals = joint_residuals(part, joint)
        scale = _scale(residuals, part.weights)
        sigma = max(scale, sigma * 0.7) if np.isfinite(sigma) else 4 * scale
        robust = part.weights / (1 + (residuals / sigma) ** 2) ** 2
        joint = _solve_values(part, robust, joint, steps)
        if round_index < num_rounds - 1 and not hold_axis:
            joint = _solve_twist(part, robust, joint, hold_direction=hold_direction)
    axis_sigma, pivot_sigma = _uncertainty(part, joint) if enough else (np.inf, np.inf)
    return FittedJoint(
        is_revolute=joint.is_revolute,
        axis=joint.axis,
        pivot=joint.pivot if joint.is_revolute else np.zeros(3),
        values=joint.values - joint.values[0],
        axis_sigma=axis_sigma,
        pivot_sigma=pivot_sigma,
        num_rows=float(part.weights.sum()),
    )


def joint_residuals(part: PartFlow, joint: JointGuess) -> Float[np.ndarray, "row"]:
    """Length of what a joint leaves unexplained of each flow."""
    return np.linalg.norm(part.flows - _lever(part, joint) * _amounts(part, joint)[:, None], axis=1)


def compare_costs(part: PartFlow, turn: JointGuess, slide: JointGuess) -> float:
    """log(cost of the slide / cost of the turn), on one robust scale; positive when the turn explains the flow better."""
    if len(part.weights) == 0:
        return 0.0
    residuals = joint_residuals(part, turn)
    sigma = _scale(residuals, part.weights)
    revolute_cost = robust_cost(residuals, part.weights, sigma)
    return float(
        np.log((robust_cost(joint_residuals(part, slide), part.weights, sigma) + 1e-10) / (revolute_cost + 1e-10))
    )


def robust_cost(residuals: Float[np.ndarray, "row"], weights: Float[np.ndarray, "row"], sigma: float) -> float:
    """Weighted mean of Geman-McClure's r^2 / (1 + r^2 / sigma^2)."""
    if weights.sum() <= 0:
        return 0.0
    return float(np.sum(weights * residuals**2 / (1 + (residuals / sigma) ** 2)) / weights.sum())


def start_other_type(part: PartFlow, joint: JointGuess) -> JointGuess:
    """A guess of the other type that moves the part's points much the same."""
    if part.weights.sum() <= 0:
        return dataclasses.replace(joint, is_revolute=not joint.is_revolute)
    center = np.average(part.midpoints, axis=0, weights=part.weights)
    return _prismatic_like(joint, center) if joint.is_revolute else _revolute_like(part, joint, center)


def _prismatic_like(turn: JointGuess, center: np.ndarray) -> JointGuess:
    """The slide along the chord of the centre's path, which is a better direction than the tangent at rest."""
    arm = np.cross(turn.axis, center - turn.pivot)
    length = float(np.linalg.norm(arm))
    if length < 1e-6:
        return JointGuess(is_revolute=False, axis=turn.axis, pivot=np.zeros(3), values=turn.values)
    middle = 0.5 * (turn.values.max() + turn.values.min())
    tangent = arm * np.cos(middle) + np.cross(turn.axis, arm) * np.sin(middle)
    return JointGuess(is_revolute=False, axis=tangent / length, pivot=np.zeros(3), values=turn.values * length)


def _revolute_like(part: PartFlow, slide: JointGuess, center: np.ndarray) -> JointGuess:
    """The turn about a far axis; on which side it lies, the flow's own curvature tells: a free twist is fitted."""
    twist = _free_twist(part, part.weights, _amounts(part, slide), center)
    rate = float(np.linalg.norm(twist[:3]))
    if rate < 0.05:
        axis = any_perpendicular(slide.axis)
        pivot = center + 4.0 * np.cross(axis, slide.axis)
        return JointGuess(is_revolute=True, axis=axis, pivot=pivot, values=slide.values / 4.0)
    axis = twist[:3] / rate
    pivot = center + np.cross(axis, twist[3:]) / rate
    return JointGuess(is_revolute=True, axis=axis, pivot=pivot, values=slide.values * rate)


def _lever(part: PartFlow, joint: JointGuess) -> np.ndarray:
    """Unit-amount flow of each row."""
    if joint.is_revolute:
        return np.cross(joint.axis, part.midpoints - joint.pivot)
    return np.broadcast_to(joint.axis, part.midpoints.shape)


def _amounts(part: PartFlow, joint: JointGuess) -> np.ndarray:
    """Factor of the lever in each row."""
    change = joint.values[part.stop] - joint.values[part.start]
    return 2 * np.tan(0.5 * np.clip(change, -2.5, 2.5)) if joint.is_revolute else change


def _solve_values(part: PartFlow, robust: np.ndarray, joint: JointGuess, steps: SurfaceSteps | None) -> JointGuess:
    """Joint values that agree best with the amount of every frame pair; frames without flow are bridged smoothly."""
    lever = _lever(part, joint)
    size = robust * np.sum(lever**2, axis=1)
    along = robust * np.sum(lever * part.flows, axis=1)
    count = part.num_frames
    key = part.start * count + part.stop
    sizes, alongs = np.bincount(key, size, count * count), np.bincount(key, along, count * count)
    used = np.flatnonzero(sizes > 1e-9)
    amounts = alongs[used] / sizes[used]
    changes = 2 * np.arctan(0.5 * amounts) if joint.is_revolute else amounts
    start, stop, weight = used // count, used % count, sizes[used]
    if steps is not None:
        start, stop = np.concatenate([start, steps.start]), np.concatenate([stop, steps.stop])
        changes, weight = np.concatenate([changes, steps.changes]), np.concatenate([weight, steps.weights])
    normal, right = np.zeros((count, count)), np.zeros(count)
    np.add.at(normal, (start, start), weight)
    np.add.at(normal, (stop, stop), weight)
    np.add.at(normal, (start, stop), -weight)
    np.add.at(normal, (stop, start), -weight)
    np.add.at(right, stop, weight * changes)
    np.add.at(right, start, -weight * changes)
    strength = SMOOTHNESS * weight.sum() / count + 1e-9
    first, second = np.diff(np.eye(count), 1, axis=0), np.diff(np.eye(count), 2, axis=0)
    normal += strength * (second.T @ second + STANDSTILL * first.T @ first)
    normal[0, 0] += 1e3 * (weight.sum() + 1)  # Frame 0 is the rest pose.
    normal += 1e-9 * np.eye(count) * (weight.sum() + 1)
    solved = np.linalg.solve(normal, right)
    return dataclasses.replace(joint, values=solved - solved[0]) if np.all(np.isfinite(solved)) else joint


def _free_twist(part: PartFlow, robust: np.ndarray, amounts: np.ndarray, center: np.ndarray) -> np.ndarray:
    """(w, v) with flow = amount (w x (m - center) + v), least squares with a little ridge on w."""
    arms = part.midpoints - center
    weight = robust * amounts**2
    pulled = (robust * amounts)[:, None] * part.flows
    normal = np.zeros((6, 6))
    second = (weight[:, None] * arms).T @ arms
    normal[:3, :3] = np.trace(second) * np.eye(3) - second
    x, y, z = np.sum(weight[:, None] * arms, axis=0)
    # Rows of w x m as a matrix on w are -skew(m); its product with the identity block is skew(sum of m).
    normal[:3, 3:] = [[0, -z, y], [z, 0, -x], [-y, x, 0]]
    normal[3:, :3] = normal[:3, 3:].T
    normal[3:, 3:] = weight.sum() * np.eye(3)
    right = np.concatenate([np.sum(np.cross(arms, pulled), axis=0), pulled.sum(axis=0)])
    normal[:3, :3] += 1e-5 * (weight.sum() + 1e-12) * np.eye(3)
    normal += 1e-12 * np.eye(6)
    return np.linalg.solve(normal, right)


def _held_twist(
    part: PartFlow, robust: np.ndarray, amounts: np.ndarray, center: np.ndarray, axis: np.ndarray
) -> np.ndarray:
    """(w, v) as of `_free_twist`, w along a given axis."""
    lever = np.cross(axis, part.midpoints - center)
    weight = robust * amounts**2
    pulled = (robust * amounts)[:, None] * part.flows
    normal = np.zeros((4, 4))
    normal[0, 0] = np.sum(weight[:, None] * lever**2) + 1e-5 * (weight.sum() + 1e-12)
    normal[0, 1:] = normal[1:, 0] = weight @ lever
    normal[1:, 1:] = weight.sum() * np.eye(3)
    right = np.append(np.sum(lever * pulled), pulled.sum(axis=0))
    rate, *linear = np.linalg.solve(normal + 1e-12 * np.eye(4), right)
    return np.concatenate([rate * axis, linear])


def _solve_twist(part: PartFlow, robust: np.ndarray, joint: JointGuess, *, hold_direction: bool) -> JointGuess:
    """Axis and pivot from all rows; the old ones where the flow does not determine them."""
    amounts = _amounts(part, joint)
    if not joint.is_revolute:
        if hold_direction:
            return joint
        direction = np.sum((robust * amounts)[:, None] * part.flows, axis=0)
        length = float(np.linalg.norm(direction))
        return dataclasses.replace(joint, axis=direction / length) if length > 1e-12 else joint
    if np.sum(robust) < 1e-9:
        return joint
    center = np.average(part.midpoints, axis=0, weights=robust)
    if hold_direction:
        twist = _held_twist(part, robust, amounts, center, joint.axis)
    else:
        twist = _free_twist(part, robust, amounts, center)
    rate = float(np.linalg.norm(twist[:3]))
    if not 1e-3 < rate < 1e3:
        return joint
    axis = twist[:3] / rate
    # Drop the pitch: only the part of v across the axis moves the pivot.
    return dataclasses.replace(joint, axis=axis, pivot=center + np.cross(axis, twist[3:]) / rate)


def _uncertainty(part: PartFlow, joint: JointGuess) -> tuple[float, float]:
    """Sigmas of axis and pivot from (J^T W J)^-1, with rows of one frame pair counted as a few observations only.

    Errors of depth and flow are shared by neighbouring points, so a frame pair is worth `ROWS_PER_PAIR` rows at most.
    """
    amounts = _amounts(part, joint)
    key = part.start * part.num_frames + part.stop
    per_pair = np.bincount(key, part.weights)[key]
    weight = part.weights * np.minimum(1.0, ROWS_PER_PAIR / np.maximum(per_pair, 1e-9))
    weight = weight / _scale(joint_residuals(part, joint), part.weights) ** 2
    if not joint.is_revolute:
        information = float(np.sum(weight * amounts**2))
        return 1.0 / np.sqrt(max(information, 1e-12)), 0.0
    first = any_perpendicular(joint.axis)
    second = np.cross(joint.axis, first)
    arms = part.midpoints - joint.pivot
    columns = [amounts[:, None] * np.cross(d, arms) for d in (first, second)]
    columns += [amounts[:, None] * -np.cross(joint.axis, d) for d in (first, second)]
    jacobian = np.stack(columns, axis=2)
    normal = np.einsum("r,rij,rik->jk", weight, jacobian, jacobian) + 1e-9 * np.eye(4)
    covariance = np.linalg.inv(normal)
    return float(np.sqrt(covariance[0, 0] + covariance[1, 1])), float(np.sqrt(covariance[2, 2] + covariance[3, 3]))


def _scale(residuals: np.ndarray, weights: np.ndarray) -> float:
    """Robust scale of residuals: one and a half times their weighted median."""
    return max(1.5 * _weighted_median(residuals, weights), 1e-5)


def _weighted_median(values: np.ndarray, weights: Float[np.ndarray, "row"]) -> float:
    """Median of values with weights; 0 when there are none."""
    if len(values) == 0:
        return 0.0
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, 0.5 * total[-1])])
