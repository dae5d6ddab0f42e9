"""--flow gmflow: weights in the authors' layout, images of any size, and what is said of other files."""

from pathlib import Path

import numpy as np
import pytest
import torch

from sim2art.errors import InvalidFileError, InvalidValueError
from sim2art.networks.gmflow import GMFlow
from sim2art.perception.flow.gmflow import load_gmflow
from sim2art.perception.pipeline import ObserveOptions, observe
from sim2art.perception.tasks import ImageFlow
from tests.perception.sliding_scene import render_scene


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("gmflow") / "gmflow.pth"
    state = {f"module.{name}": value for name, value in GMFlow().state_dict().items()}
    torch.save({"model": state, "step": 3}, path)
    return path


def test_images_of_any_size_have_flow(weights: Path) -> None:
    flow = load_gmflow(weights)
    assert isinstance(flow, ImageFlow)
    rng = np.random.default_rng(0)
    gray_a, gray_b = rng.integers(0, 255, (2, 50, 75), dtype=np.uint8)
    found = flow(gray_a, gray_b, None)
    assert found.shape == (50, 75, 2) and found.dtype == np.float32
    assert np.all(np.isfinite(found))
    np.testing.assert_array_equal(found, flow(gray_a, gray_b, np.ones((50, 75, 2), np.float32)))


def test_other_files_are_refused_with_a_word(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidFileError, match="no such file"):
        load_gmflow(tmp_path / "missing.pth")
    broken = tmp_path / "broken.pth"
    broken.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(InvalidFileError, match="cannot be read as weights"):
        load_gmflow(broken)
    torch.save({"model": {"backbone.trident_conv.weight": torch.zeros(1)}}, tmp_path / "refining.pth")
    with pytest.raises(InvalidFileError, match="basic model"):
        load_gmflow(tmp_path / "refining.pth")
    torch.save({"linear.weight": torch.zeros(2, 2)}, tmp_path / "other.pth")
    with pytest.raises(InvalidFileError, match="another network"):
        load_gmflow(tmp_path / "other.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(InvalidFileError, match="no weights by name"):
        load_gmflow(tmp_path / "list.pth")


def test_weights_must_be_named() -> None:
    with pytest.raises(InvalidValueError, match="gmflow"):
        ObserveOptions(flow="gmflow")


@pytest.mark.slow
def test_the_chain_runs_on_it(weights: Path) -> None:
    scene = render_scene()
    options = ObserveOptions(num_frames=4, num_points=200, baselines=(1,), flow=f"gmflow:{weights}")
    observation = observe(scene.capture(), options)
    # Random weights find no flow that comes back: nothing is made up.
    assert observation.points.flow_valid.mean() < 0.3
