"""Would our judge gain from the paper's network? What its slots add to the pool, and which joints it alone gets right.

    sim2art evaluate --set procedural-val --half tune --num 48 --methods network -o ours
    python benchmarks/paper_and_judge.py --estimates ours/estimates [--num 48] [--checkpoint FOLDER]

Weights cannot be handed over: the judge reads evidence of hypotheses and the other points, so no layer of one fits one
of the other. What can be is answers. First, the slots' joints as further hypotheses: what the pool does not hold, no judge can
choose, so true joints that they bring near are a bound of the gain. Second, as a teacher: joints that our way misses
or gives the wrong type and the paper's network gets right are a bound of what imitation could teach, and joints the
other way round of what it could spoil. Intervals are of a bootstrap over clips.
"""

import dataclasses
from pathlib import Path

import numpy as np
import torch
import tyro
from proposal_recall import DRAWN

from sim2art.articulation.estimate import ArticulationEstimate
from sim2art.articulation.joint import JointType
from sim2art.dataset.clip import Clip
from sim2art.dataset.splits import HalfName
from sim2art.evaluate.bootstrap import ClipValues, interval
from sim2art.evaluate.metrics import score_clip
from sim2art.evaluate.predictions import PredictionStore
from sim2art.inference.assembly import hypotheses_from_joints
from sim2art.inference.assign.smoothing import WHOLE_RADIUS, smooth_flow
from sim2art.inference.hypotheses import Hypotheses, JointGuess, join_hypotheses
from sim2art.inference.propose.from_flow import ProposalConfig, propose
from sim2art.inference.propose.point_sampling import sample_moving
from sim2art.inference.refine.refine import refine
from sim2art.inference.score.agreement import measure_agreement
from sim2art.methods import load_method
from sim2art.observation.normalization import Normalization, fit_normalization, normalize
from sim2art.provenance import collect_provenance
from sim2art.sets.evaluation_sets import EvaluationSet, SetName
from sim2art.train.examples import normalized_truth

LIMITS = (0.1, 0.2, 0.5)
Rows = dict[str, list[list[float]]]
"""Per clip, a number for each true joint."""


def main(
    *,
    estimates: Path,
    set: SetName = "procedural-val",
    half: HalfName = "tune",
    num: int = 48,
    checkpoint: Path | None = None,
    fitted: bool = True,
) -> None:
    """Print both tables.

    Args:
        estimates: Of our own method on these clips.
        set: Which clips (not of recordings), with the noise of sensors.
        half: Of the set.
        num: How many, from the first on.
        checkpoint: Of the paper's network; the shipped one when None.
        fitted: Whether slots also join after the refiner fitted their joints to flow under their masks, as the pool's best are.
    """
    torch.set_num_threads(1)
    chosen = EvaluationSet.choose(set, half, num)
    facts = dataclasses.asdict(chosen)
    del facts["num"], facts["half"]
    store = PredictionStore(folder=estimates, config=facts).open()
    paper = load_method("paper", checkpoint)
    near: Rows = {}
    right: Rows = {}
    for seed in chosen.seeds:
        clip = chosen.make_clip(seed)
        told = paper(clip.video)
        slots = {"slots": told} | ({"slots, fitted": refine(clip.video, told)} if fitted else {})
        for name, values in measure_pools(clip, slots).items():
            near.setdefault(name, []).append(values)
        scores = {"paper": score_clip(clip, told), "ours": score_clip(clip, store.read("network", clip).estimate)}
        types = {name: [joint.is_type_right for joint in score.joints] for name, score in scores.items()}
        pairs = list(zip(types["paper"], types["ours"], strict=True))
        right.setdefault("both right", []).append([float(a and b) for a, b in pairs])
        right.setdefault("ours alone right", []).append([float(b and not a) for a, b in pairs])
        right.setdefault("paper alone right", []).append([float(a and not b) for a, b in pairs])
        right.setdefault("neither", []).append([float(not a and not b) for a, b in pairs])
    origin = collect_provenance()
    count = sum(map(len, right["neither"]))
    print(f"commit {origin['commit']}, {origin['machine']}, {set} ({half}), {num} clips, {count} seen joints")
    print(
        "\n| true joints that a hypothesis of the right type comes near | " + " | ".join(f"{x}" for x in LIMITS) + " |"
    )
    print("| --- |" + " --- |" * len(LIMITS))
    for name, values in near.items():
        cells = [_share([[float(x < limit) for x in own] for own in values]) for limit in LIMITS]
        print(f"| {name} | " + " | ".join(cells) + " |")
    print("\n| type of the joint | share |\n| --- | --- |")
    for name, values in right.items():
        print(f"| {name} | {_share(values)} |")


def measure_pools(clip: Clip, slots: dict[str, ArticulationEstimate]) -> dict[str, list[float]]:
    """Error of the nearest hypothesis of the right type to each true joint, for each pool; infinite without one."""
    normalization = fit_normalization(clip.video)
    video, truth = normalize(clip.video, normalization), normalized_truth(clip, normalization)
    whole = smooth_flow(video, radius=WHOLE_RADIUS)
    drawn = whole.take(sample_moving(whole, DRAWN, np.random.default_rng(0)))
    pool = propose(drawn, ProposalConfig(num_points=drawn.num_points), np.random.default_rng(0))
    pools = {"pool from flow": pool}
    for name, told in slots.items():
        added = hypotheses_of(told, normalization)
        pools |= {name: added, f"pool and {name}": join_hypotheses([pool, added])}
    errors = {}
    for name, hypotheses in pools.items():
        found = measure_agreement(
            hypotheses,
            truth.motions,
            truth.axes,
            video.points_world,
            np.where(video.valid, clip.part_ids, -1),
            rng=np.random.default_rng(0),
            num_samples=200,
        )
        errors[name] = [
            float(found.errors[hypotheses.is_revolute == truth.is_revolute[part], part].min(initial=np.inf))
            for part in range(len(truth.axes))
        ]
    return errors


def hypotheses_of(told: ArticulationEstimate, normalization: Normalization) -> Hypotheses:
    """The joints of an answer as hypotheses in normalised coordinates."""
    guesses = []
    for index, estimate in enumerate(told.joints):
        joint, values = estimate.joint, told.trajectory.values[:, index]
        turns = joint.type is JointType.REVOLUTE
        pivot = np.zeros(3) if joint.pivot is None else normalization.apply(joint.pivot)
        guesses.append(
            JointGuess(
                is_revolute=turns,
                axis=joint.axis,
                pivot=pivot,
                values=(values - values[0]) / (1.0 if turns else normalization.scale),
            )
        )
    if not guesses:
        frames = len(told.trajectory.values)
        return Hypotheses(
            is_revolute=np.zeros(0, dtype=bool),
            axes=np.zeros((0, 3)),
            pivots=np.zeros((0, 3)),
            values=np.zeros((0, frames)),
            scores=np.zeros(0),
        )
    return hypotheses_from_joints(guesses, np.array([x.confidence for x in told.joints]))


def _share(values: list[list[float]]) -> str:
    gathered = ClipValues.gather(values)
    ends = interval(gathered, "mean")
    told = "" if ends is None else f" [{100 * ends[0]:.1f}, {100 * ends[1]:.1f}]"
    return f"{100 * (gathered.measure('mean') or 0.0):.1f} %{told}"


if __name__ == "__main__":
    tyro.cli(main)
