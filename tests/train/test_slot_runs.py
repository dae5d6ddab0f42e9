"""Runs of the slot network on cached clips: they learn, resume exactly, and stop with a word when something is wrong."""

import dataclasses
import json
import os
import signal
from pathlib import Path

import pytest
import torch

from sim2art.dataset.splits import CURVE_SEEDS, FIRST_TRAINING_SEED
from sim2art.errors import DivergedError, InvalidFileError, SchemaError
from sim2art.inference.checkpoint import load_checkpoint
from sim2art.networks import checkpoint_files
from sim2art.networks.point_encoder import EncoderConfig
from sim2art.networks.slot_network import SlotConfig
from sim2art.simulate.generate import ClipConfig
from sim2art.train import loop, state
from sim2art.train.cached_batches import validation_batches
from sim2art.train.clip_cache import ClipCache, grow_cache
from sim2art.train.config import PRESETS, Augmentation, CacheConfig
from sim2art.train.curve import CURVE_FOLDER
from sim2art.train.loop import train
from sim2art.train.slot_scores import score_slots
from sim2art.train.watch import WINDOW, Watch

STILL = Augmentation(yaw=0.0, tilt=0.0, mirrored=0.0, reversed=0.0, drop_flow=0.0)
CLIPS = ClipConfig(
    families=("laptop", "drawer_chest"),
    corruption="none",
    num_frames=6,
    num_points=128,
    image_size=64,
    baselines=(1, 3),
)
CACHE = CacheConfig(
    clips=CLIPS, num_clips=4, shard_clips=4, num_points=64, augmentation=STILL, curve_every=8, num_curve_clips=4
)
ENCODER = EncoderConfig(
    num_features=0, width=32, num_anchors=8, radius=0.4, num_neighbors=6, edge_width=16, depth=1, num_heads=2
)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    train(_config(num_steps=0), tmp_path_factory.mktemp("run"), cache=folder)
    return folder


def _config(**changes):
    values = {"num_steps": 6, "checkpoint_every": 3, "log_every": 1, "final_steps": 0, "num_workers": 0, **changes}
    return dataclasses.replace(
        PRESETS["paper-cpu"], slots=SlotConfig(encoder=ENCODER, num_slots=6), **{"cache": CACHE, **values}
    )


def test_resume_equals_an_unbroken_run(tmp_path, cache):
    whole = train(_config(), tmp_path / "whole", cache=cache)
    calls, original = [], loop.train_step

    def counted(*args):
        calls.append(1)
        if len(calls) == 4:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(*args)

    loop.train_step = counted
    try:
        train(_config(), tmp_path / "broken", cache=cache)
    finally:
        loop.train_step = original
    assert len(calls) == 4
    resumed = train(_config(), tmp_path / "broken", cache=cache, resume=True)
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], value, atol=0, rtol=0, msg=name)
    curves = [(tmp_path / name / "curve.jsonl").read_text() for name in ("whole", "broken")]
    assert curves[0] == curves[1]
    assert [json.loads(line)["passes"] for line in curves[0].splitlines()] == [8, 16, 24]


@pytest.mark.slow
def test_four_clips_are_learned_by_heart(tmp_path, cache):
    config = _config(num_steps=400, final_steps=100, checkpoint_every=400, log_every=100, ema_decay=0.9)
    settings = dataclasses.replace(CACHE, curve_every=10**6)
    network = train(dataclasses.replace(config, cache=settings), tmp_path / "run", cache=cache)
    scores = score_slots(network, validation_batches(CACHE, ClipCache(cache, CLIPS, shard_clips=4)))
    assert scores["mean_iou"] > 0.9, scores
    assert scores["type_accuracy"] > 0.9, scores
    assert scores["axis_deg_median"] < 10, scores
    facts = json.loads((tmp_path / "run" / "checkpoint" / "provenance.json").read_text())
    assert facts["different_clips"] == 4
    loaded = load_checkpoint(tmp_path / "run" / "checkpoint")
    assert loaded.config == network.config


def test_a_run_learns_from_clips_with_the_noise_of_sensors(tmp_path):
    network = train(_config(num_steps=3, cache=CACHE.with_noise("real")), tmp_path / "run", cache=tmp_path / "clips")
    assert all(torch.isfinite(value).all() for value in network.state_dict().values())
    described = json.loads((tmp_path / "clips" / "cache.json").read_text())
    assert described["clips"]["corruption"] == "real"
    with pytest.raises(SchemaError, match="was made with clips"):
        train(_config(num_steps=3), tmp_path / "other", cache=tmp_path / "clips")


def test_a_run_with_semantics_builds_a_network_that_reads_them(tmp_path):
    settings = dataclasses.replace(CACHE, num_semantics=2)
    for folder, seed in (
        (tmp_path / "clips", FIRST_TRAINING_SEED),
        (tmp_path / "clips" / CURVE_FOLDER, CURVE_SEEDS.start),
    ):
        grow_cache(
            folder,
            CLIPS,
            first_seed=seed,
            num_clips=4,
            shard_clips=4,
            num_semantics=2,
            describe=lambda images, pixels: pixels / 64,
        )
    for hides, count in ((False, 2), (True, 0)):
        config = _config(num_steps=2, cache=dataclasses.replace(settings, hides_semantics=hides))
        network = train(config, tmp_path / f"run{count}", cache=tmp_path / "clips")
        assert network.config.num_semantics == count
        loaded = load_checkpoint(tmp_path / f"run{count}" / "checkpoint")
        assert loaded.config == network.config


def test_a_run_that_diverges_stops_with_a_word_and_keeps_the_state_before(tmp_path, cache, monkeypatch):
    train(_config(num_steps=3), tmp_path / "run", cache=cache)
    before = (tmp_path / "run" / "state.safetensors").read_bytes()
    original = loop.train_step
    monkeypatch.setattr(loop, "train_step", lambda *args: {**original(*args), "total": float("nan")})
    with pytest.raises(DivergedError, match=r"loss of step 4 is nan.*smaller --learning-rate"):
        train(_config(num_steps=9), tmp_path / "run", cache=cache, resume=True)
    assert (tmp_path / "run" / "state.safetensors").read_bytes() == before


@pytest.mark.parametrize("rate", [3.0, 1e4])
@pytest.mark.parametrize("begun", [False, True])
def test_a_learning_rate_that_diverges_stops_the_run(tmp_path, cache, rate, begun):
    state = tmp_path / "run" / "state.safetensors"
    settings = {"cache": dataclasses.replace(CACHE, curve_every=10**6), "checkpoint_every": 5, "warmup_steps": 5}
    if begun:
        train(_config(num_steps=30, **settings), tmp_path / "run", cache=cache)
    before = state.read_bytes() if begun else None
    with pytest.raises(DivergedError, match=r"go on from it with --resume"):
        train(_config(num_steps=100, learning_rate=rate, **settings), tmp_path / "run", cache=cache, resume=begun)
    assert (state.read_bytes() if state.exists() else None) == before


def test_losses_far_beyond_an_untrained_networks_are_divergence_and_noise_is_not(tmp_path):
    watch = Watch(tmp_path)
    watch.untrained = 6.0
    for step in range(2 * WINDOW):
        watch.see(16.0 if step % 2 else 4.0, step)
    assert watch.is_well
    with pytest.raises(DivergedError, match="learned nothing has 6"):
        for step in range(2 * WINDOW):
            watch.see(20.0, step)
    assert not watch.is_well


@pytest.mark.parametrize(
    ("writer", "last"),
    [
        (state, "state of step 4.*No space left on device.*--resume"),
        (checkpoint_files, "Cannot write the weights.*No space left on device"),
    ],
)
def test_a_full_disk_leaves_what_was_there_before(tmp_path, cache, monkeypatch, writer, last):
    train(_config(num_steps=3), tmp_path / "run", cache=cache)
    kept = [tmp_path / "run" / "state.safetensors", tmp_path / "run" / "checkpoint" / "model.safetensors"]
    before = [path.read_bytes() for path in kept]

    def fail(tensors, path, **options):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writer, "save_file", fail)
    with pytest.raises(InvalidFileError, match=last):
        train(_config(num_steps=4), tmp_path / "run", cache=cache, resume=True)
    assert kept[1].read_bytes() == before[1]
    assert (kept[0].read_bytes() == before[0]) == (writer is state)
    assert not list(tmp_path.rglob("*.part"))


def test_a_curve_ends_where_the_run_ends(tmp_path, cache):
    train(_config(num_steps=3), tmp_path / "run", cache=cache)
    lines = (tmp_path / "run" / "curve.jsonl").read_text().splitlines()
    assert [json.loads(line)["passes"] for line in lines] == [8, 12]


def test_a_full_disk_leaves_the_curve_before(tmp_path, cache, monkeypatch):
    train(_config(num_steps=2), tmp_path / "run", cache=cache)
    path = tmp_path / "run" / "curve.jsonl"
    before, original = path.read_text(), Path.write_text

    def fail(self, text, *args, **options):
        if self.name.startswith("curve"):
            original(self, text[:10])
            raise OSError(28, "No space left on device")
        return original(self, text, *args, **options)

    monkeypatch.setattr(Path, "write_text", fail)
    with pytest.raises(OSError, match="No space left on device"):
        train(_config(num_steps=4), tmp_path / "run", cache=cache, resume=True)
    assert path.read_text() == before


def test_a_damaged_state_is_told(tmp_path, cache):
    train(_config(num_steps=3), tmp_path / "run", cache=cache)
    path = tmp_path / "run" / "state.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InvalidFileError, match="is damaged"):
        train(_config(), tmp_path / "run", cache=cache, resume=True)


def test_a_resumed_run_wants_the_clips_that_it_knew(tmp_path, cache):
    train(_config(num_steps=3), tmp_path / "run", cache=cache)
    for path in sorted(cache.glob("clips_*.npy")):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    short = dataclasses.replace(CACHE, shard_clips=2, num_clips=2, num_curve_clips=2)
    with pytest.raises(InvalidFileError, match="knew 4 clips"):
        train(_config(cache=short), tmp_path / "run", cache=tmp_path / "other", resume=True)


@pytest.mark.slow
def test_the_run_goes_on_when_the_process_that_makes_clips_is_killed(tmp_path, cache, caplog, monkeypatch):
    clips = tmp_path / "clips"
    killed = []
    original = loop.train_step

    def kill(*args):
        import multiprocessing

        for child in multiprocessing.active_children():
            os.kill(child.pid, signal.SIGKILL)
            child.join()
            killed.append(child.pid)
        return original(*args)

    monkeypatch.setattr(loop, "train_step", kill)
    large = dataclasses.replace(CACHE, num_clips=4000)
    network = train(_config(cache=large, num_workers=1), tmp_path / "run", cache=clips)
    assert killed
    assert "has ended (exit code -9): the cache stays at" in caplog.text
    assert all(torch.isfinite(value).all() for value in network.state_dict().values())
