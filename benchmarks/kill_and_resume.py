"""`kill -9` at random moments: does the next call give the same bytes as a run that nothing disturbed?

    python benchmarks/kill_and_resume.py --seed 0 --moments 50 [--only run export]

Each job (a whole verb on a tiny input, or a viewer's save) first runs undisturbed in a child of this process. Then it is
killed at a moment: before one of its file operations, a few milliseconds after one, when a file may be half written, or at
any share of its CPU time. The second call, with `--resume` where the verb has it, must leave what the undisturbed one left:
every file, byte by byte, but for times, commands and numbers of attempts, which provenance and logs tell.
"""

import argparse
import hashlib
import io
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Before NumPy loads: children are forked, which threads do not survive.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_variable] = "1"

import cv2  # noqa: E402
import numpy as np  # noqa: E402

cv2.setNumThreads(1)

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.kill_jobs import JOBS, Job  # noqa: E402

_WRITES = os.O_WRONLY | os.O_RDWR
_AFTER = 0.004
"""Longest CPU time (s) between a file operation and the end, for the moments just after one."""
_MAX_SECONDS = 900


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One kill and what the next call made of it."""

    job: str
    when: str
    was_killed: bool
    """False where the job was done before the moment came."""
    trouble: str
    """Empty when the outcome is that of the undisturbed run."""


def try_moments(
    work: Path, *, seed: int, num: int, jobs: Sequence[str] = (), tell: Callable[[str], None] = print
) -> list[Moment]:
    """Kill the jobs in turn, `num` times together; the same seed gives the same moments.

    Args:
        work: Empty folder.
        seed: Of the moments.
        num: Of all jobs together.
        jobs: Only these; none means all.
        tell: Is told of each failure.
    """
    chosen = [job for job in JOBS if not jobs or job.name in jobs]
    for job in chosen:
        with redirect_stdout(io.StringIO()):
            job.warm_up(work / f"{job.name} warm")
    wholes = {job.name: _run_whole(job, work / f"{job.name} whole") for job in chosen}
    moments = []
    for number in range(num):
        job = chosen[number % len(chosen)]
        rng = np.random.default_rng([seed, number, *job.name.encode()])
        moment = _try_moment(job, wholes[job.name], work / f"{job.name} {number}", rng)
        if moment.trouble:
            tell(f"FAILED {job.name}, killed {moment.when}: {moment.trouble}")
        moments.append(moment)
        if sys.stderr.isatty():
            print(f"{number + 1} of {num}", end="\r", file=sys.stderr)
    return moments


def table(moments: Sequence[Moment]) -> str:
    """Counts by job."""
    lines = [f"{'job':<8} {'moments':>8} {'killed':>8} {'same':>8} {'different':>10}"]
    lines.append("-" * len(lines[0]))
    for name in (*dict.fromkeys(moment.job for moment in moments), "all"):
        own = [moment for moment in moments if name in (moment.job, "all")]
        counts = Counter(bool(moment.trouble) for moment in own)
        killed = sum(moment.was_killed for moment in own)
        lines.append(f"{name:<8} {len(own):>8} {killed:>8} {counts[False]:>8} {counts[True]:>10}")
    return "\n".join(lines)


@dataclass(frozen=True, kw_only=True)
class _Whole:
    """An undisturbed run."""

    files: dict[str, str]
    num_operations: int
    seconds: float
    """CPU."""


def _run_whole(job: Job, folder: Path) -> _Whole:
    job.prepare(folder)
    words, seconds = _in_child(job, folder, again=False, when=None)
    if words is None or not words.isdecimal():
        raise RuntimeError(f"The job '{job.name}' fails undisturbed: {words}")
    return _Whole(files=_digests(folder), num_operations=int(words), seconds=seconds)


def _try_moment(job: Job, whole: _Whole, folder: Path, rng: np.random.Generator) -> Moment:
    job.prepare(folder)
    kind = int(rng.integers(0, 3))
    operation = int(rng.integers(0, whole.num_operations)) if kind < 2 else None
    delay = (0.0, float(rng.uniform(0, _AFTER)), float(rng.uniform(0.02, 1.0)) * whole.seconds)[kind]
    place = "" if operation is None else f"file operation {operation} of {whole.num_operations}"
    when = (f"before {place}", f"{1000 * delay:.1f} ms after {place}", f"at {delay:.2f} of {whole.seconds:.2f} CPU s")[
        kind
    ]
    words, _ = _in_child(job, folder, again=False, when=(operation, delay))
    was_killed = words is None
    trouble = ""
    if was_killed:
        again, _ = _in_child(job, folder, again=True, when=None)
        if again is None or not again.isdecimal():
            trouble = f"the next call fails: {again}"
    elif not words.isdecimal():
        trouble = words
    if not trouble:
        found = _digests(folder)
        differing = sorted(
            name for name in whole.files.keys() | found.keys() if whole.files.get(name) != found.get(name)
        )
        trouble = f"other files than undisturbed: {differing[:6]}" if differing else ""
    shutil.rmtree(folder, ignore_errors=True)
    return Moment(job=job.name, when=when, was_killed=was_killed, trouble=trouble)


def _in_child(
    job: Job, folder: Path, *, again: bool, when: tuple[int | None, float] | None
) -> tuple[str | None, float]:
    """What a forked child said (its number of file operations, or an error), None when it was killed; and its CPU time.

    Args:
        job: What it does.
        folder: Where.
        again: Whether it is the second call.
        when: Position of a file operation (or none) and the CPU time after it, s, at which it is killed.
    """
    told = folder.with_name(f"{folder.name} told")
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        try:
            silence = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silence, 1)
            os.dup2(silence, 2)
            count = _watch(folder, when)
            job.use(folder, again)
            words = str(count())
        except BaseException:
            words = traceback.format_exc(limit=-4)
        told.write_text(words, errors="backslashreplace")
        os._exit(0)
    start = time.monotonic()
    while not (ended := os.wait4(child, os.WNOHANG))[0]:
        if time.monotonic() - start > _MAX_SECONDS:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.002)
    _, _, usage = ended
    job.settle()
    words = told.read_text() if told.is_file() else None
    told.unlink(missing_ok=True)
    return words, usage.ru_utime + usage.ru_stime


def _watch(folder: Path, when: tuple[int | None, float] | None) -> Callable[[], int]:
    """Count the file operations that change something in a folder, and end the process at a moment, without a word.

    A timer's signal ends a process as SIGKILL does: nothing catches it.
    """
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    root, own = str(folder), os.getpid()
    count = 0

    def see(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal count
        if event == "open":
            if not isinstance(arguments[0], str) or not arguments[2] & _WRITES:
                return
        elif event not in ("os.rename", "os.mkdir", "os.remove", "os.rmdir"):
            return
        if not str(arguments[0]).startswith(root) or os.getpid() != own:
            return
        if when is not None and when[0] == count:
            if when[1] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            signal.setitimer(signal.ITIMER_PROF, when[1])
        count += 1

    sys.addaudithook(see)
    if when is not None and when[0] is None:
        signal.setitimer(signal.ITIMER_PROF, when[1])
    return lambda: count


def _digests(folder: Path) -> dict[str, str]:
    """A digest of every file of the output, without times."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and path.name not in ("provenance.json", "log.jsonl") and path.suffix != ".log":
            found[name] = hashlib.sha256(_without_times(path)).hexdigest()
    return found


def _without_times(path: Path) -> bytes:
    content = path.read_bytes()
    if path.name == "report.html":
        return re.sub(rb"<details>.*?</details>", b"", content, flags=re.DOTALL)
    if path.name in ("result.json", "manifest.json"):
        values = json.loads(content)
        provenance = values.pop("provenance", {})
        values["edits"] = provenance.get("edits")
        for entry in values.get("entries", ()):
            entry.pop("seconds"), entry.pop("attempts"), entry.pop("recording")
        values.pop("source", None)
        return json.dumps(values, sort_keys=True).encode()
    return content


def main() -> None:
    """Print the table; exit code 1 when an outcome differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--moments", type=int, default=50)
    parser.add_argument("--only", nargs="*", default=(), choices=[job.name for job in JOBS])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="killed-") as temporary:
        moments = try_moments(Path(temporary), seed=options.seed, num=options.moments, jobs=options.only)
    print(table(moments))
    sys.exit(any(moment.trouble for moment in moments))


if __name__ == "__main__":
    main()
