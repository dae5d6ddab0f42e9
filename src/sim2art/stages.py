"""Finished stages of a long run, kept on disk so that a run that was stopped goes on where it stood.

A stage is a set of arrays and plain facts under a key. The key is made of everything the stage depends on; a stage
kept under another key is ignored. Files appear whole or not at all.
"""

import hashlib
import json
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What a stage found."""

    arrays: Mapping[str, np.ndarray]
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Values that JSON can hold."""


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
