"""`sim2art evaluate --set real-video --data FOLDER`: `sim2art run` on every clip of a folder, scored against drawings.

Each clip is a process of its own, so that one that fails or dies is a line of the table, and its processor time and
memory are its own. The folder's layout is `evaluate.real_video_files`.
"""

import json
import logging
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from sim2art.errors import InvalidValueError, SchemaError, Sim2ArtError
from sim2art.evaluate.predictions import differences
from sim2art.evaluate.real_video import score_missing, score_video
from sim2art.evaluate.real_video_files import RealClip, list_clips, read_found_result
from sim2art.evaluate.real_video_report import format_videos, videos_to_dict
from sim2art.evaluate.real_video_sheet import SheetEntry, write_sheet
from sim2art.provenance import collect_provenance
from sim2art.workers import LocalWorkers, last_words

logger = logging.getLogger(__name__)
RESULTS = "results"
"""Folder inside the output folder: one result folder a clip, with its log and its cost beside it."""
MAKER = "maker.json"


@dataclass(frozen=True, kw_only=True)
class RunCost:
    """How a clip's process ended and what it took."""

    code: int
    cpu_seconds: float
    peak_mib: float
    seconds: float


def evaluate_videos(
    folder: Path,
    *,
    output: Path | None,
    words: list[str],
    results: Path | None = None,
    only: tuple[str, ...] = (),
    workers: int = 1,
    resume: bool = False,
) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Run and score every clip; write the sheet of pictures.

    Args:
        output: Gets results, sheet and pictures; may be None when results are only scored again.
        words: Of the command line of each `sim2art run`.
        results: Folder of result folders that are there already: score those, run nothing.
        only: Names of clips to use; none: all.
        workers: Clips at a time.
        resume: Leave finished results in the output folder as they are.

    Returns:
        The table, its JSON values, and facts for the header.

    Raises:
        InvalidValueError: When there is nowhere to write to, or `only` names no clip of the set.
        SchemaError: When results are to be gone on with that other code or weights made.
    """
    clips = _choose(list_clips(folder), only)
    if results is None:
        if output is None:
            raise InvalidValueError("Set 'real-video' writes a result folder a clip: name a folder by --output.")
        results = output / RESULTS
        _begin(results, words, resume=resume)
        run_clips(clips, results, words, workers=workers)
    entries = [entry for clip in clips if (entry := score_entry(clip, results)) is not None]
    if not entries:
        raise InvalidValueError(
            f"{results} holds no result of the set's {len(clips)} clips; a folder {clips[0].name}/result.json is looked for."
        )
    scores = [entry.score for entry in entries]
    table = format_videos(scores)
    facts = _facts(clips, entries)
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        page = write_sheet(output, entries, "; ".join(f"{key}: {value}" for key, value in facts.items()), table)
        logger.info("Wrote %s", page)
    return table, videos_to_dict(scores), facts


def run_clips(clips: Sequence[RealClip], results: Path, flags: list[str], *, workers: int = 1) -> None:
    """`sim2art run` on each clip that has no finished result yet; `NAME.run.json` says how each ended."""
    waiting = [clip for clip in clips if clip.recording is not None and not _is_finished(results, clip.name)]
    local = LocalWorkers(workers)
    running: dict[str, subprocess.Popen[bytes]] = {}

    def run(clip: RealClip) -> None:
        start = time.monotonic()
        # Stages of a stopped attempt are used, and whatever it left half moved in is replaced.
        words = ["run", str(clip.recording), "-o", str(results / clip.name), "--chain", clip.chain, *flags]
        command = [sys.executable, "-m", "sim2art.cli.main", *words, "--resume", "--overwrite"]
        process = running[clip.name] = local.start(command, results / f"{clip.name}.log")
        _, status, usage = os.wait4(process.pid, 0)  # Popen's own wait tells no cost.
        process.returncode = os.waitstatus_to_exitcode(status)
        del running[clip.name]
        cost = RunCost(
            code=process.returncode,
            cpu_seconds=usage.ru_utime + usage.ru_stime,
            peak_mib=usage.ru_maxrss / 1024,
            seconds=time.monotonic() - start,
        )
        (results / f"{clip.name}.run.json").write_text(json.dumps(asdict(cost)))

    # One thread a process: processor seconds are those of one core, and several clips do not fight over the cores.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    with (
        ThreadPoolExecutor(workers) as pool,
        tqdm(total=len(waiting), desc="real-video", unit="clip", disable=not sys.stderr.isatty()) as bar,
    ):
        try:
            for _ in pool.map(run, waiting):
                bar.update()
        except BaseException:  # Ctrl-C: what ran goes on from its stages next time.
            pool.shutdown(wait=False, cancel_futures=True)
            for process in list(running.values()):
                process.terminate()
            raise


def score_entry(clip: RealClip, results: Path) -> SheetEntry | None:
    """A clip's score with what its picture needs; None when it was never run."""
    folder, cost = results / clip.name, _read_cost(results, clip.name)
    has_result = (folder / "result.json").is_file()
    if not has_result and cost is None and clip.recording is not None:
        return None
    result = None
    try:
        if clip.recording is None:
            raise InvalidValueError("the set holds no recording of this name")
        if not has_result:
            assert cost is not None
            raise InvalidValueError(last_words(results / f"{clip.name}.log", cost.code))
        result = read_found_result(folder)
        score = score_video(clip.name, clip.kind, clip.drawing, result)
    except Sim2ArtError as error:
        result = None
        score = score_missing(clip.name, clip.kind, clip.drawing, str(error))
    if cost is not None:
        score = replace(score, cpu_seconds=cost.cpu_seconds, peak_mib=cost.peak_mib)
    return SheetEntry(score=score, drawing=clip.drawing, folder=folder, result=result)


def _choose(clips: tuple[RealClip, ...], only: tuple[str, ...]) -> tuple[RealClip, ...]:
    known = [clip.name for clip in clips]
    unknown = sorted(set(only) - set(known))
    if unknown:
        raise InvalidValueError(f"--only {' '.join(unknown)}: no clip of the set; known: {', '.join(known)}.")
    return tuple(clip for clip in clips if not only or clip.name in only)


def _begin(results: Path, words: list[str], *, resume: bool) -> None:
    """Note what makes the results. Those that something else made are deleted, or refused when the run is to go on."""
    origin = collect_provenance()
    maker = {"sim2art": str(origin["sim2art"]), "commit": str(origin["commit"]), "options": " ".join(words)}
    path = results / MAKER
    found = differences(path, maker) if path.exists() else ""
    if resume and found:
        raise SchemaError(
            f"Results in {results} were made by something else ({found}). Pass --overwrite instead of --resume to begin "
            "again, or choose another folder.",
            path=path,
        )
    if not resume:
        shutil.rmtree(results, ignore_errors=True)
    results.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(maker, indent=2))


def _is_finished(results: Path, name: str) -> bool:
    cost = _read_cost(results, name)
    return cost is not None and cost.code == 0 and (results / name / "result.json").is_file()


def _read_cost(results: Path, name: str) -> RunCost | None:
    path = results / f"{name}.run.json"
    return RunCost(**json.loads(path.read_text())) if path.is_file() else None


def _facts(clips: Sequence[RealClip], entries: Sequence[SheetEntry]) -> dict[str, Any]:
    """The header: which clips, and which code made their results."""
    scored = {entry.score.clip for entry in entries}
    left_out = [clip.name for clip in clips if clip.name not in scored]
    makers = sorted({_commit_of(entry.folder) for entry in entries if entry.result is not None})
    words = f"{len(entries)} of {len(clips)}" + (f" (not run: {', '.join(left_out)})" if left_out else "")
    return {
        "scored": words,
        "made by commit": ", ".join(makers) or "none",
    }


def _commit_of(folder: Path) -> str:
    content = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    return str(content.get("provenance", {}).get("commit"))
