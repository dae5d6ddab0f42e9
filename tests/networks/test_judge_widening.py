import dataclasses

import pytest
import torch

from sim2art.errors import InvalidValueError
from sim2art.networks.judge import Judge, JudgeConfig
from sim2art.networks.judge_widening import widen_judge

SMALL = JudgeConfig(num_features=9, width=16, hypothesis_width=16, num_blocks=2)
LARGE = dataclasses.replace(
    SMALL,
    num_features=14,
    width=32,
    hypothesis_width=48,
    num_heads=12,
    num_blocks=3,
    mix_width=20,
    num_gates=6,
    evidence=("free_space",),
)


@pytest.fixture
def trained():
    torch.manual_seed(0)
    judge = Judge(SMALL)
    for parameter in judge.parameters():  # Norms and biases too, so that nothing hides behind ones and zeros.
        parameter.data += 0.1 * torch.randn_like(parameter)
    return judge.eval()


def _inputs(num_features):
    generator = torch.Generator().manual_seed(1)
    evidence = torch.randn(2, 4, 3, 20, num_features, generator=generator)
    points = torch.randn(2, 3, 20, 3, generator=generator) * 0.3
    valid = torch.rand(2, 3, 20, generator=generator) > 0.1
    return evidence, points, valid, torch.tensor([[True] * 4, [True] * 3 + [False]])


@pytest.mark.parametrize("change", [*({n: getattr(LARGE, n)} for n in ("num_features", "num_blocks", "mix_width")), {}])
def test_a_wider_judge_says_the_same(trained, change):
    config = dataclasses.replace(SMALL, **change) if change else LARGE
    wide = widen_judge(trained, config)
    assert wide.config == config
    inputs = _inputs(config.num_features)
    known = (inputs[0][..., : SMALL.num_features], *inputs[1:])
    for new, old in zip(wide(*inputs), trained(*known), strict=True):
        torch.testing.assert_close(new, old, atol=2e-4, rtol=2e-4)


def test_copies_of_a_channel_learn_different_things(trained):
    wide = widen_judge(trained, dataclasses.replace(SMALL, width=32))
    output = wide(*_inputs(9))
    (output.masks.square().mean() + output.scores.square().mean()).backward()
    gradient = wide.get_parameter("embed.2.weight").grad
    assert gradient is not None
    assert (gradient[:16] - gradient[16:]).abs().max() > 1e-4 * gradient.abs().max()


def test_new_features_are_heard_once_training_goes_on(trained):
    wide = widen_judge(trained, dataclasses.replace(SMALL, num_features=14))
    wide(*_inputs(14)).masks.square().mean().backward()
    gradient = wide.get_parameter("embed.0.weight").grad
    assert gradient is not None
    assert gradient[:, 9:].abs().max() > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 24}, "take a multiple"),
        ({"hypothesis_width": 32}, "8 heads"),
        ({"num_blocks": 1}, "cannot shrink"),
        ({"bandwidths": (0.1, 0.2)}, "same bandwidths"),
    ],
)
def test_what_cannot_grow_is_said(trained, change, message):
    with pytest.raises(InvalidValueError, match=message):
        widen_judge(trained, dataclasses.replace(SMALL, **change))
