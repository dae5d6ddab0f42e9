"""The main job on a real recording with known truth: accuracy, time by stage, and peak memory.

    python benchmarks/run_door.py RECORDING TRUTH.json [--method network]

The truth file holds `axis`, `pivot` (m, camera frame; OpenCV axes), `frames` (ids) and `angle_rad` (one a frame) of one
revolute joint, such as a fit to a fiducial marker on the moving part, seen by a camera that stands still.
"""

import json
import logging
import resource
import time
from pathlib import Path
from typing import Literal

import numpy as np
import tyro

from sim2art.geometry.screws import line_distance, nearest_point_on_line
from sim2art.provenance import collect_provenance
from sim2art.reconstruct import Reconstruction, ReconstructOptions, reconstruct


def main(
    recording: tyro.conf.Positional[Path],
    truth: tyro.conf.Positional[Path],
    *,
    method: Literal["network", "flow_clustering"] = "network",
    checkpoint: Path | None = None,
) -> None:
    """Run on one recording and print how far the answer is from the truth.

    Args:
        recording: A capture folder.
        truth: JSON with axis, pivot, frames and angle_rad.
        method: The network or the baseline.
        checkpoint: Folder of other weights than those that ship.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    start = time.perf_counter()
    result = reconstruct(recording, ReconstructOptions(method=method, checkpoint=checkpoint))
    seconds = time.perf_counter() - start
    print(f"status {result.status.value}, {len(result.estimate.joints)} joint(s), {seconds:.1f} s")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")
    print_errors(result, json.loads(truth.read_text()))
    facts = collect_provenance()
    print(f"{facts['machine']}, commit {facts['commit']}")


def print_errors(result: Reconstruction, truth: dict) -> None:
    """One line a joint: type, axis, axis line and swing against the truth."""
    axis, pivot = np.array(truth["axis"]), np.array(truth["pivot"])
    angle_of = dict(zip(truth["frames"], truth["angle_rad"], strict=True))
    known = np.array([frame in angle_of for frame in result.frame_ids])
    angles = np.array([angle_of.get(frame, 0.0) for frame in result.frame_ids])
    for index, found in enumerate(result.estimate.joints):
        joint, values = found.joint, result.estimate.trajectory.values[:, index]
        cosine = float(joint.axis @ axis)
        words = [joint.name, joint.type.value, f"axis {np.rad2deg(np.arccos(min(1.0, abs(cosine)))):.2f} deg"]
        if joint.pivot is not None:
            moving = result.points.points_world[result.estimate.part_ids == index + 1]
            along = np.median((moving - pivot) @ axis) if len(moving) else 0.0
            beside = nearest_point_on_line(pivot + along * axis, joint.axis, joint.pivot) - (pivot + along * axis)
            words.append(f"line {100 * float(np.linalg.norm(beside)):.1f} cm beside the part")
            words.append(f"({100 * line_distance(axis, pivot, joint.axis, joint.pivot):.1f} cm shortest)")
            signed = np.sign(cosine) * values
            off = signed[known] - (angles - angles[known][0])[known]
            words.append(f"swing {np.rad2deg(np.ptp(values)):.1f} deg, true {np.rad2deg(np.ptp(angles[known])):.1f}")
            words.append(f"worst frame {np.rad2deg(np.abs(off).max()):.1f} deg off")
        words.append(f"confidence {found.confidence:.2f}")
        print(", ".join(words))


if __name__ == "__main__":
    tyro.cli(main)
