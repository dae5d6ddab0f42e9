"""The bottom row: errors, optional packages, provenance, stages on disk, and what an import costs."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import sim2art
from sim2art import errors
from sim2art.optional import require
from sim2art.provenance import collect_provenance, write_provenance
from sim2art.stages import Stage, StageKeeper, make_key


def test_every_error_of_ours_has_one_base() -> None:
    ours = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)]
    assert len(ours) >= 6
    assert all(issubclass(error, errors.Sim2ArtError) for error in ours)


def test_file_errors_keep_the_path() -> None:
    assert errors.InvalidFileError("gone", path="a/b").path == Path("a/b")


def test_missing_package_is_answered_by_the_install_command() -> None:
    with pytest.raises(errors.MissingPackageError, match=r"Run: pip install 'sim2art\[mask\]'"):
        require("no_such_package_at_all", extra="mask")
    assert require("json", extra="mask") is json


def test_provenance_says_which_code_ran_where(tmp_path: Path) -> None:
    facts = collect_provenance(checkpoint="c1")
    assert facts["sim2art"] == sim2art.__version__ and facts["checkpoint"] == "c1"
    assert {"commit", "python", "machine", "command", "time"} <= set(facts)
    write_provenance(tmp_path, seed=np.int64(3))
    assert json.loads((tmp_path / "provenance.json").read_text())["seed"] == "3"


def test_a_stage_comes_back_under_its_own_key_only(tmp_path: Path) -> None:
    keeper = StageKeeper(tmp_path / "stages")
    keeper.keep("flow", make_key("a", 1), Stage(arrays={"x": np.arange(3)}, facts={"n": 3}))
    again = StageKeeper(tmp_path / "stages", resume=True)
    found = again.load("flow", make_key("a", 1))
    assert found is not None and found.facts == {"n": 3}
    np.testing.assert_array_equal(found.arrays["x"], [0, 1, 2])
    assert again.load("flow", make_key("a", 2)) is None
    assert again.load("mask", make_key("a", 1)) is None


def test_a_damaged_stage_is_made_again(tmp_path: Path) -> None:
    keeper = StageKeeper(tmp_path)
    keeper.keep("flow", "key", Stage(arrays={"x": np.arange(1000)}))
    path = tmp_path / "flow.npz"
    path.write_bytes(path.read_bytes()[:200])
    assert keeper.load("flow", "key") is None


def test_a_new_run_forgets_the_stages_of_the_last(tmp_path: Path) -> None:
    StageKeeper(tmp_path / "s").keep("flow", "key", Stage(arrays={}))
    assert StageKeeper(tmp_path / "s").load("flow", "key") is None


def test_importing_the_package_loads_nothing_heavy() -> None:
    script = "import sim2art, sys; print([n for n in ('numpy', 'torch', 'cv2', 'numba', 'scipy') if n in sys.modules])"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "[]\n"


def test_unknown_attribute_of_the_package_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'reconstrukt'"):
        _ = sim2art.reconstrukt  # type: ignore[attr-defined]
