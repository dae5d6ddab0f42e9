"""How the joints of a clip move: which ones, when, how far. Values only; geometry is not looked at here."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.simulate.fast_motions import sample_fast_profile

UNLIMITED_SPAN = {JointType.REVOLUTE: (0.0, 2.0), JointType.PRISMATIC: (0.0, 0.3), JointType.FIXED: (0.0, 0.0)}
"""Range (rad or m) assumed for a joint without limits."""

TREMBLING = {JointType.REVOLUTE: np.deg2rad(0.7), JointType.PRISMATIC: 1.2e-3, JointType.FIXED: 0.0}
"""Swing (rad or m) of a joint that trembles; `merge_still_links` counts it as still."""
MIN_SWING = {JointType.REVOLUTE: np.deg2rad(3.0), JointType.PRISMATIC: 6e-3, JointType.FIXED: np.inf}
"""Least swing (rad or m) of a joint that moves: clearly more than what counts as still."""


@dataclass(frozen=True, kw_only=True)
class MotionConfig:
    """What joint motions are drawn from."""

    num_moving_shares: tuple[float, ...] = (0.2, 0.36, 0.26, 0.18)
    """Probability of 1, 2, 3, ... moving joints (as far as the object has that many)."""
    static_share: float = 0.02
    """Clips in which nothing moves."""
    trembling_share: float = 0.02
    """Clips in which joints tremble below what counts as motion."""
    closed_share: float = 0.65
    """Probability that a joint that stays still is closed rather than anywhere in its range."""
    opening: tuple[float, float] = (0.1, 1.0)
    """Share of a joint's range that a motion covers."""
    largest_step: tuple[float, float] | None = None
    """Largest steps (rad, m) from one frame to the next of quick swings; None draws slow motions over the whole clip."""
    at_once: int | None = None
    """None: which joints move, and when, is drawn. A number: every joint opens and stays open, so many at a time, group
    after group; only `opening` is drawn from then."""


def sample_trajectory(
    articulated_object: ArticulatedObject,
    *,
    phase: Float[np.ndarray, "frame"],
    rng: np.random.Generator,
    config: MotionConfig,
) -> JointTrajectory:
    """Values of every joint; in `static_share + trembling_share` of the draws none moves visibly.

    Args:
        phase: When the frames are taken, from 0 to 1, increasing.
    """
    joints = articulated_object.joints
    if config.at_once is not None:
        values = _open_in_turns(joints, phase, config.at_once, config.opening, rng)
    else:
        values = _move_some(joints, phase, rng, config)
    return JointTrajectory(
        joint_names=tuple(joint.name for joint in joints),
        times=phase * (len(phase) - 1) * rng.uniform(0.1, 0.35),
        values=values,
    )


def _move_some(
    joints: Sequence[Joint], phase: Float[np.ndarray, "frame"], rng: np.random.Generator, config: MotionConfig
) -> Float[np.ndarray, "frame joint"]:
    """A few joints move, the others stand anywhere or are closed."""
    values = np.zeros((len(phase), len(joints)))
    for index, joint in enumerate(joints):
        low, high = joint_span(joint)
        is_closed = rng.uniform() < config.closed_share
        draw = rng.uniform(low, high)
        values[:, index] = np.clip(0.0, low, high) if is_closed else draw
    spans = [joint_span(joint) for joint in joints]
    movable = [i for i, joint in enumerate(joints) if spans[i][1] - spans[i][0] >= MIN_SWING[joint.type]]
    kind = rng.uniform()
    if movable and kind >= config.static_share:
        is_trembling = kind < config.static_share + config.trembling_share
        shares = np.array(config.num_moving_shares[: len(movable)])
        count = 1 + int(rng.choice(len(shares), p=shares / shares.sum()))
        moving = rng.permutation(movable)[:count]
        for index, window in zip(moving, _sample_windows(count, rng), strict=True):
            low, high = spans[index]
            least = max(config.opening[0], MIN_SWING[joints[index].type] / (high - low))
            opening = (least, max(least, config.opening[1]))
            if config.largest_step is None:
                profile = _sample_profile(phase, window, opening, rng)
            else:
                step = config.largest_step[joints[index].type is JointType.PRISMATIC] / (high - low)
                profile = sample_fast_profile(len(phase), window, opening, step, rng)
            if is_trembling:
                swing = min(TREMBLING[joints[index].type], high - low)
                base = np.clip(values[0, index], low, high - swing)
                values[:, index] = base + swing * (profile - profile.min()) / max(np.ptp(profile), 1e-9)
            else:
                values[:, index] = low + (high - low) * profile
    return values


def _open_in_turns(
    joints: Sequence[Joint],
    phase: Float[np.ndarray, "frame"],
    at_once: int,
    opening: tuple[float, float],
    rng: np.random.Generator,
) -> Float[np.ndarray, "frame joint"]:
    """Every joint opens from closed, in an order that is drawn, `at_once` together; each has an equal share of the time."""
    order = rng.permutation(len(joints))
    num_turns = -(-len(joints) // at_once)
    values = np.zeros((len(phase), len(joints)))
    for place, index in enumerate(order):
        low, high = joint_span(joints[index])
        closed = float(np.clip(0.0, low, high))
        done = np.clip(phase * num_turns - place // at_once, 0.0, 1.0)
        values[:, index] = closed + (high - closed) * rng.uniform(*opening) * done**2 * (3 - 2 * done)
    return values


def joint_span(joint: Joint) -> tuple[float, float]:
    """Range of values (rad or m) within which a joint is moved."""
    return UNLIMITED_SPAN[joint.type] if joint.limits is None else joint.limits


def sample_joint_values(joints: Sequence[Joint], rng: np.random.Generator) -> Float[np.ndarray, "joint"]:
    """Values (rad or m) anywhere in the range of each joint."""
    return np.array([rng.uniform(*joint_span(joint)) for joint in joints])


def _sample_windows(count: int, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Start and end phase of each motion: together, or one after another with some overlap."""
    if count == 1 or rng.uniform() < 0.45:
        starts = rng.uniform(0.0, 0.25, count) * (rng.uniform(size=count) < 0.6)
        ends = 1.0 - rng.uniform(0.0, 0.25, count) * (rng.uniform(size=count) < 0.6)
        return list(zip(starts, ends, strict=True))
    cuts = np.sort(rng.dirichlet(np.full(count, 6.0)).cumsum())[:-1]
    edges = np.concatenate([[0.0], cuts, [1.0]])
    overlap = rng.uniform(0.0, 0.12)
    return [(max(0.0, edges[i] - overlap), min(1.0, edges[i + 1] + overlap)) for i in range(count)]


def _sample_profile(
    phase: Float[np.ndarray, "frame"],
    window: tuple[float, float],
    opening: tuple[float, float],
    rng: np.random.Generator,
) -> Float[np.ndarray, "frame"]:
    """Share of the range (0..1) over the clip: a ramp, or there and back, with pauses; eased or even."""
    swing = rng.uniform(*opening)
    start_kind = rng.uniform()
    room = 1.0 - swing
    start = 0.0 if start_kind < 0.45 else room if start_kind < 0.6 else rng.uniform(0.0, room)
    stops = [start, start + swing]
    if rng.uniform() < 0.3:  # Most recordings open; some close.
        stops = [start + swing, start]
    if rng.uniform() < 0.25:
        stops.append(stops[0] + rng.uniform(0.0, 0.7) * (stops[1] - stops[0]))
    knots, levels = [0.0], [stops[0]]
    for stop in stops[1:]:
        if rng.uniform() < 0.25:
            knots.append(knots[-1] + rng.uniform(0.1, 0.4))
            levels.append(levels[-1])
        knots.append(knots[-1] + rng.uniform(0.6, 1.4))
        levels.append(stop)
    local = np.clip((phase - window[0]) / max(window[1] - window[0], 1e-6), 0.0, 1.0) * knots[-1]
    piece = np.clip(np.searchsorted(knots, local, side="right") - 1, 0, len(knots) - 2)
    left, right = np.array(knots)[piece], np.array(knots)[piece + 1]
    share = np.clip((local - left) / (right - left), 0.0, 1.0)
    ease = rng.uniform(0.0, 1.0)
    share = (1 - ease) * share + ease * share**2 * (3 - 2 * share)
    return np.array(levels)[piece] * (1 - share) + np.array(levels)[piece + 1] * share
