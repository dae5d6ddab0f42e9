"""Do axes lie along the main directions of what is seen, and what do wrong directions do to the answer?

    python benchmarks/main_directions.py                                          # shares of true axes, all sets
    python benchmarks/main_directions.py --sets procedural-val --num 15 --tilts 0 5 15 # answers with directions turned away

The second shows how far the network's choice between fits along directions and free fits protects from directions that
an object does not keep to: they are turned by so many degrees about a random line before anything uses them.
"""

import os

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

import numpy as np  # noqa: E402
import tyro  # noqa: E402

from sim2art.cli.evaluation_sets import EvaluationSet, SetName  # noqa: E402
from sim2art.evaluate.metrics import score_clip  # noqa: E402
from sim2art.evaluate.scores import ClipScore  # noqa: E402
from sim2art.evaluate.summary import summarize  # noqa: E402
from sim2art.geometry.rotations import line_angle, rotation_from_rotvec  # noqa: E402
from sim2art.observation.normalization import fit_normalization, normalize  # noqa: E402
from sim2art.predict import pool as pool_module  # noqa: E402
from sim2art.predict.predictor import load_predictor  # noqa: E402
from sim2art.proposals.main_directions import find_main_directions, main_directions_of  # noqa: E402
from sim2art.provenance import collect_provenance  # noqa: E402

LIMITS = (1.0, 2.0, 5.0)


def main(
    *,
    sets: tuple[SetName, ...] = ("procedural-val", "procedural-novel", "real-mesh"),
    num: int | None = None,
    tilts: tuple[float, ...] = (),
) -> None:
    """Print a line a set, and a line a tilt.

    Args:
        sets: Which sets (not of recordings).
        num: Clips of each, from the first on; by default 80, 60 and 72.
        tilts: Degrees by which directions are turned; none: no answers are asked for.
    """
    facts = collect_provenance()
    print(f"commit {facts['commit']}, {facts['machine']}")
    usual = {"procedural-val": 80, "procedural-novel": 60, "real-mesh": 72}
    for name in sets:
        cases = EvaluationSet.choose(name, num=num or usual.get(name, 36))
        _print_shares(cases)
        for tilt in tilts:
            _print_answers(cases, tilt)


def _print_shares(cases: EvaluationSet) -> None:
    """How many true axes lie near a direction; a clip without directions counts as far from all."""
    angles: list[float] = []
    without = 0
    for seed in cases.seeds:
        clip = cases.make_clip(seed)
        directions = main_directions_of(normalize(clip.video, fit_normalization(clip.video)))
        without += not len(directions)
        seen = set(np.unique(clip.part_ids[clip.video.valid]).tolist())
        for joint in clip.truth.joints:
            if clip.truth.link_index(joint.child) in seen:
                own = np.rad2deg(line_angle(directions, joint.axis)) if len(directions) else np.array([90.0])
                angles.append(float(own.min()))
    shares = ", ".join(f"{100 * np.mean(np.array(angles) <= limit):.1f} % within {limit:.0f} deg" for limit in LIMITS)
    print(
        f"{cases.name}: {len(angles)} true axes, {shares}; {without} of {cases.num} clips without directions",
        flush=True,
    )


def _print_answers(cases: EvaluationSet, tilt: float) -> None:
    """Answers with directions that are turned away."""
    rng = np.random.default_rng(0)

    def tilted(normals: np.ndarray) -> np.ndarray:
        line = rng.normal(size=3)
        return find_main_directions(normals) @ rotation_from_rotvec(np.deg2rad(tilt) * line / np.linalg.norm(line)).T

    pool_module.find_main_directions = tilted
    predict = load_predictor()
    scores: list[ClipScore] = []
    for seed in cases.seeds:
        clip = cases.make_clip(seed)
        scores.append(score_clip(clip, predict(clip.video)))
    found = summarize(scores)
    types = "none" if found.type_accuracy is None else f"{100 * found.type_accuracy:.1f} %"
    print(
        f"  directions turned by {tilt:4.1f} deg: mIoU {found.mean_iou.mean:.3f}, types {types}, "
        f"axis mean {found.axis_deg.mean:.2f}, median {found.axis_deg.median:.2f} deg",
        flush=True,
    )


if __name__ == "__main__":
    tyro.cli(main)
