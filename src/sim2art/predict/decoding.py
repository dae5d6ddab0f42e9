"""From the judge's raw output to parts and joints: the one door out of the network.

Judge a diverse pool, add joints for what changed and none of it explains, fit the promising ones to the points they were
given and judge again, keep a small consistent set, fit each joint to its part (both types), judge the fitted joints, and
let them share the points. Several such draws, by several judges in turn, are made one, and the mask network draws the
masks of their joints; then each part is looked at from itself, for parts that it carries, in the same way.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import numpy as np

from sim2art.articulation.estimate import ArticulationEstimate
from sim2art.networks.judge import Judge
from sim2art.networks.mask_network import MaskNetwork
from sim2art.observation.normalization import fit_normalization, normalize
from sim2art.observation.point_video import PointVideo
from sim2art.predict.all_points import judge_all_points, share_points
from sim2art.predict.carried_parts import CarriedConfig, add_carried
from sim2art.predict.checkpoint import Calibration
from sim2art.predict.draws import DrawsConfig, find_in_draws
from sim2art.predict.final_masks import draw_masks
from sim2art.predict.found_parts import BASE, FoundParts
from sim2art.predict.judging import evidence_for
from sim2art.predict.pool import PoolConfig, draw_points, gather_pool, observe
from sim2art.predict.selection import SelectionConfig, select
from sim2art.predict.settling import Settled, fit_to_all_points, settle
from sim2art.proposals.assembly import assemble_estimate
from sim2art.proposals.turns_in_place import TurnsInPlaceConfig

MAX_PARTS = 20
"""Moving parts that are reported (M of the paper)."""


@dataclass(frozen=True, kw_only=True)
class DecodingConfig:
    """How a pool becomes an answer."""

    seed: int = 0
    pool: PoolConfig = field(default_factory=PoolConfig)
    selection: SelectionConfig = field(default_factory=SelectionConfig)
    min_surface_score: float = 0.3
    """Guesses from surfaces that score lower are not believed: noise changes surfaces, too."""
    draws: DrawsConfig = field(default_factory=DrawsConfig)
    carried: CarriedConfig = field(default_factory=CarriedConfig)
    turns_in_place: TurnsInPlaceConfig = field(default_factory=TurnsInPlaceConfig)
    """What is guessed besides where a part is looked at from itself, as wheels and knobs sit on parts."""

    @property
    def on_parts(self) -> "DecodingConfig":
        """How parts are found in what a part sees from itself."""
        pool = dataclasses.replace(self.pool, turns_in_place=self.turns_in_place)
        return dataclasses.replace(self, pool=pool)


class TrainedJudge(NamedTuple):
    """A judge and the numbers that were fitted for it."""

    network: Judge
    calibration: Calibration = Calibration()


def decode_video(
    judges: Sequence[TrainedJudge],
    video: PointVideo,
    config: DecodingConfig,
    masks: MaskNetwork | None = None,
) -> ArticulationEstimate:
    """The whole way from points to an estimate with trained judges.

    Args:
        judges: Take turns, one draw each: what one of them misses, two draws by another can still find.
        masks: Draws the masks of final joints; without it they stay as the judge gave them.
    """
    rng = np.random.default_rng(config.seed)
    normalization = fit_normalization(video)
    normalized = normalize(video, normalization)

    def find_on_part(judge: TrainedJudge, seen: PointVideo) -> FoundParts:
        return _draw_masks(masks, seen, find_parts(judge, seen, config=config.on_parts, rng=rng))

    finds = [partial(find_parts, judge, config=config, rng=rng) for judge in judges]
    found = find_in_draws(normalized, finds, config.draws)
    drawn = _draw_masks(masks, normalized, found.surest(MAX_PARTS))
    parts = add_carried(normalized, drawn, [partial(find_on_part, judge) for judge in judges], config.carried)
    num_seen = len(found.joints) + len(parts.joints) - len(drawn.joints)
    reasons: tuple[str, ...] = ()
    if num_seen > MAX_PARTS:
        reasons = (f"{num_seen} moving groups were seen; the {MAX_PARTS} surest are reported, the rest merged",)
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


def _draw_masks(masks: MaskNetwork | None, video: PointVideo, parts: FoundParts) -> FoundParts:
    """The parts, all of them on the base, with masks drawn anew."""
    if masks is None or not parts.joints:
        return parts
    return parts.with_probabilities(draw_masks(masks, video, parts.joints, parts.probabilities))


def find_parts(
    judge: TrainedJudge, video: PointVideo, *, config: DecodingConfig, rng: np.random.Generator
) -> FoundParts:
    """The parts that move in a video, all of them on its base.

    Args:
        video: In normalised coordinates.
    """
    network, threshold = judge.network, judge.calibration.score_threshold
    observed = observe(video, evidence_for(network, config.pool.evidence))
    draw, slots = draw_points(network, observed, config.pool, rng)
    answer = Settled(joints=[], scores=np.zeros(0), odds=np.zeros(0))
    by_flow = np.zeros(0, dtype=bool)
    pool = gather_pool(draw, observed, slots, config.pool, rng)
    if pool is not None:
        least = np.where(pool.by_flow, threshold, max(threshold, config.min_surface_score))
        chosen = select(pool.judgement, draw.video, least, config.selection)
        by_flow = pool.by_flow[chosen]
        if len(chosen):
            answer = settle(draw, pool.hypotheses.take(chosen), pool.judgement.take(chosen))
    joints, scores, odds = answer
    logits = judge_all_points(network, observed, joints, scores, config.pool)
    probabilities = share_points(video, joints, logits)
    if joints:
        # Better masks, better joints; better joints, points that agree better over time.
        joints = fit_to_all_points(draw, video, observed.normals, joints, scores, probabilities)
        probabilities = share_points(video, joints, logits)
        keep = np.flatnonzero(probabilities[video.valid].mean(axis=0)[1:] >= config.selection.min_share)
        if len(keep) < len(joints):
            joints, scores, odds, by_flow = [joints[i] for i in keep], scores[keep], odds[keep], by_flow[keep]
            probabilities = share_points(video, joints, logits[keep])
    return FoundParts(
        joints=tuple(joints),
        parents=np.full(len(joints), BASE),
        scores=scores,
        odds=odds,
        by_flow=by_flow,
        probabilities=probabilities,
    )
