"""Sets of real recordings that are not part of sim2art: `sim2art evaluate --set real-tracks|door --data FOLDER`."""

import dataclasses
import json
import logging
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, assert_never

from sim2art.articulation.estimate import ArticulationEstimate
from sim2art.errors import InvalidFileError
from sim2art.evaluate.door import format_hinge_score, read_hinge_truth, score_hinge
from sim2art.evaluate.real_tracks import read_tracks
from sim2art.evaluate.real_tracks_report import format_tracks, score_tracks, tracks_to_dict
from sim2art.observation.point_video import PointVideo
from sim2art.provenance import collect_provenance
from sim2art.reconstruct import ReconstructOptions, reconstruct

RealSetName = Literal["real-tracks", "door"]
Methods = dict[str, Callable[[PointVideo], ArticulationEstimate]]
REAL_SCHEMA = "sim2art.real/1"
logger = logging.getLogger(__name__)


def evaluate_real(name: RealSetName, folder: Path, methods: Methods, *, output: Path | None) -> None:
    """Score methods on a set of real recordings; print the table, and write it where asked.

    Args:
        folder: real-tracks: holds MECHANISM/NAME.log files. door: holds a recording (rgbd/, or the folder itself)
            and its marker_truth.json.
        output: Gets report.txt and report.json.

    Raises:
        InvalidFileError: When the folder does not hold the set.
    """
    if not folder.is_dir():
        raise InvalidFileError(f"--data {folder} is no folder; set '{name}' is read from one.", path=folder)
    origin = collect_provenance()
    head = f"set {name}, commit {origin['commit']}, {origin['machine']}, {origin['time']}"
    match name:
        case "real-tracks":
            scores = score_tracks(read_tracks(folder), methods, clock=time.perf_counter)
            text, content = format_tracks(scores), tracks_to_dict(scores)
        case "door":
            text, content = _evaluate_door(folder, methods)
        case _:
            assert_never(name)
    print(f"{head}\n\n{text}")
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        (output / "report.txt").write_text(f"{head}\n\n{text}\n")
        facts = {"schema": REAL_SCHEMA, "set": name, "provenance": origin}
        (output / "report.json").write_text(json.dumps({**facts, **content}, indent=1, default=str))
        logger.info("Wrote %s", output / "report.json")


def _evaluate_door(folder: Path, methods: Methods) -> tuple[str, dict[str, Any]]:
    """The whole of `sim2art run` on the door with the first method; the others answer for the same observation."""
    truth = read_hinge_truth(folder / "marker_truth.json")
    recording = folder / "rgbd" if (folder / "rgbd").is_dir() else folder
    (first, predictor), *others = methods.items()
    start = time.perf_counter()
    result = reconstruct(recording, ReconstructOptions(), predictor=predictor)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    lines = [f"recording to model with {first}: {result.status.value}, {seconds:.1f} s, {peak:.0f} MiB at most"]
    lines += [f"  {words}" for words in (*result.reasons, *result.warnings)]
    estimates = {first: (result.estimate, result.timings["estimate"])}
    for name, method in others:
        start = time.perf_counter()
        estimates[name] = method(result.points), time.perf_counter() - start
    answers: dict[str, Any] = {}
    for name, (estimate, spent) in estimates.items():
        scores = score_hinge(estimate, result.points, result.frame_ids, truth)
        lines.append(f"{name}: {estimate.status.value}, {len(scores)} joint(s), {spent:.1f} s")
        lines += [f"  {words}" for words in estimate.reasons]
        lines += [f"  {format_hinge_score(score)}" for score in scores]
        answers[name] = {
            "status": estimate.status.value,
            "reasons": list(estimate.reasons),
            "seconds": spent,
            "joints": [dataclasses.asdict(score) for score in scores],
        }
    run = {"status": result.status.value, "seconds": seconds, "timings": result.timings, "memory_mib": peak}
    return "\n".join(lines), {"run": {**run, "warnings": list(result.warnings)}, "methods": answers}
