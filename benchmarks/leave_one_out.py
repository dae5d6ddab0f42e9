"""What each source of hypotheses and each rule is worth: inference and refinement without it, on the same clips.

    python benchmarks/leave_one_out.py out/leave_one_out --set real-mesh --num 36 [--only surfaces seed_1 ...]

Prints the numbers of the whole method, and for each thing left out the difference with a 95 % interval (bootstrap over
clips, pairs kept together). `seed_N` leaves nothing out and changes the random seed. Clips that were done are not done
again. Look at `tune` halves only.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
import tyro

from sim2art.articulation.estimate import ArticulationEstimate
from sim2art.dataset.clip import Clip
from sim2art.evaluate.metrics import score_clip
from sim2art.inference import loop as inference
from sim2art.inference.carried_parts import CarriedConfig
from sim2art.inference.checkpoint import JUDGE_CHECKPOINT, MASKS_CHECKPOINT, load_checkpoint
from sim2art.inference.loop import InferenceConfig, infer
from sim2art.inference.propose.from_surfaces import SurfaceGuessConfig
from sim2art.inference.refine import refine as refiner
from sim2art.inference.versions import PromisingConfig
from sim2art.networks.judge import Judge
from sim2art.networks.mask_network import MaskNetwork
from sim2art.provenance import collect_provenance
from sim2art.sets.evaluation_sets import EvaluationSet, SetName

WHOLE = "nothing"
NEVER = 10**9
MEASURES = ("mIoU", "types", "5 deg", "joints too many", "CPU s")
PER_JOINT = (1, 2)


def _unchanged(config: InferenceConfig) -> InferenceConfig:
    return config


CONFIGS: dict[str, Callable[[InferenceConfig], InferenceConfig]] = {
    WHOLE: _unchanged,
    "surfaces": lambda c: replace(c, surfaces=SurfaceGuessConfig(min_seeds=NEVER)),
    "rounds": lambda c: replace(c, max_rounds=2),
    "fits of promising": lambda c: replace(c, promising=PromisingConfig(num_fits=0)),
    "parts on parts": lambda c: replace(c, carried=CarriedConfig(min_share=2.0)),
    **{f"seed_{seed}": lambda c, seed=seed: replace(c, seed=seed) for seed in range(1, 5)},
}
"""By what is left out."""
REFINERS = {
    "existence": refiner.RefineConfig(min_existence=0.0),
    "confidence": refiner.RefineConfig(min_confidence=0.0),
}
PATCHES: dict[str, dict[str, Any]] = {
    "agreement over frames": {"agree": lambda video, parts: parts},
    "apparent turns": {"only_seems_to_turn": lambda sight, model, part: False},
    "taking back": {"keep_proposed": lambda parts, proposed, facts, config: (parts, facts)},
    "joining": {"merge_same": lambda sight, parts: parts},
    "hanging": {"choose_parents": lambda sight, parts, solver, correspondence: parts},
}
"""The same in the refiner, by the functions that are replaced."""
NAMES = (*CONFIGS, "main directions", "mask network", "refiner", *REFINERS, *PATCHES)


def main(
    folder: tyro.conf.Positional[Path],
    /,
    *,
    set_name: SetName = "real-mesh",
    num: int = 36,
    only: tuple[str, ...] = (),
    clips: Path | None = None,
) -> None:
    """Run what is missing and print the table.

    Args:
        folder: Scores are kept here.
        set_name: Set of simulated clips; its tune half.
        num: Clips of it.
        only: What to leave out, one at a time; all by default.
        clips: Folder of clips as `sim2art evaluate --clips` keeps them.
    """
    torch.set_num_threads(1)
    cases = EvaluationSet.choose(set_name, "tune", num)
    names = [name for name in NAMES if not only or name in (*only, WHOLE)]
    folder.mkdir(parents=True, exist_ok=True)
    judge, masks = load_checkpoint(JUDGE_CHECKPOINT), load_checkpoint(MASKS_CHECKPOINT)
    assert isinstance(judge, Judge) and isinstance(masks, MaskNetwork)
    scores: dict[str, list[list[float]]] = {name: [] for name in names}
    for seed in cases.seeds:
        clip: Clip | None = None
        for name in names:
            path = folder / f"{set_name}-{seed}-{name.replace(' ', '_')}.json"
            if not path.exists():
                clip = clip or _make_clip(cases, seed, clips)
                path.write_text(json.dumps(_score(clip, name, judge, masks)))
            scores[name].append(json.loads(path.read_text()))
    facts = collect_provenance()
    print(f"{set_name}, tune, {num} clips, {int(np.sum(scores[WHOLE], axis=0)[-1])} joints")
    print(f"commit {facts['commit']}, {facts['machine']}")
    print_table({name: np.array(rows) for name, rows in scores.items()})


def print_table(scores: dict[str, np.ndarray]) -> None:
    """Rows by what is left out; differences to the whole method with intervals."""
    whole = scores[WHOLE]
    draws = np.random.default_rng(0).integers(len(whole), size=(4000, len(whole)))
    print(f"{'left out':24s}" + "".join(f"{name:>28s}" for name in MEASURES))
    for name, rows in scores.items():
        words = []
        for column in range(len(MEASURES)):
            weight = rows[:, -1] if column in PER_JOINT else np.ones(len(rows))
            mean = rows[:, column].sum() / max(weight.sum(), 1)
            difference = (rows - whole)[:, column]
            low, high = np.percentile(
                difference[draws].sum(axis=1) / np.maximum(weight[draws].sum(axis=1), 1), [2.5, 97.5]
            )
            words.append(f"{mean:.3f}" if name == WHOLE else f"{mean:.3f} [{low:+.3f} {high:+.3f}]")
        print(f"{name:24s}" + "".join(f"{word:>28s}" for word in words))


def _score(clip: Clip, name: str, judge: Judge, masks: MaskNetwork) -> list[float]:
    """Mean IoU, right types, joints within 5 deg, joints too many, CPU seconds, true joints."""
    began = time.process_time()
    with _without(name):
        answer = _answer(clip, name, judge, None if name == "mask network" else masks)
    seconds = time.process_time() - began
    score = score_clip(clip, answer)
    matched = sum(joint.is_matched for joint in score.joints)
    return [
        score.mean_iou,
        sum(joint.is_type_right for joint in score.joints),
        sum(joint.is_type_right and joint.penalised_axis_deg <= 5 for joint in score.joints),
        len(answer.joints) - matched,
        seconds,
        len(score.joints),
    ]


def _answer(clip: Clip, name: str, judge: Judge, masks: MaskNetwork | None) -> ArticulationEstimate:
    config = CONFIGS.get(name, _unchanged)(InferenceConfig())
    estimate = infer(judge, clip.video, config, masks)
    if name == "refiner":
        return estimate
    return refiner.refine(clip.video, estimate, REFINERS.get(name, refiner.RefineConfig()))


@contextmanager
def _without(name: str) -> Iterator[None]:
    """With functions of inference or of the refiner replaced."""
    if name == "main directions":
        prepare = inference.prepare
        undirected = lambda *given: prepare(*given)._replace(directions=np.zeros((0, 3)))  # noqa: E731
        with mock.patch.object(inference, "prepare", undirected):
            yield
    elif name in PATCHES:
        with mock.patch.multiple(refiner, **PATCHES[name]):
            yield
    else:
        yield


def _make_clip(cases: EvaluationSet, seed: int, folder: Path | None) -> Clip:
    from sim2art.cli.evaluate import Job

    return Job(cases=cases, methods=(), clip_folder=folder).make_clip(seed)


if __name__ == "__main__":
    tyro.cli(main)
