"""Many recordings in one go: each is a `sim2art run` in a process of its own, so one that fails or dies stops no other.

`manifest.json` in the output folder says where everything stands; it is written anew after every change, so a batch
that was killed goes on where it stood when it is started again.
"""

import inspect
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from sim2art.errors import DAMAGED, InvalidFileError, OutputExistsError, SchemaError, Sim2ArtError
from sim2art.file_names import short_name
from sim2art.perception.captures.open_capture import READERS
from sim2art.provenance import collect_provenance
from sim2art.stages import make_key
from sim2art.workers import Workers, last_words

BATCH_SCHEMA = "sim2art.batch/1"
MANIFEST = "manifest.json"
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


def run_batch(
    folder: Path,
    output: Path,
    *,
    flags: list[str],
    workers: Workers,
    overwrite: bool = False,
    time_limit: float | None = None,
) -> list[BatchEntry]:
    """Run every recording of a folder; print the table at the end.

    Args:
        folder: Holds recordings, each a file or folder that a reader knows.
        output: One result folder a recording, its log, and the manifest. A batch that was stopped goes on.
        flags: Options that every `sim2art run` gets.
        workers: Where the processes run.
        overwrite: Begin anew, finished results too.
        time_limit: A recording that takes longer (s) is stopped and counts as failed.

    Raises:
        InvalidFileError: When the folder holds no recording.
        OutputExistsError: When the output folder holds other things, or a batch with other options.
        BatchError: At the end, when a recording failed.
    """
    names = find_recordings(folder)
    entries = take_up(names, output, flags, folder=folder, overwrite=overwrite)
    output.mkdir(parents=True, exist_ok=True)
    batch = _Batch(output=output, folder=folder, flags=flags, entries=entries)
    batch.write()
    waiting = [name for name, entry in entries.items() if entry.status != "done"]
    known = {path.name for path in names.values()}
    others = sorted(path.name for path in folder.iterdir() if path.name not in known and not path.name.startswith("."))
    if others:
        print(f"Left out, no recordings: {', '.join(others)}")
    print(
        f"{len(entries)} recordings, {len(entries) - len(waiting)} done before, {workers.count} at a time", flush=True
    )
    running: dict[str, tuple[Any, float]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < workers.count:
                name = waiting.pop(0)
                entry = entries[name]
                batch.change(name, status="running", attempts=entry.attempts + 1, error="", result={})
                handle = workers.start(_command(entry, output, flags), output / f"{name}.log")
                running[name] = (handle, time.monotonic())
            time.sleep(POLL)
            for name, (handle, start) in list(running.items()):
                code, seconds = workers.poll(handle), time.monotonic() - start
                late = time_limit is not None and seconds > time_limit
                if code is None and not late:
                    continue
                if code is None:
                    workers.stop(handle)
                del running[name]
                batch.finish(name, code, seconds, time_limit if code is None else None)
    finally:
        for name, (handle, _) in running.items():  # Ctrl-C: what ran goes on from its stages next time.
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


def flags_of(function: Callable[..., None], given: Mapping[str, Any], *, without: tuple[str, ...]) -> list[str]:
    """The command-line options that give a verb's function the values that differ from its defaults."""
    flags: list[str] = []
    for name, parameter in inspect.signature(function).parameters.items():
        value = given.get(name, parameter.default)
        if name in without or parameter.kind is not parameter.KEYWORD_ONLY or value == parameter.default:
            continue
        option = f"--{name.replace('_', '-')}"
        if isinstance(value, bool):
            flags.append(option if value else f"--no-{name.replace('_', '-')}")
        elif isinstance(value, list | tuple):
            flags += [option, *map(str, value)]
        else:
            word = str(value.resolve() if isinstance(value, Path) else value)
            flags += [f"{option}={word}"] if word.startswith("-") else [option, word]
    return flags


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
    flags: list[str]
    entries: dict[str, BatchEntry]

    def write(self) -> None:
        content = {
            "schema": BATCH_SCHEMA,
            "source": str(self.folder.resolve()),
            "flags": self.flags,
            "entries": [asdict(entry) for entry in self.entries.values()],
            "provenance": collect_provenance(),
        }
        unfinished = self.output / f"{MANIFEST}.part"
        unfinished.write_text(json.dumps(content, indent=2), encoding="utf-8")
        unfinished.replace(self.output / MANIFEST)

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
    names: dict[str, Path], output: Path, flags: list[str], *, folder: Path, overwrite: bool
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
        before = {row["name"]: BatchEntry(**row) for row in content["entries"]}
        same = make_key(content["flags"], content["source"]) == make_key(flags, str(folder.resolve()))
    except DAMAGED as error:
        raise InvalidFileError(
            f"'{path}' is damaged ({error}); remove it and pass --overwrite to begin the batch anew.", path=path
        ) from error
    if not same:
        raise OutputExistsError(
            f"{output} holds a batch of '{content['source']}' with the options {content['flags']}. Choose another folder, or "
            "pass --overwrite to begin anew.",
            path=output,
        )
    for name, entry in before.items():
        if name in entries:
            finished = entry.status == "done" and (output / name / "result.json").is_file()
            entries[name] = entry if finished else replace(entry, status="waiting", error="", result={})
    return entries


def _command(entry: BatchEntry, output: Path, flags: list[str]) -> list[str]:
    # Both flags: stages of a stopped attempt are used, and whatever it left half moved in is replaced.
    target = str((output / entry.name).resolve())
    return [
        sys.executable, "-m", "sim2art.cli.main", "run", entry.recording, "-o", target, *flags, "--resume", "--overwrite",
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
