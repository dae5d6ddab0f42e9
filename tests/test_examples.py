"""Every example runs, and the demo's recording is what it says."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from sim2art.articulation.io import read_kinematics
from sim2art.perception.captures.open_capture import open_capture
from tests.export.test_saved import save

EXAMPLES = Path(__file__).parents[1] / "examples"
DEMO = EXAMPLES / "demo_recording"


def load(name: str) -> ModuleType:
    path = EXAMPLES / name
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_joint_and_kinematics(capsys: pytest.CaptureFixture[str]) -> None:
    load("01_joint_and_kinematics.py").main()
    assert "handle of the open door: [ 0.4 -0.8  0.5]" in capsys.readouterr().out


def test_generate_a_clip(capsys: pytest.CaptureFixture[str]) -> None:
    load("02_generate_a_clip.py").main()
    assert "16 frames of 1024 points" in capsys.readouterr().out


def test_score_a_method(capsys: pytest.CaptureFixture[str]) -> None:
    load("03_score_a_method.py").main(num_clips=1)
    printed = capsys.readouterr().out
    assert "claim_nothing" in printed and "type accuracy" in printed


@pytest.mark.slow
def test_run_on_a_recording(capsys: pytest.CaptureFixture[str]) -> None:
    load("04_run_on_a_recording.py").main()
    printed = capsys.readouterr().out
    assert "result.json" in printed and "revolute" in printed and "prismatic" in printed


def test_export(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("mujoco")
    save(tmp_path)
    load("05_export.py").main(tmp_path)
    assert "joint_1: pushed to 1.50 rad, range 0.00 .. 1.50" in capsys.readouterr().out


def test_demo_recording_is_small_and_has_its_truth() -> None:
    size = sum(path.stat().st_size for path in DEMO.rglob("*") if path.is_file())
    assert size <= 3_000_000
    capture = open_capture(DEMO)
    truth, trajectory = read_kinematics(DEMO / "truth.json")
    assert trajectory is not None and len(trajectory.times) == len(capture.frame_ids)
    assert sorted(joint.type.value for joint in truth.joints) == ["prismatic", "revolute"]
    assert np.all(np.ptp(trajectory.values, axis=0) > [0.5, 0.1])


def test_demo_recording_says_where_it_came_from() -> None:
    assert json.loads((DEMO / "provenance.json").read_text())["seed"] == load("make_demo_recording.py").SEED
