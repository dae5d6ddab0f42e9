"""Share of each stage of the whole chain, in wall and CPU seconds, and its peak memory, on recordings.

    python benchmarks/chain_stages.py [RECORDING ...] [--chain rgbd] [--frames 100] [--limit 60] [-- further options of the chain]

Without a recording one is rendered: a cabinet or another object of the test seeds, 640x480 px, with depth noise and
drifting poses. Everything is timed from opening the recording to the written result folder; each recording in a process of its own.
"""

import dataclasses
import logging
import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Literal

import tyro

from sim2art.dataset.splits import VALIDATION
from sim2art.perception.components import choose_components
from sim2art.perception.pipeline import ObserveOptions
from sim2art.provenance import collect_provenance
from sim2art.reconstruction.options import ReconstructOptions
from sim2art.reconstruction.reconstruct import reconstruct


def peak_memory() -> float:
    """Most memory that this process has held until now, GB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


class StageClock(logging.Handler):
    """Wall and CPU seconds between one finished stage and the next."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[tuple[str, float, float, float]] = []
        self.restart()

    def restart(self) -> None:
        """Begin to time."""
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def note(self, name: str) -> None:
        """End a stage."""
        wall, cpu = time.perf_counter(), time.process_time()
        self.rows.append((name, wall - self._wall, cpu - self._cpu, peak_memory()))
        self._wall, self._cpu = wall, cpu

    def emit(self, record: logging.LogRecord) -> None:
        """The chain says a line at the end of each stage, its name first."""
        if isinstance(record.args, tuple) and record.args:
            self.note(str(record.args[0]))


def main(
    recordings: tyro.conf.Positional[tuple[Path, ...]] = (),
    *,
    chain: Literal["rgbd", "light"] = "rgbd",
    depth: str | None = None,
    frames: int = 100,
    method: Literal["network", "flow_clustering"] = "network",
    limit: float | None = None,
    results: Path | None = None,
) -> None:
    """Print a table for each recording.

    Args:
        recordings: Anything that sim2art opens; none: one is rendered.
        chain: Named components; light leaves a recording's depth aside.
        depth: Another depth component than the chain's.
        frames: Of the rendered recording.
        method: What finds parts and joints.
        limit: Wall seconds; more is an error.
        results: Folder that keeps the result folders, by the recordings' names.
    """
    found = collect_provenance()
    print(f"commit {found['commit']}, {found['machine']}, chain {chain}, {method}")
    chosen = choose_components(chain, depth=depth)
    options = ReconstructOptions(observe=dataclasses.replace(ObserveOptions(), **chosen), method=method)
    slowest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for place in recordings or (render(Path(folder) / "recording", frames),):
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as own:
                kept = (results or Path(folder)) / place.stem
                lines, wall = own.submit(time_stages, place, options, kept).result()
            print("\n".join(lines), flush=True)
            slowest = max(slowest, wall)
    if limit is not None and slowest > limit:
        sys.exit(f"More than {limit:.0f} s.")


def time_stages(place: Path, options: ReconstructOptions, output: Path) -> tuple[list[str], float]:
    """Lines of the table of one recording, and wall seconds."""
    clock, logger = StageClock(), logging.getLogger("sim2art.reconstruction.clock")
    logger.addHandler(clock)
    logger.setLevel(logging.INFO)
    clock.restart()
    result = reconstruct(place, options)
    clock.note("assembly")
    result.save(output, overwrite=True)
    clock.note("files and report")
    wall, cpu = sum(row[1] for row in clock.rows), sum(row[2] for row in clock.rows)
    width, height = result.video.images.shape[2], result.video.images.shape[1]
    lines = [
        f"{place.name} at {width}x{height} px",
        f"{'stage':<24}{'wall s':>9}{'CPU s':>9}{'share of CPU':>14}{'peak GB':>9}",
    ]
    for name, row_wall, row_cpu, peak in clock.rows:
        lines.append(f"{name:<24}{row_wall:>9.1f}{row_cpu:>9.1f}{100 * row_cpu / max(cpu, 1e-9):>12.0f} %{peak:>9.2f}")
    lines.append(f"{'all':<24}{wall:>9.1f}{cpu:>9.1f}{'':>14}{peak_memory():>9.2f}")
    lines.append(f"status {result.status.value}, {len(result.estimate.joints)} joint(s)")
    return lines, wall


def render(folder: Path, frames: int) -> Path:
    """A rendered recording as a capture folder."""
    from sim2art.simulate.recording_files import write_recording
    from sim2art.simulate.recordings import RecordingConfig, render_recording

    config = RecordingConfig(num_frames=frames, width=640, height=480, supersampling=1)
    write_recording(render_recording(config, VALIDATION.start), folder)
    return folder


if __name__ == "__main__":
    tyro.cli(main)
