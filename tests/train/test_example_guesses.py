"""Pools for training hold what decoding guesses besides pairs of frames, and stay as large as they may."""

import dataclasses

import numpy as np
import pytest

from sim2art.articulation.joint import JointType
from sim2art.dataset.clip import Clip
from sim2art.observation.normalization import fit_normalization, normalize
from sim2art.observation.point_video import PointVideo
from sim2art.predict.pool import Observed, gather_normals
from sim2art.proposals.drawing import draw_moving
from sim2art.proposals.evidence import EvidenceConfig, index_video
from sim2art.proposals.hypotheses import Hypotheses
from sim2art.proposals.propose import ProposalConfig
from sim2art.proposals.smoothing import WHOLE_RADIUS, smooth_flow
from sim2art.train.example_guesses import GuessShares, guess_as_decoding
from sim2art.train.examples import ExampleConfig, make_judge_example
from tests.point_clips import make_point_clip


@pytest.fixture(scope="module")
def panel() -> Clip:
    return make_point_clip(JointType.REVOLUTE, num_points=1024)


def guess(clip: Clip, shares: GuessShares, *, flow: bool = True, most: int = 24, seed: int = 0) -> Hypotheses:
    video = normalize(clip.video, fit_normalization(clip.video))
    if not flow:
        video = dataclasses.replace(video, flow_valid=np.zeros_like(video.flow_valid))
    return guess_as_decoding(observed_of(video), slots_of(video), ProposalConfig(), shares, rng_of(seed), most)


def observed_of(video: PointVideo) -> Observed:
    surface = index_video(video, EvidenceConfig())
    normals = gather_normals(video, surface, EvidenceConfig())
    return Observed(video, smooth_flow(video, radius=WHOLE_RADIUS), surface, normals, np.eye(3))


def slots_of(video: PointVideo) -> np.ndarray:
    return draw_moving(smooth_flow(video, radius=WHOLE_RADIUS), 256, rng_of(1))


def rng_of(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_each_kind_of_guess_comes_in_its_share(panel: Clip) -> None:
    """Pairs of frames give scores of their own; turns in place 0.4; without flow only surfaces have anything to say."""
    none = guess(panel, GuessShares(turns_share=0.0, surface_share=0.0))
    turns = guess(panel, GuessShares(turns_share=1.0, surface_share=0.0))
    assert not np.any(none.scores[:1] == 0.4)
    assert len(turns) > 0
    assert turns.scores[0] == 0.4
    assert turns.is_revolute[0]
    assert len(guess(panel, GuessShares(turns_share=1.0, surface_share=0.0), flow=False)) == 0
    assert len(guess(panel, GuessShares(turns_share=0.0, surface_share=1.0), flow=False)) > 0


@pytest.mark.parametrize("most", [6, 12, 24])
def test_pairs_keep_half_of_the_room(panel: Clip, most: int) -> None:
    alone = guess(panel, GuessShares(turns_share=0.0, surface_share=0.0), most=most)
    together = guess(panel, GuessShares(turns_share=1.0, surface_share=1.0), most=most)
    assert len(alone) == most
    shared = {*alone.keys()} & {*together.keys()}
    assert most // 2 <= len(shared) < most
    assert {*guess(panel, GuessShares(), most=most, seed=5).keys()} == {
        *guess(panel, GuessShares(), most=most, seed=5).keys()
    }


def test_examples_with_such_pools_are_labelled_and_padded_like_others(panel: Clip) -> None:
    config = ExampleConfig(
        num_points=32, num_hypotheses=16, num_drawn=256, true_share=1.0,
        guesses=GuessShares(turns_share=1.0, surface_share=1.0),
    )  # fmt: skip
    example = make_judge_example(panel, config, rng_of(0))
    assert example.evidence.shape[:3] == (16, panel.video.num_frames, 32)
    assert example.hypothesis_valid.sum() > 8
    assert example.qualities.max() > 0.5
    assert np.all(example.types[example.qualities > 0.5] == 1)
