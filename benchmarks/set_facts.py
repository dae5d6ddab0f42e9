"""What the clips of a set show: for each object, how much of the moving part is seen and how far it travels.

python benchmarks/set_facts.py [--set real-mesh] [--num 216]
"""

import os

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

from collections import Counter, defaultdict  # noqa: E402
from collections.abc import Iterator  # noqa: E402
from dataclasses import dataclass  # noqa: E402
from typing import Annotated, Literal  # noqa: E402

import numpy as np  # noqa: E402
import tyro  # noqa: E402

from sim2art.articulation.kinematics import link_motions  # noqa: E402
from sim2art.dataset.clip import Clip  # noqa: E402
from sim2art.geometry.transforms import apply, inverse  # noqa: E402
from sim2art.observation.normalization import fit_normalization  # noqa: E402
from sim2art.provenance import collect_provenance  # noqa: E402
from sim2art.sets.evaluation_sets import EvaluationSet  # noqa: E402

GeneratedSet = Literal["procedural-val", "procedural-novel", "real-mesh"]


@dataclass(frozen=True, kw_only=True)
class PartFacts:
    """One moving part of one clip."""

    points: float
    """Median over the frames of the sampled points on it."""
    share: float
    """Of the frames, those that show it."""
    travel: float
    """Median over its points of how far each gets from where it was, as a share of the observation's size."""
    travel_cm: float
    kind: str


def describe(clip: Clip) -> Iterator[PartFacts]:
    """Facts of each moving part, from clean points."""
    video, names = clip.video, [link.name for link in clip.truth.links]
    motions = link_motions(clip.truth, clip.trajectory.values)
    scale = fit_normalization(video).scale
    for joint in clip.truth.joints:
        part = names.index(joint.child)
        chosen = (clip.part_ids == part) & video.valid
        counts = chosen.sum(axis=1)
        rest = np.concatenate(
            [apply(inverse(motions[t, part]), video.points_world[t][chosen[t]]) for t in range(video.num_frames)]
        )
        paths = apply(motions[:, part], rest[:: max(1, len(rest) // 300)])
        travel = float(np.median(np.linalg.norm(paths - paths[:1], axis=-1).max(axis=0)))
        yield PartFacts(
            points=float(np.median(counts)),
            share=float((counts > 0).mean()),
            travel=travel / scale,
            travel_cm=100 * travel,
            kind=joint.type.value,
        )


def print_facts(set_name: Annotated[GeneratedSet, tyro.conf.arg(name="set")] = "real-mesh", num: int = 0) -> None:
    """Print a table with a row for each object or family.

    Args:
        set_name: The set; its clips are made without corruption.
        num: Clips, from the first on; 0: all.
    """
    cases = EvaluationSet.choose(set_name, num=num or None, corruption="none")
    found: defaultdict[str, list[PartFacts]] = defaultdict(list)
    clips, attempts, without_base = Counter[str](), Counter[str](), Counter[str]()
    for seed in cases.seeds:
        clip = cases.make_clip(seed)
        family = str(clip.provenance["family"]).removeprefix("real:")
        found[family] += describe(clip)
        clips[family] += 1
        attempts[family] += clip.provenance["attempts"]
        without_base[family] += not np.any((clip.part_ids == 0) & clip.video.valid)
    facts = collect_provenance()
    print(
        f"{facts['machine']}, commit {facts['commit']}; {set_name}, {len(cases.seeds)} clips of 16 frames x 2048 points"
    )
    print(
        f"{'object':20s} clips  moving parts  points (least)  frames  travel/size (least)   cm (least)  redrawn  no base"
    )
    for family, parts in sorted(found.items()):
        points, shares, travels, lengths = (
            np.array([getattr(part, name) for part in parts]) for name in ("points", "share", "travel", "travel_cm")
        )
        kinds = ", ".join(f"{count} {kind}" for kind, count in Counter(part.kind for part in parts).items())
        print(
            f"{family:20s} {clips[family]:5d}  {kinds:14s} {np.median(points):6.0f} ({points.min():4.0f})  "
            f"{shares.min():6.0%}  {np.median(travels):6.2f} ({travels.min():.2f})  "
            f"{np.median(lengths):10.1f} ({lengths.min():.1f})  {attempts[family] - clips[family]:7d}  {without_base[family]:7d}"
        )


if __name__ == "__main__":
    tyro.cli(print_facts)
