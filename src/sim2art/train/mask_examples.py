"""What the mask network trains on: parts of simulated clips with slightly wrong joints and the masks that the judge gives.

One part is taken from each clip. Its prior comes from the judge that ships, asked about joints that are wrong by as much
as fitted ones are. All of it is NumPy (but for the judge) and runs in worker processes.
"""

import dataclasses
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from sim2art.dataset.clip import Clip
from sim2art.inference.all_points import judge_all_points, share_points
from sim2art.inference.assign.mask_evidence import (
    JOINT_SUPPORT,
    Neighborhood,
    gather_mask_evidence,
    gather_world,
    num_mask_features,
)
from sim2art.inference.checkpoint import JUDGE_CHECKPOINT, load_checkpoint
from sim2art.inference.hypotheses import Hypotheses
from sim2art.inference.judging import evidence_for
from sim2art.inference.scene import prepare
from sim2art.inference.score.evidence import EvidenceConfig
from sim2art.networks.judge import Judge
from sim2art.networks.mask_network import Links, MaskOutput, link
from sim2art.observation.normalization import fit_normalization, normalize
from sim2art.train.examples import draw_points, normalized_truth, perturb_joints
from sim2art.train.losses import Total, alone

FADED = (0.3, 1.2)
"""The prior's log-odds are multiplied by something in between in a share of the examples: judges are more or less sure."""
LEAST_POINTS = 10
"""Parts that are seen at fewer points are not learned from."""
BALANCED_WEIGHT = 0.3
"""Of the cross-entropy in which both sides count alike, beside the soft intersection over union."""


@dataclass(frozen=True, kw_only=True)
class MaskExampleConfig:
    """What of a clip goes into an example."""

    num_points: int = 1024
    """Points a frame."""
    num_neighbors: int = 12
    """Of each point: half as many as of all points reach as far."""
    evidence: EvidenceConfig = field(default_factory=lambda: EvidenceConfig(kinds=("rest_pose", "residuals")))
    errors: tuple[float, float] = (0.002, 0.04)
    """Errors of a clip's joints: of axes and motions as a share, half as much of pivots (rad, normalised units)."""
    missing_share: float = 0.08
    """Parts whose joint is not found."""
    faded_share: float = 0.3
    """Examples whose prior is more or less sure than the judge's."""


class MaskExample(NamedTuple):
    """One part of a clip; valid points of all frames in one row, padded at its end with points that are linked to nothing."""

    features: np.ndarray
    """float16 (point, feature)."""
    neighbors: np.ndarray
    """int32 (space, point, neighbor): world, rest pose."""
    weights: np.ndarray
    """float16 (space, kernel, point, neighbor)."""
    point_valid: np.ndarray
    """bool (point)."""
    targets: np.ndarray
    """bool (point): belongs to the part."""


def make_mask_example(clip: Clip, config: MaskExampleConfig, rng: np.random.Generator) -> MaskExample:
    """A part of a clip, drawn among those that hang on the base; an empty example when there is none."""
    normalization = fit_normalization(clip.video)
    video = normalize(clip.video, normalization)
    slots = draw_points(video.valid, config.num_points, rng)
    frames = np.arange(video.num_frames)[:, None]
    part_ids = np.where(video.valid, clip.part_ids, -1)[frames, slots]
    known = _found_parts(clip, part_ids, config, rng)
    if not len(known):
        return _empty(slots.size, num_mask_features(len(video.baselines), config.evidence), config)
    pool = _perturbed(normalized_truth(clip, normalization).joints.take(known), config, rng)
    judge = _judge()
    scene = prepare(video, evidence_for(judge))
    smoothed, normals = scene.smoothed.take(slots), scene.normals[frames, slots]
    joints = [pool[k] for k in range(len(pool))]
    logits = judge_all_points(judge, scene._replace(smoothed=smoothed), joints, pool.scores)
    probabilities = share_points(smoothed, joints, logits)
    chosen = int(rng.integers(len(known)))
    shown = gather_mask_evidence(
        smoothed, scene.surface, normals, pool, probabilities, config.evidence, config.num_neighbors, only=chosen
    )[0]
    features = shown.features
    if rng.random() < config.faded_share:
        features[:, 0] *= rng.uniform(*FADED)
    return _padded(
        features,
        [gather_world(smoothed, normals, config.num_neighbors), shown.rest],
        part_ids[smoothed.valid] == known[chosen] + 1,
        slots.size,
    )


def mask_loss(output: MaskOutput, batch: dict[str, Tensor], total: Total = alone) -> dict[str, Tensor]:
    """One minus the soft intersection over union, and cross-entropy with part and rest of equal weight.

    In several processes each term is this process's share: they add up to the term of the whole batch.
    """
    valid = batch["point_valid"].float()
    logits, targets = output.masks.view_as(valid), batch["targets"].float()
    soft = torch.sigmoid(logits) * valid
    overlap, size = (soft * targets).sum(dim=1), (soft + targets * valid - soft * targets).sum(dim=1)
    entropy = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none") * valid
    inside, outside = (targets * valid).sum(dim=1), ((1 - targets) * valid).sum(dim=1)
    balanced = (entropy * targets).sum(dim=1) / inside.clamp_min(50)
    balanced = 0.5 * (balanced + (entropy * (1 - targets)).sum(dim=1) / outside.clamp_min(50))
    learned = (inside > 0).float()
    count = total(learned.sum()).clamp_min(1)
    terms = {
        "overlap": ((1 - overlap / (size + 20)) * learned).sum() / count,
        "balanced": BALANCED_WEIGHT * (balanced * learned).sum() / count,
    }
    return {**terms, "total": torch.stack(list(terms.values())).sum()}


def link_batch(batch: dict[str, Tensor], *, needs_gradient: bool) -> list[Links]:
    """Links of all examples of a batch, their points in one row."""
    clips, _, points, _ = batch["neighbors"].shape
    offsets = (torch.arange(clips, device=batch["neighbors"].device) * points)[:, None, None]
    links = []
    for space in range(2):
        neighbors = (batch["neighbors"][:, space].long() + offsets).flatten(0, 1)
        weights = batch["weights"][:, space].transpose(0, 1).flatten(1, 2)
        links += link(neighbors, weights, needs_gradient=needs_gradient)
    return links


@cache
def _judge() -> Judge:
    """The judge whose masks are learned from."""
    judge = load_checkpoint(JUDGE_CHECKPOINT)
    assert isinstance(judge, Judge)
    return judge


def _found_parts(clip: Clip, part_ids: np.ndarray, config: MaskExampleConfig, rng: np.random.Generator) -> np.ndarray:
    """Parts (from 0) on the base that are seen and found."""
    known = []
    for joint in clip.truth.joints:
        part = clip.truth.link_index(joint.child)
        if clip.truth.link_index(joint.parent) == 0 and (part_ids == part).sum() >= LEAST_POINTS:
            known.append(part - 1)
    return np.array([part for part in sorted(known) if rng.random() >= config.missing_share], dtype=np.int64)


def _perturbed(joints: Hypotheses, config: MaskExampleConfig, rng: np.random.Generator) -> Hypotheses:
    """Joints as wrong as fitted ones."""
    low, high = np.log(config.errors)
    size = np.exp(rng.uniform(low, high, len(joints)))[:, None]
    wrong = perturb_joints(joints, rng, axis=size, stretch=0.5 * size, jitter=0.1 * size, pivot=0.5 * size)
    return dataclasses.replace(wrong, scores=np.full(len(joints), JOINT_SUPPORT))


def _padded(
    features: np.ndarray, neighborhoods: list[Neighborhood], targets: np.ndarray, num_points: int
) -> MaskExample:
    missing = num_points - len(features)
    return MaskExample(
        features=np.pad(features, ((0, missing), (0, 0))).astype(np.float16),
        neighbors=np.stack([np.pad(x.neighbors, ((0, missing), (0, 0))) for x in neighborhoods]),
        weights=np.stack([np.pad(x.weights, ((0, 0), (0, missing), (0, 0))) for x in neighborhoods]).astype(np.float16),
        point_valid=np.arange(num_points) < len(features),
        targets=np.pad(targets, (0, missing)),
    )


def _empty(num_points: int, num_features: int, config: MaskExampleConfig) -> MaskExample:
    nothing = Neighborhood(
        np.zeros((0, config.num_neighbors), np.int32), np.zeros((2, 0, config.num_neighbors), np.float32)
    )
    return _padded(np.zeros((0, num_features), np.float32), [nothing, nothing], np.zeros(0, dtype=bool), num_points)
