"""A batch goes through all recordings whatever happens to one, and goes on where it was stopped."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sim2art.cli.batch import BatchEntry, BatchError, describe_batch, find_recordings, run_batch
from sim2art.cli.main import main
from sim2art.cli.options import parse_options
from sim2art.cli.run_options import BatchOptions, InputOptions, OutputOptions, RunOptions
from sim2art.errors import InvalidFileError, MissingPackageError, OutputExistsError, SchemaError, Sim2ArtError
from sim2art.workers import LocalWorkers, RayWorkers, run_command

RESULT = {"status": "ok", "reasons": [], "joints": [{"type": "revolute"}]}


class PretendWorkers:
    """Ends each command at the next look: recordings whose name holds "bad" fail, "stop" is Ctrl-C."""

    count = 2

    def __init__(self) -> None:
        self.commands: list[list[str]] = []
        self.stopped: list[Any] = []

    def start(self, command: list[str], log: Path) -> Path:
        self.commands.append(command)
        output = Path(command[command.index("-o") + 1])
        log.write_text(
            "read\nsim2art run: the depth is damaged. Record it again.\n" if "bad" in output.name else "fine\n"
        )
        if "bad" not in output.name and "stop" not in output.name:
            output.mkdir(parents=True, exist_ok=True)
            (output / "result.json").write_text(json.dumps(RESULT))
        return output

    def poll(self, handle: Path) -> int | None:
        if "stop" in handle.name:
            raise KeyboardInterrupt
        return None if "slow" in handle.name else int("bad" in handle.name) * 2

    def stop(self, handle: Path) -> None:
        self.stopped.append(handle.name)


def make_recordings(folder: Path, *names: str) -> Path:
    for name in names:
        for kind in ("rgb", "depth"):
            (folder / name / kind).mkdir(parents=True)
    (folder / "notes.txt").write_text("no recording")
    return folder


def start(
    recordings: Path, output: Path, workers: Any, *, frames: int = 16, overwrite: bool = False,
    time_limit: float | None = None,
) -> list[BatchEntry]:  # fmt: skip
    options = RunOptions(
        input=InputOptions(frames=frames),
        output=OutputOptions(folder=output, overwrite=overwrite),
        batch=BatchOptions(batch=recordings, time_limit=time_limit),
    )
    return run_batch(recordings, options, workers=workers)


def read(output: Path) -> dict[str, Any]:
    content = json.loads((output / "manifest.json").read_text())
    return {entry["name"]: entry for entry in content["entries"]}


def test_one_that_fails_stops_no_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recordings = make_recordings(tmp_path / "in", "a", "bad", "c")
    with pytest.raises(BatchError, match=r"1 of 3 recordings failed \(bad\)"):
        start(recordings, tmp_path / "out", PretendWorkers(), frames=8)
    entries = read(tmp_path / "out")
    assert [entry["status"] for entry in entries.values()] == ["done", "failed", "done"]
    assert entries["bad"]["error"] == "the depth is damaged. Record it again."
    assert entries["a"]["result"]["joints"] == ["revolute"]
    table = capsys.readouterr().out
    assert "Left out, no recordings: notes.txt" in table
    assert "2 done, 1 failed" in table
    assert "the depth is damaged" in table


def test_a_second_start_tries_only_what_is_not_done(tmp_path: Path) -> None:
    recordings = make_recordings(tmp_path / "in", "a", "bad")
    with pytest.raises(BatchError):
        start(recordings, tmp_path / "out", PretendWorkers())
    make_recordings(recordings, "new")
    workers = PretendWorkers()
    with pytest.raises(BatchError):
        start(recordings, tmp_path / "out", workers)
    assert [Path(command[4]).name for command in workers.commands] == ["bad", "new"]
    assert read(tmp_path / "out")["bad"]["attempts"] == 2
    assert all({"--resume", "--overwrite"} <= set(command) for command in workers.commands)
    (tmp_path / "out" / "a" / "result.json").unlink()
    workers = PretendWorkers()
    with pytest.raises(BatchError):
        start(recordings, tmp_path / "out", workers)
    assert "a" in [Path(command[4]).name for command in workers.commands]


def test_a_batch_that_is_stopped_goes_on(tmp_path: Path) -> None:
    recordings = make_recordings(tmp_path / "in", "a", "b", "stop")
    workers = PretendWorkers()
    with pytest.raises(KeyboardInterrupt):
        start(recordings, tmp_path / "out", workers)
    entries = read(tmp_path / "out")
    assert entries["stop"]["status"] == "waiting"
    assert "stop" in workers.stopped
    shutil.rmtree(recordings / "stop")
    entries = start(recordings, tmp_path / "out", PretendWorkers())
    assert [entry.status for entry in entries] == ["done", "done"]


def test_a_recording_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    recordings = make_recordings(tmp_path / "in", "a", "slow")
    workers = PretendWorkers()
    with pytest.raises(BatchError):
        start(recordings, tmp_path / "out", workers, time_limit=0.3)
    assert workers.stopped == ["slow"]
    assert "time limit" in read(tmp_path / "out")["slow"]["error"]


def test_other_options_other_things_and_damage_are_refused(tmp_path: Path) -> None:
    recordings = make_recordings(tmp_path / "in", "a")
    output = tmp_path / "out"
    start(recordings, output, PretendWorkers())
    with pytest.raises(OutputExistsError, match=r"with other options \(frames\)"):
        start(recordings, output, PretendWorkers(), frames=8)
    start(recordings, output, PretendWorkers(), frames=8, overwrite=True)
    (output / "manifest.json").write_text('{"schema": "sim2art.batch/1"}')
    with pytest.raises(SchemaError, match="batch/1"):
        start(recordings, output, PretendWorkers())
    (output / "manifest.json").write_text("{")
    with pytest.raises(InvalidFileError, match="damaged"):
        start(recordings, output, PretendWorkers())
    (output / "manifest.json").unlink()
    with pytest.raises(OutputExistsError, match="not empty"):
        start(recordings, output, PretendWorkers())


def test_recordings_are_found_and_named_apart(tmp_path: Path) -> None:
    make_recordings(tmp_path, "door", ".hidden")
    (tmp_path / "door.mp4").write_bytes(b"")
    assert list(find_recordings(tmp_path)) == ["door", "door_2"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidFileError, match="holds no recording"):
        find_recordings(tmp_path / "empty")
    with pytest.raises(InvalidFileError, match="no folder"):
        find_recordings(tmp_path / "missing")


def test_every_run_gets_the_options_of_the_batch(tmp_path: Path) -> None:
    recordings, output = make_recordings(tmp_path / "in", "a"), tmp_path / "out"
    workers = PretendWorkers()
    start(recordings, output, workers, frames=8)
    (command,) = workers.commands
    given = parse_options(RunOptions, command[4:], prog="sim2art run")
    assert given.input == InputOptions(recording=recordings / "a", frames=8)
    assert given.output == OutputOptions(folder=output / "a", overwrite=True, resume=True)
    assert given.batch == BatchOptions()


def test_the_command_line_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "-o", str(tmp_path / "out")]) == 2
    assert "--batch" in capsys.readouterr().err
    assert main(["run", "x", "--batch", str(tmp_path), "-o", str(tmp_path / "out")]) == 2
    assert main(["run", "--batch", str(tmp_path), "-o", str(tmp_path / "out"), "--jobs", "0"]) == 2


def test_a_table_of_nothing_done_is_fine() -> None:
    assert "recording" in describe_batch([])


def test_local_workers_tell_how_a_command_ended(tmp_path: Path) -> None:
    workers = LocalWorkers(1)
    handle = workers.start([sys.executable, "-c", "print('hello'); raise SystemExit(3)"], tmp_path / "log")
    while workers.poll(handle) is None:
        time.sleep(0.02)
    assert workers.poll(handle) == 3
    assert (tmp_path / "log").read_text() == "hello\n"
    handle = workers.start([sys.executable, "-c", "import time; time.sleep(60)"], tmp_path / "log")
    workers.stop(handle)
    assert workers.poll(handle) == -signal.SIGTERM
    assert run_command([sys.executable, "-c", "raise SystemExit(4)"], str(tmp_path / "log")) == 4


@pytest.mark.skipif(sys.platform != "linux", reason="a promise for Linux")
def test_workers_end_with_a_batch_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time, pathlib; from sim2art.workers import LocalWorkers\n"
        "h = LocalWorkers(1).start([sys.executable, '-c', 'import time; time.sleep(60)'], pathlib.Path(sys.argv[1]))\n"
        "print(h.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "log")], stdout=subprocess.PIPE) as batch:
        assert batch.stdout is not None
        worker = int(batch.stdout.readline())
        batch.kill()
    for _ in range(100):
        try:
            state = Path(f"/proc/{worker}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            return
        if state == "Z":
            return
        time.sleep(0.05)
    os.kill(worker, signal.SIGKILL)
    pytest.fail("the worker outlived its batch")


def test_ray_is_asked_only_when_wanted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class PretendRay(ModuleType):
        """Runs a task when it is asked for."""

        class exceptions:
            RayError = ZeroDivisionError

        def init(self, *, address: str, ignore_reinit_error: bool) -> None:
            if address == "nowhere":
                raise ConnectionError("refused")
            if address == "late":
                raise Exception("the node timed out during startup")

        def cluster_resources(self) -> dict[str, float]:
            return {"CPU": 3.0}

        def remote(self, function: Any) -> Any:
            return type("Task", (), {"remote": staticmethod(lambda *words: (function, words))})

        def wait(self, handles: list[Any], *, timeout: float) -> tuple[list[Any], list[Any]]:
            return handles, []

        def get(self, handle: Any) -> int:
            return handle[0](*handle[1])

        def cancel(self, handle: Any, *, force: bool) -> None:
            pass

    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingPackageError, match="ray"):
        RayWorkers("auto")
    monkeypatch.setitem(sys.modules, "ray", PretendRay("ray"))
    workers = RayWorkers("auto")
    assert workers.count == 3
    handle = workers.start([sys.executable, "-c", "raise SystemExit(5)"], tmp_path / "log")
    assert workers.poll(handle) == 5
    workers.stop(handle)
    for address in ("nowhere", "late"):
        with pytest.raises(Sim2ArtError, match="No Ray cluster"):
            RayWorkers(address)


class ShortTasks(RayWorkers):
    """Tasks of a real Ray that write a result at once; Ctrl-C comes at a look after `looks` of them."""

    looks: int | None = None

    def start(self, command: list[str], log: Path) -> Any:
        output = Path(command[command.index("-o") + 1])
        script = f"import pathlib; p = pathlib.Path({str(output)!r}); p.mkdir(parents=True, exist_ok=True); "
        script += f"(p / 'result.json').write_text({json.dumps(RESULT)!r})"
        return super().start([sys.executable, "-c", script], log)

    def poll(self, handle: Any) -> int | None:
        code = super().poll(handle)
        if code is not None and self.looks is not None:
            self.looks -= 1
            if self.looks < 0:
                raise KeyboardInterrupt
        return code


def wait_for(true: Any, seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.slow
def test_a_real_local_ray_runs_cancels_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray", reason="extra 'ray' is not installed")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    try:
        workers = ShortTasks("local", 1)
    except Sim2ArtError as error:  # Its own processes have fixed times to come up, which a busy machine may exceed.
        pytest.skip(f"Ray does not start here: {error}")
    try:
        plain = super(ShortTasks, workers)
        handle = plain.start([sys.executable, "-c", "print('hello'); raise SystemExit(5)"], tmp_path / "log")
        wait_for(lambda: plain.poll(handle) is not None)
        assert plain.poll(handle) == 5
        assert (tmp_path / "log").read_text() == "hello\n"

        place = tmp_path / "pid"
        sleeper = (
            f"import os, pathlib, time; pathlib.Path({str(place)!r}).write_text(str(os.getpid())); time.sleep(600)"
        )
        handle = plain.start([sys.executable, "-c", sleeper], tmp_path / "log_2")
        wait_for(lambda: place.is_file() and place.read_text())
        workers.stop(handle)
        wait_for(lambda: not Path(f"/proc/{place.read_text()}").exists())
        wait_for(lambda: plain.poll(handle) is not None)  # Ray hears of it a moment later.
        assert plain.poll(handle) == 1

        recordings = make_recordings(tmp_path / "in", "a", "b", "c")
        workers.looks = 1
        with pytest.raises(KeyboardInterrupt):
            start(recordings, tmp_path / "out", workers)
        before = [entry["status"] for entry in read(tmp_path / "out").values()]
        assert "done" in before
        assert "waiting" in before
        workers.looks = None
        entries = start(recordings, tmp_path / "out", workers)
        assert [entry.status for entry in entries] == ["done"] * 3
        assert entries[before.index("done")].attempts == 1
    finally:
        ray.shutdown()


@pytest.mark.slow
def test_a_real_batch_with_a_broken_recording(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.perception.sliding_scene import render_scene, write_scene

    write_scene(render_scene(num_frames=6, width=120, height=90), tmp_path / "in" / "good")
    make_recordings(tmp_path / "in", "broken")
    words = ["run", "--batch", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--frames", "4", "--mask", "motion",
             "--method", "flow_clustering"]  # fmt: skip
    assert main(words) == 2
    entries = read(tmp_path / "out")
    assert entries["good"]["status"] == "done"
    assert "camera.json" in entries["broken"]["error"]
    assert (tmp_path / "out" / "good" / "report.html").is_file()
