"""Pools for training hold hypotheses from surfaces, too, as those of inference do, and stay as large as they may."""

import dataclasses

import numpy as np
import pytest

from sim2art.articulation.joint import JointType
from sim2art.dataset.clip import Clip
from sim2art.inference.hypotheses import Hypotheses
from sim2art.inference.propose.from_flow import ProposalConfig
from sim2art.inference.propose.point_sampling import sample_moving
from sim2art.inference.scene import Scene, prepare
from sim2art.inference.score.evidence import EvidenceConfig
from sim2art.observation.normalization import fit_normalization, normalize
from sim2art.observation.point_video import PointVideo
from sim2art.train.example_pools import GuessShares, propose_as_inference
from sim2art.train.examples import ExampleConfig, make_judge_example
from tests.point_clips import make_point_clip


@pytest.fixture(scope="module")
def panel() -> Clip:
    return make_point_clip(JointType.REVOLUTE, num_points=512)


@pytest.fixture(scope="module")
def seen(panel: Clip) -> Scene:
    return prepare_plainly(normalize(panel.video, fit_normalization(panel.video)))


def prepare_plainly(video: PointVideo) -> Scene:
    """Directions are given: the panel and the wall behind it do not tell three."""
    return prepare(video, EvidenceConfig())._replace(directions=np.eye(3))


def guess(seen: Scene, *, surfaces: float, most: int = 24) -> Hypotheses:
    slots = sample_moving(seen.smoothed, 256, np.random.default_rng(1))
    shares = GuessShares(surface_share=surfaces)
    is_open = np.ones(slots.shape, dtype=bool)
    return propose_as_inference(
        seen, seen.smoothed, slots, is_open, ProposalConfig(num_seeds=16), shares, np.random.default_rng(0), most
    )


def test_without_flow_only_surfaces_have_anything_to_say(seen: Scene) -> None:
    assert len(guess(seen, surfaces=0.0)) > 0
    blind = prepare_plainly(dataclasses.replace(seen.video, flow_valid=np.zeros_like(seen.video.flow_valid)))
    assert len(guess(blind, surfaces=0.0)) == 0
    assert len(guess(blind, surfaces=1.0)) > 0


def test_hypotheses_from_flow_keep_half_of_the_room(seen: Scene) -> None:
    alone = guess(seen, surfaces=0.0, most=6)
    together = guess(seen, surfaces=1.0, most=6)
    assert len(alone) == 6
    assert len({*alone.keys()} & {*together.keys()}) >= 3
    assert together.keys() == guess(seen, surfaces=1.0, most=6).keys()


def test_examples_with_such_pools_are_labelled_and_padded_like_others(panel: Clip) -> None:
    config = ExampleConfig(
        num_points=32, num_hypotheses=16, num_drawn=256, true_share=1.0,
        guesses=GuessShares(surface_share=1.0),
    )  # fmt: skip
    example = make_judge_example(panel, config, np.random.default_rng(0))
    assert example.evidence.shape[:3] == (16, panel.video.num_frames, 32)
    assert example.hypothesis_valid.sum() > 8
    assert example.qualities.max() > 0.5
    assert np.all(example.types[example.qualities > 0.5] == 1)


def test_a_later_round_draws_less_from_what_is_known_and_compares_with_it(panel: Clip) -> None:
    config = ExampleConfig(
        num_points=64, num_hypotheses=16, num_drawn=128, moving_shares=(0.8,), guesses=GuessShares(), true_share=0.0
    )
    first, later = (
        make_judge_example(panel, dataclasses.replace(config, known_share=share), np.random.default_rng(0))
        for share in (0.0, 1.0)
    )
    assert np.mean(later.part_ids == 1) < 0.7 * np.mean(first.part_ids == 1)
    last = np.flatnonzero(later.hypothesis_valid)[-1]
    assert later.targets[last] == 1 and later.qualities[last] > 0.9


def test_where_depth_is_guessed_the_best_of_a_pool_counts_as_right(panel: Clip) -> None:
    config = ExampleConfig(num_points=32, num_hypotheses=16, num_drawn=256, guesses=GuessShares())
    guessed = dataclasses.replace(panel, provenance={"corruption": "guessed"})
    plain, wide = (make_judge_example(clip, config, np.random.default_rng(0)) for clip in (panel, guessed))
    assert wide.qualities.max() >= plain.qualities.max()
    np.testing.assert_array_equal(wide.targets, plain.targets)
