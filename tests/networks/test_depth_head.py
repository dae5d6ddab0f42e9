"""The depth head gives a map at half the image's size, and its files hold it exactly enough."""

from pathlib import Path

import numpy as np
import pytest
import torch

from sim2art.errors import InvalidFileError
from sim2art.inference.checkpoint import save_checkpoint
from sim2art.networks.depth_head import DepthHead, DepthHeadConfig, normalize_images
from sim2art.networks.depth_head_files import load_depth_head, save_depth_head
from sim2art.networks.judge import Judge, JudgeConfig

CONFIG = DepthHeadConfig(feature_width=12, width=8, detail_width=4)


@pytest.mark.parametrize(("rows", "columns"), [(15, 20), (20, 15), (4, 7)])
def test_depth_comes_at_half_the_images_size(rows: int, columns: int) -> None:
    features = torch.randn(2, 4, rows * columns, 12)
    found = DepthHead(CONFIG)(features, torch.randn(2, 3, 14 * rows, 14 * columns))
    assert tuple(found.shape) == (2, 7 * rows, 7 * columns)


def test_every_layer_and_the_image_matter() -> None:
    torch.manual_seed(0)
    head = DepthHead(CONFIG)
    features, images = torch.randn(1, 4, 12, 12), torch.randn(1, 3, 42, 56)
    before = head(features, images)
    for layer in range(4):
        changed = features.clone()
        changed[:, layer] += 1.0
        assert not torch.allclose(head(changed, images), before, atol=1e-6)
    assert not torch.allclose(head(features, images + 1.0), before, atol=1e-6)


def test_images_are_normalised_as_imagenets_are() -> None:
    images = torch.from_numpy(np.full((1, 14, 14, 3), 128, np.uint8))
    found = normalize_images(images)
    assert tuple(found.shape) == (1, 3, 14, 14)
    assert float(found[0, 0, 0, 0]) == pytest.approx((128 / 255 - 0.485) / 0.229, rel=1e-5)


def test_a_saved_head_says_the_same(tmp_path: Path) -> None:
    head = DepthHead(CONFIG)
    save_depth_head(tmp_path / "head", head, steps=3)
    features, images = torch.randn(1, 4, 12, 12), torch.randn(1, 3, 42, 56)
    torch.testing.assert_close(
        load_depth_head(tmp_path / "head")(features, images), head(features, images), atol=0.02, rtol=0.02
    )


def test_checkpoints_of_others_are_refused(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "judge", Judge(JudgeConfig(num_features=8)))
    with pytest.raises(InvalidFileError, match="one of kind 'depth_head' is needed"):
        load_depth_head(tmp_path / "judge")
    with pytest.raises(InvalidFileError, match=r"has no config\.json"):
        load_depth_head(tmp_path)
