"""One thread where several only wait for each other, unless the user says otherwise."""

import os
import subprocess
import sys

import pytest
import torch

from sim2art.cli.threads import ONE_THREAD, set_threads
from sim2art.perception.features.torch_images import on_all_cores


def test_a_run_asks_for_one_thread_and_training_for_none() -> None:
    environment: dict[str, str] = {}
    set_threads("run", environment)
    assert environment["OMP_NUM_THREADS"] == environment["OPENBLAS_NUM_THREADS"] == environment[ONE_THREAD] == "1"
    trained: dict[str, str] = {}
    set_threads("train", trained)
    assert trained == {}


@pytest.mark.parametrize("variable", ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"])
def test_what_the_user_asked_for_is_left_alone(variable: str) -> None:
    environment = {variable: "3"}
    set_threads("run", environment)
    assert environment == {variable: "3"}


def test_the_command_line_asks_before_the_libraries_load() -> None:
    script = "from sim2art.cli.main import main; main(['doctor', '--task', 'flow']); import torch; print(torch.get_num_threads())"
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    environment.pop(ONE_THREAD, None)
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
    assert run.stdout.split()[-1] == "1"


def test_networks_on_images_use_every_core_where_the_command_line_chose(monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_num_threads()
    monkeypatch.delenv(ONE_THREAD, raising=False)
    with on_all_cores():
        assert torch.get_num_threads() == before
    monkeypatch.setenv(ONE_THREAD, "1")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    with on_all_cores():
        assert torch.get_num_threads() == 3
    assert torch.get_num_threads() == before
