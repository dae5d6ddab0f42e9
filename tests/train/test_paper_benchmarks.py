"""The scripts about the paper's network: fits and intervals are right, and variants differ in what they name only."""

import dataclasses
import importlib.util
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
    scale, power = _load("paper_curve").fit_power_law(passes, 7.0 * passes**-0.3)
    assert (scale, power) == pytest.approx((7.0, 0.3))


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
    assert dataclasses.replace(variants["radius_0.8"], slots=reference.slots) == reference
