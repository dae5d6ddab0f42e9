"""Time of proposals, evidence, the network's forward pass and the whole estimate, for 16 frames x 2048 points.

    python benchmarks/network_speed.py [--clips 10] [--checkpoint FOLDER]

Proposals and evidence run on one core; the network on all that torch takes. CUDA is used when it is there.
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro

from sim2art.dataset.splits import VALIDATION_SEEDS
from sim2art.inference.assign.smoothing import WHOLE_RADIUS, smooth_flow
from sim2art.inference.checkpoint import JUDGE_CHECKPOINT, MASKS_CHECKPOINT, load_checkpoint
from sim2art.inference.final_masks import predict_masks
from sim2art.inference.judging import evidence_for
from sim2art.inference.loop import InferenceConfig
from sim2art.inference.predictor import load_predictor
from sim2art.inference.propose.from_flow import propose
from sim2art.inference.propose.main_directions import main_directions_of
from sim2art.inference.propose.point_sampling import sample_moving
from sim2art.inference.score.evidence import index_video, lay_out_evidence
from sim2art.networks.judge import Judge
from sim2art.networks.mask_network import MaskNetwork
from sim2art.observation.normalization import fit_normalization, normalize
from sim2art.provenance import collect_provenance
from sim2art.simulate.generate import ClipConfig, generate_clip


def main(*, clips: int = 10, checkpoint: Path | None = None) -> None:
    """Print median milliseconds a clip.

    Args:
        clips: Validation clips to time, after one that warms up.
        checkpoint: Weights to run; by default those that ship.
    """
    network = load_checkpoint(checkpoint or JUDGE_CHECKPOINT)
    assert isinstance(network, Judge), "only the proposals preset has proposals to time"
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network.to(device)
    masks = load_checkpoint(MASKS_CHECKPOINT)
    assert isinstance(masks, MaskNetwork)
    predict = load_predictor(checkpoint)
    config = InferenceConfig()
    kinds = evidence_for(network)
    times: dict[str, list[float]] = {}
    for seed in VALIDATION_SEEDS[: clips + 1]:
        video = generate_clip(ClipConfig(), seed).video
        normalized = normalize(video, fit_normalization(video))
        record: dict[str, float] = {}
        whole = _timed(record, "smooth flow", lambda v=normalized: smooth_flow(v, radius=WHOLE_RADIUS))
        smoothed = _timed(
            record,
            "draw points",
            lambda v=whole: v.take(sample_moving(v, config.num_sampled, np.random.default_rng(0))),
        )
        directions = _timed(record, "main directions", lambda v=normalized: main_directions_of(v))
        pool = _timed(
            record,
            "proposals",
            lambda v=smoothed, d=directions: propose(v, config.proposals, np.random.default_rng(0), d),
        )
        if len(pool) == 0:
            continue
        indices = np.tile(np.arange(config.num_judged), (video.num_frames, 1))
        evidence = _timed(
            record,
            "evidence",
            lambda s=smoothed, n=normalized, p=pool, i=indices: lay_out_evidence(s, index_video(n, kinds), p, i, kinds),
        )
        inputs = (
            torch.from_numpy(evidence)[None].to(device),
            torch.from_numpy(smoothed.points_world[:, : config.num_judged].astype(np.float32))[None].to(device),
            torch.from_numpy(smoothed.valid[:, : config.num_judged].copy())[None].to(device),
            torch.ones((1, len(pool)), dtype=torch.bool, device=device),
        )
        with torch.inference_mode():
            _timed(record, "network forward (whole pool)", lambda x=inputs: (network(*x), _wait(device)))
        prior = np.full((*video.valid.shape, 2), 0.5)
        _timed(record, "masks of one joint", lambda v=normalized, p=pool[0], q=prior: predict_masks(masks, v, [p], q))
        _timed(record, "whole estimate", lambda v=video: predict(v))
        for name, value in record.items():
            times.setdefault(name, []).append(value)
    facts = collect_provenance()
    print(
        f"{facts['machine']}, {torch.get_num_threads()} torch threads, {device}, commit {facts['commit']}, {checkpoint.name if checkpoint else 'shipped'}"
    )
    print(f"{'median ms a clip (16 x 2048)':36s}")
    for name, values in times.items():
        print(f"{name:36s} {1e3 * statistics.median(values[1:]):8.1f}")


def _timed(record: dict[str, float], name: str, work: Callable[[], Any]) -> Any:
    """Run and note the seconds."""
    start = time.perf_counter()
    result = work()
    record[name] = time.perf_counter() - start
    return result


def _wait(device: torch.device) -> None:
    """Let a GPU finish."""
    if device.type == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    tyro.cli(main)
