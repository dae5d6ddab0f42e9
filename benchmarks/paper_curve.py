"""The validation curve of a run of the paper's network, and what a power law through it says of longer runs.

    python benchmarks/paper_curve.py runs/paper [--first 5000]

A run is a folder with the `curve.jsonl` that `sim2art train --preset paper-cpu` leaves. Errors (1 - IoU, 1 - share of right
types, median axis error) are fitted over n clip passes by a n^-b and by a n^-b + c, least squares of the logarithms. The
first has no floor, so what it says of a million passes is a hope; the second has one, which a short curve tells badly.
The truth may be expected between the two. A curve over less than a factor of ten in n says little.
"""

import json
from dataclasses import dataclass
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
        for law in dict.fromkeys((fit_power_law(passes, errors), fit_floor(passes, errors))):
            told = ", ".join(f"{law.at(n):.3g} at {n / 1e6:.0f} M" for n in LONGER)
            here, flat = law.doubling(passes[-1]), law.flat_from()
            where = "never flat" if np.isinf(flat) else f"flat from {flat:.2g} passes"
            print(f"{name:18s} {law}: at the end a doubling takes off {here:.0%}, {where}; {told}")


@dataclass(frozen=True)
class Law:
    """error = scale n^-power + floor."""

    scale: float
    power: float
    floor: float = 0.0

    def __str__(self) -> str:
        return f"{self.scale:.3g} n^-{self.power:.2f}" + (f" + {self.floor:.3g}" if self.floor else "")

    def at(self, passes: float) -> float:
        """The error after so many passes."""
        return self.scale * passes**-self.power + self.floor

    def doubling(self, passes: float) -> float:
        """The share of the error that twice as many passes take off."""
        return 1 - self.at(2 * passes) / self.at(passes)

    def flat_from(self) -> float:
        """Passes from which a doubling takes off less than `FLAT`."""
        # falling (1 - 2^-power) < FLAT (falling + floor)
        excess = 1 - 2**-self.power - FLAT
        if excess <= 0:
            return 0.0
        falling = FLAT * self.floor / excess
        return (self.scale / falling) ** (1 / self.power) if falling > 0 else np.inf


def fit_power_law(passes: np.ndarray, errors: np.ndarray, floor: float = 0.0) -> Law:
    """The law with that floor."""
    slope, offset = np.polyfit(np.log(passes), np.log(np.maximum(errors - floor, 1e-6)), 1)
    return Law(float(np.exp(offset)), float(-slope), floor)


def fit_floor(passes: np.ndarray, errors: np.ndarray) -> Law:
    """The law whose floor, among hundredths of the smallest error, leaves least of the errors' logarithms."""
    laws = [fit_power_law(passes, errors, share * errors.min()) for share in np.linspace(0.0, 0.99, 100)]
    return min(
        laws, key=lambda law: sum(np.log(law.at(n) / error) ** 2 for n, error in zip(passes, errors, strict=True))
    )


if __name__ == "__main__":
    tyro.cli(main)
