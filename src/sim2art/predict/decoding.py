"""From the judge's raw output to parts and joints: the one door out of the network.

Judge a diverse pool, keep a small consistent set, fit each joint to the flow of its part (both types), judge the
fitted joints again, and let them share the points. Selection is greedy by score with a cap on overlap.
"""

from dataclasses import dataclass, field

import numpy as np
import torch

from sim2art.articulation.estimate import ArticulationEstimate
from sim2art.networks.judge import Judge
from sim2art.observation.normalization import fit_normalization, normalize
from sim2art.observation.point_video import PointVideo
from sim2art.predict.checkpoint import Calibration
from sim2art.predict.consensus import agree_over_time
from sim2art.proposals.assembly import assemble_estimate, hypotheses_from_joints
from sim2art.proposals.evidence import EvidenceConfig, lay_out_evidence
from sim2art.proposals.hypotheses import Hypotheses, JointGuess, join_hypotheses
from sim2art.proposals.joint_fit import (
    FittedJoint,
    PartFlow,
    compare_costs,
    fit_joint,
    gather_part_flow,
    start_other_type,
)
from sim2art.proposals.propose import ProposalConfig, propose
from sim2art.proposals.smoothing import smooth_flow
from sim2art.proposals.surface_steps import measure_surface_steps

MAX_PARTS = 20
"""Moving parts that are reported (M of the paper)."""


@dataclass(frozen=True, kw_only=True)
class DecodingConfig:
    """How a pool becomes an answer."""

    seed: int = 0
    num_judged: int = 256
    """Points a frame that the pool is judged on."""
    num_smoothed: int = 512
    max_overlap: float = 0.5
    """A hypothesis whose mask is covered by accepted ones to more than this share is left out."""
    min_share: float = 0.004
    """A part with a smaller share of the points is dropped."""
    proposals: ProposalConfig = field(default_factory=ProposalConfig)
    evidence: EvidenceConfig = field(default_factory=EvidenceConfig)


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """The judge's answer as probabilities, in NumPy."""

    mask_logits: np.ndarray
    """(hypothesis, frame, point)."""
    scores: np.ndarray
    """(hypothesis), 0..1."""
    revolute_logits: np.ndarray
    """(hypothesis): log-odds of revolute against prismatic."""


def decode_video(
    network: Judge, video: PointVideo, calibration: Calibration, config: DecodingConfig
) -> ArticulationEstimate:
    """The whole way from points to an estimate with a trained judge."""
    rng = np.random.default_rng(config.seed)
    normalization = fit_normalization(video)
    normalized = normalize(video, normalization)
    smoothed = smooth_flow(normalized, num_points=config.num_smoothed)
    pool = propose(smoothed, config.proposals, rng)
    reasons: list[str] = []
    joints: list[FittedJoint] = []
    revolute_logits = np.zeros(0)
    scores = np.zeros(0)
    if len(pool):
        judged = np.tile(np.arange(min(config.num_judged, smoothed.num_points)), (video.num_frames, 1))
        first = judge(network, smoothed, normalized, pool, judged, config)
        chosen = select(first, smoothed.valid[:, : judged.shape[1]], calibration.score_threshold, config)
        if len(chosen) > MAX_PARTS:
            reasons.append(
                f"{len(chosen)} moving groups were seen; the {MAX_PARTS} surest are reported, the rest merged"
            )
            chosen = chosen[:MAX_PARTS]
        if len(chosen):
            refined, origin = _fit_both_types(smoothed, pool, first, chosen, judged)
            second_pool = join_hypotheses([pool.take(chosen), refined])
            second = judge(network, smoothed, normalized, second_pool, judged, config)
            joints, scores, revolute_logits = _choose_types(
                smoothed, second_pool, second, np.concatenate([np.arange(len(chosen)), origin]), judged
            )
    probabilities = _share_points(network, normalized, joints, scores, config)
    if joints:
        shares = probabilities[video.valid].mean(axis=0)[1:]
        keep = np.flatnonzero(shares >= config.min_share)
        if len(keep) < len(joints):
            joints = [joints[i] for i in keep]
            scores, revolute_logits = scores[keep], revolute_logits[keep]
            probabilities = probabilities[..., [0, *(keep + 1)]]
            probabilities /= probabilities.sum(axis=-1, keepdims=True)
    return assemble_estimate(
        video,
        normalization,
        joints,
        probabilities,
        revolute_probabilities=1 / (1 + np.exp(-np.clip(revolute_logits, -30, 30))),
        confidences=scores,
        reasons=tuple(reasons),
    )


@torch.inference_mode()
def judge(
    network: Judge,
    smoothed: PointVideo,
    surface: PointVideo,
    pool: Hypotheses,
    point_indices: np.ndarray,
    config: DecodingConfig,
) -> Judgement:
    """Run the network on chosen points of a normalised video."""
    device = next(network.parameters()).device
    evidence = lay_out_evidence(smoothed, surface, pool, point_indices, config.evidence)
    frames = np.arange(smoothed.num_frames)[:, None]
    points = smoothed.points_world[frames, point_indices].astype(np.float32)
    output = network(
        torch.from_numpy(evidence)[None].to(device),
        torch.from_numpy(points)[None].to(device),
        torch.from_numpy(smoothed.valid[frames, point_indices])[None].to(device),
        torch.ones((1, len(pool)), dtype=torch.bool, device=device),
    )
    types = output.types[0].float().cpu().numpy()
    return Judgement(
        mask_logits=output.masks[0].float().cpu().numpy(),
        scores=torch.sigmoid(output.scores[0].float()).cpu().numpy(),
        revolute_logits=types[:, 1] - types[:, 0],
    )


def select(judgement: Judgement, valid: np.ndarray, threshold: float, config: DecodingConfig) -> np.ndarray:
    """Indices of a small set of hypotheses that each claim points of their own, best score first."""
    masks = (judgement.mask_logits > 0) & valid[None]
    claimed = np.zeros_like(valid)
    chosen: list[int] = []
    for index in np.argsort(-judgement.scores, kind="stable"):
        if judgement.scores[index] < threshold:
            break
        size = masks[index].sum()
        if size < config.min_share * valid.sum() or (masks[index] & claimed).sum() > config.max_overlap * size:
            continue
        chosen.append(int(index))
        claimed |= masks[index]
    return np.array(chosen, dtype=int)


def _fit_both_types(
    video: PointVideo, pool: Hypotheses, judgement: Judgement, chosen: np.ndarray, judged: np.ndarray
) -> tuple[Hypotheses, np.ndarray]:
    """Each chosen joint fitted to its part's flow as a turn and as a slide; which chosen one each came from."""
    shares = _softmax_with_static(judgement.mask_logits[chosen])
    fitted: list[FittedJoint] = []
    for position, index in enumerate(chosen):
        weights = _scatter(shares[position + 1], judged, video)
        part = gather_part_flow(video, weights)
        own = fit_joint(part, pool[index])
        for guess in (own, start_other_type(part, own)):
            fitted.append(_fit_with_surfaces(video, weights, part, guess))
    return hypotheses_from_joints(fitted, np.repeat(pool.scores[chosen], 2)), np.repeat(np.arange(len(chosen)), 2)


def _fit_with_surfaces(video: PointVideo, weights: np.ndarray, part: PartFlow, guess: JointGuess) -> FittedJoint:
    """Fit to flow, measure the steps of that joint on surfaces, and fit to both."""
    fitted = fit_joint(part, guess, num_rounds=5)
    return fit_joint(part, fitted, steps=measure_surface_steps(video, weights, fitted))


def _choose_types(
    video: PointVideo, pool: Hypotheses, judgement: Judgement, origin: np.ndarray, judged: np.ndarray
) -> tuple[list[FittedJoint], np.ndarray, np.ndarray]:
    """For each part the better type, its score, and the log-odds of revolute.

    Args:
        pool: The chosen hypotheses, then the fitted ones.
        origin: Which part each member of the pool belongs to.
    """
    parts = [np.flatnonzero(origin == part) for part in range(origin.max() + 1)]
    best = [members[np.argmax(judgement.scores[members])] for members in parts]
    shares = _softmax_with_static(judgement.mask_logits[best])
    joints: list[FittedJoint] = []
    odds: list[float] = []
    for position, members in enumerate(parts):
        weights = _scatter(shares[position + 1], judged, video)
        rows = gather_part_flow(video, weights)
        fitted = {bool(pool.is_revolute[i]): _fit_with_surfaces(video, weights, rows, pool[i]) for i in members[1:]}
        turning = pool.is_revolute[members]
        logits = np.log(judgement.scores[members] + 1e-4)
        scored = logits[turning].max() - logits[~turning].max()
        said = 0.5 * scored + 0.5 * float(judgement.revolute_logits[members].mean())
        seen = EVIDENCE_WEIGHT * compare_costs(rows, fitted[True], fitted[False]) - EVIDENCE_BIAS
        if _is_far(rows, fitted[True]):
            seen -= FAR_PENALTY
        odds.append(float(said + seen))
        joints.append(fitted[odds[-1] > 0])
    return joints, judgement.scores[best].astype(np.float64), np.array(odds)


EVIDENCE_WEIGHT = 15.0
"""Half the number of independent observations that the flow of a part is worth (N / F of the evidence rule)."""
EVIDENCE_BIAS = 0.45
"""What the turn's two extra parameters cost."""
FAR_PIVOT = 4.0
"""A turn about an axis farther than this from its part, in half-extents of the clip, is a slide in all but name."""
FAR_PENALTY = 4.0


def _is_far(part: PartFlow, turn: FittedJoint) -> bool:
    """Whether a turn's axis passes far from the part's points."""
    if part.weights.sum() <= 0:
        return False
    arm = np.average(part.midpoints, axis=0, weights=part.weights) - turn.pivot
    return bool(np.linalg.norm(np.cross(turn.axis, arm)) > FAR_PIVOT)


def _share_points(
    network: Judge, video: PointVideo, joints: list[FittedJoint], scores: np.ndarray, config: DecodingConfig
) -> np.ndarray:
    """Part probabilities of all points: the final joints judged on every slot, a random share at a time."""
    if not joints:
        return np.ones((video.num_frames, video.num_points, 1))
    pool = hypotheses_from_joints(joints, np.clip(scores, 0.2, 0.8))
    logits = np.full((len(joints), video.num_frames, video.num_points), -10.0)
    for first in range(0, video.num_points, config.num_smoothed):
        part = smooth_flow(video, first_point=first, num_points=config.num_smoothed)
        if not part.valid.any():
            continue
        for low in range(0, part.num_points, config.num_judged):
            count = min(config.num_judged, part.num_points - low)
            indices = np.tile(np.arange(low, low + count), (video.num_frames, 1))
            answer = judge(network, part, video, pool, indices, config)
            logits[:, :, first + low : first + low + count] = answer.mask_logits
    probabilities = np.moveaxis(_softmax_with_static(agree_over_time(video, pool, logits)), 0, -1)
    probabilities[~video.valid] = np.eye(len(joints) + 1)[0]
    return probabilities


def _softmax_with_static(mask_logits: np.ndarray) -> np.ndarray:
    """Probabilities (1 + hypothesis, ...) that sum to 1, with the static body at logit 0."""
    logits = np.concatenate([np.zeros_like(mask_logits[:1]), mask_logits])
    logits = np.exp(logits - logits.max(axis=0, keepdims=True))
    return logits / logits.sum(axis=0, keepdims=True)


def _scatter(weights: np.ndarray, judged: np.ndarray, video: PointVideo) -> np.ndarray:
    """Weights of judged points as weights of all slots; 0 elsewhere."""
    out = np.zeros(video.valid.shape)
    np.put_along_axis(out, judged, weights, axis=1)
    return out * video.valid
