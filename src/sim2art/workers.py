"""Where the processes of a batch run: on this machine, or on a Ray cluster whose machines share the file system."""

import ctypes
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from sim2art.errors import Sim2ArtError
from sim2art.optional import require

_PR_SET_PDEATHSIG = 1


@runtime_checkable
class Workers(Protocol):
    """Runs commands at the same time."""

    count: int
    """How many at a time."""

    def start(self, command: list[str], log: Path) -> Any:
        """Start a command with its output in a file; returns a handle."""
        ...

    def poll(self, handle: Any) -> int | None:
        """The exit code of a command, or None while it runs."""
        ...

    def stop(self, handle: Any) -> None:
        """End a command that runs."""
        ...


class LocalWorkers:
    """Processes on this machine. They end when this one does, so a killed batch leaves nobody at work in its folders."""

    def __init__(self, count: int) -> None:
        self.count = count

    def start(self, command: list[str], log: Path) -> subprocess.Popen[bytes]:
        """Start a command with its output in a file."""
        with log.open("wb") as file:
            # Its own session: Ctrl-C reaches this process alone, which then stops the others in order.
            return subprocess.Popen(
                command, stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            )  # fmt: skip

    def poll(self, handle: subprocess.Popen[bytes]) -> int | None:
        """The exit code, or None while it runs."""
        return handle.poll()

    def stop(self, handle: subprocess.Popen[bytes]) -> None:
        """Ask it to end, then make it."""
        handle.terminate()
        try:
            handle.wait(timeout=10)
        except subprocess.TimeoutExpired:
            handle.kill()
            handle.wait()


class RayWorkers:
    """Tasks of a Ray cluster; all its machines must see the recordings and the output folder under the same paths."""

    def __init__(self, address: str, count: int | None = None) -> None:
        """Connect.

        Args:
            address: Of the cluster, such as "auto" or "ray://host:10001"; "local" starts one on this machine.
            count: Tasks at a time; the cluster's number of CPUs when None.

        Raises:
            MissingPackageError: When ray is not installed.
            Sim2ArtError: When the cluster cannot be reached.
        """
        self._ray = require("ray", extra="ray")
        try:
            self._ray.init(address=address, ignore_reinit_error=True)
        except Exception as error:  # Of whatever kind: a node that does not come up in time is a bare Exception.
            raise Sim2ArtError(
                f"No Ray cluster answers at '{address}' ({error}). Start one with: ray start --head"
            ) from error
        self.count = count or max(1, int(self._ray.cluster_resources().get("CPU", 1)))
        self._task = self._ray.remote(run_command)

    def start(self, command: list[str], log: Path) -> Any:
        """Send a command to the cluster."""
        return self._task.remote(command, str(log.resolve()))

    def poll(self, handle: Any) -> int | None:
        """The exit code, or None while it runs; a lost machine counts as code 1."""
        ready, _ = self._ray.wait([handle], timeout=0)
        if not ready:
            return None
        try:
            return int(self._ray.get(handle))
        except self._ray.exceptions.RayError:
            return 1

    def stop(self, handle: Any) -> None:
        """Cancel a task."""
        self._ray.cancel(handle, force=True)


def run_command(command: list[str], log: str) -> int:
    """Run a command with its output in a file; returns its exit code."""
    with Path(log).open("wb") as file:
        return subprocess.run(
            command, stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            # A task that is cancelled takes its command along, or that would work on in its folder.
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        ).returncode  # fmt: skip


def _die_with_parent() -> None:
    """Ask Linux to end this child when its parent is gone."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def last_words(log: Path, code: int | None, limit: float | None = None) -> str:
    """What a failed attempt said last."""
    if limit is not None:
        return f"stopped after {limit:.0f} s, the time limit"
    try:
        lines = [
            line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()
        ]
    except OSError:
        lines = []
    said = next((line for line in reversed(lines) if line.startswith("sim2art run:")), lines[-1] if lines else "")
    died = (
        f"killed by signal {-code}" + (" (out of memory?)" if code == -9 else "")
        if code is not None and code < 0
        else ""
    )
    return died or said.removeprefix("sim2art run: ") or f"ended with code {code}"
