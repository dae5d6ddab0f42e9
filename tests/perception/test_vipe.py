"""ViPE is run as a program of its own, with our words for what moves; its failures are said in its own words."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from sim2art.errors import InvalidFileError, MissingPackageError
from sim2art.perception.cameras.vipe import run_vipe
from sim2art.perception.pipeline import ObserveOptions, observe
from tests.perception.recorded_files import write_video, write_vipe_output
from tests.perception.sliding_scene import SlidingScene, render_scene

STAND_IN = """
import sys
import types

cli = types.ModuleType("vipe.cli.main")


def parse_typed_config(name, *, hydra_args):
    return hydra_args


def main(words):
    print("\\n".join(cli.parse_typed_config("default", hydra_args=["pipeline=default"]) + words), file=open(LOG, "w"))
    ACTION


cli.parse_typed_config, cli.main = parse_typed_config, main
for name in ("vipe", "vipe.cli"):
    sys.modules[name] = types.ModuleType(name)
sys.modules["vipe.cli.main"] = cli
sys.modules["vipe.cli"].main = cli
sys.modules["vipe"].cli = sys.modules["vipe.cli"]
"""


@pytest.fixture(scope="module")
def scene() -> SlidingScene:
    return render_scene(num_frames=8)


def install(folder: Path, action: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a program that behaves as ViPE's does on the path; returns the file that it notes its words in."""
    log, place = folder / "words.txt", folder / "bin"
    place.mkdir()
    (place / "sitecustomize.py").write_text(STAND_IN.replace("LOG", repr(str(log))).replace("ACTION", action))
    for name, words in (("vipe", "exit 9"), ("python", f'PYTHONPATH="{place}" exec "{sys.executable}" "$@"')):
        (place / name).write_text(f"#!/bin/sh\n{words}\n")
        (place / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{place}{os.pathsep}{os.environ['PATH']}")
    return log


def test_vipe_is_told_what_moves_and_its_results_are_read(
    scene: SlidingScene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video, output = write_video(tmp_path / "clip.mp4", scene.images), tmp_path / "results"
    ready = write_vipe_output(scene, tmp_path / "ready")
    copy = f"import shutil; shutil.copytree({str(ready)!r}, {str(output)!r})"
    log = install(tmp_path, copy, monkeypatch)
    capture = run_vipe(video, output)
    assert len(capture.frame_ids) == 8
    words = log.read_text().splitlines()
    assert any(word.startswith("pipeline.init.instance.phrases=[") and "'drawer'" in word for word in words)
    assert words[-4:] == ["infer", str(video), "-o", str(output)]
    log.unlink()
    run_vipe(video, output)  # A whole result is used again.
    assert not log.exists()


def test_the_whole_chain_runs_through_vipe(scene: SlidingScene, tmp_path: Path) -> None:
    from sim2art.perception.captures.open_capture import open_recording

    video = open_recording(write_video(tmp_path / "clip.mp4", scene.images))
    results = write_vipe_output(scene, tmp_path / "results")
    options = ObserveOptions(
        num_frames=5, num_points=300, baselines=(1,), mask="motion", depth=f"vipe:{results}", cameras="vipe"
    )
    observation = observe(video, options)
    assert observation.moves
    assert not observation.video.is_metric
    np.testing.assert_allclose(np.median(observation.video.depths), np.median(scene.depths), rtol=0.02)


def test_vipe_that_stops_is_quoted(scene: SlidingScene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    video = write_video(tmp_path / "clip.mp4", scene.images)
    install(tmp_path, "sys.exit('CUDA out of memory')", monkeypatch)
    with pytest.raises(InvalidFileError, match=r"(?s)exit code 1 on .*CUDA out of memory"):
        run_vipe(video, tmp_path / "results")


def test_vipe_that_leaves_half_a_result_is_said(
    scene: SlidingScene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video, output = write_video(tmp_path / "clip.mp4", scene.images), tmp_path / "results"
    write_vipe_output(scene, output)
    (output / "depth" / "clip.zip").unlink()
    install(tmp_path, "pass", monkeypatch)
    with pytest.raises(InvalidFileError, match="stopped half way"):
        run_vipe(video, output)


def test_without_vipe_it_is_said_how_to_get_it(
    scene: SlidingScene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = write_video(tmp_path / "clip.mp4", scene.images)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingPackageError, match=r"pip install nvidia-vipe.*--name clip"):
        run_vipe(video, tmp_path / "results")
