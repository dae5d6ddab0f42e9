"""`sim2art train`: what is asked for reaches the run; what does not go together is refused."""

from pathlib import Path
from typing import Any

import pytest

from sim2art.cli import main as cli
from sim2art.cli import train as verb
from sim2art.train.config import PRESETS, TrainConfig


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[TrainConfig, dict[str, Any]]]:
    """Runs that were started, instead of training."""
    begun: list[tuple[TrainConfig, dict[str, Any]]] = []
    monkeypatch.setattr(verb, "run_training", lambda config, output, **options: begun.append((config, options)))
    return begun


def test_what_is_asked_for_reaches_the_run(runs: list[tuple[TrainConfig, dict[str, Any]]], tmp_path: Path) -> None:
    words = "train --preset small --num-steps 7 --batch-size 3 --learning-rate 0.0003 --workers 5 --seed 4 --corruption paper"
    evidence = ["--evidence", "rest_pose", "residuals"]
    assert cli.main([*words.split(), *evidence, "--start-from", str(tmp_path / "old"), "--output", str(tmp_path)]) == 0
    [(config, options)] = runs
    assert (config.num_steps, config.batch_size, config.learning_rate, config.num_workers) == (7, 3, 0.0003, 5)
    assert (config.seed, config.clips.corruption) == (4, "paper")
    assert config.examples.evidence.kinds == ("rest_pose", "residuals")
    assert options == {"resume": False, "start_from": tmp_path / "old", "clips": None, "cache": None}


def test_what_is_not_asked_for_is_the_presets(runs: list[tuple[TrainConfig, dict[str, Any]]], tmp_path: Path) -> None:
    assert cli.main(["train", "--preset", "base", "--output", str(tmp_path)]) == 0
    assert runs[0][0] == PRESETS["base"]


def test_cached_clips_and_clips_made_on_the_fly_do_not_mix(
    runs: list[tuple[TrainConfig, dict[str, Any]]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = ["--output", str(tmp_path), "--cache", str(tmp_path / "clips")]
    assert cli.main(["train", "--preset", "small", *folders]) == 2
    assert "--cache and --noise are for preset paper-cpu" in capsys.readouterr().err
    assert cli.main(["train", "--preset", "paper-cpu", "--corruption", "real", *folders]) == 2
    assert "leave --corruption and --clips out" in capsys.readouterr().err
    assert not runs
    assert cli.main(["train", "--preset", "paper-cpu", "--noise", "none", *folders]) == 0
    [(config, options)] = runs
    assert config.cache is not None and config.cache.noise == "none"
    assert options["cache"] == tmp_path / "clips"


@pytest.mark.parametrize("preset", ["scene-flow", "masks"])
def test_what_trains_no_judge_takes_no_evidence(
    preset: str, runs: list[tuple[TrainConfig, dict[str, Any]]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["train", "--preset", preset, "--evidence", "rest_pose", "--output", str(tmp_path)]) == 2
    assert f"preset {preset} trains none, so leave it out." in capsys.readouterr().err
    assert not runs
