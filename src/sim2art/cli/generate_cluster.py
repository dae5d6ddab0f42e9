"""Files of a data set made by tasks of their own: each file is one command, and commands that die are started again."""

import logging
import sys
import tempfile
import time
from pathlib import Path

from tqdm import tqdm

from sim2art.errors import Sim2ArtError
from sim2art.workers import Workers

_LOG = logging.getLogger(__name__)
MAX_STARTS = 3
"""A file whose command failed this often is given up."""
POLL_SECONDS = 0.2


def run_shares(flags: list[str], num_shares: int, workers: Workers) -> None:
    """Run `sim2art generate FLAGS --shard k/num_shares` for every k, as many at a time as there are workers.

    Raises:
        Sim2ArtError: When a share failed `MAX_STARTS` times; the others are finished first.
    """
    starts = dict.fromkeys(range(num_shares), 0)
    waiting, running, given_up = list(starts), {}, {}
    with tempfile.TemporaryDirectory() as logs, tqdm(total=num_shares, unit="file", desc="generate") as progress:
        try:
            while waiting or running:
                while waiting and len(running) < workers.count:
                    share = waiting.pop(0)
                    starts[share] += 1
                    command = [sys.executable, "-m", "sim2art", "generate", *flags, "--shard", f"{share}/{num_shares}"]
                    running[share] = workers.start(command, Path(logs) / f"{share}.log")
                for share, handle in list(running.items()):
                    code = workers.poll(handle)
                    if code is None:
                        continue
                    del running[share]
                    if code == 0:
                        progress.update()
                    elif starts[share] < MAX_STARTS:
                        _LOG.warning("File %d ended with code %d and is started again", share, code)
                        waiting.append(share)
                    else:
                        given_up[share] = _last_line(Path(logs) / f"{share}.log")
                time.sleep(POLL_SECONDS)
        finally:
            for handle in running.values():
                workers.stop(handle)
    if given_up:
        share, words = next(iter(given_up.items()))
        raise Sim2ArtError(
            f"{len(given_up)} of {num_shares} files could not be made; file {share} said: {words} "
            "The others are there: the same command goes on with what is missing."
        )


def _last_line(log: Path) -> str:
    """What a command said last."""
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return lines[-1] if lines else "nothing."
