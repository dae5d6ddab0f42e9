"""Clips on disk: tar files in WebDataset layout (SEED.npz + SEED.json a clip), each with a sidecar and one index.

A tar's bytes depend on its clips alone: no dates, no owners, no compression. It is written under another name and
renamed when whole, so a file that is there is complete, and a job that was killed goes on where it stopped.
"""

import hashlib
import io
import json
import logging
import os
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim2art.dataset.clip import Clip
from sim2art.dataset.clip_files import decode_clip, encode_clip
from sim2art.errors import DAMAGED, InvalidFileError, InvalidValueError, SchemaError

INDEX_SCHEMA = "sim2art.shards/1"
INDEX_NAME = "index.json"
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ShardShare:
    """Which files of a data set one job writes: those whose number leaves `index` when divided by `count`."""

    index: int
    count: int

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.count:
            raise InvalidValueError(
                f"Shard {self.index}/{self.count} does not exist; K/N needs 0 <= K < N, for example 0/{max(self.count, 1)}."
            )

    def owns(self, file_index: int) -> bool:
        """Whether this job writes file number `file_index`."""
        return file_index % self.count == self.index


def parse_share(text: str) -> ShardShare:
    """The share named "K/N".

    Raises:
        InvalidValueError: When the text is of another form or K is not below N.
    """
    parts = text.split("/")
    if len(parts) != 2 or not all(part.strip().isdigit() for part in parts):
        raise InvalidValueError(f"Shard '{text}' is not of the form K/N, such as 0/1 or 3/64.")
    return ShardShare(index=int(parts[0]), count=int(parts[1]))


def shard_path(folder: Path, file_index: int) -> Path:
    """Where file number `file_index` of a data set lies."""
    return folder / f"clips-{file_index:06d}.tar"


def is_shard_done(path: Path) -> bool:
    """Whether a shard and its sidecar are there and agree in size."""
    sidecar = path.with_suffix(".json")
    if not path.exists() or not sidecar.exists():
        return False
    return json.loads(sidecar.read_text())["bytes"] == path.stat().st_size


def write_shard(path: Path, clips: Iterable[Clip]) -> dict[str, Any]:
    """Write clips to one tar with its sidecar; the file appears only when it is whole.

    Returns:
        The sidecar: file name, number of clips, bytes and sha256.
    """
    partial = path.with_name(path.name + ".partial")
    count = 0
    with partial.open("wb") as file, tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for clip in clips:
            arrays, facts = encode_clip(clip)
            name = f"{int(clip.provenance['seed']):09d}" if "seed" in clip.provenance else f"{count:09d}"
            for suffix, content in (("npz", arrays), ("json", facts)):
                member = tarfile.TarInfo(f"{name}.{suffix}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
            count += 1
    entry = {"file": path.name, "clips": count, "bytes": partial.stat().st_size, "sha256": _file_hash(partial)}
    partial.replace(path)
    _write_whole(path.with_suffix(".json"), json.dumps(entry, indent=2))
    return entry


def read_shard(path: Path) -> Iterator[Clip]:
    """Clips of one tar, in order.

    Raises:
        InvalidFileError: When the file is missing, cut short or damaged.
        SchemaError: When its clips are of another schema.
    """
    try:
        with tarfile.open(path, mode="r:") as tar:
            arrays: dict[str, bytes] = {}
            for member in tar:
                file = tar.extractfile(member)
                content = b"" if file is None else file.read()
                name, _, suffix = member.name.rpartition(".")
                if len(content) != member.size:
                    raise tarfile.ReadError("unexpected end of data")
                if suffix == "npz":
                    arrays[name] = content
                elif suffix == "json":
                    yield decode_clip(arrays.pop(name), content, source=path)
            # A whole tar ends with two blocks of zeros; without them a cut between two members would go unnoticed.
            if path.stat().st_size < tar.offset or arrays:
                raise tarfile.ReadError("unexpected end of data")
            with path.open("rb") as raw:
                raw.seek(-1024, os.SEEK_END)
                if raw.read(1024).strip(b"\0"):
                    raise tarfile.ReadError("unexpected end of data")
    except (tarfile.TarError, *DAMAGED) as error:
        if isinstance(error, SchemaError):
            raise
        raise InvalidFileError(
            f"Cannot read clips from '{path}': {error}. The file is missing, cut short or damaged: delete it and run the "
            "same `sim2art generate` command again, which writes only what is missing.",
            path=path,
        ) from error


def write_index(folder: Path, facts: dict[str, Any]) -> Path:
    """Gather all sidecars of a folder into its index; `facts` (configuration, versions) are kept beside them."""
    entries = [json.loads(path.read_text()) for path in sorted(folder.glob("clips-*.json"))]
    index = {"schema": INDEX_SCHEMA, **facts, "clips": sum(entry["clips"] for entry in entries), "files": entries}
    path = folder / INDEX_NAME
    _write_whole(path, json.dumps(index, indent=2))
    return path


def read_index(folder: Path, *, check_hashes: bool = False) -> dict[str, Any]:
    """The index of a data set, with every file it names in place.

    Raises:
        InvalidFileError: When the index or a file is missing, or a size (or, on request, a hash) differs.
        SchemaError: When the index is of another schema.
    """
    index = _load_index(folder)
    try:
        for entry in index["files"]:
            _check_file(folder, entry, check_hash=check_hashes)
    except DAMAGED as error:
        raise InvalidFileError(
            f"The index '{folder / INDEX_NAME}' is damaged: {type(error).__name__} {error}. Generate the set again.",
            path=folder / INDEX_NAME,
        ) from error
    return index


def read_clips(folder: Path) -> Iterator[Clip]:
    """All clips of a data set, file by file.

    Raises:
        InvalidFileError: When a file is missing, cut short or damaged; `read_usable_clips` goes on without it.
        SchemaError: When the data set is of another schema.
    """
    for entry in read_index(folder)["files"]:
        yield from read_shard(folder / entry["file"])


def read_usable_clips(folder: Path, left_out: list[InvalidFileError]) -> Iterator[Clip]:
    """The clips of a data set that can be read, file by file.

    Args:
        left_out: Takes an error for each file that was left out, or of which only the first clips could be read.

    Raises:
        InvalidFileError: When the index is missing, or nothing can be read.
        SchemaError: When the data set is of another schema.
    """
    count = 0
    for path in list_whole_files(folder, left_out):
        try:
            for clip in read_shard(path):
                count += 1
                yield clip
        except InvalidFileError as error:
            left_out.append(error)
    tell_left_out(folder, left_out, is_empty=count == 0)


def list_whole_files(folder: Path, left_out: list[InvalidFileError]) -> list[Path]:
    """The files of a data set that have the size that the index says; `left_out` takes an error for each other one.

    Raises:
        InvalidFileError: When the index is missing.
        SchemaError: When the data set is of another schema.
    """
    whole = []
    for entry in _load_index(folder)["files"]:
        try:
            _check_file(folder, entry, check_hash=False)
        except InvalidFileError as error:
            left_out.append(error)
        else:
            whole.append(folder / entry["file"])
    return whole


def tell_left_out(folder: Path, left_out: list[InvalidFileError], *, is_empty: bool) -> None:
    """Warn of files that were left out.

    Raises:
        InvalidFileError: When there is nothing without them.
    """
    if not left_out:
        return
    words = f"{len(left_out)} files of '{folder}' were left out, the first because: {left_out[0]}"
    if is_empty:
        raise InvalidFileError(words, path=folder)
    _LOG.warning("%s", words)


def _load_index(folder: Path) -> dict[str, Any]:
    path = folder / INDEX_NAME
    try:
        index = json.loads(path.read_text())
    except DAMAGED as error:
        raise InvalidFileError(f"Cannot read the index '{path}': {error}.", path=path) from error
    schema = index.get("schema") if isinstance(index, dict) else None
    if schema != INDEX_SCHEMA:
        raise SchemaError(f"'{path}' has schema {schema!r}; '{INDEX_SCHEMA}' is needed.", path=path)
    return index


def _check_file(folder: Path, entry: dict[str, Any], *, check_hash: bool) -> None:
    """Refuse a file that is not what the index says."""
    file = folder / entry["file"]
    if not file.exists() or file.stat().st_size != entry["bytes"]:
        found = f"has {file.stat().st_size} bytes" if file.exists() else "is missing"
        raise InvalidFileError(
            f"Shard '{file}' {found}; the index says {entry['bytes']} bytes. Delete it and generate again.",
            path=file,
        )
    if check_hash and _file_hash(file) != entry["sha256"]:
        raise InvalidFileError(f"Shard '{file}' does not match its sha256 in the index; generate it again.", path=file)


def _write_whole(path: Path, text: str) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text)
    partial.replace(path)


def _file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
