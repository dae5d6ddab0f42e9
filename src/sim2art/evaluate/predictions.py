"""Estimates on disk, so that a method runs once and can be scored again. One folder holds one run, of one config."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sim2art.articulation.estimate import ArticulationEstimate
from sim2art.articulation.estimate_io import estimate_from_arrays, estimate_to_arrays
from sim2art.dataset.clip import Clip
from sim2art.errors import DAMAGED, InvalidFileError, SchemaError

PREDICTION_SCHEMA = "sim2art.predictions/1"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a method made of a clip."""

    estimate: ArticulationEstimate
    seconds: float | None = None
    """Time it took; None in files of earlier versions."""


@dataclass(frozen=True, kw_only=True)
class PredictionStore:
    """A folder `METHOD/FAMILY_SEED.npz` with the config of its run in `config.json`."""

    folder: Path
    config: dict[str, Any]
    """What decides the clips: set, corruption, sizes. Plain JSON values."""

    def open(self) -> "PredictionStore":
        """Create the folder, or check that it belongs to the same config.

        Raises:
            SchemaError: When the folder holds estimates of another config.
        """
        path = self.folder / "config.json"
        ours = {"schema": PREDICTION_SCHEMA, **json.loads(json.dumps(self.config))}
        if path.exists():
            listed = differences(path, ours)
            if listed:
                raise SchemaError(
                    f"Estimates in {self.folder} come from another config ({listed}). Score them with their own, "
                    "or choose another folder.",
                    path=path,
                )
        else:
            self.folder.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(ours, indent=2))
        return self

    def begin(self, maker: dict[str, str], *, resume: bool = False) -> "PredictionStore":
        """Note what makes the estimates: code and weights. Those that something else made are deleted, or refused.

        Raises:
            SchemaError: When others are there and the run is to go on from them.
        """
        path = self.folder / "maker.json"
        others = list(self.folder.glob("*/*.npz"))
        listed = differences(path, maker) if path.exists() else "it is not noted what made them"
        if listed and others and resume:
            raise SchemaError(
                f"Estimates in {self.folder} were made by something else ({listed}). Pass --overwrite instead of "
                "--resume to begin again, or choose another folder.",
                path=path,
            )
        if listed:
            for other in others:
                other.unlink()
            path.write_text(json.dumps(maker, indent=2))
        return self

    def path_of(self, method: str, clip: Clip) -> Path:
        """Where the estimate of a clip lies."""
        return self.folder / method / f"{clip.provenance.get('family', 'unknown')}_{clip.provenance.get('seed', 0)}.npz"

    def write(self, method: str, clip: Clip, answer: Answer) -> None:
        """Keep one estimate."""
        path = self.path_of(method, clip)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_answer(path, answer)

    def holds(self, method: str, clip: Clip) -> bool:
        """Whether there is an estimate of this clip."""
        return self.path_of(method, clip).exists()

    def read(self, method: str, clip: Clip) -> Answer:
        """The estimate of a clip; errors as of `read_answer`."""
        return read_answer(self.path_of(method, clip))


def differences(path: Path, ours: dict[str, Any]) -> str:
    """Where the facts in a JSON file are not ours, in words."""
    theirs = json.loads(path.read_text())
    different = sorted(key for key in {*ours, *theirs} if ours.get(key) != theirs.get(key))
    return ", ".join(f"{key}: {theirs.get(key)!r} there, {ours.get(key)!r} here" for key in different)


def write_answer(path: Path, answer: Answer) -> None:
    """Write an estimate as a compressed `.npz`; probabilities are kept to 1/255."""
    estimate = answer.estimate
    arrays, facts = estimate_to_arrays(estimate)
    probabilities = arrays.pop("part_probabilities")
    temporary = path.with_suffix(".tmp.npz")
    np.savez_compressed(
        temporary,
        facts=np.array(json.dumps({"schema": PREDICTION_SCHEMA, "seconds": answer.seconds, **facts})),
        probabilities=np.round(probabilities * 255).astype(np.uint8),
        # The likeliest part is stored beside the rounded probabilities: rounding must not change a score by a tie.
        part_ids=estimate.part_ids.astype(np.uint16),
        allow_pickle=False,
        **arrays,
    )
    temporary.replace(path)


def read_answer(path: Path) -> Answer:
    """Read what `write_answer` wrote.

    Raises:
        InvalidFileError: When the file is missing or damaged.
        SchemaError: When another version wrote it.
    """
    try:
        with np.load(path) as stored:
            arrays = {name: stored[name] for name in stored.files}
        facts = json.loads(str(arrays["facts"]))
        probabilities = arrays["probabilities"].astype(np.float64)
        part_ids = arrays["part_ids"].astype(np.int64)
    except DAMAGED as error:
        raise InvalidFileError(f"{path} is no readable estimate ({error}); run the method again.", path=path) from error
    schema = facts.get("schema") if isinstance(facts, dict) else None
    if schema != PREDICTION_SCHEMA:
        raise SchemaError(f"{path} has schema {schema!r}; {PREDICTION_SCHEMA!r} is needed.", path=path)
    try:
        np.put_along_axis(probabilities, part_ids[..., None], probabilities.max(axis=-1, keepdims=True) + 0.5, axis=-1)
        probabilities /= probabilities.sum(axis=-1, keepdims=True)
        estimate = estimate_from_arrays({**arrays, "part_probabilities": probabilities}, facts)
    except DAMAGED as error:
        raise InvalidFileError(f"{path} is damaged ({error}); run the method again.", path=path) from error
    return Answer(estimate=estimate, seconds=facts.get("seconds"))
