"""From the judge's raw output to parts and joints: the one door out of the network.

Judge a diverse pool, fit the promising ones to the points they were given and judge again, keep a small consistent set,
fit each joint to the flow of its part (both types), judge the fitted joints, and let them share the points. Several such
draws are made one; then each part is looked at from itself, for parts that it carries.
"""

import dataclasses
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple, cast

import numpy as np
import torch

from sim2art.articulation.estimate import ArticulationEstimate
from sim2art.networks.judge import Judge
from sim2art.observation.normalization import fit_normalization, normalize
from sim2art.observation.point_video import PointVideo
from sim2art.predict.carried_parts import CarriedConfig, add_carried
from sim2art.predict.checkpoint import Calibration
from sim2art.predict.draws import DrawsConfig, find_in_draws
from sim2art.predict.fitting import (
    Judgement,
    evidence_for_turn,
    fit_both_types,
    opinion_of_turn,
    refit,
    scatter_weights,
)
from sim2art.predict.found_parts import BASE, FoundParts
from sim2art.predict.second_look import SecondLookConfig, refit_promising
from sim2art.predict.selection import SelectionConfig, select
from sim2art.proposals.assembly import assemble_estimate, hypotheses_from_joints
from sim2art.proposals.consensus import agree_over_time, share_out, softmax_with_static
from sim2art.proposals.drawing import draw_moving
from sim2art.proposals.evidence import EvidenceConfig, EvidenceKind, Surface, index_video, lay_out_evidence
from sim2art.proposals.hypotheses import Hypotheses
from sim2art.proposals.joint_fit import FittedJoint
from sim2art.proposals.propose import ProposalConfig, propose
from sim2art.proposals.smoothing import WHOLE_RADIUS, smooth_flow

MAX_PARTS = 20
"""Moving parts that are reported (M of the paper)."""


MIN_KEPT_SCORE = 0.6
"""A fit that scores lower than this share of its guess's score is not accepted."""


@dataclass(frozen=True, kw_only=True)
class DecodingConfig:
    """How a pool becomes an answer."""

    seed: int = 0
    num_drawn: int = 512
    """Points a frame that hypotheses come from and are fitted to (`draw_moving`)."""
    num_judged: int = 256
    """Of these, the points that the pool is judged on."""
    second_look: SecondLookConfig = field(default_factory=SecondLookConfig)
    selection: SelectionConfig = field(default_factory=SelectionConfig)
    proposals: ProposalConfig = field(default_factory=ProposalConfig)
    evidence: EvidenceConfig = field(default_factory=EvidenceConfig)
    draws: DrawsConfig = field(default_factory=DrawsConfig)
    carried: CarriedConfig = field(default_factory=CarriedConfig)


def decode_video(
    network: Judge, video: PointVideo, calibration: Calibration, config: DecodingConfig
) -> ArticulationEstimate:
    """The whole way from points to an estimate with a trained judge."""
    rng = np.random.default_rng(config.seed)
    normalization = fit_normalization(video)
    normalized = normalize(video, normalization)
    find = partial(find_parts, network, threshold=calibration.score_threshold, config=config, rng=rng)
    parts = find_in_draws(normalized, find, config.draws)
    parts = add_carried(normalized, parts, find, config.carried)
    reasons: tuple[str, ...] = ()
    if len(parts.joints) > MAX_PARTS:
        reasons = (
            f"{len(parts.joints)} moving groups were seen; the {MAX_PARTS} surest are reported, the rest merged",
        )
        parts = parts.surest(MAX_PARTS)
    return assemble_estimate(
        video,
        normalization,
        parts.joints,
        parts.probabilities,
        parents=parts.parents,
        revolute_probabilities=1 / (1 + np.exp(-np.clip(parts.odds, -30, 30))),
        confidences=parts.scores,
        reasons=reasons,
    )


def find_parts(
    network: Judge, video: PointVideo, *, threshold: float, config: DecodingConfig, rng: np.random.Generator
) -> FoundParts:
    """The parts that move in a video, all of them on its base.

    Args:
        video: In normalised coordinates.
        threshold: Hypotheses that score lower are left out.
    """
    whole = smooth_flow(video, radius=WHOLE_RADIUS)
    smoothed = whole.take(draw_moving(whole, config.num_drawn, rng))
    pool = propose(smoothed, config.proposals, rng)
    evidence = evidence_for(network, config)
    surface = index_video(video, evidence)
    answer = _Answer(joints=[], scores=np.zeros(0), odds=np.zeros(0))
    if len(pool):
        judged = np.tile(np.arange(min(config.num_judged, smoothed.num_points)), (video.num_frames, 1))
        first = judge(network, smoothed, surface, pool, judged, evidence)
        refitted = refit_promising(smoothed, pool, first, config.second_look)
        if refitted is not pool:
            pool, first = refitted, judge(network, smoothed, surface, refitted, judged, evidence)
        chosen = select(first, smoothed, threshold, config.selection)
        if len(chosen):
            answer = _settle(
                network,
                smoothed,
                surface,
                pool.take(chosen),
                first.mask_logits[chosen],
                first.scores[chosen],
                judged,
                evidence,
            )
    joints, scores, odds = answer
    logits = _judge_all_points(network, whole, surface, joints, scores, config)
    probabilities = _share_points(video, joints, logits)
    if joints:
        # Better masks, better joints; better joints, points that agree better over time.
        joints = [refit(video, joint, probabilities[..., i + 1]) for i, joint in enumerate(joints)]
        probabilities = _share_points(video, joints, logits)
        keep = np.flatnonzero(probabilities[video.valid].mean(axis=0)[1:] >= config.selection.min_share)
        if len(keep) < len(joints):
            joints, scores, odds = [joints[i] for i in keep], scores[keep], odds[keep]
            probabilities = _share_points(video, joints, logits[keep])
    return FoundParts(
        joints=tuple(joints),
        parents=np.full(len(joints), BASE),
        scores=scores,
        odds=odds,
        probabilities=probabilities,
    )


class _Answer(NamedTuple):
    """Joints of a clip, in normalised coordinates."""

    joints: list[FittedJoint]
    scores: np.ndarray
    odds: np.ndarray
    """Log-odds of revolute."""


def _settle(
    network: Judge,
    smoothed: PointVideo,
    surface: Surface,
    chosen: Hypotheses,
    mask_logits: np.ndarray,
    first_scores: np.ndarray,
    judged: np.ndarray,
    evidence: EvidenceConfig,
) -> _Answer:
    """Fit each chosen hypothesis as both types, have the network judge each set of fits, and keep the better type.

    The two sets are judged apart: near-duplicates side by side would take each other's score.
    """
    shares = softmax_with_static(mask_logits)
    weights = [scatter_weights(share, judged, smoothed) for share in shares[1:]]
    fits = [fit_both_types(smoothed, chosen[i], weights[i]) for i in range(len(chosen))]
    verdicts = {
        turns: judge(
            network,
            smoothed,
            surface,
            hypotheses_from_joints([fit[turns] for fit in fits], chosen.scores),
            judged,
            evidence,
        )
        for turns in (True, False)
    }
    odds, scores = np.zeros(len(chosen)), np.zeros(len(chosen))
    joints: list[FittedJoint] = []
    for i, fit in enumerate(fits):
        odds[i] = opinion_of_turn(verdicts[True], verdicts[False], i) + evidence_for_turn(smoothed, fit, weights[i])
        turns = bool(odds[i] > 0)
        scores[i] = verdicts[turns].scores[i]
        joints.append(fit[turns])
        if turns == chosen.is_revolute[i] and scores[i] < MIN_KEPT_SCORE * first_scores[i]:
            # The fit made it worse in the eyes of the network: the guess stays, with the fit's uncertainty.
            joints[-1] = dataclasses.replace(fit[turns], **vars(chosen[i]))
            scores[i] = first_scores[i]
    return _Answer(joints=joints, scores=scores, odds=odds)


def evidence_for(network: Judge, config: DecodingConfig) -> EvidenceConfig:
    """What evidence a network was trained on."""
    return dataclasses.replace(config.evidence, kinds=cast("tuple[EvidenceKind, ...]", network.config.evidence))


@torch.inference_mode()
def judge(
    network: Judge,
    smoothed: PointVideo,
    surface: Surface,
    pool: Hypotheses,
    point_indices: np.ndarray,
    evidence: EvidenceConfig,
) -> Judgement:
    """Run the network on chosen points of a normalised video."""
    device = next(network.parameters()).device
    features = lay_out_evidence(smoothed, surface, pool, point_indices, evidence)
    frames = np.arange(smoothed.num_frames)[:, None]
    points = smoothed.points_world[frames, point_indices].astype(np.float32)
    output = network(
        torch.from_numpy(features)[None].to(device),
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


def _judge_all_points(
    network: Judge,
    video: PointVideo,
    surface: Surface,
    joints: list[FittedJoint],
    scores: np.ndarray,
    config: DecodingConfig,
) -> np.ndarray:
    """Mask logits (joint, frame, point) of the final joints on every slot of a smoothed video, some at a time."""
    logits = np.full((len(joints), video.num_frames, video.num_points), -10.0)
    if not joints:
        return logits
    pool = hypotheses_from_joints(joints, np.clip(scores, 0.2, 0.8))
    evidence = evidence_for(network, config)
    for first in range(0, video.num_points, config.num_judged):
        chosen = np.arange(first, min(first + config.num_judged, video.num_points))
        if video.valid[:, chosen].any():
            indices = np.tile(chosen, (video.num_frames, 1))
            logits[:, :, chosen] = judge(network, video, surface, pool, indices, evidence).mask_logits
    return logits


def _share_points(video: PointVideo, joints: list[FittedJoint], logits: np.ndarray) -> np.ndarray:
    """Part probabilities (frame, point, part) of all points, the base first."""
    if not joints:
        return np.ones((*video.valid.shape, 1))
    motions = hypotheses_from_joints(joints, np.ones(len(joints))).motions()
    return share_out(video, agree_over_time(video, motions, logits))
