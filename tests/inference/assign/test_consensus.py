"""Votes of points that show one place: what they agree on, and which of them count."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sim2art.inference.assign.consensus import agree_over_time
from sim2art.inference.hypotheses import Hypotheses
from sim2art.observation.point_video import PointVideo

NUM_FRAMES, NUM_POINTS = 6, 200
VALUES = np.linspace(0, 0.5, NUM_FRAMES)


def sliding_plate(measured: np.ndarray) -> tuple[PointVideo, Hypotheses]:
    """A plate that slides along x and fills the frame, drawn anew in each, with flow where it was measured."""
    rng = np.random.default_rng(3)
    points = np.concatenate(
        [rng.uniform(-0.3, 0.3, (NUM_FRAMES, NUM_POINTS, 2)), np.zeros((NUM_FRAMES, NUM_POINTS, 1))], -1
    )
    flow = np.zeros((1, *points.shape))
    flow[0, :-1, :, 0] = 0.1
    seen = np.broadcast_to(measured, (1, NUM_FRAMES, NUM_POINTS)).copy()
    seen[0, -1] = False
    video = PointVideo(
        times=np.arange(float(NUM_FRAMES)), points_world=points, valid=np.ones(points.shape[:2], bool), baselines=(1,),
        flow_world=np.where(seen[..., None], flow, 0.0), flow_valid=seen, is_metric=True,
        world_from_camera=np.broadcast_to(np.eye(4), (NUM_FRAMES, 4, 4)).copy(), pixels=np.zeros((NUM_FRAMES, NUM_POINTS, 2)),
    )  # fmt: skip
    slide = Hypotheses(
        is_revolute=np.array([False]), axes=np.eye(3)[:1], pivots=np.zeros((1, 3)), values=VALUES[None],
        scores=np.ones(1),
    )  # fmt: skip
    return video, slide


def test_verdicts_on_measured_flow_outvote_those_without() -> None:
    measured = np.arange(NUM_POINTS) % 3 == 0
    video, slide = sliding_plate(measured)
    votes = np.where(measured, 2.0, -3.5) * np.ones((1, NUM_FRAMES, 1))
    assert votes.mean() < -1.0
    agreed = agree_over_time(video, slide.motions(), votes)
    assert np.mean(agreed > 0) > 0.9


def test_nobody_measured_leaves_the_plain_mean() -> None:
    video, slide = sliding_plate(np.zeros(NUM_POINTS, bool))
    votes = np.where(np.arange(NUM_POINTS) % 3 == 0, 2.0, -3.5) * np.ones((1, NUM_FRAMES, 1))
    agreed = agree_over_time(video, slide.motions(), votes)
    assert np.isclose(agreed.mean(), votes.mean(), atol=0.2)


@given(vote=st.floats(-5, 5), share=st.floats(0, 1))
def test_what_all_say_stays_as_it_is(vote: float, share: float) -> None:
    video, slide = sliding_plate(np.random.default_rng(1).uniform(size=NUM_POINTS) < share)
    agreed = agree_over_time(video, slide.motions(), np.full((1, NUM_FRAMES, NUM_POINTS), vote))
    assert np.allclose(agreed, vote)
