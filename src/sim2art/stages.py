"""The output folder of a long run: finished stages are kept there, and results moved in when they are whole.

So a run that was stopped goes on where it stood, and nothing is ever written half.

A stage is a set of arrays and plain facts under a key. The key is made of everything the stage depends on; a stage
kept under another key is ignored. Files appear whole or not at all.
"""

import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from sim2art.errors import OutputExistsError

_T = TypeVar("_T")
STAGES = ".stages"
"""Folder inside the output folder that keeps the finished stages of a run."""
PARTIAL = ".partial"
"""Folder inside the output folder in which results are written before they are moved in."""

REPLACED = ".replaced"
"""Folder inside the output folder that keeps what is being replaced until the new files are in."""
_PLAN = ".plan.json"
"""File in it that says which files come and go, for whoever has to finish."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What a stage found."""

    arrays: Mapping[str, np.ndarray]
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Values that JSON can hold."""


def as_stage(value: Any, *, without: Iterable[str] = ()) -> Stage:
    """The fields of a dataclass as a stage: arrays, and plain values that JSON can hold; fields that are None are left out."""
    known = {entry.name: getattr(value, entry.name) for entry in fields(value) if entry.name not in without}
    arrays = {name: entry for name, entry in known.items() if isinstance(entry, np.ndarray)}
    facts = {name: _plain(entry) for name, entry in known.items() if name not in arrays and entry is not None}
    return Stage(arrays=arrays, facts=facts)


def from_stage(kind: type[_T], stage: Stage, **others: Any) -> _T:
    """The dataclass that `as_stage` took apart, its lists as tuples; `others` are the fields that were left out."""
    names = {entry.name for entry in fields(kind)}  # pyright: ignore[reportArgumentType]
    facts = {name: tuple(entry) if isinstance(entry, list) else entry for name, entry in stage.facts.items()}
    missing = {name: None for name in names if name not in stage.arrays and name not in facts}
    arrays = {name: entry for name, entry in stage.arrays.items() if name in names}
    return kind(**{**missing, **arrays, **facts, **others})


def _plain(value: Any) -> Any:
    """NumPy's numbers as Python's, tuples as lists."""
    if isinstance(value, tuple | list):
        return [_plain(entry) for entry in value]
    return value.item() if isinstance(value, np.generic) else value


class StageKeeper:
    """Keeps stages in a folder; without a folder it keeps nothing."""

    def __init__(self, folder: Path | None, *, resume: bool = False) -> None:
        self.folder = folder
        if folder is not None and not resume:
            shutil.rmtree(folder, ignore_errors=True)

    def load(self, name: str, key: str) -> Stage | None:
        """The stage as it was kept under this key, or None."""
        if self.folder is None or not self._path(name).is_file():
            return None
        try:
            with np.load(self._path(name), allow_pickle=False) as kept:
                arrays = {entry: kept[entry] for entry in kept.files}
            facts = json.loads(str(arrays.pop("__facts__")))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None  # A stage that cannot be read is made again.
        return Stage(arrays=arrays, facts=facts["facts"]) if facts["key"] == key else None

    def keep(self, name: str, key: str, stage: Stage) -> None:
        """Write a stage."""
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = self._path(name).with_suffix(".part")
        facts = np.array(json.dumps({"key": key, "facts": dict(stage.facts)}))
        try:
            with partial.open("wb") as file:
                np.savez(file, __facts__=facts, **stage.arrays)  # pyright: ignore[reportArgumentType]
            partial.replace(self._path(name))
        finally:
            partial.unlink(missing_ok=True)

    def remove(self) -> None:
        """Delete all that was kept."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, name: str) -> Path:
        assert self.folder is not None
        return self.folder / f"{name}.npz"


def make_key(*parts: Any) -> str:
    """A short digest of values; equal values give equal keys."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:24]


def fingerprint(path: Path) -> str:
    """A digest of the names, sizes and change times of all files at a path; contents are not read."""
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    rows = [(str(file.relative_to(path)), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return make_key(str(path.resolve()), rows)


def check_output(output: Path, *, overwrite: bool = False, resume: bool = False) -> None:
    """Raise OutputExistsError when a folder holds files that a run would mix with or lose.

    Args:
        output: The folder; it may be missing.
        overwrite: Whether an earlier result may be replaced.
        resume: Whether a run that was killed may go on.
    """
    if output.exists() and not output.is_dir():
        raise OutputExistsError(f"{output} is a file; a folder is needed for the result.", path=output)
    if overwrite or not output.exists():
        return
    names = {entry.name for entry in output.iterdir()}
    if resume and names & {STAGES, PARTIAL, REPLACED}:
        return  # Only a run that was let in leaves them, so what else is there is its own or was to be replaced.
    if names - {STAGES, PARTIAL, REPLACED}:
        raise OutputExistsError(
            f"{output} is not empty ({len(names)} entries). Choose another folder, or pass --overwrite to replace an "
            "earlier result in it.",
            path=output,
        )
    if STAGES in names and not resume:
        raise OutputExistsError(
            f"{output} holds the finished stages of a run that was stopped. Pass --resume to go on from there, or "
            "--overwrite to begin again.",
            path=output,
        )


def move_in(partial: Path, output: Path, *, stale: Iterable[str] = ()) -> list[Path]:
    """Move finished files into the output folder; when a move fails, all that was there before is put back.

    Files of the names in `stale` go, where there is no new one: they told of what was there before.

    `result.json` goes first of the old and last of the new, so its presence tells of a whole result. What is to be done is
    written down before anything is: where the process is killed half-way, `finish_move` does the rest.
    """
    finish_move(output)
    names = sorted((entry.name for entry in partial.iterdir()), key=lambda name: (name == "result.json", name))
    leaving = list(dict.fromkeys(("result.json", *names, *stale)))
    aside = output / REPLACED
    aside.mkdir()
    plan = {"from": os.path.relpath(partial, output), "names": names, "leaving": leaving}
    unfinished = aside / f"{_PLAN}.part"
    unfinished.write_text(json.dumps(plan))
    unfinished.replace(aside / _PLAN)
    moved: list[str] = []
    try:
        for name in [x for x in leaving if (output / x).exists()]:
            (output / name).replace(aside / name)
        for name in names:
            (partial / name).replace(output / name)
            moved.append(name)
    except BaseException:  # Ctrl-C too: who called will remove what was to be moved in.
        for name in moved:
            (output / name).replace(partial / name)
        for entry in sorted(aside.iterdir(), key=lambda entry: entry.name == "result.json"):
            if entry.name != _PLAN:
                entry.replace(output / entry.name)
        shutil.rmtree(aside)
        raise
    (aside / _PLAN).unlink()
    shutil.rmtree(aside, ignore_errors=True)
    return [output / name for name in names]


def finish_move(output: Path) -> None:
    """Do what a killed process left of a `move_in`: all of the new files are there, and go where they belong.

    Whoever opens a result folder to read or to write calls this first. Without a plan nothing had been moved, or all was.
    """
    aside = output / REPLACED
    if not aside.is_dir():
        return
    if (aside / _PLAN).is_file():
        plan = json.loads((aside / _PLAN).read_text())
        partial = output / plan["from"]
        for name in plan["leaving"]:
            # One that has no new one beside it any more is the new one.
            is_old = name not in plan["names"] or (partial / name).exists()
            if is_old and (output / name).exists():
                (output / name).replace(aside / name)
        for name in plan["names"]:
            if (partial / name).exists():
                (partial / name).replace(output / name)
        (aside / _PLAN).unlink()
        shutil.rmtree(partial, ignore_errors=True)
    shutil.rmtree(aside, ignore_errors=True)
