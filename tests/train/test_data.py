import pytest

from sim2art.articulation.joint import JointType
from sim2art.errors import InvalidValueError
from sim2art.simulate.generate import ClipConfig
from sim2art.train import data
from tests.point_clips import make_point_clip


def test_a_seed_that_cannot_be_made_is_replaced_by_the_same_substitute_each_time(monkeypatch, caplog):
    clip = make_point_clip(JointType.REVOLUTE, seed=0, num_frames=4, num_points=64)
    made = []

    def generate(config, seed, *, describe):
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
    def generate(config, seed, *, describe):
        raise InvalidValueError("no acceptable scenario")

    monkeypatch.setattr(data, "generate_clip", generate)
    with pytest.raises(InvalidValueError, match="substitutes"):
        data.make_clip(ClipConfig(), 5)
