"""Two judges ship and take turns: what one of them does not know, the other still finds."""

import copy

import pytest
import torch

from sim2art.articulation.joint import JointType
from sim2art.predict.decoding import DecodingConfig, TrainedJudge, decode_video
from sim2art.predict.draws import DrawsConfig
from sim2art.predict.predictor import load_judges
from tests.point_clips import make_point_clip


@pytest.fixture(scope="module")
def judges() -> list[TrainedJudge]:
    return load_judges()


@pytest.fixture(scope="module")
def blind(judges: list[TrainedJudge]) -> TrainedJudge:
    """Believes in nothing."""
    network = copy.deepcopy(judges[0].network)
    with torch.no_grad():
        network.score_head.bias.fill_(-30.0)
    return judges[0]._replace(network=network)


def test_the_judges_that_ship_are_of_one_kind_and_differ(judges: list[TrainedJudge]) -> None:
    first, second = (judge.network for judge in judges)
    assert first.config == second.config
    pairs = zip(first.parameters(), second.parameters(), strict=True)
    assert any(not torch.equal(one, other) for one, other in pairs)


def test_what_one_judge_knows_is_found_with_half_of_its_score(judges: list[TrainedJudge], blind: TrainedJudge) -> None:
    video = make_point_clip(JointType.REVOLUTE, num_frames=8, num_points=256).video
    alone = decode_video([judges[1]], video, DecodingConfig(draws=DrawsConfig(num_draws=1)))
    assert decode_video([blind], video, DecodingConfig()).joints == ()
    both = decode_video([blind, judges[1]], video, DecodingConfig())
    assert [x.joint.type for x in both.joints] == [x.joint.type for x in alone.joints] == [JointType.REVOLUTE]
    assert both.joints[0].confidence == pytest.approx(alone.joints[0].confidence / 2, abs=0.1)
