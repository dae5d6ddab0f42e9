"""Scene flow of `gmsf` beside nearest neighbours, no flow at all, and optical flow lifted by depth; and its time.

    python benchmarks/scene_flow.py [--clips 20] [--recordings 4] [--checkpoint FOLDER]

Clips have no images: there the optical flow is the simulated one, with the errors that the data engine gives it. Rendered
recordings go through the chain of `sim2art run`, once as they are and once with objects that have no texture; there the
optical flow is DIS. All methods see the same points. EPE is that of points that move; AccS: within 5 cm or 5 %, AccR: 10 cm
or 10 %, outliers: off by more than 30 cm or 10 %. Where optical flow was not measured it does not count in its own row, and
counts as no flow in the row below it. `gmsf` is what `--flow gmsf` gives: the network's flow settled on the other surface
as that of a few rigid bodies; the rows below it tell what each of the two does alone.
"""

import dataclasses
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import tyro
from jaxtyping import Bool, Float
from scipy.spatial import KDTree

from sim2art.assets.procedural import VALIDATION_FAMILIES
from sim2art.dataset.clip import Clip
from sim2art.dataset.splits import RGBD
from sim2art.errors import Sim2ArtError
from sim2art.evaluate.flow_metrics import FlowScore, mean_flow, score_flow
from sim2art.networks.scene_flow import SceneFlowNetwork
from sim2art.networks.scene_flow_checkpoint import SCENE_FLOW_CHECKPOINT, load_scene_flow
from sim2art.observation.normalization import normalize_box
from sim2art.perception.captures.capture import MemoryCapture
from sim2art.perception.flow.gmsf import estimate_flow
from sim2art.perception.flow.piecewise_rigid import fit_piecewise_rigid
from sim2art.perception.pipeline import ObserveOptions, observe
from sim2art.provenance import collect_provenance
from sim2art.sets.evaluation_sets import EvaluationSet, SetName
from sim2art.sets.recorded_clips import label_observation
from sim2art.simulate.generate import ClipConfig, generate_clip
from sim2art.simulate.recordings import RecordingConfig, render_recording

PairFlow = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Points of two frames (m) to the flow of the first and whether it is known."""
NUM_FRAMES = 16
BASELINES = (1, 3, NUM_FRAMES - 1)
STARTS = {1: (2, 9), 3: (1, 8), NUM_FRAMES - 1: (0,)}
"""Frames that are scored, by baseline."""


def main(*, clips: int = 20, recordings: int = 4, checkpoint: Path = SCENE_FLOW_CHECKPOINT) -> None:
    """Print a table for each set.

    Args:
        clips: Of each set of clips.
        recordings: Of each set of recordings.
        checkpoint: Weights to run.
    """
    network = load_scene_flow(checkpoint)
    facts = collect_provenance()
    print(f"{facts['machine']}, commit {facts['commit']}, {checkpoint.name}; 2048 points a frame, mean over clips")
    sets: tuple[SetName, ...] = ("procedural-val", "real-mesh")
    for name in sets:
        chosen = EvaluationSet.choose(name, num=clips)
        configs = [
            ClipConfig(families=chosen.families(seed), num_frames=NUM_FRAMES, corruption="real", baselines=BASELINES)
            for seed in chosen.seeds
        ]
        made = [generate_clip(config, seed) for config, seed in zip(configs, chosen.seeds, strict=True)]
        _print_table(f"{name}, {clips} clips", [_score_clip(clip, network) for clip in made])
    for is_plain in (False, True):
        scored = [
            scores for seed in RGBD.seeds("tune")[:recordings] if (scores := _score_recording(seed, network, is_plain))
        ]
        title = "without texture" if is_plain else "as they are"
        _print_table(f"procedural-rgbd, objects {title}, {len(scored)} recordings", scored)
    _print_times(network)


def find_nearest(
    points: Float[np.ndarray, "point 3"], others: Float[np.ndarray, "other 3"]
) -> tuple[Float[np.ndarray, "point 3"], Bool[np.ndarray, "point"]]:
    """Flow to the nearest point of the other frame."""
    index = KDTree(others).query(points)[1]
    return others[index] - points, np.ones(len(points), dtype=bool)


def stay(
    points: Float[np.ndarray, "point 3"], others: Float[np.ndarray, "other 3"]
) -> tuple[Float[np.ndarray, "point 3"], Bool[np.ndarray, "point"]]:
    """No flow."""
    del others
    return np.zeros_like(points), np.ones(len(points), dtype=bool)


def _score_clip(clip: Clip, network: SceneFlowNetwork) -> dict[str, tuple[FlowScore, ...]]:
    """Scores of all methods on a clip; its own flow is that of simulated optical flow."""

    def match(points: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(0)
        order = rng.permutation(len(points))
        flow, _ = estimate_flow(network, points[order], rng.permutation(others))
        return flow[np.argsort(order)], np.ones(len(points), dtype=bool)

    flows = _flow_of_all(clip, {"gmsf, network alone": match, "nearest": find_nearest, "none": stay})
    flows["gmsf"] = _settled(flows["gmsf, network alone"])
    flows["gmsf, where seen"] = _settled(flows["gmsf, network alone"], only_seen=True)
    flows["nearest, settled too"] = _settled(flows["nearest"])
    return {name: score_flow(changed) for name, changed in {**flows, **_measured(clip)}.items()}


def _score_recording(seed: int, network: SceneFlowNetwork, is_plain: bool) -> dict[str, tuple[FlowScore, ...]] | None:
    """Scores of all methods on a recording, or None when the chain refused it."""
    recording = render_recording(RecordingConfig(families=VALIDATION_FAMILIES, is_plain=is_plain), seed)
    capture = MemoryCapture(
        images=recording.images,
        depths=recording.depths,
        times=recording.times,
        intrinsics=recording.intrinsics,
        world_from_camera=recording.world_from_camera,
    )
    options = ObserveOptions(num_frames=NUM_FRAMES, baselines=BASELINES, make_rigid=False)
    try:
        observation = observe(capture, options)
    except Sim2ArtError:
        return None
    clip = label_observation(recording, observation)
    if clip.video.num_frames < NUM_FRAMES:
        return None
    return _score_clip(clip, network)


def _settled(clip: Clip, *, only_seen: bool = False) -> Clip:
    """The clip with its flow settled as `--flow gmsf` does it, at all scored points or where they are still seen."""
    video = clip.video
    flow, known = video.flow_world.copy(), video.flow_valid.copy()
    for index, baseline in enumerate(BASELINES):
        for start in STARTS[baseline]:
            first, second = known[index, start], video.valid[start + baseline]
            if not first.any():
                continue
            points, others = video.points_world[start][first], video.points_world[start + baseline][second]
            scale = normalize_box(np.concatenate([points, others])).scale
            found, seen = fit_piecewise_rigid(
                points, others, flow[index, start, first], scale=scale, rng=np.random.default_rng(0)
            )
            flow[index, start, first] = found
            known[index, start, first] = seen if only_seen else True
    return _with_flow(clip, flow, known)


def _flow_of_all(clip: Clip, methods: dict[str, PairFlow]) -> dict[str, Clip]:
    """The clip with the flow of each method at the scored frames."""
    result = {}
    for name, method in methods.items():
        flow, known = np.zeros_like(clip.video.flow_world), np.zeros_like(clip.video.flow_valid)
        for index, baseline in enumerate(BASELINES):
            for start in STARTS[baseline]:
                first, second = clip.video.valid[start], clip.video.valid[start + baseline]
                if min(first.sum(), second.sum()) < 64:
                    continue
                points, others = (
                    clip.video.points_world[start][first],
                    clip.video.points_world[start + baseline][second],
                )
                flow[index, start, first], known[index, start, first] = method(points, others)
        result[name] = _with_flow(clip, flow, known)
    return result


def _measured(clip: Clip) -> dict[str, Clip]:
    """The clip's own flow at the scored frames: where it was measured, and everywhere."""
    scored = np.zeros_like(clip.video.flow_valid)
    for index, baseline in enumerate(BASELINES):
        scored[index, list(STARTS[baseline])] = clip.video.valid[list(STARTS[baseline])]
    flow, known = clip.video.flow_world, clip.video.flow_valid
    return {
        "optical, lifted": _with_flow(clip, np.where((scored & known)[..., None], flow, 0.0), scored & known),
        "optical, else none": _with_flow(clip, np.where((scored & known)[..., None], flow, 0.0), scored),
    }


def _with_flow(clip: Clip, flow: np.ndarray, known: np.ndarray) -> Clip:
    return dataclasses.replace(clip, video=dataclasses.replace(clip.video, flow_world=flow, flow_valid=known))


def _print_table(title: str, scores: list[dict[str, tuple[FlowScore, ...]]]) -> None:
    print(f"\n{title}")
    if not scores:
        return
    header = "| flow | frames ahead | known | EPE cm | median cm | still cm | AccS | AccR | outliers |"
    print(f"{header}\n|{' --- |' * 9}")
    everywhere = {name: mean_flow([clip[name] for clip in scores]) for name in scores[0]}
    known_at = {baseline: score.measured for baseline, score in zip(BASELINES, everywhere["none"], strict=True)}
    for name, means in everywhere.items():
        for score in means:
            share = score.measured / max(known_at[score.baseline], 1e-9)
            values = (
                score.moving_cm,
                score.moving_median_cm,
                score.still_cm,
                score.strict,
                score.relaxed,
                score.outliers,
            )
            cells = " | ".join("-" if value is None else f"{value:.2f}" for value in values)
            print(f"| {name} | {score.baseline} | {share:.2f} | {cells} |")


def _print_times(network: SceneFlowNetwork) -> None:
    rng = np.random.default_rng(0)
    points, others = rng.uniform(-1, 1, (2, 2048, 3))
    wall, cpu = [], []
    for _ in range(6):
        start, start_cpu = time.perf_counter(), time.process_time()
        flow, _ = estimate_flow(network, points, others)
        fit_piecewise_rigid(points, others, flow, scale=1.0, rng=rng)
        wall.append(time.perf_counter() - start)
        cpu.append(time.process_time() - start_cpu)
    print(
        f"\nA pair of 2048 points, {torch.get_num_threads()} threads: median {statistics.median(wall[1:]):.2f} s, "
        f"{statistics.median(cpu[1:]):.2f} CPU s"
    )


if __name__ == "__main__":
    tyro.cli(main)
