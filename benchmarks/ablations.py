"""Ablations: short training runs that differ in one thing, on the same examples, with the same number of steps.

    OMP_NUM_THREADS=1 python benchmarks/ablations.py out/ablations [--tables evidence flow] [--steps 60]

Examples and scores are kept in the folder; the same command goes on where it stopped. The budget is small: a row says
what helps a network that has seen little, not what the shipped checkpoint reaches (docs/results.md).
"""

import json
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
import tyro
from ablation_parts import score_many_parts
from ablation_runs import BATCH, score_variant, train_variant
from ablation_sets import EXAMPLES, NUM_SLOT_POINTS, ExampleSet
from ablation_variants import TABLES, VARIANTS, Variant
from torch import nn

from sim2art.dataset.splits import ABLATION_SEEDS
from sim2art.evaluate.benchmark import Method, run_benchmark
from sim2art.inference.decoders.slots import decode_slots
from sim2art.inference.loop import InferenceConfig, infer
from sim2art.networks.judge import Judge
from sim2art.provenance import collect_provenance
from sim2art.simulate.generate import ClipConfig, CorruptionName, PixelDescriber, iterate_clips

Scores = dict[str, dict[str, float]]
"""By what was tested, then by metric."""
NUM_FEATURE_CLIPS = 64
"""Training clips with semantic features, which cost most to make."""
NUM_DECODED = 12
PARTS = (5, 10, 20, 30)


def main(
    folder: tyro.conf.Positional[Path],
    /,
    *,
    tables: tuple[str, ...] = tuple(TABLES),
    steps: int = 60,
    num_train: int = 120,
    num_val: int = 32,
) -> None:
    """Run what is missing and print the tables.

    Args:
        folder: Examples and scores are kept here.
        tables: Which tables.
        steps: Batches of 8 in each training run.
        num_train: Training clips (the same for all rows but those of tables clips and semantics).
        num_val: Clips that are scored, of `dataset.splits.ABLATION_SEEDS`.
    """
    torch.set_num_threads(1)
    folder.mkdir(parents=True, exist_ok=True)
    facts = collect_provenance()
    report = [f"commit {facts['commit']}, {facts['machine']}"]
    print(report[0], flush=True)
    for table in tables:
        rows: dict[str, Scores] = {}
        for name in (
            [f"{n} parts" for n in PARTS] if table == "parts" else [v.name for v in VARIANTS if v.table == table]
        ):
            path = folder / f"{table}-{steps}-{num_train}-{num_val}.json"
            known = json.loads(path.read_text()) if path.exists() else {}
            if name not in known:
                started = time.process_time()
                if table == "parts":
                    scores = {"shipped": score_many_parts(int(name.split()[0]))}
                else:
                    variant = next(v for v in VARIANTS if (v.table, v.name) == (table, name))
                    scores = _run_variant(variant, folder, steps, num_train, num_val)
                known[name] = scores | {"cost": {"cpu_seconds": time.process_time() - started}}
                partial = path.with_suffix(".part")
                partial.write_text(json.dumps(known, indent=2))
                partial.replace(path)
            rows[name] = known[name]
        report.append(_format(table, rows, _budget(table, steps, num_train, num_val)))
        print(report[-1], flush=True)
        (folder / "tables.txt").write_text("\n".join(report))


def _run_variant(variant: Variant, folder: Path, steps: int, num_train: int, num_val: int) -> Scores:
    describe = _describer() if variant.has_features else None
    count = min(num_train, NUM_FEATURE_CLIPS) if variant.has_features else num_train
    data = _make_set(folder, variant.train_on, describe, count, is_training=True)
    network = train_variant(variant, data, steps)
    scores: Scores = {}
    for corruption in variant.test_on:
        held = _make_set(folder, corruption, describe, num_val, is_training=False)
        label = "with features" if variant.has_features and "semantics" in variant.kinds else corruption
        scores[label] = score_variant(network, variant, held)
        if variant.test_without_semantics:
            scores["without features"] = score_variant(network, variant, held, without_semantics=True)
    if variant.decode:
        scores["whole method"] = _decode(network)
    return scores


def _make_set(
    folder: Path, corruption: CorruptionName, describe: PixelDescriber | None, count: int, *, is_training: bool
) -> ExampleSet:
    data = ExampleSet(
        folder=folder / "examples", corruption=corruption, is_training=is_training, count=count, describe=describe
    )
    data.make()
    return data


def _describer() -> PixelDescriber:
    from sim2art.perception.features.dino_features import DinoFeatures
    from sim2art.perception.features.keyframe_features import KeyframeFeatures

    return KeyframeFeatures(extract=DinoFeatures("dinov2", long_side=12))


def _decode(network: nn.Module) -> dict[str, float]:
    """The network's answers on whole clips, scored as `sim2art evaluate` scores them."""
    method: Method = (
        (lambda video: infer(network, video, InferenceConfig()))
        if isinstance(network, Judge)
        else (lambda video: decode_slots(network, video))  # pyright: ignore[reportArgumentType]
    )
    summary = run_benchmark(iterate_clips(ClipConfig(), ABLATION_SEEDS[:NUM_DECODED]), {"it": method}).summaries()["it"]
    return {
        "miou": summary.mean_iou.mean or 0.0,
        "type_right": summary.type_accuracy or 0.0,
        "axis_deg_median": summary.axis_deg.median if summary.axis_deg.median is not None else 90.0,
    }


def _budget(table: str, steps: int, num_train: int, num_val: int) -> str:
    if table == "parts":
        return "nothing is trained"
    if table == "semantics":
        num_train = min(num_train, NUM_FEATURE_CLIPS)
    points = NUM_SLOT_POINTS if table == "encoder" else EXAMPLES.num_points
    return (
        f"{steps} steps of {BATCH} examples from {num_train} clips, {points} points a frame; "
        f"scored on {num_val} clips of the training families, never trained on"
    )


def _format(table: str, rows: dict[str, Scores], budget: str) -> str:
    lines = ["", TABLES[table], budget]
    tested = list(dict.fromkeys(name for row in rows.values() for name in row if name != "cost"))
    for test in tested:
        metrics = _metrics(row.get(test, {}) for row in rows.values())
        title = f"tested: {test}" if len(tested) > 1 else ""
        lines.append(f"{title:50s}" + "".join(f"{_short(metric):>11s}" for metric in [*metrics, "cpu s"]))
        for name, row in rows.items():
            if test in row:
                values = "".join(f"{row[test].get(metric, np.nan):11.3f}" for metric in metrics)
                lines.append(f"{name:50s}{values}{row['cost']['cpu_seconds']:11.0f}")
    return "\n".join(lines) + "\n"


def _short(metric: str) -> str:
    """A metric's name as a column's head."""
    return {"type_right": "type right", "axis_deg_median": "axis deg"}.get(metric, metric)


def _metrics(scores: Iterable[dict[str, float]]) -> list[str]:
    return list(dict.fromkeys(metric for row in scores for metric in row))


if __name__ == "__main__":
    tyro.cli(main)
