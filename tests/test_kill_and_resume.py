"""What was killed and called again leaves the bytes of an undisturbed run; the script in `benchmarks/` tries more moments."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "kill_and_resume.py"


@pytest.mark.parametrize(
    "jobs", [("export", "save"), pytest.param(("run", "batch", "train", "merge"), marks=pytest.mark.slow)], ids=" ".join
)
def test_a_killed_job_called_again_leaves_the_same_bytes(jobs: tuple[str, ...]) -> None:
    words = [sys.executable, str(SCRIPT), "--seed", "1", "--moments", str(4 * len(jobs)), "--only", *jobs]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    _, moments, killed, same, different = done.stdout.splitlines()[-1].split()
    assert int(moments) == int(same) == 4 * len(jobs)
    assert int(killed) > 0 and different == "0"
