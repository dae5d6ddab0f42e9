"""Damaged inputs end in one sentence or in a result; `benchmarks/hostile_inputs.py` tries many more than these."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.hostile_damage import FORMED, GENERAL, damage_one

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "hostile_inputs.py"


def run_script(*words: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own, as it forks."""
    return subprocess.run([sys.executable, str(SCRIPT), *words], capture_output=True, text=True, check=False)


def test_damaged_recordings_results_and_models_end_in_words() -> None:
    kinds = (
        "capture folder",
        "TUM",
        "video",
        "result",
        "checkpoint",
        "URDF",
        "clips",
        "kept estimate",
        "batch manifest",
        "run options",
        "edits",
    )
    done = run_script("--seed", "1", "--num", "80", "--only", *kinds)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = {line[:16].strip(): line.split()[-4:] for line in done.stdout.splitlines() if line[:1].isalpha()}
    assert set(kinds) <= rows.keys()
    read, refused, failed = map(int, rows["all"][:3])
    assert read > 0 and refused > 0 and failed == 0


@pytest.mark.slow
def test_every_kind_of_damaged_input_ends_in_words() -> None:
    done = run_script("--seed", "2", "--num", "150")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("damage", [*GENERAL, *FORMED], ids=lambda damage: damage.__name__)
def test_each_damage_changes_a_file_of_its_form(damage, tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "a.json").write_text('{"a": [1, 2, {"b": "text"}]}')
    (tmp_path / "a.csv").write_text("1, 2\n3, 4\n")
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    np.savez(tmp_path / "a.npz", values=np.arange(4.0))
    import zipfile

    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("entry", "content")
    changed = 0
    for file in sorted(tmp_path.iterdir()):
        before = file.read_bytes()
        words = damage(file, np.random.default_rng(5))
        after = file.read_bytes() if file.is_file() and not file.is_symlink() else None
        assert words is None or words
        assert (words is None) <= (after == before)
        changed += after != before
    assert changed > 0


def test_the_same_seed_gives_the_same_damage(tmp_path: Path) -> None:
    found = []
    for name in "ab":
        (tmp_path / name).mkdir()
        for number in range(3):
            (tmp_path / name / f"{number}.bin").write_bytes(bytes(range(100)))
        words = damage_one(tmp_path / name, np.random.default_rng(3))
        found.append((words, [path.read_bytes() for path in sorted((tmp_path / name).iterdir()) if path.is_file()]))
    assert found[0] == found[1]
