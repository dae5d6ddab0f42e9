"""Clips on disk: tar files in WebDataset layout (SEED.npz + SEED.json a clip), each with a sidecar and one index.

A tar's bytes depend on its clips alone: no dates, no owners, no compression. It is written under another name and
renamed when whole, so a file that is there is complete, and a job that was killed goes on where it stopped.
"""

import hashlib
import io
import json
import os
import tarfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from sim2art.articulation.io import object_from_dict, object_to_dict, trajectory_from_dict, trajectory_to_dict
from sim2art.dataset.clip import Clip
from sim2art.errors import InvalidFileError, InvalidValueError, SchemaError
from sim2art.observation.point_video import PointVideo

CLIP_SCHEMA = "sim2art.clip/1"
INDEX_SCHEMA = "sim2art.shards/1"
INDEX_NAME = "index.json"


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
    except (tarfile.TarError, OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
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
    path = folder / INDEX_NAME
    try:
        index = json.loads(path.read_text())
    except (OSError, json.JSONDecodeError) as error:
        raise InvalidFileError(f"Cannot read the index '{path}': {error}.", path=path) from error
    if index.get("schema") != INDEX_SCHEMA:
        raise SchemaError(f"'{path}' has schema {index.get('schema')!r}; '{INDEX_SCHEMA}' is needed.", path=path)
    for entry in index["files"]:
        file = folder / entry["file"]
        if not file.exists() or file.stat().st_size != entry["bytes"]:
            found = f"has {file.stat().st_size} bytes" if file.exists() else "is missing"
            raise InvalidFileError(
                f"Shard '{file}' {found}; the index says {entry['bytes']} bytes. Delete it and generate again.",
                path=file,
            )
        if check_hashes and _file_hash(file) != entry["sha256"]:
            raise InvalidFileError(
                f"Shard '{file}' does not match its sha256 in the index; generate it again.", path=file
            )
    return index


def read_clips(folder: Path) -> Iterator[Clip]:
    """All clips of a data set, file by file."""
    for entry in read_index(folder)["files"]:
        yield from read_shard(folder / entry["file"])


def encode_clip(clip: Clip) -> tuple[bytes, bytes]:
    """A clip as (npz, JSON). Points keep 10 micrometres; flow is stored as float16 (1 part in 2000 of its length).

    Numbers are rounded to what they are worth, so that processors which differ in the last bit write the same bytes.
    """
    video = clip.video
    arrays = {
        "times": _round(video.times, 9),
        "points_world": _round(video.points_world, 5).astype(np.float32),
        "valid": video.valid,
        "flow_world": _round(video.flow_world, 6).astype(np.float16),
        "flow_valid": video.flow_valid,
        "world_from_camera": _round(video.world_from_camera, 9),
        "pixels": video.pixels.astype(np.float32),
        "part_ids": clip.part_ids.astype(np.uint8),
    }
    if video.features is not None:
        # Features are the largest part of a clip, and only some frames have them.
        frames = np.flatnonzero(np.any(video.features != 0, axis=(1, 2)))
        arrays["feature_frames"] = frames
        arrays["features"] = video.features[frames].astype(np.float16)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    facts = {
        "schema": CLIP_SCHEMA,
        "baselines": list(video.baselines),
        "is_metric": video.is_metric,
        "truth": object_to_dict(clip.truth),
        "trajectory": trajectory_to_dict(clip.trajectory),
        "provenance": clip.provenance,
    }
    return buffer.getvalue(), json.dumps(_rounded(facts)).encode()


def decode_clip(arrays: bytes, facts: bytes, *, source: Path) -> Clip:
    """The clip that `encode_clip` wrote.

    Raises:
        SchemaError: When it is of another schema.
    """
    content = json.loads(facts)
    if content.get("schema") != CLIP_SCHEMA:
        raise SchemaError(
            f"'{source}' holds clips of schema {content.get('schema')!r}; this version reads '{CLIP_SCHEMA}'. "
            "Generate them again with this version.",
            path=source,
        )
    with np.load(io.BytesIO(arrays), allow_pickle=False) as loaded:
        video = PointVideo(
            times=loaded["times"],
            points_world=loaded["points_world"].astype(np.float64),
            valid=loaded["valid"],
            baselines=tuple(content["baselines"]),
            flow_world=loaded["flow_world"].astype(np.float64),
            flow_valid=loaded["flow_valid"],
            world_from_camera=loaded["world_from_camera"],
            pixels=loaded["pixels"].astype(np.float64),
            is_metric=content["is_metric"],
            features=_spread_features(loaded),
        )
        part_ids = loaded["part_ids"].astype(np.int64)
    return Clip(
        video=video,
        truth=object_from_dict(content["truth"]),
        part_ids=part_ids,
        trajectory=trajectory_from_dict(content["trajectory"]),
        provenance=content["provenance"],
    )


def _spread_features(loaded: Mapping[str, np.ndarray]) -> Float[np.ndarray, "frame point channel"] | None:
    """Features of all frames, zeros in those without; None when the clip has none."""
    if "features" not in loaded:
        return None
    kept = loaded["features"].astype(np.float32)
    if "feature_frames" not in loaded:  # Written by an earlier version: every frame.
        return kept
    features = np.zeros((*loaded["valid"].shape, kept.shape[2]), np.float32)
    features[loaded["feature_frames"]] = kept
    return features


def _round(values: Float[np.ndarray, "*shape"], decimals: int) -> Float[np.ndarray, "*shape"]:
    return np.round(values, decimals) + 0.0  # No negative zeros: they are other bytes.


def _rounded(content: Any) -> Any:
    """JSON values with every number rounded to 1e-9."""
    match content:
        case float():
            return round(content, 9) + 0.0
        case dict():
            return {key: _rounded(value) for key, value in content.items()}
        case list() | tuple():
            return [_rounded(value) for value in content]
        case _:
            return content


def _write_whole(path: Path, text: str) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text)
    partial.replace(path)


def _file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
