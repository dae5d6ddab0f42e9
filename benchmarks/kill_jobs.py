"""The jobs that `kill_and_resume.py` kills: how each is prepared, done, and done again.

Heavy imports stand inside the functions, as the parent sets its threads first. Inputs are those of the tests.
"""

import functools
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from benchmarks.hostile_kinds import write_result

_QUICK = ("--frames", "4", "--mask", "motion", "--method", "flow_clustering", "--no-refine")


@dataclass(frozen=True, kw_only=True)
class Job:
    """Something that writes files and may be killed."""

    name: str
    prepare: Callable[[Path], None]
    """Make a folder with what the job starts from."""
    use: Callable[[Path, bool], None]
    """Do it in that folder; the second time where the flag says so. Raises when it fails."""
    settle: Callable[[], None] = lambda: None
    """Wait until nothing of a killed job is alive."""
    forks_after_use: bool = True
    """Whether a process that did it can be forked; torch refuses to train in a fork of one that trained."""

    def warm_up(self, folder: Path) -> None:
        """Load and compile what it needs, before any fork."""
        _inputs()
        self.prepare(folder)
        if self.forks_after_use:
            self.use(folder, False)
        else:
            _clips()
            import_module("sim2art.train.loop")
        shutil.rmtree(folder)


@functools.cache
def _inputs() -> Path:
    """Two small recordings and two results of one object, written once."""
    from tests.perception.sliding_scene import render_scene, write_scene

    folder = Path(tempfile.mkdtemp(prefix="kill-inputs-"))
    for name, slide in (("one", 0.2), ("two", 0.0)):
        scene = render_scene(num_frames=5, width=80, height=60, camera_shift=0.05, slide=slide)
        write_scene(scene, folder / "recordings" / name)
    for name in ("result", "other"):
        (folder / name).mkdir()
        write_result(folder / name / "result")
    return folder


def _call(*words: str | Path) -> None:
    from sim2art.cli.main import main

    code = main([str(word) for word in words])
    if code:
        raise RuntimeError(f"sim2art {' '.join(map(str, words))}: exit code {code}")


def _run(folder: Path, again: bool) -> None:
    resume = ("--resume",) if again else ()
    _call("run", _inputs() / "recordings" / "one", "-o", folder / "out", *_QUICK, *resume)


def _batch(folder: Path, again: bool) -> None:
    from sim2art.cli.batch import run_batch
    from sim2art.cli.options import parse_options
    from sim2art.cli.run_options import RunOptions

    options = parse_options(RunOptions, ["-o", str(folder / "out"), *_QUICK], prog="sim2art run")
    run_batch(_inputs() / "recordings", options, workers=_Forks())


class _Forks:
    """Workers that are forks of the batch: they need not load everything anew, and end with it."""

    count = 1

    def start(self, command: list[str], log: Path) -> int:
        """Run the verb of a command in a fork."""
        from sim2art.cli.main import main
        from sim2art.workers import _die_with_parent

        child = os.fork()
        if child == 0:
            code = 1
            try:
                signal.setitimer(signal.ITIMER_PROF, 0)
                _die_with_parent()
                log.write_text("")
                code = main(command[command.index("run") :])
            finally:
                os._exit(code)
        return child

    def poll(self, handle: int) -> int | None:
        """The exit code, or None while it runs."""
        ended, status = os.waitpid(handle, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if ended else None

    def stop(self, handle: int) -> None:
        """Kill it."""
        os.kill(handle, signal.SIGKILL)
        os.waitpid(handle, 0)


@functools.cache
def _clips():
    from sim2art.articulation.joint import JointType
    from tests.point_clips import make_point_clip

    return [make_point_clip(list(JointType)[1 + i % 2], seed=i, num_frames=4, num_points=96) for i in range(2)]


def _train(folder: Path, again: bool) -> None:
    import dataclasses

    from sim2art.train.config import PRESETS
    from sim2art.train.loop import train

    config = dataclasses.replace(PRESETS["tiny"], num_steps=6, checkpoint_every=2, log_every=1, batch_size=2)
    train(config, folder / "out", resume=again, clips=_clips())


def _copy_result(folder: Path) -> None:
    shutil.copytree(_inputs() / "result", folder)


def _export(folder: Path, again: bool) -> None:
    _call("export", folder / "result", "--to", "urdf", "mjcf", "glb", "--hulls", "--no-check")


def _merge(folder: Path, again: bool) -> None:
    _call("merge", _inputs() / "result" / "result", _inputs() / "other" / "result", "-o", folder / "out")


def _save(folder: Path, again: bool) -> None:
    """What the viewer's Save does, on a result that has been exported before."""
    from sim2art.drafts import load_draft, save_draft
    from sim2art.view import edits

    place = folder / "result"
    save_draft(edits.rename_part(load_draft(place), 1, "door leaf"), place, origin=place, overwrite=True)


def _copy_exported(folder: Path) -> None:
    _copy_result(folder)
    _call("export", folder / "result", "--to", "urdf", "mjcf", "glb", "--hulls", "--no-check")


JOBS: tuple[Job, ...] = (
    Job(name="run", prepare=lambda folder: folder.mkdir(parents=True), use=_run),
    Job(name="batch", prepare=lambda folder: folder.mkdir(parents=True), use=_batch, settle=lambda: time.sleep(0.2)),
    Job(name="train", prepare=lambda folder: folder.mkdir(parents=True), use=_train, forks_after_use=False),
    Job(name="export", prepare=_copy_result, use=_export),
    Job(name="merge", prepare=lambda folder: folder.mkdir(parents=True), use=_merge),
    Job(name="save", prepare=_copy_exported, use=_save),
)
"""All jobs."""
