"""A joint's part is one body: what the joint does not change of its points stays near."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2art.geometry.screws import prismatic_transform, revolute_transform
from sim2art.geometry.transforms import apply
from sim2art.perception.guessed.image_joint_body import near_body
from sim2art.perception.guessed.image_joint_fit import fit_joint, frame_values
from sim2art.perception.guessed.image_joints import ImageJoint
from tests.perception.guessed_scene import AXIS, NUM_FRAMES, PIVOT, make_scene
from tests.perception.test_guessed_motion import movers_of


def body_of(rng: np.random.Generator) -> np.ndarray:
    return np.array([0.4, 0.2, 2.0]) + rng.uniform(-0.2, 0.2, (40, 3))


@given(seed=st.integers(0, 10_000), value=st.floats(-2.5, 2.5), slides=st.booleans())
def test_the_part_is_near_itself_whatever_the_joints_value(seed: int, value: float, slides: bool) -> None:
    rng = np.random.default_rng(seed)
    axis, pivot, body = rng.normal(size=3), rng.normal(size=3), body_of(rng)
    axis /= np.linalg.norm(axis)
    motion = (
        prismatic_transform(axis[None], np.array([value]))
        if slides
        else revolute_transform(axis[None], pivot[None], np.array([value]))
    )[0]
    moved = apply(motion, body)
    assert near_body(axis, pivot, slides, body, moved, moved).all()


@pytest.mark.parametrize("slides", [False, True])
def test_what_lies_elsewhere_is_another_body(slides: bool) -> None:
    axis, pivot = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 2.0])
    body = body_of(np.random.default_rng(0))
    far = body + np.array([2.5, 0.0, 0.0])
    assert not near_body(axis, pivot, slides, body, far, 0.01 * far).any()
    along = body + np.array([0.0, 1.5, 0.0])
    assert near_body(axis, pivot, slides, body, along, 0.01 * along).any() is np.bool_(slides)


def test_where_nothing_tells_how_far_a_part_moves_it_stays() -> None:
    """No pair of the last frames shows the panel: their values are that of the last frame that does."""
    movers, cost = movers_of(make_scene("turn"))
    last = NUM_FRAMES - 4
    told = np.all(movers.pairs[movers.pair] <= last, axis=1)
    begin = ImageJoint(
        axis=AXIS, pivot=PIVOT, slides=False, steps=np.zeros(movers.num_pairs), relief=np.zeros((NUM_FRAMES, 3)), body=movers.points,
    )  # fmt: skip
    _, joint = fit_joint(movers.take(np.flatnonzero(told)), begin, cost[told])
    values = frame_values(joint, movers.pairs, NUM_FRAMES)
    assert abs(values[last]) == pytest.approx(np.radians(45) * last / (NUM_FRAMES - 1), abs=np.radians(1.5))
    np.testing.assert_allclose(values[last:], values[last], atol=np.radians(0.5))
