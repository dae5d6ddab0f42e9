"""Checkpoints side by side on the same validation clips, under white noise and under sensor-like noise.

    python benchmarks/compare_presets.py proposals=RUN_A/checkpoint paper=RUN_B/checkpoint [--num 40]

Train both for the same processor time first, for example (600 s of one core each):

    sim2art train small --network paper     --num-steps 130 --seed 3 --workers 0 --output RUN_B
    sim2art train small --network proposals --num-steps 250 --seed 3 --workers 0 --output RUN_A
"""

from pathlib import Path

import tyro

from sim2art.baselines import flow_clustering
from sim2art.dataset.splits import VALIDATION_SEEDS
from sim2art.evaluate.benchmark import Method, run_benchmark
from sim2art.inference.predictor import load_predictor
from sim2art.provenance import collect_provenance
from sim2art.simulate.generate import ClipConfig, CorruptionName, iterate_clips

CORRUPTIONS: tuple[CorruptionName, ...] = ("paper", "real")


def main(checkpoints: tyro.conf.Positional[tuple[str, ...]], *, num: int = 40) -> None:
    """Print one row a method and corruption.

    Args:
        checkpoints: NAME=FOLDER for each.
        num: Clips of procedural-val.
    """
    named = dict(entry.split("=", 1) for entry in checkpoints)
    methods: dict[str, Method] = {name: load_predictor(Path(folder)) for name, folder in named.items()}
    methods["flow_clustering"] = flow_clustering
    facts = collect_provenance()
    print(f"procedural-val, {num} clips, commit {facts['commit']}, {facts['machine']}")
    print(f"{'corruption':12s}{'method':18s}{'mIoU':>7s}{'type':>8s}{'axis median':>13s}{'axis missed=90':>16s}")
    for corruption in CORRUPTIONS:
        clips = iterate_clips(ClipConfig(corruption=corruption), VALIDATION_SEEDS[:num])
        for name, summary in run_benchmark(clips, methods).summaries().items():
            print(
                f"{corruption:12s}{name:18s}{summary.mean_iou.mean or 0:7.3f}{100 * (summary.type_accuracy or 0):7.1f}%"
                f"{summary.axis_deg.median or 90:13.2f}{summary.axis_deg_penalised.mean or 90:16.1f}"
            )


if __name__ == "__main__":
    tyro.cli(main)
