import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from sim2art.cli import generate_cluster
from sim2art.cli.generate import GenerateOptions
from sim2art.cli.generate import generate as run_verb
from sim2art.dataset.shards import read_clips, read_index
from sim2art.dataset.splits import FIRST_TRAINING_SEED
from sim2art.errors import InvalidValueError, OutputExistsError, Sim2ArtError
from tests.assets.files import write_cabinet

SMALL = {"num": 5, "num_frames": 3, "num_points": 32, "clips_per_file": 2, "corruption": "none"}


def generate(output, **options):
    run_verb(GenerateOptions(output=output, **options))


def tars(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.tar"))}


def test_shares_together_write_what_one_job_writes(tmp_path):
    generate(tmp_path / "whole", **SMALL)
    for share in ("0/2", "1/2"):
        generate(tmp_path / "split", shard=share, **SMALL)
    assert tars(tmp_path / "whole") == tars(tmp_path / "split") and len(tars(tmp_path / "whole")) == 3
    assert read_index(tmp_path / "split", check_hashes=True)["clips"] == 5
    seeds = [clip.provenance["seed"] for clip in read_clips(tmp_path / "whole")]
    assert seeds == list(range(FIRST_TRAINING_SEED, FIRST_TRAINING_SEED + 5))


def test_a_killed_job_goes_on_where_it_stopped(tmp_path):
    folder = tmp_path / "set"
    generate(folder, **SMALL)
    before = tars(folder)
    kept = folder / "clips-000000.tar"
    stamp = kept.stat().st_mtime_ns
    (folder / "clips-000001.tar").unlink()
    (folder / "clips-000002.tar.partial").write_bytes(b"half")
    generate(folder, **SMALL)
    assert tars(folder) == before and kept.stat().st_mtime_ns == stamp


def test_folders_of_others_are_refused(tmp_path):
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(OutputExistsError, match="not empty"):
        generate(tmp_path, **SMALL)
    generate(tmp_path / "set", **SMALL)
    with pytest.raises(OutputExistsError, match=r"another command.*'seed'"):
        generate(tmp_path / "set", seed=100, **SMALL)


def test_wrong_numbers_are_refused(tmp_path):
    with pytest.raises(InvalidValueError, match="--num is 0"):
        generate(tmp_path / "set", num=0)
    with pytest.raises(InvalidValueError, match="K/N"):
        generate(tmp_path / "set", num=1, shard="5")


def test_objects_are_drawn_from_named_families_and_own_models(tmp_path):
    write_cabinet(tmp_path / "models")
    generate(tmp_path / "set", families=("laptop",), assets=tmp_path / "models", **{**SMALL, "num": 6})
    index = read_index(tmp_path / "set", check_hashes=True)
    assert index["licence"] == "Apache-2.0 (procedural assets of sim2art); that of the file"
    found = {clip.provenance["family"] for clip in read_clips(tmp_path / "set")}
    assert found == {"laptop", f"file:{tmp_path / 'models' / 'cabinet.urdf'}"}


def test_objects_of_the_test_sets_are_refused(tmp_path):
    with pytest.raises(InvalidValueError, match="real:faucet: these objects are for tests only"):
        generate(tmp_path / "set", families=("laptop", "real:faucet"), **SMALL)
    assert not (tmp_path / "set").exists()


@pytest.mark.slow
def test_a_job_killed_outright_writes_the_same_bytes_when_it_is_run_again(tmp_path):
    words = ["-m", "sim2art.cli.main", "generate", str(tmp_path / "set"), "--num", "12", "--num-frames", "4"]
    words += ["--num-points", "64", "--clips-per-file", "3", "--corruption", "none"]
    job = subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (tmp_path / "set" / "clips-000001.tar").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    job.send_signal(signal.SIGKILL)
    job.wait()
    assert 1 < len(tars(tmp_path / "set")) < 4, "the job was cut in the middle"
    first = tmp_path / "set" / "clips-000000.tar"
    stamp = first.stat().st_mtime_ns
    subprocess.run([sys.executable, *words], check=True, capture_output=True)
    assert first.stat().st_mtime_ns == stamp, "what was whole is kept"
    generate(tmp_path / "whole", num=12, num_frames=4, num_points=64, clips_per_file=3, corruption="none")
    assert tars(tmp_path / "set") == tars(tmp_path / "whole")
    assert read_index(tmp_path / "set", check_hashes=True)["clips"] == 12


@pytest.mark.slow
def test_a_ray_cluster_of_two_nodes_writes_the_same_bytes_though_a_task_is_killed(tmp_path):
    pytest.importorskip("ray", reason="ray is not installed (pip install sim2art[ray])")
    import ray
    from ray.cluster_utils import Cluster

    set_up = {**SMALL, "num": 6}
    generate(tmp_path / "alone", **set_up)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    killed: list[int] = []
    killer = threading.Thread(target=_kill_first_share, args=(killed, time.monotonic() + 120))
    killer.start()
    try:
        generate(tmp_path / "cluster", ray=cluster.address, **set_up)
        nodes = len(ray.nodes())
    finally:
        killer.join()
        ray.shutdown()
        cluster.shutdown()
    assert nodes == 2 and len(killed) == 1
    assert tars(tmp_path / "cluster") == tars(tmp_path / "alone")


def _kill_first_share(killed: list[int], deadline: float) -> None:
    """Send SIGKILL to the first process that makes a share."""
    while not killed and time.monotonic() < deadline:
        for folder in Path("/proc").iterdir():
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0") if folder.name.isdigit() else []
            except OSError:
                continue
            if b"--shard" in words and b"generate" in words:
                os.kill(int(folder.name), signal.SIGKILL)
                killed.append(int(folder.name))
                return
        time.sleep(0.05)


def test_a_share_that_always_fails_is_named_and_the_others_are_made(tmp_path, monkeypatch):
    monkeypatch.setattr(generate_cluster, "POLL_SECONDS", 0.0)
    fails = _Workers(failing="1/3")
    with pytest.raises(Sim2ArtError, match=r"1 of 3 files .* file 1 said: no space left"):
        generate_cluster.run_shares(["out", "--num", "6"], 3, fails)
    assert sorted(fails.started) == ["0/3", "1/3", "1/3", "1/3", "2/3"]


class _Workers:
    """Commands that end at once."""

    count = 2

    def __init__(self, failing: str) -> None:
        self.failing, self.started = failing, []

    def start(self, command: list[str], log: Path) -> int:
        self.started.append(command[-1])
        log.write_text("no space left\n")
        return int(command[-1] == self.failing)

    def poll(self, handle: int) -> int:
        return handle

    def stop(self, handle: int) -> None:
        pass
