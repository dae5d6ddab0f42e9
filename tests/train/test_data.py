import pytest

from sim2art.errors import InvalidValueError
from sim2art.simulate.generate import ClipConfig
from sim2art.train import data


def test_a_seed_that_cannot_be_made_is_replaced_by_the_same_substitute_each_time(monkeypatch, caplog):
    asked = []

    def generate(config, seed):
        asked.append(seed)
        if seed == 5:
            raise AssertionError("A box needs spans from low to high")
        return f"clip {seed}"

    monkeypatch.setattr(data, "generate_clip", generate)
    first, second = data.make_clip(ClipConfig(), 5), data.make_clip(ClipConfig(), 5)
    assert first == second == f"clip {5 + data.SUBSTITUTE_STRIDE}"
    assert "seed 5" in caplog.text
    assert data.make_clip(ClipConfig(), 6) == "clip 6"


def test_a_generator_that_never_works_is_an_error(monkeypatch):
    def generate(config, seed):
        raise InvalidValueError("no acceptable scenario")

    monkeypatch.setattr(data, "generate_clip", generate)
    with pytest.raises(InvalidValueError, match="substitutes"):
        data.make_clip(ClipConfig(), 5)
