"""How long the pages of a result take: writing the report, starting the viewer, loading it in Chromium, and its memory.

    python benchmarks/export_pages.py out/demo [--points 1000000]

Prints seconds on the clock and of computing (a busy machine stretches the first only), the report's size, and the memory of
an idle viewer of a result with that many sampled points, made from the given one.
"""

import dataclasses
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import numpy as np
import tyro

from sim2art.drafts import load_draft
from sim2art.observation.point_video import PointVideo
from sim2art.observation.video_files import write_points
from sim2art.optional import require
from sim2art.provenance import collect_provenance
from sim2art.view.draft import Draft
from sim2art.view.report import Report, write_report

FLAGS = "--headless --no-sandbox --disable-gpu --no-first-run --use-gl=angle --use-angle=swiftshader --enable-unsafe-swiftshader"


def main(folder: tyro.conf.Positional[Path], *, points: int = 1_000_000, browser: bool = True) -> None:
    """Measure, print.

    Args:
        folder: A result with its frames and points.
        points: Of the large result whose viewer's memory is measured.
        browser: Load the page in Chromium too.
    """
    draft = load_draft(folder)
    faces = sum(0 if mesh is None else len(mesh.faces) for mesh in draft.meshes)
    print(f"{draft.num_parts} parts, {faces} faces, {len(draft.frame_ids)} frames")
    with tempfile.TemporaryDirectory() as name:
        _measure_report(draft, Path(name) / "report.html")
        _measure_viewer(folder, "viewer", browser=browser)
        large = Path(name) / "large"
        shutil.copytree(folder, large)
        assert draft.points is not None
        many = _with_more_points(draft.points, points)
        repeats = many.num_points // draft.points.num_points
        write_points(large / "points.npz", many, np.tile(draft.estimate.part_probabilities, (1, repeats, 1)))
        _measure_viewer(large, f"viewer of {many.num_frames * many.num_points} points", browser=False)
    facts = collect_provenance()
    print(f"{facts['machine']}; commit {facts['commit']}")


def _measure_report(draft: Draft, path: Path) -> None:
    assert draft.video is not None and draft.labels is not None
    clock, computing = time.perf_counter(), time.process_time()
    report = Report(
        video=draft.video,
        labels=draft.labels,
        estimate=draft.estimate,
        articulated_object=draft.articulated_object,
        frame_ids=draft.frame_ids,
        status=draft.estimate.status,
    )
    write_report(path, report)
    taken = time.perf_counter() - clock, time.process_time() - computing
    print(f"report: {taken[0]:.1f} s, {taken[1]:.1f} s of computing, {path.stat().st_size / 1e6:.2f} MB")


def _measure_viewer(folder: Path, words: str, *, browser: bool) -> None:
    """Start the viewer as a person would, wait until it answers, look at its memory, load its page."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "sim2art", "view", str(folder), "--port", "auto"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as viewer:
        try:
            assert viewer.stdout is not None
            found = re.search(r"http://\S+", viewer.stdout.readline())
            assert found is not None
            with urllib.request.urlopen(found.group(), timeout=120) as answer:
                answer.read()
            clock, computing = time.perf_counter() - start, _computing_of(viewer.pid)
            print(f"{words}: starts in {clock:.1f} s, {computing:.1f} s of computing; {_memory_of(viewer.pid):.0f} MB")
            if browser:
                _load(found.group())
        finally:
            viewer.terminate()


def _load(address: str) -> None:
    """Time until the page shows its controls."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("page: no Chromium here")
        return
    play = require("playwright.sync_api", extra="dev")
    with play.sync_playwright() as started, tempfile.TemporaryDirectory() as profile:
        context = started.chromium.launch_persistent_context(
            profile, executable_path=chromium, headless=True, args=FLAGS.split()
        )
        page = context.new_page()
        page.set_default_timeout(600_000)
        before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        page.goto(address)
        page.get_by_text("Joints", exact=True).first.wait_for()
        print(f"page: loads in {time.perf_counter() - before[0]:.1f} s")
        context.close()


def _computing_of(pid: int) -> float:
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / 100.0


def _memory_of(pid: int) -> float:
    """Resident memory of a process, MB."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return 0.0 if found is None else int(found.group(1)) / 1024


def _with_more_points(video: PointVideo, count: int) -> PointVideo:
    """The same points several times over, at least `count` over all frames."""
    repeats = -(-count // (video.num_frames * video.num_points))
    return dataclasses.replace(
        video,
        points_world=np.tile(video.points_world, (1, repeats, 1)),
        valid=np.tile(video.valid, (1, repeats)),
        pixels=np.tile(video.pixels, (1, repeats, 1)),
        flow_world=np.tile(video.flow_world, (1, 1, repeats, 1)),
        flow_valid=np.tile(video.flow_valid, (1, 1, repeats)),
        features=None,
    )


if __name__ == "__main__":
    tyro.cli(main)
