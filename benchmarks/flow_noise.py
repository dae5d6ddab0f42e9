"""How far optical flow is off across and along edges, on rendered recordings with true flow.

    python benchmarks/flow_noise.py [--num 6] [--output benchmarks/results/flow_noise.txt]

Of pixels of moving parts whose flow is believed: the 68 % quantile of the error along the strongest and the weakest slope of
the image, by the ratio of these slopes, and what `measure_slip` says of it.
"""

import dataclasses
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import tyro

from sim2art.assets.procedural import TRAINING_FAMILIES
from sim2art.geometry.cameras import project, unproject
from sim2art.geometry.transforms import apply, inverse
from sim2art.perception.flow.dis import DisFlow
from sim2art.perception.flow.lifted_flow import measure_flows
from sim2art.perception.flow.texture import measure_slip, measure_texture
from sim2art.provenance import collect_provenance
from sim2art.simulate.recordings import RecordingConfig, render_recording

FIRST_SEED = 700_000
NUM_FRAMES, BASELINES = 10, (1, 3)
MIN_SHIFT = 1.2
"""px beyond what the camera does."""
RATIOS = (1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0, np.inf)


def errors_of(seed: int) -> np.ndarray:
    """Rows of ratio of slopes, predicted factor, errors along the weakest and the strongest slope (px), of one recording."""
    recording = render_recording(RecordingConfig(families=TRAINING_FAMILIES), seed)
    frames = np.linspace(0, len(recording.times) - 1, NUM_FRAMES).round().astype(int).tolist()
    grays = np.array([cv2.cvtColor(recording.images[frame], cv2.COLOR_RGB2GRAY) for frame in frames])
    poses = recording.stage.world_from_camera[frames]
    poses = inverse(poses[0]) @ poses
    depths, k = recording.stage.depths[frames].astype(np.float32), recording.intrinsics
    exact = dataclasses.replace(recording.exact_flow(frames), world_from_camera=poses)
    parts = recording.part_images_of(frames)
    rows = [np.zeros((0, 4))]
    for (a, b), pair in measure_flows(grays, depths, k, poses, image_flow=DisFlow(), baselines=BASELINES).items():
        if b < a:
            continue
        y, x = np.nonzero(pair.confident & pair.beats_still & (parts[a] > 0))
        pixels = np.stack([x, y], axis=1)
        points = apply(poses[a], unproject(k, pixels.astype(np.float64), depths[a][y, x].astype(np.float64)))
        flow, known = exact(a, b - a, pixels, points)
        to_camera = inverse(poses[b])
        target = project(k, apply(to_camera, points + flow))
        shift = np.linalg.norm(target - project(k, apply(to_camera, points)), axis=1)
        off = pixels + pair.flow[y, x] - target
        weakest, strongest = measure_texture(grays[a])
        slip = measure_slip(grays[a])[y, x]
        size = np.linalg.norm(slip, axis=1)
        along = slip / np.maximum(size, 1e-9)[:, None]
        across = np.stack([-along[:, 1], along[:, 0]], axis=1)
        ratio = strongest[y, x] / np.maximum(weakest[y, x], 1e-3)
        row = np.stack(
            [ratio, np.hypot(1, size), np.abs(np.sum(off * along, 1)), np.abs(np.sum(off * across, 1))], axis=1
        )
        rows.append(row[known & (shift > MIN_SHIFT)])
    return np.concatenate(rows)


def main(num: int = 6, output: Path | None = None) -> None:
    """Render, measure, print."""
    rows = np.concatenate([errors_of(FIRST_SEED + index) for index in range(num)])
    facts = collect_provenance()
    lines = [
        f"recordings:  {num} rendered, training families, seeds {FIRST_SEED} to {FIRST_SEED + num - 1}; DIS flow",
        f"commit:      {facts['commit']}",
        f"machine:     {facts['machine']}",
        "",
        "ratio of slopes    pixels   68 % along edges, px   68 % across, px   times   measure_slip",
    ]
    for low, high in pairwise(RATIOS):
        own = rows[(rows[:, 0] >= low) & (rows[:, 0] < high)]
        if len(own) < 100:
            continue
        along, across = np.quantile(own[:, 2], 0.68), np.quantile(own[:, 3], 0.68)
        lines.append(
            f"{low:5.1f} to {high:5.1f}  {len(own):10d}  {along:21.2f}  {across:16.2f}  {along / across:6.1f}  {np.median(own[:, 1]):13.1f}"
        )
    text = "\n".join(lines)
    print(text)
    if output is not None:
        output.write_text(text + "\n")


if __name__ == "__main__":
    tyro.cli(main)
