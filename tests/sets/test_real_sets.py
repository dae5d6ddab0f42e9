"""`sim2art evaluate` on recordings that --data holds, and what it says when they are not there."""

import json
from pathlib import Path

import numpy as np
import pytest

from sim2art.cli import evaluate as verb
from sim2art.cli.main import main
from tests.cli.test_evaluate import claim_nothing


def test_tracks_are_scored_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(verb, "load_method", lambda name, checkpoint, **_: claim_nothing)
    angles = np.linspace(0, 1.2, 80)
    door = np.c_[0.4 * np.cos(angles), 0.4 * np.sin(angles), np.full(80, 1.0)]
    rail = np.c_[np.linspace(0, 0.4, 80), np.zeros(80), np.full(80, 1.0)]
    turned = np.c_[np.zeros((80, 2)), np.sin(angles / 2), np.cos(angles / 2)]
    for folder, name, rows in (("kitchen", "M1", np.c_[door, turned]), ("drawer", "001", rail)):
        (tmp_path / "data" / folder).mkdir(parents=True)
        np.savetxt(tmp_path / "data" / folder / f"{name}.log", rows)
    words = ["evaluate", "--set", "real-tracks", "--data", str(tmp_path / "data"), "--methods", "flow_clustering"]
    assert main([*words, "--no-refine", "-o", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "flow_clustering: 0 of 1 right, 0 surely wrong" in printed
    content = json.loads((tmp_path / "out" / "report.json").read_text())
    assert content["set"] == "real-tracks" and len(content["recordings"]) == 1
    assert (tmp_path / "out" / "report.txt").read_text().strip() in printed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--set", "real-tracks"], "name its folder by --data"),
        (["--set", "door", "--data", "nowhere"], "is no folder"),
        (["--set", "real-tracks", "--data", ".", "--methods", "true_parts"], "has no true parts"),
        (["--data", "."], "--data and --only are for real-tracks, door, real-video"),
    ],
)
def test_bad_options_are_explained(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", *words]) == 2
    assert message in capsys.readouterr().err
