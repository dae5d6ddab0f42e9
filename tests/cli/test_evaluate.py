"""`sim2art evaluate` on tiny sets, with a method that claims nothing."""

import json
from pathlib import Path

import numpy as np
import pytest

from sim2art.articulation.estimate import ArticulationEstimate
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.cli import evaluate as verb
from sim2art.cli.main import main
from sim2art.observation.point_video import PointVideo


def claim_nothing(video: PointVideo) -> ArticulationEstimate:
    times = video.times.copy()
    return ArticulationEstimate(
        part_probabilities=np.ones((*video.valid.shape, 1)),
        joints=(),
        trajectory=JointTrajectory(joint_names=(), times=times, values=np.zeros((len(times), 0))),
    )


@pytest.fixture
def nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verb, "load_method", lambda name, checkpoint, **_: claim_nothing)


@pytest.mark.usefixtures("nothing")
def test_report_and_estimates_are_written_and_score_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, again = tmp_path / "out", tmp_path / "again"
    words = ["evaluate", "--num", "2", "--corruption", "none", "--methods", "flow_clustering", "--no-refine"]
    assert main([*words, "-o", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "procedural-val" in printed and "type accuracy" in printed
    assert {path.name for path in out.iterdir()} == {
        "report.json", "report.txt", "config.json", "provenance.json", "estimates",
    }  # fmt: skip
    assert main([*words, "--estimates", str(out / "estimates"), "-o", str(again)]) == 0
    first, second = (json.loads((folder / "report.json").read_text())["clips"] for folder in (out, again))
    for score in first["flow_clustering"] + second["flow_clustering"]:
        assert score["failure"] is None and score["claims"] == []
    assert first == second
    assert main([*words, "-o", str(out)]) == 2
    assert "is not empty" in capsys.readouterr().err


def test_a_stopped_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls: list[float] = []

    def stop_at_the_second(video: PointVideo) -> ArticulationEstimate:
        calls.append(float(video.flow_world.sum()))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return claim_nothing(video)

    monkeypatch.setattr(verb, "load_method", lambda name, checkpoint, **_: stop_at_the_second)
    words = ["evaluate", "--num", "3", "--corruption", "none", "--methods", "flow_clustering", "--no-refine"]
    assert main([*words, "-o", str(tmp_path)]) == 130
    assert "1 of 3 (stopped early)" in (tmp_path / "report.txt").read_text()
    assert main([*words, "-o", str(tmp_path), "--resume"]) == 0
    assert len(calls) == 4 and calls[1] == calls[2]  # The first clip was not asked for again.
    report = json.loads((tmp_path / "report.json").read_text())
    assert len(report["clips"]["flow_clustering"]) == 3
    monkeypatch.setattr(verb, "collect_provenance", lambda: {"sim2art": "0.0", "commit": "another"})
    capsys.readouterr()
    assert main([*words, "-o", str(tmp_path), "--resume"]) == 2
    assert "'another' here" in capsys.readouterr().err


@pytest.mark.usefixtures("nothing")
def test_estimates_of_another_corruption_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--num", "1", "--corruption", "none", "--no-refine", "-o", str(tmp_path / "a")]) == 0
    assert main(["evaluate", "--num", "1", "--estimates", str(tmp_path / "a" / "estimates")]) == 2
    assert "corruption: 'none' there, 'real' here" in capsys.readouterr().err


@pytest.mark.usefixtures("nothing")
def test_a_clip_without_an_estimate_is_named(tmp_path: Path) -> None:
    words = ["evaluate", "--corruption", "none", "--methods", "flow_clustering", "--no-refine"]
    assert main([*words, "--num", "1", "-o", str(tmp_path / "a")]) == 0
    again = [*words, "--num", "2", "--estimates", str(tmp_path / "a" / "estimates"), "-o", str(tmp_path / "b")]
    assert main(again) == 0
    first, second = json.loads((tmp_path / "b" / "report.json").read_text())["clips"]["flow_clustering"]
    failures = sorted([first["failure"] or "", second["failure"] or ""])
    assert failures[0] == "" and "is not there; run the method again" in failures[1] and ".npz" in failures[1]


@pytest.mark.usefixtures("nothing")
def test_refined_answers_are_scored_beside_their_own(tmp_path: Path) -> None:
    words = ["evaluate", "--num", "1", "--corruption", "none", "--methods", "flow_clustering"]
    assert main([*words, "-o", str(tmp_path / "out")]) == 0
    clips = json.loads((tmp_path / "out" / "report.json").read_text())["clips"]
    assert list(clips) == ["flow_clustering", "flow_clustering_refined"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--num", "0"], "has 120 clips; --num 0 asks"),
        (["--resume"], "name it by --output"),
        (["--set", "door", "--data", ".", "--resume", "-o", "no_folder"], "are not for set 'door'"),
        (["--num", "201"], "--num 201 asks"),
        (["--swap", "mask"], "only 'procedural-rgbd' and 'procedural-fast' and 'real-mesh-rgbd' have stages to swap"),
    ],
)
def test_bad_options_are_explained(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", *words]) == 2
    assert message in capsys.readouterr().err


def test_help_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["evaluate", "--help"])
    assert stop.value.code == 0
    assert "--corruption" in capsys.readouterr().out


@pytest.mark.usefixtures("nothing")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_chain_that_cannot_run_here_ends_the_run_instead_of_failing_every_clip(
    workers: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SIM2ART_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert main(["evaluate", "--set", "real-mesh-rgb", "--num", "2", "--no-refine", "--workers", workers]) == 2
    assert "sim2art weights fetch dinov2-small" in capsys.readouterr().err


@pytest.mark.usefixtures("nothing")
def test_a_damaged_weight_is_said_before_anything_is_computed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SIM2ART_WEIGHTS", str(tmp_path))
    (tmp_path / "u2netp.onnx").write_bytes(b"half a download")
    monkeypatch.setattr(verb, "run_cases", lambda *_, **__: pytest.fail("It began."))
    assert main(["evaluate", "--set", "real-mesh-rgbd", "--num", "1"]) == 2
    assert "u2netp.onnx" in capsys.readouterr().err
