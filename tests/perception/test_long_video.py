"""Five minutes of 4K go through the whole chain within 4 GB."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "long_video.py"


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_five_minutes_of_4k_fit_into_4_gb() -> None:
    done = subprocess.run([sys.executable, str(SCRIPT)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "9000 frames of 3840x2160 px" in done.stdout
    peak = re.search(r"peak memory ([\d.]+) GB", done.stdout)
    assert peak is not None
    assert float(peak[1]) < 4.0
    assert "looked at" in done.stderr  # It says how far it is.
