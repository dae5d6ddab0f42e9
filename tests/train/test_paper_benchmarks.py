"""The scripts about the paper's network: fits and intervals are right, and variants differ in what they name only."""

import dataclasses
import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def _load(name):
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def test_a_power_law_is_found_again():
    passes = np.array([5e3, 1e4, 2e4, 4e4])
    law = _load("paper_curve").fit_power_law(passes, 7.0 * passes**-0.3)
    assert (law.scale, law.power, law.flat_from()) == pytest.approx((7.0, 0.3, np.inf))


def test_a_floor_is_found_again_and_says_where_the_curve_is_flat():
    passes = np.linspace(5e3, 1e5, 20)
    errors = 2e4 * passes**-0.8 + 5.0
    law = _load("paper_curve").fit_floor(passes, errors)
    assert (law.power, law.floor) == pytest.approx((0.8, 5.0), rel=0.05)
    assert law.doubling(law.flat_from()) == pytest.approx(0.02)


def test_the_curve_is_printed_with_what_longer_runs_would_give(capsys):
    _load("paper_curve").main(BENCHMARKS / "logs" / "paper_curve.jsonl")
    printed = capsys.readouterr().out
    assert "axis, median deg" in printed
    assert "at 10 M" in printed


def test_intervals_are_of_pairs():
    ablations = _load("paper_ablations")
    rng = np.random.default_rng(0)
    hard = rng.normal(0, 5, 200)  # How hard a clip is for both cancels.
    mean, low, high = ablations.paired_interval(hard + 1 + rng.normal(0, 0.1, 200), hard)
    assert 0.9 < low < mean < high < 1.1
    _, low, high = ablations.paired_interval(hard, hard)
    assert low == high == 0


def test_variants_have_the_same_length_and_differ_from_the_reference():
    ablations = _load("paper_ablations")
    variants = ablations.variants(20_000)
    reference = variants[ablations.REFERENCE]
    for name, config in variants.items():
        assert (config.num_steps, config.final_steps, config.batch_size) == (5000, 1250, 4)
        assert name == ablations.REFERENCE or config != reference
        assert config.num_workers == 0  # A cache that grows would show each variant other clips.
    assert dataclasses.replace(variants["radius_0.8"], slots=reference.slots) == reference
    assert variants["noise_real"].cache.clips.corruption == "real"


def test_a_variant_that_was_stopped_is_not_called_done(tmp_path, monkeypatch):
    ablations = _load("paper_ablations")
    config = dataclasses.replace(ablations.variants(20_000)[ablations.REFERENCE], num_steps=5)
    learned = iter((3, 5))

    def train(config, folder, **told):
        (folder / "checkpoint").mkdir(parents=True, exist_ok=True)
        (folder / "checkpoint" / "provenance.json").write_text(json.dumps({"steps": next(learned)}))

    monkeypatch.setattr(ablations, "train", train)
    with pytest.raises(SystemExit, match="stopped after 3 of 5 steps"):
        ablations.train_whole(config, tmp_path / "run", tmp_path, 20)
    ablations.train_whole(config, tmp_path / "run", tmp_path, 20)
    ablations.train_whole(config, tmp_path / "run", tmp_path, 20)
    with pytest.raises(SystemExit, match="was trained for 20 passes"):
        ablations.train_whole(config, tmp_path / "run", tmp_path, 40)


def test_semantic_variants_share_a_cache_and_components_have_unit_variance():
    _load("paper_ablations")
    semantics = _load("paper_semantics")
    hidden, shown = semantics.variants(20_000, 128).values()
    assert (hidden.cache.shown_semantics, shown.cache.shown_semantics) == (0, semantics.CHANNELS)
    assert dataclasses.replace(shown.cache, hides_semantics=True) == hidden.cache
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(500, 2)) @ rng.normal(size=(2, 6)) * 3 + rng.normal(size=(500, 6)) * 1e-2 + 5
    mean, basis, told = semantics.fit_components(rows, 2)
    np.testing.assert_allclose(np.cov((rows - mean) @ basis, rowvar=False), np.eye(2), atol=1e-9)
    assert told > 0.99
