from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest

from sim2art.articulation.joint import JointType
from sim2art.dataset.clip import Clip
from sim2art.errors import InvalidValueError
from sim2art.simulate.generate import ClipConfig
from sim2art.train import data
from sim2art.train.clip_kinds import ClipKind
from sim2art.train.config import PRESETS, TrainConfig
from sim2art.train.examples import make_judge_example
from tests.point_clips import make_point_clip


class SmallExample(NamedTuple):
    number: int


def test_a_seed_that_cannot_be_made_is_replaced_by_the_same_substitute_each_time(monkeypatch, caplog):
    clip = make_point_clip(JointType.REVOLUTE, seed=0, num_frames=4, num_points=64)
    made = []

    def generate(config, seed, **_):
        if seed == 5:
            raise AssertionError("A box needs spans from low to high")
        made.append(seed)
        return clip

    monkeypatch.setattr(data, "generate_clip", generate)
    for seed in (5, 5, 6):
        assert data.make_clip(ClipConfig(), seed) is clip
    assert made == [5 + data.SUBSTITUTE_STRIDE, 5 + data.SUBSTITUTE_STRIDE, 6]
    assert "seed 5" in caplog.text


def test_a_generator_that_never_works_is_an_error(monkeypatch):
    def generate(config, seed, **_):
        raise InvalidValueError("no acceptable scenario")

    monkeypatch.setattr(data, "generate_clip", generate)
    with pytest.raises(InvalidValueError, match="substitutes"):
        data.make_clip(ClipConfig(), 5)


def test_a_batch_is_of_one_kind_and_kinds_get_their_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    wall, plain = ClipConfig(families=("front_wall_of_4",)), ClipConfig()
    clip = make_point_clip(JointType.REVOLUTE, num_frames=4, num_points=64)
    asked: list[ClipConfig] = []

    def make(config: ClipConfig, seed: int, **_) -> Clip:
        asked.append(config)
        return clip

    monkeypatch.setattr(data, "make_clip", make)
    config = TrainConfig(clips=plain, kinds=(ClipKind(share=0.25, clips=wall),), batch_size=4)
    dataset = data.ExampleDataset(config)
    monkeypatch.setattr(dataset, "_make_example", lambda clip, rng: SmallExample(0))
    for index in range(1600):
        dataset[index]
    batches = [asked[first : first + 4] for first in range(0, len(asked), 4)]
    assert all(len({id(one) for one in batch}) == 1 for batch in batches)
    assert 0.17 < sum(batch[0] is wall for batch in batches) / len(batches) < 0.33


def test_every_kind_of_the_preset_gives_an_example() -> None:
    preset = PRESETS["pools"]
    examples = replace(preset.examples, num_points=16, num_hypotheses=6, num_drawn=64)
    for kind in {kind.clips.families: kind for kind in preset.kinds}.values():
        clips = replace(kind.clips, num_points=128)
        clip = data.make_clip(clips, 1_000_003, motion=kind.motion, camera=kind.camera)
        example = make_judge_example(clip, examples, np.random.default_rng(0))
        assert example.evidence.shape[:3] == (6, clips.num_frames, 16)
