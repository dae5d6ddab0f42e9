"""Learning curves from the logs of training runs: one line a run, one panel a loss term.

    python benchmarks/learning_curves.py "first leg=runs/one" "second leg=runs/two" --output docs/images/learning_curves.png

A run is a folder that `sim2art train` left, or its log.jsonl with a batch size after a comma (LOG,8). Records of steps
that were made twice (a crash, then --resume) count once, the later ones.
"""

import itertools
import json
from pathlib import Path

import numpy as np
import tyro

TERMS = {"total": "total", "mask": "mask: BCE + Dice", "score": "score", "type": "type", "empty": "empty masks"}
COLORS = ("#5b8def", "#d1495b", "#3a9d6e", "#b07aa1", "#8a8a8a", "#e0a030", "#2f2f2f", "#17a2b8")
WINDOW = 15
"""Records that a line is averaged over."""


def main(runs: tyro.conf.Positional[tuple[str, ...]], *, output: Path) -> None:
    """Draw the curves and print the means of each run's first and last tenth.

    Args:
        runs: NAME=FOLDER or NAME=LOG,BATCH for each.
        output: The picture (PNG).
    """
    curves = {}
    for entry in runs:
        name, _, place = entry.partition("=")
        curves[name] = read_curve(place)
    draw_curves(curves, output)
    print(f"{'run':40s}{'clips':>8s}" + "".join(f"{'first ' + t:>14s}{'last ' + t:>14s}" for t in ("total", "mask")))
    for name, curve in curves.items():
        tenth = max(len(curve["clips"]) // 10, 1)
        ends = "".join(
            f"{curve[term][:tenth].mean():14.3f}{curve[term][-tenth:].mean():14.3f}" for term in ("total", "mask")
        )
        print(f"{name:40s}{curve['clips'][-1]:8.0f}{ends}")
    print(f"wrote {output}")


def read_curve(place: str) -> dict[str, np.ndarray]:
    """Clips seen and loss terms of a run, one entry a record of its log."""
    log, _, batch = place.partition(",")
    path = Path(log)
    if path.is_dir():
        batch = json.loads((path / "config.json").read_text())["batch_size"]
        path = path / "log.jsonl"
    if not batch:
        raise SystemExit(f"{place}: say how many clips a step had, as in {place},8, or give the run's folder.")
    records = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    by_step = {record["step"]: record for record in records}
    ordered = [by_step[step] for step in sorted(by_step)]
    curve = {term: np.array([record.get(term, np.nan) for record in ordered]) for term in TERMS}
    return {"clips": np.array([record["step"] for record in ordered]) * float(batch), **curve}


def draw_curves(curves: dict[str, dict[str, np.ndarray]], output: Path) -> None:
    """One panel a term: the records as a thin line, their running mean as a thick one."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    pyplot.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True})
    pyplot.rcParams.update({"grid.alpha": 0.25})
    shown = ("total", "mask", "score", "type")
    figure, axes = pyplot.subplots(2, 2, figsize=(9, 6), constrained_layout=True)
    for axis, term in zip(axes.flat, shown, strict=True):
        for (name, curve), color in zip(curves.items(), itertools.cycle(COLORS), strict=False):
            axis.plot(curve["clips"], curve[term], color=color, alpha=0.18, linewidth=0.7)
            clips, mean = smooth(curve["clips"], curve[term])
            axis.plot(clips, mean, color=color, linewidth=1.8, label=name)
        highest = [np.nanpercentile(curve[term], 97) for curve in curves.values()]
        axis.set_ylim(0, 1.1 * max(highest))
        axis.set_title(TERMS[term], fontsize=10)
        axis.set_xlabel("clips seen in the run")
    axes.flat[0].legend(frameon=False, fontsize=8)
    output.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(output, dpi=110)
    pyplot.close(figure)


def smooth(clips: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means over windows of records, and the clips in their middles."""
    size = min(WINDOW, len(values))
    kernel = np.ones(size) / size
    return np.convolve(clips, kernel, mode="valid"), np.convolve(values, kernel, mode="valid")


if __name__ == "__main__":
    tyro.cli(main)
