"""Sets of real recordings that are not part of sim2art: `sim2art evaluate --set real-tracks|door|real-video --data FOLDER`."""

import dataclasses
import json
import logging
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, assert_never, get_args

from sim2art.articulation.estimate import ArticulationEstimate
from sim2art.errors import InvalidFileError, InvalidValueError
from sim2art.evaluate.comparison import REAL_SCHEMA
from sim2art.evaluate.door import format_hinge_score, read_hinge_truth, score_hinge
from sim2art.evaluate.real_tracks import read_tracks
from sim2art.evaluate.real_tracks_report import format_tracks, score_tracks, tracks_to_dict
from sim2art.evaluate.report import format_header
from sim2art.observation.point_video import PointVideo
from sim2art.provenance import collect_provenance
from sim2art.reconstruction.options import ReconstructOptions
from sim2art.reconstruction.reconstruct import reconstruct
from sim2art.sets.oracles import OracleName
from sim2art.sets.real_video import evaluate_videos

RealSetName = Literal["real-tracks", "door", "real-video"]
Methods = dict[str, Callable[[PointVideo], ArticulationEstimate]]
logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class RealRun:
    """What is asked of a set of real recordings."""

    name: RealSetName
    folder: Path | None
    """real-tracks: holds MECHANISM/NAME.log files. door: holds a recording (rgbd/, or the folder itself) and its
    marker_truth.json. real-video: see `evaluate.real_video_files`."""
    methods: tuple[str, ...]
    """real-video uses the first alone."""
    checkpoint: Path | None = None
    refine: bool = True
    output: Path | None = None
    """Gets report.txt and report.json, and what a set has beside them."""
    results: Path | None = None
    """real-video: result folders that are scored again."""
    only: tuple[str, ...] = ()
    """real-video: names of clips."""
    workers: int = 1
    resume: bool = False

    @property
    def words(self) -> list[str]:
        """Of the command line of `sim2art run` on each clip of real-video."""
        words = [] if self.methods[0] == "image_joints" else ["--method", self.methods[0]]
        words += [] if self.checkpoint is None else ["--checkpoint", str(self.checkpoint)]
        return words + ([] if self.refine else ["--no-refine"])


def evaluate_real(run: RealRun, load_methods: Callable[[], Methods]) -> None:
    """Score methods on a set of real recordings; print the table, and write it where asked.

    Raises:
        InvalidFileError: When the folder does not hold the set.
        InvalidValueError: When the set cannot do what is asked.
    """
    folder = _check(run)
    origin = collect_provenance()
    # Whoever works on sim2art works on these recordings: nothing of them is sealed.
    facts: dict[str, Any] = {"set": run.name, "half": "tune"}
    match run.name:
        case "real-tracks":
            scores = score_tracks(read_tracks(folder), load_methods(), clock=time.perf_counter)
            text, content = format_tracks(scores), tracks_to_dict(scores)
        case "door":
            text, content = _evaluate_door(folder, load_methods())
        case "real-video":
            text, content, found = evaluate_videos(
                folder, output=run.output, words=run.words, results=run.results, only=run.only, workers=run.workers,
                resume=run.resume,
            )  # fmt: skip
            facts |= {"method": run.methods[0], **found}
        case _:
            assert_never(run.name)
    facts |= {
        "checkpoint": str(run.checkpoint or "shipped") if "network" in run.methods and run.results is None else None,
        "commit": origin["commit"],
        "machine": origin["machine"],
        "time": origin["time"],
    }
    head = format_header(facts)
    print(f"{head}\n\n{text}")
    if run.output is not None:
        output = run.output
        output.mkdir(parents=True, exist_ok=True)
        (output / "report.txt").write_text(f"{head}\n\n{text}\n")
        own = {"schema": REAL_SCHEMA, **facts, "provenance": origin}
        (output / "report.json").write_text(json.dumps({**own, **content}, indent=1, default=str))
        logger.info("Wrote %s", output / "report.json")


def _check(run: RealRun) -> Path:
    """The folder of the set; what cannot be done is said."""
    if run.folder is None:
        raise InvalidValueError(f"Set '{run.name}' is not part of sim2art: name its folder by --data.")
    if not run.folder.is_dir():
        raise InvalidFileError(f"--data {run.folder} is no folder; set '{run.name}' is read from one.", path=run.folder)
    oracles = [name for name in run.methods if name in get_args(OracleName)]
    if oracles:
        raise InvalidValueError(f"--methods {' '.join(oracles)}: set '{run.name}' has no true parts to give them.")
    if run.name != "real-video" and (run.resume or run.results or run.only):
        raise InvalidValueError(
            f"--resume, --estimates and --only are not for set '{run.name}', which takes a minute and keeps no estimates."
        )
    return run.folder


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
