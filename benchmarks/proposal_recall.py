"""What the pool of proposals holds: true joints that some hypothesis of the right type comes near, by how points are drawn.

    OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 python benchmarks/proposal_recall.py [--set real-mesh] [--num 72]

A hypothesis is near when the motion that it gives to the true part's points is wrong by less than a fifth (or a tenth) of the
true motion, root mean square. What the pool does not hold, no judge can choose.
"""

import time
from collections.abc import Callable

import numpy as np
import tyro

from sim2art.inference.assign.smoothing import WHOLE_RADIUS, smooth_flow
from sim2art.inference.propose.from_flow import ProposalConfig, propose
from sim2art.inference.propose.point_sampling import sample_moving
from sim2art.inference.score.agreement import measure_agreement
from sim2art.observation.normalization import fit_normalization, normalize
from sim2art.observation.point_video import PointVideo
from sim2art.provenance import collect_provenance
from sim2art.sets.evaluation_sets import EvaluationSet, SetName
from sim2art.train.examples import normalized_truth

DRAWN = 512
LIMITS = (0.1, 0.2, 0.5)
SMALL = 0.05
"""Share of the points below which a part is called small."""


def main(*, set: SetName = "real-mesh", num: int = 72) -> None:
    """Print one line a way of drawing.

    Args:
        set: Which clips (not of recordings).
        num: How many, from the first on.
    """
    chosen = EvaluationSet.choose(set, num=num)
    errors: dict[str, list[float]] = {name: [] for name in DRAWS}
    seconds = dict.fromkeys(DRAWS, 0.0)
    shares: list[float] = []
    for seed in chosen.seeds:
        clip = chosen.make_clip(seed)
        normalization = fit_normalization(clip.video)
        video, truth = normalize(clip.video, normalization), normalized_truth(clip, normalization)
        part_ids = np.where(video.valid, clip.part_ids, -1)
        parts = range(len(truth.axes))
        shares += [float((part_ids == part + 1).sum() / max(video.valid.sum(), 1)) for part in parts]
        for name, draw in DRAWS.items():
            start = time.process_time()
            drawn = draw(video)
            pool = propose(drawn, ProposalConfig(num_points=drawn.num_points), np.random.default_rng(0))
            seconds[name] += time.process_time() - start
            found = measure_agreement(
                pool, truth.motions, truth.axes, video.points_world, part_ids,
                rng=np.random.default_rng(0), num_samples=200,
            )  # fmt: skip
            for part in parts:
                right = found.errors[pool.is_revolute == truth.is_revolute[part], part]
                errors[name].append(float(right.min(initial=np.inf)))
    facts = collect_provenance()
    small = np.array(shares) < SMALL
    print(
        f"commit {facts['commit']}, {facts['machine']}, {set}, {num} clips, {len(shares)} joints, {small.sum()} of small parts"
    )
    print(
        f"{'points':34s}"
        + "".join(f"  within {limit:.1f}" for limit in LIMITS)
        + f"  small, {LIMITS[1]:.1f}  CPU s a clip"
    )
    for name, values in errors.items():
        found = np.array(values)
        row = "".join(f"{100 * np.mean(found < limit):10.1f} %" for limit in LIMITS)
        print(f"{name:34s}{row}{100 * np.mean(found[small] < LIMITS[1]):10.1f} %{seconds[name] / num:14.2f}")


def _fair(video: PointVideo) -> PointVideo:
    return smooth_flow(video, num_points=DRAWN)


def _moving(video: PointVideo) -> PointVideo:
    whole = smooth_flow(video, radius=WHOLE_RADIUS)
    return whole.take(sample_moving(whole, DRAWN, np.random.default_rng(0)))


def _all(video: PointVideo) -> PointVideo:
    return smooth_flow(video, radius=WHOLE_RADIUS)


DRAWS: dict[str, Callable[[PointVideo], PointVideo]] = {
    f"{DRAWN} drawn alike": _fair,
    f"{DRAWN}, more of what moves (ours)": _moving,
    "all": _all,
}


if __name__ == "__main__":
    tyro.cli(main)
