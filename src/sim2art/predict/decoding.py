"""From the judge's raw output to parts and joints: the one door out of the network.

Judge a diverse pool, add joints for what changed and none of it explains, fit the promising ones to the points they were
given and judge again, keep a small consistent set, fit each joint to its part (both types), judge the fitted joints, and
let them share the points. Several such draws are made one; then each part is looked at from itself, for parts that it
carries.
"""

from dataclasses import dataclass, field
from functools import partial

import numpy as np

from sim2art.articulation.estimate import ArticulationEstimate
from sim2art.networks.judge import Judge
from sim2art.observation.normalization import fit_normalization, normalize
from sim2art.observation.point_video import PointVideo
from sim2art.predict.carried_parts import CarriedConfig, add_carried
from sim2art.predict.checkpoint import Calibration
from sim2art.predict.draws import DrawsConfig, find_in_draws
from sim2art.predict.fitting import Judgement
from sim2art.predict.found_parts import BASE, FoundParts
from sim2art.predict.judging import Draw, evidence_for, judge
from sim2art.predict.second_look import SecondLookConfig, look_again
from sim2art.predict.selection import SelectionConfig, select
from sim2art.predict.settling import Settled, fit_to_all_points, settle
from sim2art.proposals.assembly import assemble_estimate, hypotheses_from_joints
from sim2art.proposals.changed_places import measure_change
from sim2art.proposals.consensus import agree_over_time, share_out
from sim2art.proposals.drawing import draw_moving
from sim2art.proposals.evidence import EvidenceConfig, Surface, index_video
from sim2art.proposals.hypotheses import Hypotheses, join_hypotheses
from sim2art.proposals.joint_fit import FittedJoint
from sim2art.proposals.propose import ProposalConfig, propose
from sim2art.proposals.rest_pose import disc_normals
from sim2art.proposals.smoothing import WHOLE_RADIUS, smooth_flow
from sim2art.proposals.surface_grid import index_surface
from sim2art.proposals.surface_guesses import SurfaceGuessConfig, guess_from_surfaces

MAX_PARTS = 20
"""Moving parts that are reported (M of the paper)."""


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
    surface_guesses: SurfaceGuessConfig = field(default_factory=SurfaceGuessConfig)
    explains: float = 0.5
    """What a hypothesis with a higher score claims needs no guess from surfaces."""
    min_surface_score: float = 0.3
    """Guesses from surfaces that score lower are not believed: noise changes surfaces, too."""
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
    evidence = evidence_for(network, config.evidence)
    surface = index_video(video, evidence)
    normals = _normals(video, surface, config.evidence)
    slots = draw_moving(whole, config.num_drawn, rng)
    draw = Draw(
        network=network,
        video=whole.take(slots),
        normals=normals[np.arange(video.num_frames)[:, None], slots],
        surface=surface,
        evidence=evidence,
        num_judged=config.num_judged,
    )
    answer = Settled(joints=[], scores=np.zeros(0), odds=np.zeros(0))
    by_flow = np.zeros(0, dtype=bool)
    pool = propose(draw.video, config.proposals, rng)
    if len(pool):
        judgement = draw.judge(pool)
        num_by_flow = len(pool)
        pool, judgement = _add_surface_guesses(draw, video, slots, pool, judgement, config, rng)
        pool, judgement = look_again(draw, pool, judgement, config.second_look)
        least = np.where(np.arange(len(pool)) < num_by_flow, threshold, max(threshold, config.min_surface_score))
        chosen = select(judgement, draw.video, least, config.selection)
        by_flow = chosen < num_by_flow
        if len(chosen):
            answer = settle(draw, pool.take(chosen), judgement.mask_logits[chosen], judgement.scores[chosen])
    joints, scores, odds = answer
    logits = _judge_all_points(network, whole, surface, joints, scores, config)
    probabilities = _share_points(video, joints, logits)
    if joints:
        # Better masks, better joints; better joints, points that agree better over time.
        joints = fit_to_all_points(draw, video, normals, joints, scores, probabilities)
        probabilities = _share_points(video, joints, logits)
        keep = np.flatnonzero(probabilities[video.valid].mean(axis=0)[1:] >= config.selection.min_share)
        if len(keep) < len(joints):
            joints, scores, odds, by_flow = [joints[i] for i in keep], scores[keep], odds[keep], by_flow[keep]
            probabilities = _share_points(video, joints, logits[keep])
    return FoundParts(
        joints=tuple(joints),
        parents=np.full(len(joints), BASE),
        scores=scores,
        odds=odds,
        by_flow=by_flow,
        probabilities=probabilities,
    )


def _normals(video: PointVideo, surface: Surface, config: EvidenceConfig) -> np.ndarray:
    """Normals (frame, point, 3) of all points, zeros where there are none."""
    known = surface.normals
    if known is None:
        known = disc_normals(index_surface(video.points_world, video.valid, config.num_clip_points))
    normals = np.zeros(video.points_world.shape, dtype=np.float32)
    normals[:, : known.shape[1]] = known
    return normals


def _add_surface_guesses(
    draw: Draw,
    video: PointVideo,
    slots: np.ndarray,
    pool: Hypotheses,
    judgement: Judgement,
    config: DecodingConfig,
    rng: np.random.Generator,
) -> tuple[Hypotheses, Judgement]:
    """The pool and what is said of it, with joints for what changed and no good hypothesis explains."""
    change = measure_change(video)[np.arange(video.num_frames)[:, None], slots]
    good = judgement.mask_logits[judgement.scores > config.explains]
    unexplained = np.zeros(change.shape, dtype=bool)
    unexplained[:, : draw.judged.shape[1]] = ~np.any(good > 0, axis=0)
    guesses = guess_from_surfaces(draw.video, draw.normals, change, unexplained, rng, config.surface_guesses)
    if guesses is None:
        return pool, judgement
    pool = join_hypotheses([pool, guesses])
    return pool, draw.judge(pool)


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
    evidence = evidence_for(network, config.evidence)
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
