"""The validation curve of a run of the paper's network, and what a power law through it says of longer runs.

    python benchmarks/paper_curve.py runs/paper [--first 5000]

A run is a folder with the `curve.jsonl` that `sim2art train --preset paper-cpu` leaves. Errors (1 - IoU, 1 - share of right
types, median axis error) are fitted by a n^-b over n clip passes, by least squares of the logarithms. What it says of a million
passes assumes that the law goes on: it has no floor, so it is a hope and not a promise, and a curve over less than a
factor of ten in n says little.
"""

import json
from pathlib import Path

import numpy as np
import tyro

ERRORS = {"1 - mean IoU": "mean_iou", "1 - right types": "type_accuracy", "axis, median deg": "axis_deg_median"}
LONGER = (1_000_000, 10_000_000)
FLAT = 0.02
"""A curve is flat where a doubling of the passes takes less than this share off the error."""


def main(run: tyro.conf.Positional[Path], *, first: int = 5000, last: int | None = None) -> None:
    """Print the curve and the fits.

    Args:
        run: Folder of the run, or its curve.jsonl.
        first: Passes before which points do not count for the fit: the network has hardly begun.
        last: Passes after which they do not: where the rate falls, errors fall faster than the law.
    """
    path = run / "curve.jsonl" if run.is_dir() else run
    points = [json.loads(line) for line in path.read_text().splitlines()]
    print(f"{'passes':>8s}{'mIoU':>8s}{'types':>8s}{'axis deg':>10s}{'mean deg':>10s}{'line':>8s}{'loss':>8s}")
    for point in points:
        print(
            f"{point['passes']:8d}{point['mean_iou']:8.3f}{point['type_accuracy']:8.3f}{point['axis_deg_median']:10.1f}"
            f"{point['axis_deg_mean']:10.1f}{point['line_median']:8.3f}{point['loss']:8.2f}"
        )
    fitted = [x for x in points if first <= x["passes"] <= (last or x["passes"])]
    if len(fitted) < 3:
        print(f"{len(fitted)} points from {first} passes on: too few for a fit.")
        return
    passes = np.array([x["passes"] for x in fitted], dtype=np.float64)
    print(
        f"\n{len(fitted)} points from {passes[0]:.0f} to {passes[-1]:.0f} passes, clips of the curve: {fitted[-1]['clips']:.0f}"
    )
    for name, key in ERRORS.items():
        values = np.array([x[key] for x in fitted])
        errors = values if key.startswith("axis") else 1 - values
        scale, power = fit_power_law(passes, errors)
        told = ", ".join(f"{scale * n**-power:.3g} at {n / 1e6:.0f} M" for n in LONGER)
        halving = 1 - 2**-power
        flat = " (flat)" if halving < FLAT else ""
        print(f"{name:18s} {scale:.3g} n^-{power:.2f}: a doubling takes off {halving:.0%}{flat}; {told}")


def fit_power_law(passes: np.ndarray, errors: np.ndarray) -> tuple[float, float]:
    """(a, b) of errors = a passes^-b."""
    slope, offset = np.polyfit(np.log(passes), np.log(np.maximum(errors, 1e-6)), 1)
    return float(np.exp(offset)), float(-slope)


if __name__ == "__main__":
    tyro.cli(main)
