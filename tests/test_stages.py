"""Stages come back under the same key only; fingerprints follow what changes."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from sim2art.errors import OutputExistsError
from sim2art.stages import (
    Stage,
    StageKeeper,
    as_stage,
    check_output,
    fingerprint,
    finish_move,
    from_stage,
    make_key,
    move_in,
)

STAGE = Stage(arrays={"values": np.arange(5)}, facts={"words": ["a", "b"]})


def test_a_stage_comes_back_under_its_key(tmp_path: Path) -> None:
    StageKeeper(tmp_path / "s").keep("first", "key", STAGE)
    kept = StageKeeper(tmp_path / "s", resume=True)
    found = kept.load("first", "key")
    assert found is not None
    np.testing.assert_array_equal(found.arrays["values"], STAGE.arrays["values"])
    assert found.facts["words"] == ["a", "b"]
    assert kept.load("first", "other") is None
    assert kept.load("second", "key") is None


def test_without_resume_old_stages_are_gone(tmp_path: Path) -> None:
    StageKeeper(tmp_path / "s").keep("first", "key", STAGE)
    assert StageKeeper(tmp_path / "s").load("first", "key") is None


def test_a_damaged_stage_is_made_again(tmp_path: Path) -> None:
    keeper = StageKeeper(tmp_path / "s")
    keeper.keep("first", "key", STAGE)
    path = tmp_path / "s" / "first.npz"
    path.write_bytes(path.read_bytes()[:100])
    assert keeper.load("first", "key") is None


def test_without_a_folder_nothing_is_kept() -> None:
    keeper = StageKeeper(None)
    keeper.keep("first", "key", STAGE)
    assert keeper.load("first", "key") is None


def test_a_fingerprint_follows_the_files(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one")
    before = fingerprint(tmp_path)
    assert fingerprint(tmp_path) == before
    (tmp_path / "a.txt").write_text("three")
    assert fingerprint(tmp_path) != before


def test_equal_values_have_equal_keys() -> None:
    assert make_key(1, {"b": 2, "a": Path("x")}) == make_key(1, {"a": Path("x"), "b": 2})
    assert make_key(1) != make_key(2)


@pytest.mark.parametrize("end", [OSError, KeyboardInterrupt])
def test_a_move_that_fails_puts_back_what_was_there(
    end: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, partial = tmp_path / "out", tmp_path / "out" / ".partial"
    partial.mkdir(parents=True)
    for name in ("a.txt", "result.json"):
        (output / name).write_text("old")
        (partial / name).write_text("new")
    replace = Path.replace

    def fail_late(path: Path, target: Path) -> Path:
        if path == partial / "result.json":
            raise end("disk gone")
        return replace(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fail_late)
        with pytest.raises(end, match="disk gone"):
            move_in(partial, output)
    assert sorted(path.name for path in output.iterdir()) == [".partial", "a.txt", "result.json"]
    assert {(output / name).read_text() for name in ("a.txt", "result.json")} == {"old"}
    move_in(partial, output)
    assert {(output / name).read_text() for name in ("a.txt", "result.json")} == {"new"}


def test_files_that_told_of_an_earlier_result_go_with_it(tmp_path: Path) -> None:
    output, partial = tmp_path / "out", tmp_path / "out" / ".partial"
    partial.mkdir(parents=True)
    for name in ("result.json", "object.xml", "notes.txt"):
        (output / name).write_text("old")
    (partial / "result.json").write_text("new")
    assert move_in(partial, output, stale=("object.xml", "object.usda")) == [output / "result.json"]
    assert {path.name for path in output.iterdir() if path.is_file()} == {"result.json", "notes.txt"}


KILLED_AFTER = """
import os, sys
from dataclasses import dataclass
from pathlib import Path
from sim2art.stages import move_in
replace, left = Path.replace, [int(sys.argv[3])]
def counted(path, target):
    if left[0] == 0:
        os._exit(9)
    left[0] -= 1
    return replace(path, target)
Path.replace = counted
move_in(Path(sys.argv[1]), Path(sys.argv[2]), stale=("object.xml",))
"""


def _half_moved(output: Path, steps: int) -> bool:
    """Replace a result in a process that ends after some renames, without a word; whether it came to the end."""
    partial = output / ".partial"
    partial.mkdir(parents=True)
    for name in ("a.txt", "b.txt", "object.xml", "result.json"):
        (output / name).write_text("old")
    for name in ("a.txt", "b.txt", "new.txt", "result.json"):
        (partial / name).write_text("new")
    (output / "notes.txt").write_text("mine")
    # A fork of a process with threads may wait for a lock for ever.
    code = subprocess.run([sys.executable, "-c", KILLED_AFTER, str(partial), str(output), str(steps)], check=False)
    return code.returncode == 0


@pytest.mark.parametrize("steps", range(10))
def test_a_move_that_was_killed_is_finished_by_the_next_who_comes(steps: int, tmp_path: Path) -> None:
    output = tmp_path / "out"
    done = _half_moved(output, steps)
    assert done == (steps == 9), "one rename for the plan, four for the old, four for the new"
    finish_move(output)
    found = {path.name: path.read_text() for path in output.iterdir() if path.is_file()}
    if steps == 0:  # Nothing was written down, so nothing was moved.
        assert found == dict.fromkeys(("a.txt", "b.txt", "object.xml", "result.json"), "old") | {"notes.txt": "mine"}
    else:
        assert found == dict.fromkeys(("a.txt", "b.txt", "new.txt", "result.json"), "new") | {"notes.txt": "mine"}
    assert not (output / ".replaced").exists()


def test_a_killed_run_may_go_on_where_a_foreign_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("moved in before the end came")
    with pytest.raises(OutputExistsError):
        check_output(tmp_path, resume=True)
    (tmp_path / ".stages").mkdir()
    check_output(tmp_path, resume=True)
    with pytest.raises(OutputExistsError):
        check_output(tmp_path)


@dataclass(frozen=True, kw_only=True)
class Found:
    """Something to keep."""

    values: np.ndarray
    more: np.ndarray | None
    names: tuple[str, ...]
    count: int
    miss: float


def test_a_dataclass_survives_its_stage(tmp_path: Path) -> None:
    found = Found(values=np.arange(3.0), more=None, names=("a", "b"), count=np.int64(3), miss=float("inf"))  # pyright: ignore[reportArgumentType]
    keeper = StageKeeper(tmp_path / "stages", resume=True)
    keeper.keep("found", "key", as_stage(found, without=("names",)))
    kept = keeper.load("found", "key")
    assert kept is not None
    again = from_stage(Found, kept, names=found.names)
    np.testing.assert_array_equal(again.values, found.values)
    assert (again.more, again.names, again.count, again.miss) == (None, ("a", "b"), 3, float("inf"))
