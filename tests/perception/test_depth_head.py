"""Depth by our own head: the shipped weights load, any shape of image works, and real weights see depth in a render."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from sim2art.networks.depth_head import DepthHead, DepthHeadConfig
from sim2art.networks.depth_head_files import DEPTH_HEAD_CHECKPOINT, load_depth_head, save_depth_head
from sim2art.networks.dinov2 import Dinov2, Dinov2Config
from sim2art.perception.captures.open_capture import open_capture
from sim2art.perception.depth import head as adapter
from sim2art.perception.depth.head import HeadDepth
from sim2art.perception.tasks import DepthEstimator, DepthKind
from sim2art.train.depth_head_losses import score_depth
from sim2art.weights import find_weight

DEMO = Path(__file__).parents[2] / "examples" / "demo_recording"


@pytest.fixture
def tiny_head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    torch.manual_seed(0)
    backbone = Dinov2(Dinov2Config(width=24, num_layers=4, num_heads=2, grid=4)).eval()
    monkeypatch.setattr(adapter, "load_dinov2", lambda: backbone)
    head = DepthHead(DepthHeadConfig(layers=(0, 1, 2, 3), feature_width=24, width=8, detail_width=4))
    save_depth_head(tmp_path / "head", head)
    return str(tmp_path / "head")


@pytest.mark.parametrize("shape", [(96, 128), (128, 96), (72, 128)])
def test_depth_has_the_images_shape_and_a_fixed_level(tiny_head: str, shape: tuple[int, int]) -> None:
    estimate = HeadDepth(tiny_head, long_side=8)
    assert isinstance(estimate, DepthEstimator)
    image = np.random.default_rng(0).integers(0, 255, (*shape, 3)).astype(np.uint8)
    guess = estimate(image, 0)
    assert guess.kind is DepthKind.DEPTH and guess.focal_length is None
    assert np.all(np.isfinite(guess.values) & (guess.values > 0))
    # The lower of the two middle values is taken: half a step may lie between it and the median.
    assert float(np.median(guess.values)) == pytest.approx(1.5, rel=0.02)
    assert guess.values.shape[1] / guess.values.shape[0] == pytest.approx(shape[1] / shape[0], rel=0.2)


def test_the_shipped_head_is_small_and_reads_the_layers_it_was_trained_on() -> None:
    head = load_depth_head()
    assert head.config.layers == (2, 5, 8, 11)
    assert (DEPTH_HEAD_CHECKPOINT / "model.safetensors").stat().st_size < 8e6


@pytest.mark.skipif(find_weight("dinov2-small") is None, reason="needs: sim2art weights fetch dinov2-small")
def test_the_shipped_head_sees_more_than_a_flat_wall_in_a_render() -> None:
    demo = open_capture(DEMO)
    image, depth = demo.read_image(0), demo.read_depth(0)
    found = HeadDepth()(image, 0).values
    true = cv2.resize(depth, found.shape[::-1], interpolation=cv2.INTER_NEAREST)
    score, flat = score_depth(found, true), score_depth(np.ones_like(true), true)
    assert score.abs_rel < 0.7 * flat.abs_rel
    assert score.delta_1 > flat.delta_1
