"""Fit the refiner's sigmas and confidences on validation clips, and print how well they hold.

    python benchmarks/calibrate_uncertainty.py [--clips 60] [--corruption real] [--checkpoint FOLDER]

Prints the coverage of the 68 % and 95 % intervals and the calibration error of the confidence as shipped, as fitted,
and as fitted on the other half of the clips (what new clips may expect), then the numbers for
`sim2art.refine.calibration.Calibration`.
"""

from pathlib import Path

import numpy as np
import tyro
from tqdm import tqdm

from sim2art.articulation.joint import JointType
from sim2art.articulation.matching import match_parts
from sim2art.dataset.clip import Clip
from sim2art.dataset.splits import VALIDATION_SEEDS
from sim2art.evaluate.metrics import axis_angle_deg, axis_position, score_clip
from sim2art.observation.normalization import fit_normalization
from sim2art.predict.predictor import load_predictor
from sim2art.provenance import collect_provenance
from sim2art.refine.calibration import RADII, Calibration, JudgedJoint, fit_calibration
from sim2art.refine.refine import refine_with_facts
from sim2art.refine.verdict import Conclusion
from sim2art.simulate.generate import ClipConfig, CorruptionName, generate_clip


def main(*, clips: int = 60, corruption: CorruptionName = "real", checkpoint: Path | None = None) -> None:
    """Judge the refined joints of the first validation clips, fit, and print.

    Args:
        clips: How many clips of procedural-val.
        corruption: What is added to clean clips.
        checkpoint: Weights of the network whose answers are refined.
    """
    predict = load_predictor(checkpoint)
    groups: list[list[JudgedJoint]] = []
    for seed in tqdm(VALIDATION_SEEDS[:clips], unit="clip"):
        clip = generate_clip(ClipConfig(corruption=corruption), seed)
        groups.append(judge_joints(clip, refine_with_facts(clip.video, predict(clip.video))))
    print_coverage(groups)
    origin = collect_provenance()
    print(f"commit {origin['commit']}, {origin['machine']}, {clips} clips of procedural-val, corruption {corruption}")


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
        judged.append(JudgedJoint(facts=facts, is_right=claim.is_right, axis_error=axis_error, pivot_error=pivot_error))
    return judged


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
