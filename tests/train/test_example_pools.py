"""Pools for training hold what decoding guesses besides pairs of frames, and stay as large as they may."""

import dataclasses

import numpy as np
import pytest
from sim2art.predict.pool import Observed, observe

from sim2art.articulation.joint import JointType
from sim2art.dataset.clip import Clip
from sim2art.observation.normalization import fit_normalization, normalize
from sim2art.observation.point_video import PointVideo
from sim2art.proposals.drawing import draw_moving
from sim2art.proposals.evidence import EvidenceConfig
from sim2art.proposals.hypotheses import Hypotheses
from sim2art.proposals.propose import ProposalConfig
from sim2art.train.example_pools import GuessShares, propose_as_inference
from sim2art.train.examples import ExampleConfig, make_judge_example
from tests.point_clips import make_point_clip


@pytest.fixture(scope="module")
def panel() -> Clip:
    return make_point_clip(JointType.REVOLUTE, num_points=512)


@pytest.fixture(scope="module")
def seen(panel: Clip) -> Observed:
    return observe_plainly(normalize(panel.video, fit_normalization(panel.video)))


def observe_plainly(video: PointVideo) -> Observed:
    """Directions are given: the panel and the wall behind it do not tell three."""
    return observe(video, EvidenceConfig())._replace(directions=np.eye(3))


def guess(seen: Observed, *, turns: float, surfaces: float, most: int = 24) -> Hypotheses:
    slots = draw_moving(seen.smoothed, 256, np.random.default_rng(1))
    shares = GuessShares(turns_share=turns, surface_share=surfaces)
    return propose_as_inference(seen, slots, ProposalConfig(num_seeds=16), shares, np.random.default_rng(0), most)


def test_each_kind_of_guess_comes_in_its_share(seen: Observed) -> None:
    """Turns in place score 0.4 and pairs of frames scores of their own; without flow only surfaces have anything to say."""
    assert guess(seen, turns=0.0, surfaces=0.0).scores[0] != 0.4
    turns = guess(seen, turns=1.0, surfaces=0.0)
    assert turns.scores[0] == 0.4
    assert turns.is_revolute[0]
    unmeasured = dataclasses.replace(seen.video, flow_valid=np.zeros_like(seen.video.flow_valid))
    blind = observe_plainly(unmeasured)
    assert len(guess(blind, turns=1.0, surfaces=0.0)) == 0
    assert len(guess(blind, turns=0.0, surfaces=1.0)) > 0


def test_pairs_keep_half_of_the_room(seen: Observed) -> None:
    alone = guess(seen, turns=0.0, surfaces=0.0, most=6)
    together = guess(seen, turns=1.0, surfaces=0.0, most=6)
    assert len(alone) == 6
    assert 3 <= len({*alone.keys()} & {*together.keys()}) < 6
    assert together.keys() == guess(seen, turns=1.0, surfaces=0.0, most=6).keys()


def test_examples_with_such_pools_are_labelled_and_padded_like_others(panel: Clip) -> None:
    config = ExampleConfig(
        num_points=32, num_hypotheses=16, num_drawn=256, true_share=1.0,
        guesses=GuessShares(turns_share=1.0, surface_share=1.0),
    )  # fmt: skip
    example = make_judge_example(panel, config, np.random.default_rng(0))
    assert example.evidence.shape[:3] == (16, panel.video.num_frames, 32)
    assert example.hypothesis_valid.sum() > 8
    assert example.qualities.max() > 0.5
    assert np.all(example.types[example.qualities > 0.5] == 1)
