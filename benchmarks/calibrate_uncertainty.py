"""Fit the refiner's sigmas, confidences and probabilities of a part on tune clips, and print how well they hold.

    python benchmarks/calibrate_uncertainty.py [--sets procedural-val still] [--num 36] [--checkpoint FOLDER] [--clips FOLDER]

Prints the coverage of the 68 % and 95 % intervals, the calibration error of the confidence, and which parts would be kept,
as shipped, as fitted, and as fitted on the other half of the clips (what new clips may expect), then the numbers for
`sim2art.inference.refine.calibration.Calibration`.
"""

from pathlib import Path

import numpy as np
import tyro
from tqdm import tqdm

from sim2art.articulation.joint import JointType
from sim2art.articulation.matching import mask_iou, match_parts
from sim2art.cli.evaluate import Job
from sim2art.dataset.clip import Clip
from sim2art.evaluate.metrics import axis_angle_deg, axis_position, score_clip
from sim2art.inference.predictor import load_predictor
from sim2art.inference.refine.calibration import RADII, Calibration, JudgedJoint, fit_calibration
from sim2art.inference.refine.refine import RefineConfig, refine_with_facts
from sim2art.inference.refine.verdict import Conclusion
from sim2art.observation.normalization import fit_normalization
from sim2art.provenance import collect_provenance
from sim2art.sets.evaluation_sets import EvaluationSet, SetName

FOUND = 0.3
"""Mask IoU from which on a part is one that moves."""
SETS: tuple[SetName, ...] = ("procedural-val", "procedural-novel", "real-mesh", "still")
"""Things that move, and clips in which nothing does."""


def main(
    *, sets: tuple[SetName, ...] = SETS, num: int = 36, checkpoint: Path | None = None, clips: Path | None = None
) -> None:
    """Judge the refined joints of the first tune clips, fit, and print.

    Args:
        sets: Sets of simulated clips.
        num: How many clips of each.
        checkpoint: Weights of the network whose answers are refined.
        clips: Folder with a folder for each set, as `sim2art evaluate --clips` keeps them; made when missing.
    """
    predict = load_predictor(checkpoint)
    groups: list[list[JudgedJoint]] = []
    everything = RefineConfig(min_existence=0.0, min_confidence=0.0)
    for name in sets:
        cases = EvaluationSet.choose(name, "tune", num)
        job = Job(cases=cases, methods=(), clip_folder=None if clips is None else clips / name)
        for seed in tqdm(cases.seeds, unit="clip", desc=name):
            clip = job.make_clip(seed)
            groups.append(judge_joints(clip, refine_with_facts(clip.video, predict(clip.video), everything)))
    print_coverage(groups)
    origin = collect_provenance()
    print(f"commit {origin['commit']}, {origin['machine']}, first {num} tune clips of {', '.join(sets)}")


def judge_joints(clip: Clip, conclusion: Conclusion) -> list[JudgedJoint]:
    """Each refined joint of a clip with its errors."""
    estimate = conclusion.estimate
    claims = score_clip(clip, estimate).claims
    match = match_parts(
        clip.part_ids, estimate.part_ids, clip.video.valid,
        num_true=len(clip.truth.links), num_parts=len(estimate.joints) + 1,
    )  # fmt: skip
    scale = fit_normalization(clip.video).scale
    judged = []
    for index, (facts, answer, claim) in enumerate(zip(conclusion.facts, estimate.joints, claims, strict=True)):
        link = match.true_of_part[index + 1]
        truth = next((j for j in clip.truth.joints if clip.truth.link_index(j.child) == link), None)
        axis_error = pivot_error = None
        if truth is not None and truth.type is answer.joint.type:
            axis_error = float(np.deg2rad(axis_angle_deg(truth.axis, answer.joint.axis)))
            if truth.type is JointType.REVOLUTE:
                points = clip.video.points_world[(clip.part_ids == link) & clip.video.valid]
                pivot_error = axis_position(truth, answer.joint, points) / scale
        judged.append(
            JudgedJoint(
                facts=facts,
                is_right=claim.is_right,
                is_part=_overlap(clip, estimate.part_ids == index + 1) > FOUND,
                axis_error=axis_error,
                pivot_error=pivot_error,
            )
        )
    return judged


def _overlap(clip: Clip, found: np.ndarray) -> float:
    """Highest mask IoU of a part with one that truly moves."""
    valid = clip.video.valid
    true = [clip.truth.link_index(joint.child) for joint in clip.truth.joints]
    return max((mask_iou(found[valid], (clip.part_ids == link)[valid]) for link in true), default=0.0)


def print_coverage(groups: list[list[JudgedJoint]]) -> None:
    """The table: as shipped, as fitted, and as fitted on the other half."""
    everything = [joint for group in groups for joint in group]
    fitted = fit_calibration(everything)
    halves = [[joint for group in groups[start::2] for joint in group] for start in range(2)]
    rows = {
        "shipped": [(Calibration(), everything)],
        "fitted": [(fitted, everything)],
        "fitted on the other half": [(fit_calibration(halves[1]), halves[0]), (fit_calibration(halves[0]), halves[1])],
    }
    print(f"{len(everything)} joints, {sum(x.is_right for x in everything)} right")
    for name, pairs in rows.items():
        words = []
        for kind in ("axis", "pivot"):
            held = [measure_coverage(calibration, joints, kind) for calibration, joints in pairs]
            shares = np.mean([share for shares in held for share in shares], axis=0) if any(held) else [np.nan] * 2
            words.append(f"{kind} 68 %: {100 * shares[0]:.0f} %, 95 %: {100 * shares[1]:.0f} %")
        confidences = np.array([c.confidence(x.facts) for c, joints in pairs for x in joints])
        right = np.array([x.is_right for _, joints in pairs for x in joints])
        bins = np.clip((confidences * 10).astype(int), 0, 9)
        gaps = [abs(confidences[bins == b].sum() - right[bins == b].sum()) for b in np.unique(bins)]
        words.append(f"calibration error {sum(gaps) / max(len(right), 1):.3f}")
        kept = np.array([c.existence(x.facts) >= RefineConfig().min_existence for c, joints in pairs for x in joints])
        parts = np.array([x.is_part for _, joints in pairs for x in joints])
        words.append(
            f"kept {(kept & parts).sum()} of {parts.sum()} parts, {(kept & ~parts).sum()} of {(~parts).sum()} others"
        )
        print(f"{name:26s}{'; '.join(words)}")
    print(fitted)


def measure_coverage(calibration: Calibration, joints: list[JudgedJoint], kind: str) -> list[tuple[float, float]]:
    """One pair of 0 or 1 a joint: whether its error lies within the 68 % and the 95 % interval."""
    held = []
    for joint in joints:
        error = joint.axis_error if kind == "axis" else joint.pivot_error
        if error is not None:
            sigma = calibration.axis_sigma(joint.facts) if kind == "axis" else calibration.pivot_sigma(joint.facts)
            held.append(tuple(float(error <= radius * sigma) for _, radius in RADII))
    return held


if __name__ == "__main__":
    tyro.cli(main)
