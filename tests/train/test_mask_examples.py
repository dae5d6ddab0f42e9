"""Examples and loss of the mask network, and a run of a few steps."""

import dataclasses

import numpy as np
import pytest
import torch

from sim2art.articulation.joint import JointType
from sim2art.inference.checkpoint import load_checkpoint
from sim2art.networks.mask_network import MaskNetwork, MaskOutput
from sim2art.train.config import PRESETS
from sim2art.train.loop import train
from sim2art.train.mask_examples import MaskExampleConfig, link_batch, make_mask_example, mask_loss
from tests.point_clips import make_point_clip

SMALL = MaskExampleConfig(num_points=128, num_neighbors=6, missing_share=0.0)


@pytest.fixture(scope="module")
def clip():
    return make_point_clip(JointType.PRISMATIC, num_frames=6, num_points=192, baselines=(1, 3, 8))


def _batch(clip, count: int = 2) -> dict[str, torch.Tensor]:
    examples = [make_mask_example(clip, SMALL, np.random.default_rng(k)) for k in range(count)]
    return {name: torch.from_numpy(np.stack([getattr(x, name) for x in examples])) for name in examples[0]._fields}


def test_an_example_holds_a_part_and_a_prior_that_knows_it_roughly(clip) -> None:
    example = make_mask_example(clip, SMALL, np.random.default_rng(0))
    valid = example.point_valid
    share = np.mean(clip.part_ids[clip.video.valid] == 1)
    assert example.features.dtype == np.float16 and len(example.features) == 6 * 128
    assert np.mean(example.targets[valid]) == pytest.approx(share, abs=0.1)
    assert not example.targets[~valid].any() and not example.weights[:, :, ~valid].any()
    assert np.mean((example.features[valid, 0] > 0) == example.targets[valid]) > 0.8


def test_an_example_is_the_same_for_the_same_seed(clip) -> None:
    first, second = (make_mask_example(clip, SMALL, np.random.default_rng(4)) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_a_clip_without_a_part_that_is_found_gives_an_empty_example(clip) -> None:
    batch = {
        name: torch.from_numpy(value)[None]
        for name, value in make_mask_example(
            clip, dataclasses.replace(SMALL, missing_share=1.1), np.random.default_rng(0)
        )
        ._asdict()
        .items()
    }
    assert not batch["point_valid"].any() and batch["features"].shape == _batch(clip)["features"][:1].shape
    assert float(mask_loss(MaskOutput(batch["features"][0, :, 0].float()), batch)["total"]) == 0.0


def test_the_loss_of_the_truth_is_near_zero_and_of_its_opposite_large(clip) -> None:
    batch = _batch(clip)
    right = torch.where(batch["targets"], 20.0, -20.0).flatten()
    assert float(mask_loss(MaskOutput(right), batch)["total"]) < 0.1
    assert float(mask_loss(MaskOutput(-right), batch)["total"]) > 1.0


def test_examples_of_a_batch_are_not_linked_with_each_other(clip) -> None:
    links = link_batch(_batch(clip), needs_gradient=False)
    points = 6 * 128
    assert len(links) == 4
    for kind in links:
        dense = kind.matrix.to_dense()
        assert dense.shape == (2 * points, 2 * points)
        assert not dense[:points, points:].any() and not dense[points:, :points].any()


def test_a_run_of_a_few_steps_leaves_a_checkpoint_that_loads(clip, tmp_path) -> None:
    config = dataclasses.replace(
        PRESETS["masks"], masks=SMALL, num_steps=4, batch_size=2, num_workers=0, log_every=2, checkpoint_every=2
    )
    train(config, tmp_path / "run", clips=[clip])
    network = load_checkpoint(tmp_path / "run" / "checkpoint")
    assert isinstance(network, MaskNetwork) and network.config.evidence == ("rest_pose", "residuals")
    assert len((tmp_path / "run" / "log.jsonl").read_text().splitlines()) == 2
