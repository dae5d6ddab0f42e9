"""Adapters of hub models run on tiny random weights that are saved and loaded as the real ones are."""

import sys
from pathlib import Path

import numpy as np
import pytest

from sim2art.errors import InvalidFileError
from sim2art.perception.captures.open_capture import open_recording
from sim2art.perception.components import choose_components
from sim2art.perception.depth.networks import load_depth_network
from sim2art.perception.features.dino_features import DinoFeatures
from sim2art.perception.masks.sam2 import Sam2Masks
from sim2art.perception.pipeline import ObserveOptions, observe
from sim2art.perception.tasks import DepthEstimator, DepthKind, FeatureExtractor, VideoMasker
from tests.perception.recorded_files import write_video
from tests.perception.sliding_scene import render_scene
from tests.perception.tiny_models import (
    write_depth_anything,
    write_depth_pro,
    write_dinov2,
    write_dinov3,
    write_sam2,
)

pytest.importorskip("transformers")
IMAGE = np.random.default_rng(0).integers(0, 255, (96, 128, 3)).astype(np.uint8)


def test_depth_anything_gives_depth_or_disparity_as_its_config_says(tmp_path: Path) -> None:
    metric = load_depth_network("da2", str(write_depth_anything(tmp_path / "metric")))
    relative = load_depth_network("da2", str(write_depth_anything(tmp_path / "relative", is_metric=False)))
    assert isinstance(metric, DepthEstimator)
    guess = metric(IMAGE, 0)
    assert guess.kind is DepthKind.DEPTH
    assert guess.values.shape == (392, 518)  # The longer side changes less; both are multiples of 14.
    assert np.all(guess.values > 0)
    assert relative(IMAGE, 0).kind is DepthKind.DISPARITY


def test_depth_pro_gives_metres_and_the_focal_length(tmp_path: Path) -> None:
    guess = load_depth_network("depthpro", str(write_depth_pro(tmp_path / "model")))(IMAGE, 0)
    assert guess.kind is DepthKind.DEPTH
    assert guess.focal_length is not None
    assert np.all(np.isfinite(guess.values) & (guess.values > 0))


@pytest.mark.parametrize(("name", "write", "patch"), [("dinov2", write_dinov2, 14), ("dinov3", write_dinov3, 16)])
def test_features_are_read_at_patch_centres(tmp_path: Path, name: str, write, patch: int) -> None:
    extract = DinoFeatures(name, str(write(tmp_path / "model")), long_side=8)
    assert isinstance(extract, FeatureExtractor)
    assert extract.name == f"{name}-16"
    grid = extract.extract_grid(IMAGE)
    assert grid.shape == (6, 8, 16)  # 128x96 px in cells of 16 px: register and class tokens are gone.
    centres = np.array([[7.5, 7.5], [7.5 + 16 * 3, 7.5 + 16 * 2]])
    np.testing.assert_allclose(extract(IMAGE, centres), grid[[0, 2], [0, 3]], rtol=1e-5)
    between = extract(IMAGE, np.array([[15.5, 7.5]]))[0]
    np.testing.assert_allclose(between, 0.5 * (grid[0, 0] + grid[0, 1]), rtol=1e-4, atol=1e-6)


def test_the_model_sees_the_image_where_it_is(tmp_path: Path) -> None:
    extract = DinoFeatures("dinov2", str(write_dinov2(tmp_path / "model")), long_side=8)
    plain = np.full((96, 128, 3), 90, np.uint8)
    marked = plain.copy()
    marked[64:80, 96:112] = (250, 20, 20)
    change = np.linalg.norm(extract.extract_grid(marked) - extract.extract_grid(plain), axis=-1)
    assert np.unravel_index(change.argmax(), change.shape) == (4, 6)


def test_sam2_follows_a_box_to_both_ends(tmp_path: Path) -> None:
    masker = Sam2Masks(str(write_sam2(tmp_path / "model")))
    assert isinstance(masker, VideoMasker)
    images = np.stack([IMAGE, IMAGE[::-1], IMAGE, IMAGE])
    masks = masker(images, 1, np.array([30.0, 20.0, 40.0, 30.0]))
    assert masks.shape == (4, 96, 128)
    again = masker(images, 1, np.array([30.0, 20.0, 40.0, 30.0]))
    np.testing.assert_array_equal(masks, again)
    moved = masker(images, 1, np.array([80.0, 60.0, 40.0, 30.0]))
    assert np.any(masks != moved)  # The prompt is heard.


@pytest.mark.parametrize(("name", "write"), [("da2", write_depth_anything), ("depthpro", write_depth_pro)])
def test_the_whole_chain_runs_on_colour_and_a_depth_network(tmp_path: Path, name: str, write) -> None:
    video = open_recording(write_video(tmp_path / "clip.mp4", render_scene(num_frames=6).images))
    model = write(tmp_path / "model")
    chosen = choose_components("light", depth=f"{name}:{model}")
    observation = observe(video, ObserveOptions(num_frames=4, num_points=200, baselines=(1,), **chosen))
    assert not observation.video.is_metric
    assert observation.points.valid.any()
    assert any(f"guessed from colour ({name})" in warning for warning in observation.warnings)


def test_another_kind_of_model_is_refused(tmp_path: Path) -> None:
    folder = str(write_dinov2(tmp_path / "model"))
    with pytest.raises(InvalidFileError, match="type 'dinov2'; needed is one of: depth_anything, depth_pro"):
        load_depth_network("da2", folder)


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    folder = write_dinov2(tmp_path / "model")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:200])
    with pytest.raises(InvalidFileError, match="weights cannot be loaded"):
        DinoFeatures("dinov2", str(folder))
    (folder / "config.json").write_text("{")
    with pytest.raises(InvalidFileError, match=r"config\.json cannot be used"):
        DinoFeatures("dinov2", str(folder))


def test_torchvision_is_never_imported() -> None:
    assert "torchvision" not in sys.modules


def test_sam2_is_prompted_by_what_moves_and_by_the_arm_that_was_found(tmp_path: Path) -> None:
    model = write_sam2(tmp_path / "model")
    scene = render_scene(num_frames=6)
    options = ObserveOptions(
        num_frames=4, num_points=200, baselines=(1,), mask=f"sam2:{model}", people=f"sam2:{model}"
    )  # fmt: skip
    observation = observe(scene.capture(), options)
    assert observation.moves
    assert observation.video.object_masks.any()
    # Random weights find nothing of use: it is said, and what moves is masked all the same.
    if any("SAM 2's masks miss what moves" in warning for warning in observation.warnings):
        truth = scene.on_board[observation.indices]
        assert (observation.video.object_masks & truth).sum() > 0.9 * truth.sum()
