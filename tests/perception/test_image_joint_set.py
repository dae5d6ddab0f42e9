"""Joints beside each other: one that lies between two parts goes once both are found."""

import numpy as np

from sim2art.geometry.cameras import project
from sim2art.perception.guessed.image_joint_set import cost_beside, settle_joints
from sim2art.perception.guessed.image_joints import ImageJoint, MovingPoints, costs_of

NUM_FRAMES = 6
INTRINSICS = np.array([[150.0, 0, 80.0], [0, 150.0, 60.0], [0, 0, 1.0]])
DIRECTION = np.array([0.6, 0.0, -0.8])
VALUES = np.array([[0, 0.1, 0.2, 0.2, 0.2, 0.2], [0, 0, 0, 0, 0.12, 0.24]])
"""Of an upper and a lower drawer: one moves, then the other."""
PAIRS = [(a, b) for a in range(NUM_FRAMES) for b in range(NUM_FRAMES) if a != b]


def drawers() -> tuple[MovingPoints, np.ndarray]:
    """Points of both, in all pairs, and what standing still costs."""
    rng = np.random.default_rng(0)
    flat = np.column_stack([rng.uniform(-0.3, 0.3, 80), np.repeat([-0.25, 0.25], 40) + rng.uniform(-0.1, 0.1, 80)])
    rest = np.column_stack([flat, np.full(80, 2.0)])
    drawer = np.repeat([0, 1], 40)
    points, targets, pair, place = [], [], [], []
    for n, (a, b) in enumerate(PAIRS):
        here, there = (rest + VALUES[drawer, frame][:, None] * DIRECTION for frame in (a, b))
        points.append(here)
        targets.append(project(INTRINSICS, there))
        pair.append(np.full(80, n))
        place.append(80 * a + np.arange(80))
    joined = np.concatenate(points)
    goals = np.concatenate(targets)
    shift = np.linalg.norm(goals - project(INTRINSICS, joined), axis=1)
    movers = MovingPoints(
        pairs=np.array(PAIRS), pair=np.concatenate(pair), place=np.concatenate(place), spots=joined[:, :2] / joined[:, 2:],
        points=joined, rays=joined, targets=goals, shift=shift, slip=np.zeros_like(goals),
        to_camera=np.tile(np.eye(4), (len(PAIRS), 1, 1)), intrinsics=INTRINSICS,
    )  # fmt: skip
    still = slide(np.zeros(NUM_FRAMES), rest)
    return movers, costs_of(movers.residuals(still, np.ones(len(joined), dtype=bool)))


def slide(values: np.ndarray, body: np.ndarray) -> ImageJoint:
    first, second = np.array(PAIRS).T
    return ImageJoint(
        axis=DIRECTION, pivot=np.zeros(3), slides=True, steps=values[second] - values[first], relief=np.zeros((NUM_FRAMES, 3)), body=body
    )  # fmt: skip


def test_a_joint_between_two_parts_goes_and_each_part_keeps_its_own_values() -> None:
    movers, cost = drawers()
    between = slide(VALUES.sum(axis=0), movers.points)
    own = [slide(values, movers.points) for values in 0.9 * VALUES]
    settled = settle_joints(movers, [between, *own], cost, least=0.05 * cost.sum())
    assert len(settled) == 2
    first, second = np.array(PAIRS).T
    steps = VALUES[:, second] - VALUES[:, first]
    for joint in settled:
        assert min(np.abs(joint.steps - step).max() for step in steps) < 0.01
    assert cost_beside(movers, settled, cost).sum() < 0.01 * cost.sum()


def test_a_pixel_that_stands_still_in_a_pair_speaks_against_a_joint_that_moves_there() -> None:
    movers, cost = drawers()
    between, upper = (slide(values, movers.points) for values in (VALUES.sum(axis=0), VALUES[0]))
    assert movers.gain(upper, cost) > 1.2 * 0.5 * movers.gain(between, cost)
    assert cost_beside(movers, [between], cost).sum() > 0.05 * cost.sum()


def test_one_joint_alone_stays_and_none_leaves_all_as_it_was() -> None:
    movers, cost = drawers()
    upper = slide(VALUES[0], movers.points)
    assert settle_joints(movers, [upper], cost, least=np.inf) == [upper]
    np.testing.assert_array_equal(cost_beside(movers, [], cost), cost)
