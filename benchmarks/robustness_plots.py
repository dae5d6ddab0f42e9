"""Plots of the robustness experiments, one PNG each. matplotlib is needed only here."""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

COLORS = {"network": "#5b8def", "network + refiner": "#d1495b", "flow_clustering": "#8a8a8a"}
DASHES = ["-", "--", ":", "-.", (0, (1, 4))]
UNITS = {
    "arcs": "arc, deg",
    "flicker": "depth scale of each frame off by, %",
    "scale bias": "depth scale off by, %",
    "tilt": "changing depth ramp at the edge, %",
    "camera drift": "pose error at the last frame, cm",
    "wrong flow": "wrong flow vectors, %",
    "parts": "moving parts",
    "near-static": "arc, deg",
}
MOTIONS = ("steady", "pause", "reversal", "late", "jerk")
Record = dict[str, Any]


def draw_plots(cases: dict[str, Record], folder: Path) -> list[Path]:
    """Every plot that the cases suffice for; the files."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    folder.mkdir(parents=True, exist_ok=True)
    pyplot.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.alpha": 0.25})  # fmt: skip
    by_experiment: dict[str, list[Record]] = defaultdict(list)
    for record in cases.values():
        by_experiment[record["experiment"]].append(record)
    files = []
    if "arcs" in by_experiment:
        files.append(_draw_arcs(pyplot, by_experiment["arcs"], folder / "robustness_arcs.png"))
    errors = [name for name in ("flicker", "scale bias", "tilt", "camera drift", "wrong flow") if name in by_experiment]
    if errors:
        files.append(_draw_errors(pyplot, {n: by_experiment[n] for n in errors}, folder / "robustness_errors.png"))
    if "motion" in by_experiment:
        files.append(_draw_motions(pyplot, by_experiment, folder / "robustness_motion.png"))
    if "parts" in by_experiment or "near-static" in by_experiment:
        files.append(_draw_counts(pyplot, by_experiment, folder / "robustness_parts.png"))
    return files


def axis_error(records: list[Record], method: str) -> float:
    """Median angle between axes, deg; 90 for joints that were missed."""
    values = [
        90.0 if joint["axis_deg"] is None else joint["axis_deg"]
        for record in records
        for joint in record["methods"][method]["joints"]
    ]
    return float(np.median(values)) if values else float("nan")


def type_share(records: list[Record], method: str) -> float:
    """Share of joints with the right type, %; missed ones are wrong."""
    values = [joint["is_type_right"] for record in records for joint in record["methods"][method]["joints"]]
    return 100 * float(np.mean(values)) if values else float("nan")


def success_share(records: list[Record], method: str) -> float:
    """Share of joints found with the right type, within 10 deg and 10 cm, %."""
    values = [joint["is_success"] for record in records for joint in record["methods"][method]["joints"]]
    return 100 * float(np.mean(values)) if values else float("nan")


def claim_count(records: list[Record], method: str) -> float:
    """Mean number of joints claimed."""
    return float(np.mean([record["methods"][method]["claims"] for record in records]))


def sure_count(records: list[Record], method: str) -> float:
    """Mean number of joints claimed without reserve."""
    return float(np.mean([record["methods"][method].get("sure_claims", 0) for record in records]))


def _curve(
    records: list[Record], series: str, method: str, measure: Callable[[list[Record], str], float]
) -> tuple[list[float], list[float]]:
    """Measure over x of one series."""
    groups: dict[float, list[Record]] = defaultdict(list)
    for record in records:
        if record["series"] == series and method in record["methods"]:
            groups[record["x"]].append(record)
    xs = sorted(groups)
    return xs, [measure(groups[x], method) for x in xs]


def _series_of(records: list[Record]) -> list[str]:
    return list(dict.fromkeys(record["series"] for record in records))


def _methods_of(records: list[Record]) -> list[str]:
    return [name for name in COLORS if any(name in record["methods"] for record in records)]


def _draw_arcs(pyplot: Any, records: list[Record], path: Path) -> Path:
    """Axis error and success over the arc, a panel a method, a curve a noise."""
    methods = _methods_of(records)
    figure, axes = pyplot.subplots(2, len(methods), figsize=(3.4 * len(methods), 5.2), sharex=True, sharey="row", squeeze=False)  # fmt: skip
    shades = pyplot.get_cmap("viridis")(np.linspace(0.05, 0.85, len(_series_of(records))))
    for column, method in enumerate(methods):
        for color, series in zip(shades, _series_of(records), strict=True):
            for row, measure in enumerate((axis_error, success_share)):
                xs, ys = _curve(records, series, method, measure)
                axes[row][column].plot(xs, ys, "o-", color=color, label=series, markersize=3.5)
        axes[0][column].set_title(method)
        axes[0][column].set_yscale("log")
        axes[1][column].set_xlabel(UNITS["arcs"])
        axes[1][column].set_ylim(-4, 104)
    axes[0][0].set_ylabel("median axis error, deg (missed = 90)")
    axes[1][0].set_ylabel("within 10 deg and 10 cm, %")
    axes[0][-1].legend(title="depth noise", frameon=False)
    return _save(figure, path)


def _draw_errors(pyplot: Any, experiments: dict[str, list[Record]], path: Path) -> Path:
    """Axis error and right types over each kind of error, doors and drawers."""
    figure, axes = pyplot.subplots(2, len(experiments), figsize=(3.1 * len(experiments), 5.6), sharex="col", sharey="row", squeeze=False, layout="constrained")  # fmt: skip
    for column, (name, records) in enumerate(experiments.items()):
        for method in _methods_of(records):
            for dash, series in zip(DASHES, _series_of(records), strict=False):
                for row, measure in enumerate((axis_error, type_share)):
                    xs, ys = _curve(records, series, method, measure)
                    axes[row][column].plot(xs, ys, "o", linestyle=dash, color=COLORS[method], label=f"{method}, {series}", markersize=3.5)  # fmt: skip
        axes[0][column].set_title(name)
        axes[0][column].set_yscale("log")
        axes[1][column].set_xlabel(UNITS[name], fontsize=8)
        axes[1][column].set_ylim(-4, 104)
    axes[0][0].set_ylabel("median axis error, deg (missed = 90)")
    axes[1][0].set_ylabel("right joint type, %")
    figure.legend(
        *axes[0][0].get_legend_handles_labels(), frameon=False, fontsize=8, ncols=3, loc="outside lower center"
    )
    return _save(figure, path)


def _draw_motions(pyplot: Any, by_experiment: dict[str, list[Record]], path: Path) -> Path:
    """Axis error of each kind of motion, and with a hand in the picture."""
    records = list(by_experiment["motion"])
    hands = [{**record, "x": float(len(MOTIONS))} for record in by_experiment.get("hand", [])]
    records += hands
    words = [*MOTIONS, *(["with a hand"] if hands else [])]
    series = _series_of(records)
    figure, axes = pyplot.subplots(1, len(series), figsize=(4.6 * len(series), 3.2), sharey=True, squeeze=False)
    methods = _methods_of(records)
    for panel, name in zip(axes[0], series, strict=True):
        for place, method in enumerate(methods):
            xs, ys = _curve(records, name, method, axis_error)
            width = 0.8 / len(methods)
            panel.bar(np.array(xs) + (place - 0.5 * (len(methods) - 1)) * width, ys, width, color=COLORS[method], label=method)  # fmt: skip
        panel.set_xticks(range(len(words)), words)
        panel.set_title(name)
        panel.set_yscale("log")
    axes[0][0].set_ylabel("median axis error, deg (missed = 90)")
    axes[0][-1].legend(frameon=False)
    return _save(figure, path)


def _draw_counts(pyplot: Any, by_experiment: dict[str, list[Record]], path: Path) -> Path:
    """Joints claimed over the number of moving parts, success among them, and claims where almost nothing moves."""
    figure, axes = pyplot.subplots(1, 3, figsize=(11.4, 3.4))
    parts, still = by_experiment.get("parts", []), by_experiment.get("near-static", [])
    for method in _methods_of(parts + still):
        for dash, series in zip(DASHES, _series_of(parts), strict=False):
            label = f"{method}, {series.split(',')[0]}s"
            for panel, measure in ((axes[0], claim_count), (axes[1], success_share)):
                xs, ys = _curve(parts, series, method, measure)
                panel.plot(xs, ys, "o", linestyle=dash, color=COLORS[method], label=label, markersize=3.5)
        xs, ys = _curve(still, "door", method, claim_count)
        axes[2].plot(xs, ys, "o-", color=COLORS[method], label=f"{method}: joints claimed", markersize=3.5)
        xs, ys = _curve(still, "door", method, sure_count)
        axes[2].plot(xs, ys, "s:", color=COLORS[method], label=f"{method}: without reserve", markersize=3.5)
    most = max([record["x"] for record in parts], default=1)
    axes[0].plot([0, most], [0, most], color="#bbbbbb", linewidth=1)
    axes[0].set(xlabel=UNITS["parts"], ylabel="joints claimed (grey: as many as move)")
    axes[1].set(xlabel=UNITS["parts"], ylabel="found within 10 deg and 10 cm, %", ylim=(-4, 104))
    axes[1].legend(frameon=False, fontsize=7, loc="lower left")
    axes[2].set(xlabel="arc of one door, deg", ylabel="joints claimed")
    axes[2].legend(frameon=False, fontsize=7, loc="upper left")
    return _save(figure, path)


def _save(figure: Any, path: Path) -> Path:
    if figure.get_layout_engine() is None:
        figure.tight_layout()
    figure.savefig(path, dpi=130)
    return path
