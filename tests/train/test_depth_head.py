"""The depth head learns from cached frames, resumes exactly, and its loss leaves out the factor."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from sim2art.dataset.splits import FIRST_TRAINING_SEED
from sim2art.errors import InvalidFileError, InvalidValueError
from sim2art.networks.depth_head import DepthHeadConfig
from sim2art.networks.depth_head_files import load_depth_head
from sim2art.train.depth_head import DepthTrainConfig, learning_rate, train_depth_head
from sim2art.train.depth_head_frames import DepthFrameConfig, photograph, render_frames_of
from sim2art.train.depth_head_losses import depth_loss, score_depth

TINY = DepthTrainConfig(
    head=DepthHeadConfig(feature_width=6, width=6, detail_width=4), num_steps=12, batch_size=4, warmup=2, log_every=4,
    save_every=6, use_bfloat16=False, learning_rate=1e-2,
)  # fmt: skip


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    """Two shards of two sizes; depth is what the first channel of the last features says."""
    folder = tmp_path / "frames"
    folder.mkdir()
    torch.manual_seed(0)
    for index, (rows, columns) in enumerate([(4, 6), (6, 4)]):
        features = torch.randn(6, 4, rows * columns, 6)
        coarse = features[:, 3, :, 0].reshape(6, rows, columns)
        depths = torch.exp(0.3 * coarse.repeat_interleave(14, 1).repeat_interleave(14, 2))
        save_file(
            {
                "features": features.half(), "depths": depths.half(),
                "images": torch.randint(0, 255, (6, 14 * rows, 14 * columns, 3), dtype=torch.uint8),
            },
            folder / f"{index:05d}.safetensors",
        )  # fmt: skip
    return folder


def test_the_loss_falls_and_the_checkpoint_is_left(frames: Path, tmp_path: Path) -> None:
    config = dataclasses.replace(TINY, num_steps=48, save_every=48)
    head = train_depth_head(config, frames, tmp_path / "run")
    rows = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert rows[-1]["step"] == 48 and rows[-1]["frames"] == 12
    assert rows[-1]["total"] < 0.8 * rows[0]["total"]
    kept = load_depth_head(tmp_path / "run" / "checkpoint")
    assert kept.config == head.config


def test_a_run_that_was_stopped_ends_where_it_would_have(frames: Path, tmp_path: Path) -> None:
    whole = train_depth_head(TINY, frames, tmp_path / "whole")
    part = tmp_path / "part"
    # The first half of the same run: the rates are those of all steps.
    train_depth_head(dataclasses.replace(TINY, stop_after=6), frames, part)
    resumed = train_depth_head(TINY, frames, part)
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], value, rtol=1e-5, atol=1e-6)


def test_without_frames_it_is_said_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(InvalidFileError, match=r"depth_head\.py cache"):
        train_depth_head(TINY, tmp_path, tmp_path / "run")


def test_the_rate_rises_and_falls() -> None:
    config = DepthTrainConfig(num_steps=100, warmup=10)
    rates = [learning_rate(config, step) for step in range(101)]
    assert np.argmax(rates) in range(8, 12)
    assert rates[100] == pytest.approx(0.01 * config.learning_rate, rel=0.01)


def test_a_factor_costs_nothing_and_a_tilt_does() -> None:
    true = torch.rand(2, 24, 32) + 1.0
    known = torch.ones_like(true, dtype=torch.bool)
    assert float(depth_loss(true.log() + torch.tensor([0.7, -2.0])[:, None, None], true.log(), known)[0]) < 1e-5
    tilt = torch.linspace(0, 1, 32)
    assert float(depth_loss(true.log() + tilt, true.log(), known)[0]) > 0.1
    known[:, :, 16:] = False  # What is not known is not asked for.
    assert float(depth_loss(torch.where(known, true.log(), torch.full_like(true, 9.0)), true.log(), known)[0]) < 1e-5


def test_scores_are_those_of_hand_made_cases() -> None:
    true = np.random.default_rng(0).uniform(1, 2, (20, 30))
    perfect = score_depth(3 * true, true)
    assert perfect.abs_rel < 1e-9 and perfect.delta_1 == 1.0
    off = np.where(np.arange(30) < 10, 1.5, 1.0) * true  # A third is half too far.
    score = score_depth(off, true)
    assert score.abs_rel == pytest.approx(0.5 / 3, abs=0.01)
    assert score.delta_1 == pytest.approx(2 / 3, abs=0.01)
    shifted = 1 / (0.7 / true + 0.3)
    assert score_depth(shifted, true).abs_rel > 0.02
    assert score_depth(shifted, true).abs_rel_affine < 1e-6
    assert np.isnan(score_depth(np.zeros((4, 4)), true[:4, :4]).abs_rel)


def test_frames_are_photographs_of_training_scenes_with_their_depth() -> None:
    config = DepthFrameConfig(num_scenes=1, num_frames=2, long_side=84, short_side=56, upright_share=0.0)
    found = render_frames_of(config, 3)
    assert found.images.shape == (2, 56, 84, 3) and found.depths.shape == (2, 56, 84)
    assert np.mean(found.depths > 0) > 0.99
    np.testing.assert_array_equal(render_frames_of(config, 3).images, found.images)
    assert config.first_seed >= FIRST_TRAINING_SEED
    with pytest.raises(InvalidValueError, match="no whole patches"):
        DepthFrameConfig(long_side=283)


def test_photographs_differ_and_stay_images() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (42, 56, 3)).astype(np.uint8)
    photos = [photograph(image, rng) for _ in range(6)]
    assert all(photo.shape == image.shape and photo.dtype == np.uint8 for photo in photos)
    assert len({photo.tobytes() for photo in photos}) == 6
