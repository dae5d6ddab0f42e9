import dataclasses
import json
import multiprocessing

import numpy as np
import pytest
import torch

from sim2art.articulation.joint import JointType
from sim2art.errors import InvalidFileError, OutputExistsError
from sim2art.inference.checkpoint import load_checkpoint
from sim2art.train import data, loop
from sim2art.train.config import PRESETS
from sim2art.train.loop import train
from tests.point_clips import make_point_clip


@pytest.fixture(scope="module")
def clips():
    return [make_point_clip(list(JointType)[1 + i % 2], seed=i, num_frames=6, num_points=192) for i in range(4)]


def _config(**changes):
    tiny = PRESETS["tiny"]
    return dataclasses.replace(
        tiny, **{"num_steps": 6, "checkpoint_every": 3, "log_every": 1, "batch_size": 4, **changes}
    )


def test_resume_equals_an_unbroken_run(tmp_path, clips):
    whole = train(_config(), tmp_path / "whole", clips=clips)
    # The schedule must not notice: the broken run has the same length and stops early.
    broken = tmp_path / "broken"
    _stop_after(3, _config(), broken, clips)
    resumed = train(_config(), broken, resume=True, clips=clips)
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], value, atol=0, rtol=0, msg=name)
    steps = [json.loads(line)["step"] for line in (broken / "log.jsonl").read_text().splitlines()]
    assert steps == [1, 2, 3, 4, 5, 6]


def test_a_record_is_the_mean_of_its_steps_after_a_resume_too(tmp_path, clips):
    train(_config(), tmp_path / "single", clips=clips)
    _stop_after(3, _config(log_every=2), tmp_path / "run", clips)
    train(_config(log_every=2), tmp_path / "run", resume=True, clips=clips)
    single, records = (
        [json.loads(line) for line in (tmp_path / name / "log.jsonl").read_text().splitlines()]
        for name in ("single", "run")
    )
    assert [x["step"] for x in records] == [2, 4, 6]
    losses = [x["total"] for x in single]
    # The first record after the resume covers one step only.
    expected = [np.mean(losses[:2]), losses[3], np.mean(losses[4:])]
    np.testing.assert_allclose([x["total"] for x in records], expected, atol=2e-4)


def test_a_worker_that_fails_ends_the_run_and_leaves_no_process_behind(tmp_path, clips, monkeypatch):
    def fail(*args):
        raise RuntimeError("nothing to learn from")

    monkeypatch.setattr(data, "make_judge_example", fail)
    with pytest.raises(RuntimeError, match="nothing to learn from"):
        train(_config(num_workers=1), tmp_path / "run", clips=clips)
    assert multiprocessing.active_children() == []


def _stop_after(steps, config, folder, clips):
    """Run and stop as SIGTERM would, after some steps."""
    calls = []
    original = loop.train_step

    def counted(*args):
        calls.append(1)
        if len(calls) == steps:
            import os
            import signal

            os.kill(os.getpid(), signal.SIGTERM)
        return original(*args)

    loop.train_step = counted
    try:
        train(config, folder, clips=clips)
    finally:
        loop.train_step = original


def test_a_folder_with_a_run_is_refused(tmp_path, clips):
    (tmp_path / "log.jsonl").write_text("")
    with pytest.raises(OutputExistsError, match="--resume"):
        train(_config(), tmp_path, clips=clips)


def test_checkpoint_gives_the_averaged_weights(tmp_path, clips):
    network = train(_config(num_steps=2), tmp_path / "run", clips=clips)
    loaded = load_checkpoint(tmp_path / "run" / "checkpoint")
    for name, value in network.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], value.half().float(), msg=name)


def test_a_run_can_begin_with_a_checkpoint_of_its_own_kind_only(tmp_path, clips):
    train(_config(num_steps=2), tmp_path / "first", clips=clips)
    trained = load_checkpoint(tmp_path / "first" / "checkpoint")
    begun = train(_config(num_steps=0), tmp_path / "second", start_from=tmp_path / "first" / "checkpoint", clips=clips)
    for name, value in trained.state_dict().items():
        torch.testing.assert_close(begun.state_dict()[name], value, msg=name)
    with pytest.raises(InvalidFileError, match="this run builds"):
        wider = dataclasses.replace(_config().judge, width=64)
        train(_config(judge=wider), tmp_path / "third", start_from=tmp_path / "first" / "checkpoint", clips=clips)


def test_a_run_that_fails_keeps_what_it_learned(tmp_path, clips, monkeypatch):
    original, calls = loop.train_step, []

    def failing(*args):
        calls.append(1)
        if len(calls) == 3:
            raise RuntimeError("a clip that cannot be made")
        return original(*args)

    monkeypatch.setattr(loop, "train_step", failing)
    with pytest.raises(RuntimeError, match="cannot be made"):
        train(_config(), tmp_path, clips=clips)
    monkeypatch.undo()
    assert (tmp_path / "state.safetensors").exists()
    train(_config(), tmp_path, resume=True, clips=clips)
    steps = [json.loads(line)["step"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert steps == [1, 2, 3, 4, 5, 6]


@pytest.mark.slow
def test_overfits_four_clips(tmp_path, clips):
    train(_config(num_steps=150, log_every=10, warmup_steps=10), tmp_path / "run", clips=clips)
    records = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert records[-1]["mask"] < 0.25 * records[0]["mask"]
    assert records[-1]["type"] < 0.1
