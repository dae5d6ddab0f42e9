import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sim2art.errors import InvalidValueError
from sim2art.inference.checkpoint import load_checkpoint
from sim2art.train.config import PRESETS
from sim2art.train.data import iterate_batches


def _train(launcher: list[str], output: Path) -> dict[str, float]:
    program = [*launcher, "-m", "sim2art", "train", "--preset", "tiny", "--num-steps", "5", "--output", str(output)]
    done = subprocess.run(
        [sys.executable, *program],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (record,) = [json.loads(line) for line in (output / "log.jsonl").read_text().splitlines()]
    return record


def test_two_processes_under_torchrun_learn_what_one_does(tmp_path):
    alone = _train([], tmp_path / "alone")
    together = _train(["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"], tmp_path / "together")
    for name in ("mask", "empty", "score", "type", "total"):
        # bfloat16 rounds, and sums run in another order.
        assert together[name] == pytest.approx(alone[name], rel=5e-3, abs=1e-4)
    one = load_checkpoint(tmp_path / "alone" / "checkpoint")
    two = load_checkpoint(tmp_path / "together" / "checkpoint")
    for name, value in one.state_dict().items():
        assert (two.state_dict()[name] - value).abs().mean() < 2e-3, name


def test_a_batch_that_cannot_be_shared_equally_is_refused():
    with pytest.raises(InvalidValueError, match="multiple of 3"):
        next(iterate_batches(PRESETS["tiny"], 0, rank=0, num_ranks=3))
