"""--flow gmflow: weights in the authors' layout, images of any size, and what is said of other files."""

from pathlib import Path

import numpy as np
import pytest
import torch

from sim2art.errors import InvalidFileError
from sim2art.networks.gmflow import GMFlow
from sim2art.perception.components import Choice
from sim2art.perception.flow import matcher as matchers
from sim2art.perception.flow.gmflow import GmFlow, load_gmflow
from sim2art.perception.flow.matcher import load_matcher
from sim2art.perception.pipeline import ObserveOptions, observe
from tests.perception.sliding_scene import render_scene


@pytest.fixture(scope="module", params=[False, True], ids=["basic", "refined"])
def weights(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("gmflow") / "gmflow.pth"
    state = {f"module.{name}": value for name, value in GMFlow(refines=request.param).state_dict().items()}
    state["module.upsampler.0.bias"] = torch.zeros(256)  # The authors' files hold more than is used.
    torch.save({"model": state, "step": 3}, path)
    return path


def test_images_of_any_size_have_flow_both_ways(weights: Path) -> None:
    grays = np.random.default_rng(0).integers(0, 255, (3, 50, 75), dtype=np.uint8)
    matcher = GmFlow(load_gmflow(weights), grays)
    there, back = matcher(0, 2)
    for flow in (there, back):
        assert flow.shape == (50, 75, 2) and flow.dtype == np.float32
        assert np.all(np.isfinite(flow))
    np.testing.assert_allclose(matcher(2, 0)[0], back, atol=1e-3)


def test_only_who_asks_gets_the_network(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matchers, "require_weight", lambda name: weights)
    grays = np.zeros((2, 48, 64), np.uint8)
    assert load_matcher(Choice(name="dis"), grays) is None
    assert isinstance(load_matcher(Choice(name="gmflow"), grays), GmFlow)
    with pytest.raises(InvalidFileError, match="no such file"):
        load_matcher(Choice(name="gmflow", source="missing.pth"), grays)


def test_other_files_are_refused_with_a_word(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidFileError, match="no such file"):
        load_gmflow(tmp_path / "missing.pth")
    broken = tmp_path / "broken.pth"
    broken.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(InvalidFileError, match="cannot be read as weights"):
        load_gmflow(broken)
    torch.save({"linear.weight": torch.zeros(2, 2)}, tmp_path / "other.pth")
    with pytest.raises(InvalidFileError, match="another network"):
        load_gmflow(tmp_path / "other.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(InvalidFileError, match="no weights by name"):
        load_gmflow(tmp_path / "list.pth")


@pytest.mark.slow
def test_the_chain_runs_on_it(weights: Path) -> None:
    scene = render_scene()
    options = ObserveOptions(num_frames=4, num_points=200, baselines=(1,), flow=f"gmflow:{weights}")
    observation = observe(scene.capture(), options)
    # Random weights find no flow that comes back: nothing is made up.
    assert observation.points.flow_valid.mean() < 0.3
