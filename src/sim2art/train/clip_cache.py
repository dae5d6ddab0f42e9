"""Clips made once and kept on disk, so that each pass over one draws other points, noise and views of it.

A folder of shards, each one a NumPy file with a record a clip, in normalised coordinates. Of clips without noise flow is
not kept: the motions of the parts give it exactly. Of those with the noise of sensors it is. A shard appears when it is whole, so a run may learn from a cache while it still grows.
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
from sim2art.simulate.generate import GENERATOR_VERSION, ClipConfig, PixelDescriber
from sim2art.train.data import make_clip
from sim2art.train.examples import normalized_truth

logger = logging.getLogger(__name__)

MAX_PARTS = 12
"""Parts that are kept of a clip, the base included."""
CACHE_VERSION = 1
"""Changes whenever the same settings give other records."""
SHARD_CLIPS = 256
POINT_STEP = 1e-4
"""Normalised units of one count of a stored coordinate."""
BASE = -1
"""Parent of parts that hang on the static base."""


def record_type(config: ClipConfig, num_semantics: int = 0) -> np.dtype:
    """What is kept of a clip: (frame, point) arrays, then the moving parts, padded; part j + 1 is moving part j."""
    frames, points, parts = config.num_frames, config.num_points, MAX_PARTS - 1
    measured = [("flow", "<i2", (len(config.baselines), frames, points, 3))] if config.corruption == "real" else []
    seen = [("semantics", "<f2", (frames, points, num_semantics))] if num_semantics else []
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
            *measured,
            *seen,
        ]
    )


def make_record(clip: Clip, config: ClipConfig, num_semantics: int = 0) -> np.ndarray:
    """The record () of a clip."""
    normalization = fit_normalization(clip.video)
    truth = normalized_truth(clip, normalization)
    count = min(len(truth.axes), MAX_PARTS - 1)
    record = np.zeros((), record_type(config, num_semantics))
    points = normalization.apply(clip.video.points_world) * clip.video.valid[..., None]
    # A room behind the object may be far away: what lies past the range is as good as not seen.
    reach = np.iinfo(np.int16).max * POINT_STEP
    valid = clip.video.valid & (np.abs(points).max(axis=-1) < reach)
    record["points"] = np.round(np.where(valid[..., None], points, 0.0) / POINT_STEP)
    record["part_ids"] = np.minimum(clip.part_ids, MAX_PARTS - 1)
    record["valid"], record["flow_valid"] = valid, clip.video.flow_valid & valid
    if config.corruption == "real":
        flow = clip.video.flow_world / normalization.scale
        record["flow_valid"] &= np.abs(flow).max(axis=-1) < reach
        record["flow"] = np.round(np.where(record["flow_valid"][..., None], flow, 0.0) / POINT_STEP)
    if num_semantics:
        record["semantics"] = clip.video.features
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
    folder: Path,
    config: ClipConfig,
    *,
    first_seed: int,
    num_clips: int,
    shard_clips: int = SHARD_CLIPS,
    num_semantics: int = 0,
    describe: PixelDescriber | None = None,
) -> int:
    """Make the shards that are missing, in order; returns how many clips the folder then holds.

    Args:
        shard_clips: Clips a file.
        num_semantics: Semantic channels kept of each point.
        describe: What gives them; without it a cache with semantics cannot grow.

    Raises:
        InvalidValueError: When the clips would have white noise, which passes add, or semantics that nothing gives.
        SchemaError: When the folder holds clips of other settings or another version.
        InvalidFileError: When the disk is full; whole shards stay.
    """
    if config.corruption == "paper":
        raise InvalidValueError(
            "A cache keeps clips without white noise, which each pass adds anew; corruption is 'paper', not 'none' or 'real'."
        )
    folder.mkdir(parents=True, exist_ok=True)
    description = _describe(config, first_seed, num_semantics)
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
        if num_semantics and describe is None:
            raise InvalidValueError(
                f"'{path}' is missing, and nothing that gives {num_semantics} semantic channels is named."
            )
        clips = (make_clip(config, seed, describe=describe) for seed in range(begin, begin + shard_clips))
        records = np.stack([make_record(clip, config, num_semantics) for clip in clips])
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

    def __init__(
        self, folder: Path, config: ClipConfig, *, shard_clips: int = SHARD_CLIPS, num_semantics: int = 0
    ) -> None:
        """Open a cache that holds clips of these settings.

        Raises:
            InvalidFileError: When the folder holds no cache, or no clip yet.
            SchemaError: When it was made with other settings or by another version.
        """
        self.folder, self.shard_clips, self._type = folder, shard_clips, record_type(config, num_semantics)
        _check(folder, _describe(config, None, num_semantics))
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
                if shard.dtype != self._type or len(shard) != self.shard_clips:
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

    def __init__(self, folder: Path, config: ClipConfig, **facts: Any) -> None:
        """Start it; `facts` are those of `grow_cache`."""
        # A process of its own memory, not a fork: torch and numba have threads.
        self._process = multiprocessing.get_context("spawn").Process(
            target=_grow_quietly, args=(folder, config, facts), daemon=True
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


def _grow_quietly(folder: Path, config: ClipConfig, facts: dict[str, Any]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the run, which ends this process.
    os.nice(5)
    grow_cache(folder, config, **facts)


def _describe(config: ClipConfig, first_seed: int | None, num_semantics: int) -> dict[str, Any]:
    return {
        "cache": CACHE_VERSION,
        "generator": GENERATOR_VERSION,
        "clips": json.loads(json.dumps(dataclasses.asdict(config))),
        "first_seed": first_seed,
        **({"semantics": num_semantics} if num_semantics else {}),
    }


def _check(folder: Path, wanted: dict[str, Any]) -> None:
    path = folder / "cache.json"
    if not path.is_file():
        raise InvalidFileError(f"'{folder}' is no cache of clips: it has no cache.json.", path=path)
    try:
        found = json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise InvalidFileError(f"'{path}' is not valid JSON ({error}); make the cache anew.", path=path) from error
    for name in dict.fromkeys([*wanted, *found]):
        value = wanted.get(name)
        if found.get(name) != value and not (name == "first_seed" and value is None):
            raise SchemaError(
                f"'{folder}' was made with {name} {found.get(name)}; this run needs {value}. "
                "Delete the folder, or name another, and the clips are made anew.",
                path=path,
            )
