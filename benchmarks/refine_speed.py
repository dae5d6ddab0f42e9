"""Time and memory of the refiner, beside the optimising peer on the same clips, for 16 frames x 2048 points.

    python benchmarks/refine_speed.py [--clips 5] [--parts 3] [--no-peer]

The peer is ReArt's relaxation of parts, by closed-form steps (`reart_style`).
Runs on one core (set OMP_NUM_THREADS=1 and NUMBA_NUM_THREADS=1); the refiner has no threads of its own. Clips are the
first of procedural-val with at least that many parts, the base among them.
"""

import resource
import time
from collections.abc import Callable

import numpy as np
import tyro

from sim2art.articulation.estimate import ArticulationEstimate
from sim2art.baselines.reart_style import reart_style
from sim2art.dataset.splits import VALIDATION
from sim2art.evaluate.metrics import score_clip
from sim2art.evaluate.scores import ClipScore
from sim2art.evaluate.summary import summarize
from sim2art.inference.predictor import load_predictor
from sim2art.inference.refine.refine import refine
from sim2art.provenance import collect_provenance
from sim2art.simulate.generate import ClipConfig, generate_clip

PEER = "reart_style"


def main(*, clips: int = 5, parts: int = 3, peer: bool = True) -> None:
    """Print seconds, axis errors and peak memory.

    Args:
        clips: How many clips to time, after one that warms up.
        parts: Least number of parts of a clip, the base among them.
        peer: Time it beside the refiner.
    """
    predict = load_predictor()
    seconds: dict[str, list[float]] = {"network": [], "refine": []}
    if peer:
        seconds[PEER] = []
    scores: dict[str, list[ClipScore]] = {name: [] for name in seconds}
    done = 0
    for seed in VALIDATION.seeds("tune"):
        clip = generate_clip(ClipConfig(), seed)
        if len(clip.truth.links) < parts:
            continue
        proposal, took = _timed(lambda c=clip: predict(c.video))
        refined, refining = _timed(lambda c=clip, p=proposal: refine(c.video, p))
        answers = {"network": (proposal, took), "refine": (refined, refining)}
        if peer and done:
            answers[PEER] = _timed(lambda c=clip: reart_style(c.video))
        if done:
            for name, (answer, took) in answers.items():
                seconds[name].append(took)
                scores[name].append(score_clip(clip, answer))
        done += 1
        if done > clips:
            break
    for name, times in seconds.items():
        if times:
            axis = summarize(scores[name]).axis_deg_penalised
            print(
                f"{name:20s}{np.median(times):8.2f} s median, {max(times):6.2f} s at most, "
                f"axis {axis.mean:5.2f} deg mean, {axis.median:5.2f} median (missed = 90)"
            )
    if peer and seconds["refine"]:
        ratio = np.median(seconds[PEER]) / np.median(seconds["refine"])
        print(f"the refiner is {ratio:.0f} times faster than the peer (medians, {len(seconds['refine'])} clips)")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    origin = collect_provenance()
    print(f"peak memory {peak:.0f} MiB, generator and network included; {origin['machine']}, commit {origin['commit']}")


def _timed(work: Callable[[], ArticulationEstimate]) -> tuple[ArticulationEstimate, float]:
    """The answer and the processor seconds it took: other work on the machine does not count."""
    start = time.process_time()
    return work(), time.process_time() - start


if __name__ == "__main__":
    tyro.cli(main)
