"""`sim2art evaluate --set real-video` from its folder to table and pictures."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sim2art.cli.main import main
from tests.real_video_files import SQUARE, joint, square_labels, write_annotation, write_clip, write_result

FRAMES = {"10": {"polygons": [[SQUARE]], "axis": [[[60, 20], [60, 60]]], "hand": [[[70, 10], [90, 10], [90, 60]]]}}
PARTS = [{"name": "door", "type": "revolute", "range": [20, 40]}]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A drawn clip and a negative; the files are no videos."""
    folder = tmp_path / "set"
    write_annotation(folder, "a", PARTS, FRAMES)
    for name in ("a", "negative_b"):
        write_clip(folder, name)
    return folder


def evaluate(data: Path, *words: str) -> int:
    return main(["evaluate", "--set", "real-video", "--data", str(data), *words])


def test_results_are_scored_again_and_shown(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results, out = tmp_path / "results", tmp_path / "out"
    write_result(results / "a", [square_labels((10, 10, 1))] * 3, [joint("revolute", 1)])
    (results / "a.run.json").write_text(json.dumps({"code": 0, "cpu_seconds": 12.0, "peak_mib": 300.0, "seconds": 9.0}))
    assert evaluate(data, "--estimates", str(results), "-o", str(out)) == 0
    printed = capsys.readouterr().out
    assert "1 of 2 (not run: negative_b)" in printed and "made by commit: abc" in printed
    assert "half:" in printed and "tune" in printed and "machine:" in printed
    report = json.loads((out / "report.json").read_text())
    assert report["set"] == "real-video" and report["half"] == "tune"
    assert report["summary"]["mask IoU of moving parts"]["value"] == 1.0
    assert report["summary"]["CPU s a clip, mean"]["value"] == 12.0
    assert (out / "report.txt").read_text().strip() in printed
    assert "pictures/a.jpg" in (out / "sheet.html").read_text() and (out / "sheet.jpg").is_file()
    picture = np.array(Image.open(out / "pictures" / "a.jpg")).astype(int)
    is_red = picture[..., 0] > picture[..., 1] + 50
    assert is_red.mean() > 0.03  # The mask: 400 of 8,000 pixels.


def test_a_clip_that_fails_is_a_row_and_finished_ones_are_kept(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert evaluate(data, "--only", "negative_b", "-o", str(out)) == 0
    printed = capsys.readouterr().out
    assert "No result came from:\n  negative_b: " in printed
    cost = json.loads((out / "results" / "negative_b.run.json").read_text())
    assert cost["code"] == 2 and cost["cpu_seconds"] > 0.1 and cost["peak_mib"] > 20
    write_result(out / "results" / "a", [square_labels((10, 10, 1))] * 3, [joint("revolute", 1)])
    (out / "results" / "a.run.json").write_text(json.dumps({**cost, "code": 0}))
    assert evaluate(data, "--only", "a", "-o", str(out), "--resume") == 0
    assert "100 % (1 of 1)" in capsys.readouterr().out
    maker = out / "results" / "maker.json"
    maker.write_text(json.dumps({**json.loads(maker.read_text()), "commit": "another"}))
    assert evaluate(data, "-o", str(out), "--resume") == 2
    assert "commit: 'another' there" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "name a folder by --output"),
        (("--only", "c"), "--only c: no clip of the set; known: a, negative_b"),
        (("--estimates", "nowhere"), "nowhere holds no result of the set's 2 clips"),
    ],
)
def test_bad_options_are_explained(
    data: Path, words: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(data, *words) == 2
    assert message in capsys.readouterr().err
