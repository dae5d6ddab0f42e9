"""Many recordings in one go: each is a `sim2art run` in a process of its own, so one that fails or dies stops no other.

`manifest.json` in the output folder says where everything stands; it is written anew after every change, so a batch
that was killed goes on where it stood when it is started again.
"""

import json
import os
import sys
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from sim2art.cli.options import differing, from_json, options_to_dict
from sim2art.cli.run_options import RunOptions
from sim2art.errors import DAMAGED, InvalidFileError, OutputExistsError, SchemaError, Sim2ArtError
from sim2art.file_names import short_name
from sim2art.perception.captures.open_capture import READERS
from sim2art.provenance import collect_provenance
from sim2art.workers import Workers, last_words

BATCH_SCHEMA = "sim2art.batch/2"
MANIFEST = "manifest.json"
CONFIG = "config.json"
"""The options that every recording is run with."""
POLL = 0.2
"""s between two looks at the running processes."""


class BatchError(Sim2ArtError):
    """Some recordings of a batch failed; the manifest says which and why."""


@dataclass(frozen=True, kw_only=True)
class BatchEntry:
    """One recording of a batch."""

    name: str
    """Of its result folder."""
    recording: str
    status: Literal["waiting", "running", "done", "failed"] = "waiting"
    attempts: int = 0
    seconds: float = 0.0
    """Of the last attempt."""
    error: str = ""
    """Why the last attempt failed, in words."""
    result: dict[str, Any] = field(default_factory=dict)
    """Status, reasons and joint types of the result."""


def run_batch(folder: Path, options: RunOptions, *, workers: Workers) -> list[BatchEntry]:
    """Run every recording of a folder; print the table at the end.

    Args:
        folder: Holds recordings, each a file or folder that a reader knows.
        options: Each `sim2art run` gets them. The output folder holds one result folder a recording, its log, and the
            manifest; a batch that was stopped goes on there.
        workers: Where the processes run.

    Raises:
        InvalidFileError: When the folder holds no recording.
        OutputExistsError: When the output folder holds other things, or a batch with other options.
        BatchError: At the end, when a recording failed.
    """
    names, output = find_recordings(folder), options.output.folder
    config = options_to_dict(replace(options, input=replace(options.input, recording=None)), schema=RunOptions.SCHEMA)
    entries = take_up(names, output, config, folder=folder, overwrite=options.output.overwrite)
    output.mkdir(parents=True, exist_ok=True)
    batch = _Batch(output=output, folder=folder, config=config, entries=entries)
    batch.write_json(CONFIG, config)
    batch.write()
    _tell_start(folder, names, entries, workers)
    try:
        _work(batch, workers, options.batch.time_limit)
    finally:  # Ctrl-C: what ran goes on from its stages next time.
        for name, (handle, _) in batch.running.items():
            workers.stop(handle)
            batch.change(name, status="waiting")
    print("\n" + describe_batch(list(entries.values())))
    failed = [entry.name for entry in entries.values() if entry.status == "failed"]
    if failed:
        raise BatchError(
            f"{len(failed)} of {len(entries)} recordings failed ({', '.join(failed[:5])}{' ...' if len(failed) > 5 else ''}); "
            f"the logs are {output}/NAME.log. Run the same command again to try them once more."
        )
    return list(entries.values())


def _tell_start(folder: Path, names: dict[str, Path], entries: dict[str, BatchEntry], workers: Workers) -> None:
    known = {path.name for path in names.values()}
    others = sorted(path.name for path in folder.iterdir() if path.name not in known and not path.name.startswith("."))
    if others:
        print(f"Left out, no recordings: {', '.join(others)}")
    done = sum(entry.status == "done" for entry in entries.values())
    print(f"{len(entries)} recordings, {done} done before, {workers.count} at a time", flush=True)


def _work(batch: "_Batch", workers: Workers, time_limit: float | None) -> None:
    """Start what waits, as many at a time as there are workers, and note how each ended."""
    waiting = [name for name, entry in batch.entries.items() if entry.status != "done"]
    while waiting or batch.running:
        while waiting and len(batch.running) < workers.count:
            name = waiting.pop(0)
            entry = batch.entries[name]
            batch.change(name, status="running", attempts=entry.attempts + 1, error="", result={})
            handle = workers.start(_command(entry, batch.output), batch.output / f"{name}.log")
            batch.running[name] = (handle, time.monotonic())
        time.sleep(POLL)
        for name, (handle, start) in list(batch.running.items()):
            code, seconds = workers.poll(handle), time.monotonic() - start
            late = time_limit is not None and seconds > time_limit
            if code is None and not late:
                continue
            if code is None:
                workers.stop(handle)
            del batch.running[name]
            batch.finish(name, code, seconds, time_limit if code is None else None)


def find_recordings(folder: Path) -> dict[str, Path]:
    """The recordings directly inside a folder, by the names that their results get.

    Raises:
        InvalidFileError: When the folder is missing or holds none.
    """
    if not folder.is_dir():
        raise InvalidFileError(
            f"--batch is '{folder}', which is no folder; give one that holds recordings.", path=folder
        )
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or not any(knows(path) for _, knows, _ in READERS):
            continue
        name = short_name(path.name if path.is_dir() else path.stem)
        while name in found:
            name += "_2"
        found[name] = path
    if not found:
        raise InvalidFileError(
            f"'{folder}' holds no recording that sim2art knows. Known: {'; '.join(kind for kind, _, _ in READERS)}.",
            path=folder,
        )
    return found


def describe_batch(entries: list[BatchEntry]) -> str:
    """The table of a batch, one line a recording, and a line of sums."""
    rows = [("recording", "status", "joints", "seconds", "remarks")]
    for entry in entries:
        joints = ", ".join(entry.result.get("joints", ())) or "-"
        remarks = entry.error or "; ".join(entry.result.get("reasons", ()))
        status = entry.result.get("status", "") if entry.status == "done" else entry.status
        rows.append((entry.name, status, joints, f"{entry.seconds:.0f}", remarks[:90]))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    counts = {kind: sum(entry.status == kind for entry in entries) for kind in ("done", "failed", "waiting")}
    lines.insert(1, "-" * max(map(len, lines)))
    return "\n".join([*lines, "", ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)])


@dataclass(frozen=True, kw_only=True)
class _Batch:
    """The manifest and its file."""

    output: Path
    folder: Path
    config: dict[str, Any]
    """The options, as `options_to_dict` gives them."""
    entries: dict[str, BatchEntry]
    running: dict[str, tuple[Any, float]] = field(default_factory=dict)
    """Name -> the worker's handle and when it started."""

    def write(self) -> None:
        content = {
            "schema": BATCH_SCHEMA,
            "source": str(self.folder.resolve()),
            "options": self.config,
            "entries": [asdict(entry) for entry in self.entries.values()],
            "provenance": collect_provenance(),
        }
        self.write_json(MANIFEST, content)

    def write_json(self, name: str, content: dict[str, Any]) -> None:
        """A file of the output folder, whole or not at all."""
        unfinished = self.output / f"{name}.part"
        unfinished.write_text(json.dumps(content, indent=2), encoding="utf-8")
        unfinished.replace(self.output / name)

    def change(self, name: str, **values: Any) -> None:
        """Note something about an entry, on disk too."""
        self.entries[name] = replace(self.entries[name], **values)
        self.write()

    def finish(self, name: str, code: int | None, seconds: float, limit: float | None) -> None:
        """Note how an attempt ended; a code of None was stopped at the time limit."""
        result = _read_result(self.output / name) if code == 0 else {}
        error = "" if result else last_words(self.output / f"{name}.log", code, limit)
        status = "done" if result else "failed"
        self.change(name, status=status, seconds=round(seconds, 1), error=error, result=result)
        print(f"{name}: {error or result['status']} ({seconds:.0f} s)", flush=True)


def take_up(
    names: dict[str, Path], output: Path, config: dict[str, Any], *, folder: Path, overwrite: bool
) -> dict[str, BatchEntry]:
    """The entries of a batch, with what an earlier, stopped run of the same batch had finished."""
    entries = {name: BatchEntry(name=name, recording=str(path.resolve())) for name, path in names.items()}
    path = output / MANIFEST
    if output.exists() and not output.is_dir():
        raise OutputExistsError(f"{output} is a file; a folder is needed for the results.", path=output)
    if not path.is_file():
        if not overwrite and output.is_dir() and any(output.iterdir()):
            raise OutputExistsError(
                f"{output} is not empty and holds no batch to go on with. Choose another folder, or pass --overwrite.",
                path=output,
            )
        return entries
    if overwrite:
        return entries
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.get("schema") != BATCH_SCHEMA:
            raise SchemaError(
                f"'{path}' has schema {content.get('schema')!r}; this version reads '{BATCH_SCHEMA}'. Choose another folder.",
                path=path,
            )
        before = {row["name"]: from_json(BatchEntry, row) for row in content["entries"]}
        source, others = content["source"], differing(dict(content["options"]), json.loads(json.dumps(config)))
    except DAMAGED as error:
        raise InvalidFileError(
            f"'{path}' is damaged ({error}); remove it and pass --overwrite to begin the batch anew.", path=path
        ) from error
    if others or source != str(folder.resolve()):
        raise OutputExistsError(
            f"{output} holds a batch of '{source}' with other options ({', '.join(others) or 'another folder'}), see {CONFIG} "
            "there. Choose another folder, or pass --overwrite to begin anew.",
            path=output,
        )
    for name, entry in before.items():
        if name in entries:
            result = _read_result(output / name) if entry.status == "done" else {}
            entries[name] = (
                replace(entry, result=result) if result else replace(entry, status="waiting", error="", result={})
            )
    return entries


def _command(entry: BatchEntry, output: Path) -> list[str]:
    # Both flags: stages of a stopped attempt are used, and whatever it left half moved in is replaced.
    target, config = str((output / entry.name).resolve()), str((output / CONFIG).resolve())
    return [
        sys.executable, "-m", "sim2art.cli.main", "run", entry.recording, "-o", target, "--config", config, "--resume",
        "--overwrite",
    ]  # fmt: skip


def _read_result(folder: Path) -> dict[str, Any]:
    """Status, reasons and joint types of a result; empty when there is none."""
    try:
        content = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        return {
            "status": str(content["status"]),
            "reasons": [str(reason) for reason in content["reasons"]],
            "joints": [str(joint["type"]) for joint in content["joints"]],
        }
    except DAMAGED:
        return {}


def default_jobs() -> int:
    """Recordings at a time: half the cores, since each uses several for a part of its time."""
    return max(1, (os.cpu_count() or 2) // 2)
