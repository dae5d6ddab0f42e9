"""Clips made once and kept on disk without noise, so that each pass over one draws other points, noise and views of it.

A folder of shards, each one a NumPy file with a record a clip, in normalised coordinates. Flow is not kept: the motions
of the parts give it exactly. A shard appears when it is whole, so a run may learn from a cache while it still grows.
"""

import dataclasses
import json
import logging
import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np

from sim2art.dataset.clip import Clip
from sim2art.errors import InvalidFileError, InvalidValueError, SchemaError
from sim2art.observation.normalization import fit_normalization
from sim2art.simulate.generate import GENERATOR_VERSION, ClipConfig
from sim2art.train.data import make_clip
from sim2art.train.examples import MAX_PARTS, normalized_truth

logger = logging.getLogger(__name__)

CACHE_VERSION = 1
"""Changes whenever the same settings give other records."""
SHARD_CLIPS = 256
POINT_STEP = 1e-4
"""Normalised units of one count of a stored coordinate."""
BASE = -1
"""Parent of parts that hang on the static base."""


def record_type(config: ClipConfig) -> np.dtype:
    """What is kept of a clip: (frame, point) arrays, then the moving parts, padded; part j + 1 is moving part j."""
    frames, points, parts = config.num_frames, config.num_points, MAX_PARTS - 1
    return np.dtype(
        [
            ("points", "<i2", (frames, points, 3)),
            ("part_ids", "u1", (frames, points)),
            ("valid", "?", (frames, points)),
            ("flow_valid", "?", (len(config.baselines), frames, points)),
            ("motions", "<f4", (parts, frames, 3, 4)),
            ("values", "<f4", (parts, frames)),
            ("axes", "<f4", (parts, 3)),
            ("pivots", "<f4", (parts, 3)),
            ("is_revolute", "?", (parts,)),
            ("parents", "i1", (parts,)),
            ("num_parts", "i1"),
            ("seed", "<i8"),
        ]
    )


def make_record(clip: Clip, config: ClipConfig) -> np.ndarray:
    """The record () of a clip without noise."""
    normalization = fit_normalization(clip.video)
    truth = normalized_truth(clip, normalization)
    count = min(len(truth.axes), MAX_PARTS - 1)
    record = np.zeros((), record_type(config))
    points = normalization.apply(clip.video.points_world) * clip.video.valid[..., None]
    # A room behind the object may be far away: what lies past the range is as good as not seen.
    valid = clip.video.valid & (np.abs(points).max(axis=-1) < np.iinfo(np.int16).max * POINT_STEP)
    record["points"] = np.round(np.where(valid[..., None], points, 0.0) / POINT_STEP)
    record["part_ids"] = np.minimum(clip.part_ids, MAX_PARTS - 1)
    record["valid"], record["flow_valid"] = valid, clip.video.flow_valid & valid
    record["motions"][:count] = truth.motions[:count, :, :3]
    record["values"][:count] = truth.joints.values[:count]
    record["axes"][:count] = truth.axes[:count]
    record["pivots"][:count] = truth.joints.pivots[:count]
    record["is_revolute"][:count] = truth.is_revolute[:count]
    for joint in clip.truth.joints:
        part = clip.truth.link_index(joint.child) - 1
        if part < count:
            record["parents"][part] = clip.truth.link_index(joint.parent) - 1
    record["num_parts"], record["seed"] = count, clip.provenance["seed"]
    return record


def grow_cache(
    folder: Path, config: ClipConfig, *, first_seed: int, num_clips: int, shard_clips: int = SHARD_CLIPS
) -> int:
    """Make the shards that are missing, in order; returns how many clips the folder then holds.

    Raises:
        InvalidValueError: When the clips would have noise.
        SchemaError: When the folder holds clips of other settings or another version.
        InvalidFileError: When the disk is full; whole shards stay.
    """
    if config.corruption != "none":
        raise InvalidValueError(f"A cache keeps clips without noise; corruption is {config.corruption!r}, not 'none'.")
    folder.mkdir(parents=True, exist_ok=True)
    description = _describe(config, first_seed)
    if (folder / "cache.json").exists():
        _check(folder, description)
    else:
        (folder / "cache.json").write_text(json.dumps(description, indent=2))
    num_shards = -(-num_clips // shard_clips)
    for shard in range(num_shards):
        path = folder / f"clips_{shard:05d}.npy"
        if path.exists():
            continue
        begin = first_seed + shard * shard_clips
        records = np.stack([make_record(make_clip(config, seed), config) for seed in range(begin, begin + shard_clips)])
        partial = path.with_suffix(".part")  # What a killed process left under this name is written over.
        try:
            with partial.open("wb") as file:
                np.save(file, records)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise InvalidFileError(
                f"Cannot write '{path}' ({error}). {shard} shards are whole and stay; make room and go on.", path=path
            ) from error
        partial.replace(path)
        logger.info("%d of %d clips", (shard + 1) * shard_clips, num_shards * shard_clips)
    return num_shards * shard_clips


class ClipCache:
    """The clips of a folder by number; it may grow meanwhile (`refresh`)."""

    def __init__(self, folder: Path, config: ClipConfig, *, shard_clips: int = SHARD_CLIPS) -> None:
        """Open a cache that holds clips of these settings.

        Raises:
            InvalidFileError: When the folder holds no cache, or no clip yet.
            SchemaError: When it was made with other settings or by another version.
        """
        self.folder, self.config, self.shard_clips = folder, config, shard_clips
        _check(folder, _describe(config, None))
        self._shards: list[np.ndarray] = []
        self._damaged: set[Path] = set()
        if self.refresh() == 0:
            raise InvalidFileError(f"'{folder}' holds no whole shard of clips yet; wait for the first.", path=folder)

    def refresh(self) -> int:
        """Take in shards that came since; returns the number of clips. The numbers of clips never change."""
        while True:
            path = self.folder / f"clips_{len(self._shards) + len(self._damaged):05d}.npy"
            if not path.exists():
                return len(self)
            try:
                shard = np.load(path, mmap_mode="r", allow_pickle=False)
                if shard.dtype != record_type(self.config) or len(shard) != self.shard_clips:
                    raise ValueError(f"{len(shard)} records of {shard.dtype.itemsize} bytes")
            except (ValueError, OSError, EOFError) as error:
                logger.warning("'%s' is damaged and left out (%s); delete it to have it made again.", path, error)
                self._damaged.add(path)
                continue
            self._shards.append(shard)

    def __len__(self) -> int:
        return len(self._shards) * self.shard_clips

    def __getitem__(self, index: int) -> np.ndarray:
        """The record () of a clip."""
        place = index % self.shard_clips
        return self._shards[index // self.shard_clips][place : place + 1].reshape(())


class Grower:
    """A process that goes on making the clips of a cache while a run learns from those that are there."""

    def __init__(self, folder: Path, config: ClipConfig, *, first_seed: int, num_clips: int, shard_clips: int) -> None:
        # A process of its own memory, not a fork: torch and numba have threads.
        self._process = multiprocessing.get_context("spawn").Process(
            target=_grow_quietly, args=(folder, config, first_seed, num_clips, shard_clips), daemon=True
        )
        self._process.start()
        self._is_told = False

    def check(self, num_clips: int) -> None:
        """Say once when the process has ended before its time; the run learns on from what is there."""
        code = self._process.exitcode
        if code and not self._is_told:
            self._is_told = True
            logger.warning(
                "The process that makes clips has ended (exit code %d): the cache stays at %d clips. "
                "Stop and --resume to have it grow on.",
                code,
                num_clips,
            )

    def stop(self) -> None:
        """End the process; a shard that is not whole is made anew next time."""
        self._process.terminate()
        self._process.join()


def _grow_quietly(folder: Path, config: ClipConfig, first_seed: int, num_clips: int, shard_clips: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the run, which ends this process.
    os.nice(5)
    grow_cache(folder, config, first_seed=first_seed, num_clips=num_clips, shard_clips=shard_clips)


def _describe(config: ClipConfig, first_seed: int | None) -> dict[str, Any]:
    return {
        "cache": CACHE_VERSION,
        "generator": GENERATOR_VERSION,
        "clips": json.loads(json.dumps(dataclasses.asdict(config))),
        "first_seed": first_seed,
    }


def _check(folder: Path, wanted: dict[str, Any]) -> None:
    path = folder / "cache.json"
    if not path.is_file():
        raise InvalidFileError(f"'{folder}' is no cache of clips: it has no cache.json.", path=path)
    try:
        found = json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise InvalidFileError(f"'{path}' is not valid JSON ({error}); make the cache anew.", path=path) from error
    for name, value in wanted.items():
        if value is not None and found.get(name) != value:
            raise SchemaError(
                f"'{folder}' was made with {name} {found.get(name)}; this run needs {value}. "
                "Delete the folder, or name another, and the clips are made anew.",
                path=path,
            )
