"""Share of each stage of the whole chain, in wall and CPU seconds, on one recording.

    python benchmarks/chain_stages.py [RECORDING] [--chain rgbd] [--frames 100] [--limit 60] [-- further options of the chain]

Without a recording one is rendered: a cabinet or another object of the test seeds, 640x480 px, with depth noise and
drifting poses. Everything is timed from opening the recording to the written result folder.
"""

import dataclasses
import logging
import sys
import tempfile
import time
from pathlib import Path
from typing import Literal

import tyro

from sim2art.dataset.splits import VALIDATION_SEEDS
from sim2art.perception.components import choose_components
from sim2art.perception.pipeline import ObserveOptions
from sim2art.provenance import collect_provenance
from sim2art.reconstruct import ReconstructOptions, reconstruct


class StageClock(logging.Handler):
    """Wall and CPU seconds between one finished stage and the next."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[tuple[str, float, float]] = []
        self.restart()

    def restart(self) -> None:
        """Begin to time."""
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def note(self, name: str) -> None:
        """End a stage."""
        wall, cpu = time.perf_counter(), time.process_time()
        self.rows.append((name, wall - self._wall, cpu - self._cpu))
        self._wall, self._cpu = wall, cpu

    def emit(self, record: logging.LogRecord) -> None:
        """The chain says a line at the end of each stage, its name first."""
        if isinstance(record.args, tuple) and record.args:
            self.note(str(record.args[0]))


def main(
    recording: tyro.conf.Positional[Path | None] = None,
    *,
    chain: Literal["rgbd", "light"] = "rgbd",
    depth: str | None = None,
    frames: int = 100,
    method: Literal["network", "flow_clustering"] = "network",
    limit: float | None = None,
) -> None:
    """Print the table.

    Args:
        recording: Anything that sim2art opens; none: rendered.
        chain: Named components; light leaves a recording's depth aside.
        depth: Another depth component than the chain's.
        frames: Of the rendered recording.
        method: What finds parts and joints.
        limit: Wall seconds; more is an error.
    """
    with tempfile.TemporaryDirectory() as folder:
        place = render(Path(folder) / "recording", frames) if recording is None else recording
        chosen = choose_components(chain, depth=depth)
        options = ReconstructOptions(observe=dataclasses.replace(ObserveOptions(), **chosen), method=method)
        clock, logger = StageClock(), logging.getLogger("sim2art.reconstruct")
        logger.addHandler(clock)
        logger.setLevel(logging.INFO)
        clock.restart()
        result = reconstruct(place, options)
        clock.note("assembly")
        result.save(Path(folder) / "result")
        clock.note("files and report")
    found = collect_provenance()
    wall, cpu = (sum(row[column] for row in clock.rows) for column in (1, 2))
    print(
        f"commit {found['commit']}, {found['machine']}, chain {chain}, {result.video.images.shape[2]} px wide, {method}"
    )
    print(f"{'stage':<24}{'wall s':>9}{'CPU s':>9}{'share of CPU':>14}")
    for name, row_wall, row_cpu in clock.rows:
        print(f"{name:<24}{row_wall:>9.1f}{row_cpu:>9.1f}{100 * row_cpu / max(cpu, 1e-9):>12.0f} %")
    print(f"{'all':<24}{wall:>9.1f}{cpu:>9.1f}")
    print(f"status {result.status.value}, {len(result.estimate.joints)} joint(s)")
    if limit is not None and wall > limit:
        sys.exit(f"More than {limit:.0f} s.")


def render(folder: Path, frames: int) -> Path:
    """A rendered recording as a capture folder."""
    from sim2art.simulate.recording_files import write_recording
    from sim2art.simulate.recordings import RecordingConfig, render_recording

    config = RecordingConfig(num_frames=frames, width=640, height=480, supersampling=1)
    write_recording(render_recording(config, next(iter(VALIDATION_SEEDS))), folder)
    return folder


if __name__ == "__main__":
    tyro.cli(main)
