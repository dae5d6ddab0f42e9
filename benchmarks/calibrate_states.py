"""Fit how far the states of every frame err, and print how many frames their intervals hold.

    python benchmarks/every_frame.py --num 40 --output runs/every_frame
    python benchmarks/calibrate_states.py runs/every_frame

The likelihood knows the noise of what is seen; it does not know the error of the joint, which grows with the motion since the
first used frame. So variance = (factor x sigma)^2 + (share x value)^2. Of both numbers those are taken whose 68 and 95 %
intervals come nearest to holding that share of the frames, every recording with the same weight, and of equal ones those with
the narrower intervals: a recording whose joint is wrong weighs no more than its place. As
shipped sigmas hold such numbers already (`sim2art.states.calibration`), they are taken out first. Prints the coverage as the
likelihood alone gives it, as shipped, as fitted, and as fitted on all other recordings (what a new one may expect).
"""

import itertools
import json
from pathlib import Path

import numpy as np
import tyro
from every_frame import score_from_dict
from jaxtyping import Float

from sim2art.evaluate.every_frame import FrameErrors
from sim2art.provenance import collect_provenance
from sim2art.states.calibration import StateNoise

FACTORS = np.round(np.arange(0.4, 4.01, 0.1), 2)
SHARES = np.round(np.arange(0.0, 0.1001, 0.005), 3)
LEVELS = ((1.0, 0.68), (1.96, 0.95))
"""Half width in sigmas, and what the interval should hold."""
RIGHT_AXIS = 10.0
"""deg: a joint that is wrong is not a matter of sigmas."""


def main(folder: Path, /) -> None:
    """Fit on all recordings that `every_frame.py` left in a folder."""
    shipped = StateNoise()
    groups: list[list[FrameErrors]] = []
    for path in sorted(folder.glob("[0-9]*.json")):
        score = score_from_dict(json.loads(path.read_text())[0])
        joints = [j.frames for j in score.joints if j.frames and j.axis_deg is not None and j.axis_deg < RIGHT_AXIS]
        if joints:
            groups.append([without(shipped, frames) for frames in joints])
    fitted = fit(groups)
    others = [fit(groups[:i] + groups[i + 1 :]) for i in range(len(groups))] if len(groups) > 1 else [fitted]
    print(f"{len(groups)} recordings, {sum(len(group) for group in groups)} joints")
    rows = {"of the likelihood": [StateNoise(factor=1.0, share=0.0)], "shipped": [shipped], "fitted": [fitted]}
    for name, noise in {**rows, "fitted on the others": others}.items():
        held = [
            [np.mean([covered(noise[i % len(noise)], frames, width) for frames in group]) for width, _ in LEVELS]
            for i, group in enumerate(groups)
        ]
        told = ", ".join(
            f"{100 * level:.0f} %: {100 * x:.0f} %" for (_, level), x in zip(LEVELS, np.mean(held, 0), strict=True)
        )
        print(f"{name:24s}{told}")
    print(fitted)
    facts = collect_provenance()
    print(f"commit {facts['commit']}, {facts['machine']}")


def without(noise: StateNoise, frames: FrameErrors) -> FrameErrors:
    """The sigmas as they were before the noise model was applied."""
    values, sigmas = np.array(frames.values), np.array(frames.sigmas)
    own = np.sqrt(np.maximum(sigmas**2 - (noise.share * values) ** 2, 0.0)) / noise.factor
    return FrameErrors(values=frames.values, sigmas=tuple(own.tolist()), errors=frames.errors)


def fit(groups: list[list[FrameErrors]]) -> StateNoise:
    """The noise model whose intervals hold what they should."""
    options = [StateNoise(factor=float(f), share=float(s)) for f, s in itertools.product(FACTORS, SHARES)]
    return min(options, key=lambda noise: misfit(noise, groups))


def misfit(noise: StateNoise, groups: list[list[FrameErrors]]) -> tuple[float, float]:
    """How far the shares of frames within the intervals are from what they should be; the intervals' mean width."""
    held = [np.mean([np.mean([covered(noise, one, z) for one in group]) for group in groups]) for z, _ in LEVELS]
    widths = [np.mean(sigmas_of(noise, one)) / max(np.ptp(one.values), 1e-9) for group in groups for one in group]
    gap = sum((x - level) ** 2 for x, (_, level) in zip(held, LEVELS, strict=True))
    return round(float(gap), 4), float(np.mean(widths))


def covered(noise: StateNoise, frames: FrameErrors, width: float) -> float:
    """Share of frames whose error is within so many sigmas."""
    return float((np.abs(frames.errors) <= width * sigmas_of(noise, frames)).mean())


def sigmas_of(noise: StateNoise, frames: FrameErrors) -> Float[np.ndarray, "frame"]:
    """With a noise model."""
    return noise.sigmas(np.array(frames.sigmas), np.array(frames.values))


if __name__ == "__main__":
    tyro.cli(main)
