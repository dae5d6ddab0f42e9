"""From a clip to what the judge trains on: hypotheses, evidence and labels.

Everything here is NumPy and runs in worker processes.
"""

import dataclasses
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from sim2art.articulation.joint import JointType
from sim2art.articulation.kinematics import link_motions
from sim2art.dataset.clip import Clip
from sim2art.inference.assign.smoothing import WHOLE_RADIUS, smooth_flow
from sim2art.inference.explained import ExplainedConfig, find_unexplained, flow_residuals
from sim2art.inference.hypotheses import Hypotheses, join_hypotheses
from sim2art.inference.propose.from_flow import ProposalConfig, propose
from sim2art.inference.propose.point_sampling import sample_moving
from sim2art.inference.scene import prepare
from sim2art.inference.score.agreement import measure_agreement
from sim2art.inference.score.evidence import EvidenceConfig, index_video, lay_out_evidence
from sim2art.observation.normalization import Normalization, fit_normalization, normalize
from sim2art.observation.point_video import PointVideo
from sim2art.train.example_pools import GuessShares, propose_as_inference

Sigma = float | Float[np.ndarray, "hypothesis 1"]
"""A standard deviation, of all hypotheses or of each."""
GUESSED_FLOOR = 0.25
"""Where depth is guessed, parts are bent, and no joint leads their points all the way: errors of motion (`Agreement`) up to
that of the best hypothesis, but not more than this, do not count."""


class JudgeExample(NamedTuple):
    """One clip for the judge. Arrays without a batch axis; hypotheses are padded to a fixed number."""

    evidence: np.ndarray
    """float16 (hypothesis, frame, point, feature)."""
    points: np.ndarray
    """float32 (frame, point, 3), normalised."""
    point_valid: np.ndarray
    """bool (frame, point)."""
    hypothesis_valid: np.ndarray
    """bool (hypothesis)."""
    part_ids: np.ndarray
    """int16 (frame, point)."""
    targets: np.ndarray
    """int16 (hypothesis): the part that moves as the hypothesis says, or 0."""
    qualities: np.ndarray
    """float32 (hypothesis): 1 for the true joint, falling with errors of motion and axis; 0 for the wrong type."""
    types: np.ndarray
    """int16 (hypothesis): 0 prismatic, 1 revolute, of the target; -1 without one."""


@dataclass(frozen=True, kw_only=True)
class ExampleConfig:
    """What of a clip goes into an example."""

    num_points: int = 192
    """Points a frame that are judged."""
    num_hypotheses: int = 32
    num_drawn: int = 512
    """Points a frame that hypotheses come from; judged points are drawn from them."""
    moving_shares: tuple[float, ...] = (0.6, 0.6, 0.3)
    """Of the drawn points; one is picked for each clip, as final masks are judged on all points alike."""
    proposals: ProposalConfig = field(default_factory=ProposalConfig)
    evidence: EvidenceConfig = field(default_factory=EvidenceConfig)
    drop_semantics: float = 0.4
    """Share of clips whose semantic features are hidden from the judge, so that it works with and without."""
    true_share: float = 0.3
    """Share of clips whose pool gets slightly wrong copies of the true joints: what a refit after judging looks like."""
    known_share: float = 0.0
    """Share of clips seen as in a later round: some true parts are known, in the pool, and their points are drawn less."""
    guesses: GuessShares | None = None
    """Of what decoding guesses besides; None leaves all of it out, and main directions, too."""


class Truth(NamedTuple):
    """A clip's moving parts in normalised coordinates."""

    motions: np.ndarray
    """(part, frame, 4, 4): from frame 0 to each frame; part j + 1 of the clip."""
    axes: np.ndarray
    """(part, 3), at frame 0."""
    is_revolute: np.ndarray
    """bool (part)."""
    joints: Hypotheses
    """The true joints as hypotheses (exact for parts whose parent is the base)."""


def normalized_truth(clip: Clip, normalization: Normalization) -> Truth:
    """The truth of a clip in the coordinates of its normalised video."""
    values = clip.trajectory.values
    motions = np.moveaxis(link_motions(clip.truth, values), 1, 0)[1:].copy()
    # x = (world - center) / scale: rotations stay, translations follow.
    center = normalization.center
    motions[..., :3, 3] = (motions[..., :3, 3] + (motions[..., :3, :3] @ center) - center) / normalization.scale
    order = [clip.truth.link_index(joint.child) - 1 for joint in clip.truth.joints]
    count = len(clip.truth.joints)
    axes, pivots, is_revolute = np.zeros((count, 3)), np.zeros((count, 3)), np.zeros(count, dtype=bool)
    joint_values = np.zeros((count, len(values)))
    for index, (joint, part) in enumerate(zip(clip.truth.joints, order, strict=True)):
        axes[part] = joint.axis
        is_revolute[part] = joint.type is JointType.REVOLUTE
        if joint.pivot is not None:
            pivots[part] = normalization.apply(joint.pivot)
        scale = 1.0 if is_revolute[part] else normalization.scale
        joint_values[part] = values[:, index] / scale
    joints = Hypotheses(
        is_revolute=is_revolute, axes=axes, pivots=pivots, values=joint_values, scores=np.full(count, 0.6)
    )
    return Truth(motions=motions, axes=axes, is_revolute=is_revolute, joints=joints)


def make_judge_example(clip: Clip, config: ExampleConfig, rng: np.random.Generator) -> JudgeExample:
    """Propose, lay out evidence and label it."""
    normalization = fit_normalization(clip.video)
    video = normalize(clip.video, normalization)
    truth = normalized_truth(clip, normalization)
    scene = None if config.guesses is None else prepare(video, config.evidence)
    whole = smooth_flow(video, radius=WHOLE_RADIUS) if scene is None else scene.smoothed
    surface = index_video(video, config.evidence) if scene is None else scene.surface
    known = _draw_known(truth, config, rng)
    is_known = np.isin(clip.part_ids, known + 1)
    strays = _without_known(whole, truth, known, np.where(is_known, clip.part_ids, 0))
    slots = sample_moving(strays, config.num_drawn, rng, moving_share=float(rng.choice(config.moving_shares)))
    smoothed = whole.take(slots)
    if config.guesses is None or scene is None:
        pool = propose(strays.take(slots), config.proposals, rng)
    else:
        is_open = ~np.take_along_axis(is_known, slots, axis=1)
        pool = propose_as_inference(
            scene, strays, slots, is_open, config.proposals, config.guesses, rng, config.num_hypotheses
        )
    if len(truth.axes) and rng.random() < config.true_share:
        pool = join_hypotheses([_perturb(truth.joints, rng), pool])
    if len(pool) > config.num_hypotheses - len(known):
        # Keep the best supported half and draw from the rest, as hard negatives.
        half = config.num_hypotheses // 2
        rest = rng.choice(np.arange(half, len(pool)), size=config.num_hypotheses - len(known) - half, replace=False)
        pool = pool.take(np.concatenate([np.arange(half), np.sort(rest)]))
    if len(known):
        pool = join_hypotheses([pool, _as_fitted(truth.joints.take(known), rng)])
    chosen = draw_points(smoothed.valid, config.num_points, rng)
    frames = np.arange(video.num_frames)[:, None]
    if "semantics" in config.evidence.kinds and rng.random() < config.drop_semantics:
        smoothed = dataclasses.replace(smoothed, features=None)
    evidence = lay_out_evidence(smoothed, surface, pool, chosen, config.evidence)
    targets, qualities, types = _label(
        pool,
        truth,
        video.points_world,
        np.where(video.valid, clip.part_ids, -1),
        rng,
        floor=GUESSED_FLOOR if clip.provenance.get("corruption") == "guessed" else 0.0,
    )
    padding = config.num_hypotheses - len(pool)
    return JudgeExample(
        evidence=np.pad(evidence, ((0, padding), (0, 0), (0, 0), (0, 0))).astype(np.float16),
        points=smoothed.points_world[frames, chosen].astype(np.float32),
        point_valid=smoothed.valid[frames, chosen],
        hypothesis_valid=np.arange(config.num_hypotheses) < len(pool),
        part_ids=clip.part_ids[frames, slots[frames, chosen]].astype(np.int16),
        targets=np.pad(targets, (0, padding)).astype(np.int16),
        qualities=np.pad(qualities, (0, padding)).astype(np.float32),
        types=np.pad(types, (0, padding), constant_values=-1).astype(np.int16),
    )


def draw_points(valid: np.ndarray, num_points: int, rng: np.random.Generator) -> np.ndarray:
    """Slots (frame, point) to judge: different ones, valid ones first."""
    keys = rng.random(valid.shape) + np.where(valid, 0.0, 2.0)
    count = min(num_points, valid.shape[1])
    return np.argpartition(keys, count - 1, axis=1)[:, :count]


def _draw_known(truth: Truth, config: ExampleConfig, rng: np.random.Generator) -> Int[np.ndarray, "part"]:
    """Moving parts (0 for the first) that earlier rounds have found; some or all of them, or none."""
    count = len(truth.axes)
    if not config.known_share or not count or rng.random() >= config.known_share:
        return np.zeros(0, dtype=int)
    return rng.permutation(count)[: min(int(rng.integers(1, count + 1)), config.num_hypotheses // 2)]


def _without_known(
    video: PointVideo, truth: Truth, known: Int[np.ndarray, "part"], part_ids: Int[np.ndarray, "frame point"]
) -> PointVideo:
    """The video with the flow that known parts do not explain, as a later round of inference sees it.

    Args:
        video: In normalised coordinates, its flow smoothed.
        known: Parts that are known, 0 for the first.
        part_ids: Of points of known parts; 0 for all others.
    """
    if not len(known):
        return video
    residuals = flow_residuals(video, truth.motions[known])
    order = np.zeros(len(truth.axes) + 1, dtype=int)
    order[known + 1] = np.arange(len(known)) + 1
    unexplained = find_unexplained(video, residuals, order[part_ids], ExplainedConfig())
    return dataclasses.replace(video, flow_valid=unexplained)


def _label(
    pool: Hypotheses,
    truth: Truth,
    points: np.ndarray,
    part_ids: np.ndarray,
    rng: np.random.Generator,
    *,
    floor: float = 0.0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Target part, quality and true type of each hypothesis.

    Args:
        floor: Errors of motion up to that of a part's best hypothesis, but not more than this, do not count.
    """
    count = len(pool)
    if count == 0 or len(truth.axes) == 0:
        return np.zeros(count), np.zeros(count), np.full(count, -1)
    agreement = measure_agreement(pool, truth.motions, truth.axes, points, part_ids, rng=rng)
    best = np.argmin(agreement.errors, axis=1)
    rows = np.arange(count)
    error, angle = agreement.errors[rows, best], agreement.axis_angles[rows, best]
    matched = error < 0.5
    same_type = pool.is_revolute == truth.is_revolute[best]
    error = np.maximum(error - np.minimum(agreement.errors.min(axis=0), floor)[best], 0.0)
    # Wide enough that the best of a poor pool still stands out: the joint is fitted again after judging.
    qualities = np.exp(-((error / 0.35) ** 2)) * np.exp(-((angle / np.deg2rad(20.0)) ** 2)) * (matched & same_type)
    return np.where(matched, best + 1, 0), qualities, np.where(matched, truth.is_revolute[best].astype(int), -1)


def _perturb(joints: Hypotheses, rng: np.random.Generator) -> Hypotheses:
    """Slightly wrong copies of true joints, sometimes of the wrong type (what a refit of a wrong guess gives)."""
    wrong = perturb_joints(joints, rng, axis=0.04, stretch=0.03, jitter=0.005, pivot=0.02)
    return dataclasses.replace(wrong, scores=rng.uniform(0.3, 0.8, len(joints)))


def _as_fitted(joints: Hypotheses, rng: np.random.Generator) -> Hypotheses:
    """True joints as the fit of a round leaves them."""
    fitted = perturb_joints(joints, rng, axis=0.015, stretch=0.01, jitter=0.003, pivot=0.01)
    return dataclasses.replace(fitted, scores=rng.uniform(0.2, 0.8, len(joints)))


def perturb_joints(
    joints: Hypotheses, rng: np.random.Generator, *, axis: Sigma, stretch: Sigma, jitter: Sigma, pivot: Sigma
) -> Hypotheses:
    """Joints with normal errors of these standard deviations.

    Args:
        axis: Of the axis's direction, rad.
        stretch: Of the motion, as a share of it, one error for all frames.
        jitter: Of each frame's value but the first, rad or normalised units.
        pivot: Of the pivots of turns, normalised units.
    """
    count = len(joints)
    axes = joints.axes + rng.normal(0.0, axis, joints.axes.shape)
    values = joints.values * rng.normal(1.0, stretch, (count, 1)) + rng.normal(0.0, jitter, joints.values.shape)
    values[:, 0] = 0.0
    return dataclasses.replace(
        joints,
        axes=axes / np.linalg.norm(axes, axis=1, keepdims=True),
        pivots=joints.pivots + rng.normal(0.0, pivot, joints.pivots.shape) * joints.is_revolute[:, None],
        values=values,
    )
