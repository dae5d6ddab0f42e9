"""Train the small network of baseline `gamma_style` on clips; minutes on one core.

    sim2art generate CLIPS --num 640 --num-points 1024 --seed 77000000 --clips-per-file 32
    python benchmarks/baselines_train_votes.py CLIPS OUTPUT [--num-steps 6000]

OUTPUT is a checkpoint folder: `sim2art evaluate --methods network --checkpoint OUTPUT` scores it, and copied to
src/sim2art/checkpoints/gamma_style it becomes method `gamma_style`.
"""

import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import tyro
from torch.nn import functional

from sim2art.articulation.joint import JointType
from sim2art.articulation.kinematics import link_motions
from sim2art.dataset.clip import Clip
from sim2art.dataset.shards import read_shard
from sim2art.geometry.transforms import apply
from sim2art.inference.assign.smoothing import smooth_flow
from sim2art.inference.checkpoint import save_checkpoint
from sim2art.inference.decoders.vote_features import measure_vote_features, num_vote_features
from sim2art.inference.decoders.votes import CHUNK
from sim2art.networks.vote_network import VoteConfig, VoteNetwork
from sim2art.observation.normalization import fit_normalization, normalize

FRAMES_A_CLIP = 5
BATCH = 16
"""Frames a step."""
HELD_OUT = 0.05
"""Share of the frames that only the log sees."""


class Frame(NamedTuple):
    """One frame with its labels."""

    features: np.ndarray
    """float16 (point, feature)."""
    valid: np.ndarray
    types: np.ndarray
    """0 static, 1 revolute, 2 prismatic."""
    axes: np.ndarray
    """Signed so that the motion that follows is positive; votes count without sign, but only signed ones are learned:
    flow and its turn are linear in them."""
    offsets: np.ndarray


def main(
    clips: tyro.conf.Positional[Path], output: tyro.conf.Positional[Path], *, num_steps: int = 6000, seed: int = 0
) -> None:
    """Train and write a checkpoint.

    Args:
        clips: Folder of shards.
        output: New checkpoint folder.
        num_steps: Steps of 16 frames.
        seed: Of the weights, the frames and their order.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    start = time.perf_counter()
    frames: list[Frame] = []
    num_clips = 0
    for path in sorted(clips.glob("*.tar")):
        for clip in read_shard(path):
            frames += make_frames(clip, rng)
            num_clips += 1
    print(f"{num_clips} clips, {len(frames)} frames, {time.perf_counter() - start:.0f} s", flush=True)
    kept = int(len(frames) * (1 - HELD_OUT))
    num_features = frames[0].features.shape[-1]
    network = VoteNetwork(VoteConfig(num_features=num_features))
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=num_steps, pct_start=0.05)
    start = time.perf_counter()
    for step in range(num_steps):
        loss, _ = measure_loss(network, [frames[i] for i in rng.integers(kept, size=BATCH)])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 500 == 499 or step == num_steps - 1:
            with torch.no_grad():
                network.eval()
                values = [measure_loss(network, frames[i : i + BATCH])[1] for i in range(kept, len(frames), BATCH)]
                network.train()
            means = {name: np.nanmean([value[name] for value in values]) for name in values[0]}
            words = ", ".join(f"{name} {value:.3f}" for name, value in means.items())
            print(f"step {step + 1}: held out: {words}; {time.perf_counter() - start:.0f} s", flush=True)
    save_checkpoint(output, network, clips=num_clips, steps=num_steps, seed=seed, script="baselines_train_votes.py")


def make_frames(clip: Clip, rng: np.random.Generator) -> list[Frame]:
    """Some frames of a clip, in normalised coordinates, with the votes that would be right."""
    normalization = fit_normalization(clip.video)
    video = smooth_flow(normalize(clip.video, normalization), num_points=CHUNK)
    chosen = sorted(rng.choice(video.num_frames, size=min(FRAMES_A_CLIP, video.num_frames), replace=False).tolist())
    features = measure_vote_features(video, chosen)
    assert features.shape[-1] == num_vote_features(len(video.baselines))
    motions = link_motions(clip.truth, clip.trajectory.values)
    frames = []
    for place, t in enumerate(chosen):
        part_ids = clip.part_ids[t, : video.num_points]
        types = np.zeros(video.num_points, dtype=np.int64)
        axes, offsets = np.zeros((video.num_points, 3)), np.zeros((video.num_points, 3))
        for index, joint in enumerate(clip.truth.joints):
            mine = part_ids == clip.truth.link_index(joint.child)
            parent = motions[t, clip.truth.link_index(joint.parent)]
            axis = parent[:3, :3] @ joint.axis * _next_direction(clip.trajectory.values[:, index], t)
            types[mine] = 1 if joint.type is JointType.REVOLUTE else 2
            axes[mine] = axis
            if joint.pivot is not None:
                arms = normalization.apply(apply(parent, joint.pivot[None])[0]) - video.points_world[t, mine]
                offsets[mine] = arms - (arms @ axis)[:, None] * axis
        frames.append(
            Frame(
                features=features[place].astype(np.float16),
                valid=video.valid[t].copy(),
                types=types,
                axes=axes.astype(np.float32),
                offsets=offsets.astype(np.float32),
            )
        )
    return frames


def _next_direction(values: np.ndarray, t: int) -> float:
    """Whether a joint's value grows (1) or falls (-1) after frame t; before it, where it rests from then on."""
    changes = values[t + 1 :] - values[t]
    changes = changes if np.any(np.abs(changes) > 1e-4) else values[t] - values[:t][::-1]
    moved = changes[np.abs(changes) > 1e-4]
    return float(np.sign(moved[0])) if len(moved) else 1.0


def measure_loss(network: VoteNetwork, frames: list[Frame]) -> tuple[torch.Tensor, dict[str, float]]:
    """Cross entropy of types, distance of the axes (so that doubt shortens a vote), distance of the feet; and how good the votes are."""
    features = torch.from_numpy(np.stack([f.features for f in frames]).astype(np.float32))
    valid = torch.from_numpy(np.stack([f.valid for f in frames]))
    types = torch.from_numpy(np.stack([f.types for f in frames]))
    axes = torch.from_numpy(np.stack([f.axes for f in frames]))
    offsets = torch.from_numpy(np.stack([f.offsets for f in frames]))
    output = network(features, valid)
    entropy = functional.cross_entropy(output.types[valid], types[valid], weight=torch.tensor([0.6, 1.0, 1.4]))
    moves = valid & (types > 0)
    cosine = functional.cosine_similarity(output.axes[moves], axes[moves], dim=-1)
    chord = torch.linalg.vector_norm(output.axes[moves] - axes[moves], dim=-1)
    turns = valid & (types == 1)
    off = torch.linalg.vector_norm(output.offsets[turns] - offsets[turns], dim=-1)
    loss = entropy + (chord.mean() if moves.any() else 0.0) + (off.clamp(max=1.0).mean() if turns.any() else 0.0)
    right = (output.types.argmax(-1) == types)[moves].float()
    cosine, off = cosine.detach(), off.detach()
    return loss, {
        "type of static": float((output.types.argmax(-1) == 0)[valid & (types == 0)].float().mean()),
        "type of moving": float(right.mean()) if moves.any() else float("nan"),
        "axis deg": float(torch.rad2deg(torch.arccos(cosine.abs().clamp(max=1.0))).median())
        if moves.any()
        else float("nan"),
        "foot": float(off.median()) if turns.any() else float("nan"),
    }


if __name__ == "__main__":
    tyro.cli(main)
