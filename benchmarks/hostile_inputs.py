"""Damaged inputs of every kind: does each end in one sentence or in a result, with nothing half written?

    python benchmarks/hostile_inputs.py --seed 0 --num 500 [--only "capture folder" result] [--keep FOLDER]

A small valid sample of every kind of input is written once. For each case a copy is damaged (`hostile_damage.py`) and read
in a child of this process, with limits on its CPU seconds and memory; a few cases are whole verbs. A case is
`read` (perhaps with warnings), `refused` (one of our errors, or the system's on a file, which the command line both turn
into a sentence and exit code 2) or a failure: another exception, a wrong exit code, a limit passed, something half written,
a file outside the folders it was given, or numbers taken in that are not finite.
"""

import argparse
import io
import os
import resource
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

# Before NumPy loads: children are forked, which threads do not survive.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_variable] = "1"

import cv2  # noqa: E402
import numpy as np  # noqa: E402

cv2.setNumThreads(1)

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.hostile_damage import ESCAPED, damage_one  # noqa: E402
from benchmarks.hostile_kinds import KINDS, Kind  # noqa: E402

_MAX_CPU = 60
"""CPU seconds of a case."""
_MAX_WALL = 600.0
_MAX_MEMORY = 3 * 2**30
"""Bytes that a case may take beyond what the process has."""
_SECONDS_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class Case:
    """One damaged input and what became of it."""

    kind: str
    number: int
    damage: str
    outcome: str
    """read, refused, or what failed."""
    words: str
    seconds: float
    """CPU."""

    @property
    def is_failure(self) -> bool:
        """Whether it ended as no input may end."""
        return self.outcome not in ("read", "refused")


def run_cases(
    samples: Path, work: Path, *, seed: int, num: int, kinds: Sequence[str] = (), tell: Callable[[str], None] = print
) -> list[Case]:
    """Damage and read `num` copies; the same seed gives the same cases, whichever kinds are asked for.

    Args:
        samples: From `write_samples`.
        work: Empty folder for the copies.
        seed: Of the damage.
        num: Cases of all kinds together, shared out by their weights.
        kinds: Only these; none means all.
        tell: Is told of each failure.
    """
    weights = np.array([kind.weight for kind in KINDS])
    shares = np.maximum(1, np.floor(num * weights / weights.sum())).astype(int)
    shares[: max(0, num - shares.sum())] += 1
    cases = []
    for kind, share in zip(KINDS, shares, strict=True):
        if kinds and kind.name not in kinds:
            continue
        for number in range(int(share)):
            rng = np.random.default_rng([seed, number, *kind.name.encode()])
            case = _run_case(kind, samples / kind.name, work / f"{kind.name} {number}", number, rng)
            if case.is_failure:
                tell(f"FAILED {kind.name} {number} ({case.damage}): {case.outcome}\n{case.words}")
            cases.append(case)
    return cases


def write_samples(folder: Path, kinds: Sequence[str] = ()) -> Path:
    """A valid input of each kind, each tried once, so that what is slow the first time is done before any fork."""
    for kind in KINDS:
        if kinds and kind.name not in kinds:
            continue
        (folder / kind.name).mkdir(parents=True)
        kind.write(folder / kind.name / "input")
        trial = folder / "trials" / kind.name
        shutil.copytree(folder / kind.name, trial)
        with redirect_stdout(io.StringIO()):
            trouble = kind.use(_place_of(trial), trial / "output")
        assert trouble is None, f"The sample of '{kind.name}' is not valid: {trouble}."
    shutil.rmtree(folder / "trials", ignore_errors=True)
    return folder


def table(cases: Sequence[Case]) -> str:
    """Counts by kind."""
    head = ("input", "cases", "read", "refused", "failed", "max CPU s")
    rows = [head]
    for name in dict.fromkeys(case.kind for case in cases):
        of_kind = [case for case in cases if case.kind == name]
        rows.append(_row(name, of_kind))
    rows.append(_row("all", cases))
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = [
        "  ".join(
            cell.ljust(width) if not i else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def _row(name: str, cases: Sequence[Case]) -> tuple[str, ...]:
    counts = Counter("failed" if case.is_failure else case.outcome for case in cases)
    most = max((case.seconds for case in cases), default=0.0)
    return (
        name,
        str(len(cases)),
        *(str(counts[x]) for x in ("read", "refused", "failed")),
        f"{most:.1f}",
    )


def _place_of(folder: Path) -> Path:
    """The input inside a sample's folder: it may have an ending."""
    return next(path for path in sorted(folder.iterdir()) if path.name.startswith("input"))


def _run_case(kind: Kind, sample: Path, work: Path, number: int, rng: np.random.Generator) -> Case:
    shutil.copytree(sample, work, symlinks=True)
    place = _place_of(work)
    damages = [damage_one(place, rng) for _ in range(1 if rng.random() < 0.8 else 2) if place.exists()]
    before = _tree(work)
    outcome, words, seconds = _in_child(kind, place, work / "output")
    escapes = [
        path for path in (work.parent / ESCAPED, work / ESCAPED, Path("/tmp") / f"sim2art_{ESCAPED}") if path.exists()
    ]
    if escapes:
        outcome, words = "left its folder", ", ".join(map(str, escapes))
    elif _tree(work) != before:
        outcome, words = "changed its input", ""
    shutil.rmtree(work, ignore_errors=True)
    return Case(
        kind=kind.name, number=number, damage="; ".join(damages), outcome=outcome, words=words, seconds=seconds
    )  # fmt: skip


def _tree(work: Path) -> dict[str, tuple[int, int]]:
    """Size and time of every file but the output's."""
    found = [path for path in work.rglob("*") if "output" not in path.relative_to(work).parts[:1]]
    return {str(path): (path.lstat().st_size, path.lstat().st_mtime_ns) for path in found if not path.is_dir()}


def _in_child(kind: Kind, place: Path, output: Path) -> tuple[str, str, float]:
    """Outcome, words and CPU seconds of one use, in a forked child under limits."""
    told = output.with_name("told.txt")
    sys.stdout.flush()
    start = time.monotonic()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            _limit()
            silence = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silence, 1)
            os.dup2(silence, 2)
            outcome, words = _use(kind, place, output)
            told.write_text(f"{outcome}\n{words}", errors="backslashreplace")
            code = 0
        finally:
            os._exit(code)
    while True:
        ended, status, usage = os.wait4(child, os.WNOHANG)
        if ended:
            break
        if time.monotonic() - start > _MAX_WALL:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.002)
    seconds = usage.ru_utime + usage.ru_stime
    if os.WIFSIGNALED(status):
        return f"killed by {signal.Signals(os.WTERMSIG(status)).name}", f"after {seconds:.1f} CPU s", seconds
    if not told.is_file():
        return "died without a word", f"exit code {os.waitstatus_to_exitcode(status)}", seconds
    outcome, _, words = told.read_text().partition("\n")
    told.unlink()
    if seconds > _SECONDS_SHOWN:
        outcome, words = "took long", f"{seconds:.1f} CPU s; {outcome}"
    return outcome, words, seconds


def _limit() -> None:
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + _MAX_MEMORY,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (_MAX_CPU, _MAX_CPU))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _use(kind: Kind, place: Path, output: Path) -> tuple[str, str]:
    from sim2art.errors import Sim2ArtError

    try:
        trouble = kind.use(place, output)
    except Sim2ArtError as error:
        return "refused", str(error)
    except OSError as error:
        if error.filename is not None:
            return "refused", str(error)
        return "traceback", traceback.format_exc(limit=-6)
    except BaseException:
        return "traceback", traceback.format_exc(limit=-6)
    return ("read", "") if trouble is None else (trouble if trouble == "refused" else "wrong", trouble)


def main() -> None:
    """Print the table; exit code 1 when a case failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--num", type=int, default=500)
    parser.add_argument("--only", nargs="*", default=(), choices=[kind.name for kind in KINDS])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hostile-") as temporary:
        samples = write_samples(Path(temporary) / "samples", options.only)
        cases = run_cases(samples, Path(temporary) / "work", seed=options.seed, num=options.num, kinds=options.only)
    print(table(cases))
    sys.exit(any(case.is_failure for case in cases))


if __name__ == "__main__":
    main()
