import pytest
import torch

from sim2art.networks.judge import Judge, JudgeConfig


@pytest.fixture
def judge():
    torch.manual_seed(0)
    return Judge(JudgeConfig(num_features=9, width=16, hypothesis_width=16, num_blocks=2)).eval()


def _inputs(frames=3, points=20, hypotheses=4):
    generator = torch.Generator().manual_seed(1)
    return (
        torch.randn(2, hypotheses, frames, points, 9, generator=generator),
        torch.randn(2, frames, points, 3, generator=generator) * 0.3,
        torch.rand(2, frames, points, generator=generator) > 0.1,
        torch.tensor([[True] * hypotheses, [True] * (hypotheses - 1) + [False]]),
    )


def test_permuting_points_permutes_masks_and_changes_nothing_else(judge):
    evidence, points, valid, present = _inputs()
    order = torch.randperm(20, generator=torch.Generator().manual_seed(2))
    plain = judge(evidence, points, valid, present)
    shuffled = judge(evidence[:, :, :, order], points[:, :, order], valid[:, :, order], present)
    torch.testing.assert_close(shuffled.masks, plain.masks[..., order], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(shuffled.scores, plain.scores, atol=1e-4, rtol=1e-4)


def test_permuting_hypotheses_permutes_answers(judge):
    evidence, points, valid, present = _inputs()
    order = torch.tensor([2, 0, 3, 1])
    plain = judge(evidence, points, valid, present)
    shuffled = judge(evidence[:, order], points, valid, present[:, order])
    torch.testing.assert_close(shuffled.scores, plain.scores[:, order], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(shuffled.types, plain.types[:, order], atol=1e-4, rtol=1e-4)


def test_padding_changes_nothing(judge):
    evidence, points, valid, present = _inputs()
    plain = judge(evidence, points, valid, present)
    padded = judge(
        torch.cat([evidence, torch.randn(2, 3, 3, 20, 9)], dim=1),
        points,
        valid,
        torch.cat([present, torch.zeros(2, 3, dtype=torch.bool)], dim=1),
    )
    torch.testing.assert_close(padded.scores[0, :4], plain.scores[0], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(padded.masks[0, :4], plain.masks[0], atol=1e-4, rtol=1e-4)


def test_invalid_points_have_no_say(judge):
    evidence, points, valid, present = _inputs()
    plain = judge(evidence, points, valid, present)
    noisy = torch.where(valid[:, None, ..., None], evidence, torch.full_like(evidence, 7.0))
    changed = judge(noisy, points, valid, present)
    torch.testing.assert_close(changed.scores, plain.scores, atol=1e-4, rtol=1e-4)


def test_any_number_of_frames_points_and_hypotheses_works(judge):
    for frames, points, hypotheses in ((1, 5, 1), (7, 40, 9)):
        output = judge(*_inputs(frames, points, hypotheses))
        assert output.masks.shape == (2, hypotheses, frames, points)
        assert torch.isfinite(output.masks).all()


def test_clip_without_hypotheses_gives_finite_numbers(judge):
    evidence, points, valid, present = _inputs()
    output = judge(evidence, points, valid, torch.zeros_like(present))
    assert torch.isfinite(output.masks).all()
    assert torch.isfinite(output.scores).all()


@pytest.mark.gpu
def test_cpu_and_gpu_agree(judge):
    inputs = _inputs()
    here = judge(*inputs)
    there = judge.cuda()(*(x.cuda() for x in inputs))
    torch.testing.assert_close(there.masks.cpu(), here.masks, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(there.scores.cpu(), here.scores, atol=1e-3, rtol=1e-3)
