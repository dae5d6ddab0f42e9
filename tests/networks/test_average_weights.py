"""Averaged weights lie where they are asked for, and say what they come from."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from sim2art.inference.checkpoint import JUDGE_CHECKPOINT, MASKS_CHECKPOINT, load_checkpoint, save_checkpoint

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "average_weights.py"


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SCRIPT, *map(str, arguments)], capture_output=True, text=True, check=False)


def test_a_quarter_of_the_way(tmp_path: Path) -> None:
    network = load_checkpoint(JUDGE_CHECKPOINT)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with torch.no_grad():
        for value in network.parameters():
            value.add_(0.125)
    save_checkpoint(tmp_path / "moved", network, steps=7)
    first = tmp_path / "first"
    shutil.copytree(JUDGE_CHECKPOINT, first)
    (first / "provenance.json").unlink()
    done = run(first, tmp_path / "moved", "--share", 0.25, "--output", tmp_path / "mean")
    assert done.returncode == 0, done.stderr
    mean = load_checkpoint(tmp_path / "mean")
    for name, value in mean.named_parameters():
        assert torch.allclose(value, before[name] + 0.03125, atol=2e-3), name
    averaged = json.loads((tmp_path / "mean" / "provenance.json").read_text())["averaged"]
    assert [entry["share"] for entry in averaged] == [0.75, 0.25]
    assert averaged[1]["steps"] == 7


@pytest.mark.parametrize(
    ("second", "share", "said"),
    [
        (MASKS_CHECKPOINT, 0.5, "different networks"),
        (Path("nowhere"), 0.5, "has no"),
        (JUDGE_CHECKPOINT, 1.5, "--share 1.5 is not from 0"),
    ],
)
def test_what_cannot_be_averaged_is_said(second: Path, share: float, said: str, tmp_path: Path) -> None:
    done = run(JUDGE_CHECKPOINT, second, "--share", share, "--output", tmp_path / "mean")
    assert done.returncode != 0
    assert said in done.stderr
    assert not (tmp_path / "mean").exists()
