"""From points with flow to moving parts and their joints: the loop of inference.

    parts = none
    repeat:
        pool  = propose(what the parts leave unexplained)
        parts = parts + select(judge(pool)), each fitted as a revolute and as a prismatic joint
        share the points among the parts
    until a round adds nothing

Then each part whose own points move in its frame is looked at in that frame, in the same way (`carried_parts.py`).
"""

import dataclasses
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from sim2art.articulation.estimate import ArticulationEstimate
from sim2art.inference.all_points import judge_all_points, share_points
from sim2art.inference.assembly import assemble_estimate, hypotheses_from_joints
from sim2art.inference.carried_parts import CarriedConfig, add_carried
from sim2art.inference.explained import ExplainedConfig, find_unexplained, flow_residuals, own_shares
from sim2art.inference.final_masks import predict_masks
from sim2art.inference.fit.joint_fit import FittedJoint
from sim2art.inference.found_parts import BASE, FoundParts
from sim2art.inference.hypotheses import Hypotheses, join_hypotheses
from sim2art.inference.judging import Sample, SampleJudge, evidence_for
from sim2art.inference.propose.changed_places import measure_change
from sim2art.inference.propose.from_flow import ProposalConfig, propose
from sim2art.inference.propose.from_surfaces import SurfaceGuessConfig, guess_from_surfaces
from sim2art.inference.propose.point_sampling import sample_moving
from sim2art.inference.scene import Scene, prepare
from sim2art.inference.selection import SelectionConfig, select
from sim2art.inference.versions import PromisingConfig, fit_promising, fit_to_all_points, fit_types
from sim2art.networks.judge import Judge
from sim2art.networks.mask_network import MaskNetwork
from sim2art.observation.normalization import fit_normalization, normalize
from sim2art.observation.point_video import PointVideo

MAX_PARTS = 20
"""Moving parts that are reported (M of the paper)."""


@dataclass(frozen=True, kw_only=True)
class InferenceConfig:
    """How points become parts; lengths in normalised units."""

    seed: int = 0
    max_rounds: int = 12
    max_empty: int = 2
    """Rounds in a row that add nothing, after which no more are made: which points are sampled is luck."""
    num_sampled: int = 512
    """Points a frame that hypotheses come from and are fitted to (`sample_moving`)."""
    num_judged: int = 256
    """Of these, the points that a pool is judged on."""
    proposals: ProposalConfig = field(default_factory=ProposalConfig)
    surfaces: SurfaceGuessConfig = field(default_factory=SurfaceGuessConfig)
    num_compared: int = 12
    """Of a pool, the hypotheses that score best, which are fitted and judged again beside each other."""
    promising: PromisingConfig = field(default_factory=PromisingConfig)
    selection: SelectionConfig = field(default_factory=SelectionConfig)
    min_score: float = 0.1
    """Of a hypothesis that is fitted further; whether there is a part the refiner's evidence decides."""
    min_gain: float = 0.1
    """A hypothesis takes the place of a part that moves its points as it does if it scores higher by this."""
    explained: ExplainedConfig = field(default_factory=ExplainedConfig)
    min_own: float = 0.5
    """Of the flow that a part explains better than standing still, the share that it must explain better than any other part."""
    carried: CarriedConfig = field(default_factory=CarriedConfig)


class _Found(NamedTuple):
    """Parts on the base on their way through the rounds."""

    joints: list[FittedJoint]
    scores: Float[np.ndarray, "joint"]
    odds: Float[np.ndarray, "joint"]
    logits: Float[np.ndarray, "joint frame point"]

    def take(self, kept: np.ndarray) -> "_Found":
        return _Found([self.joints[k] for k in kept], *(x[kept] for x in self[1:]))

    def joined(self, other: "_Found") -> "_Found":
        rest = (np.concatenate([x, y]) for x, y in zip(self[1:], other[1:], strict=True))
        return _Found([*self.joints, *other.joints], *rest)


class _More(NamedTuple):
    """What a round leaves."""

    parts: _Found
    """Known ones, then new ones."""
    num_new: int


class _Shared(NamedTuple):
    """Which part each point belongs to, and which flow the parts explain."""

    probabilities: Float[np.ndarray, "frame point part"]
    """The base first."""
    residuals: Float32[np.ndarray, "motion baseline frame point"]
    """Of flow, by `flow_residuals`."""
    unexplained: Bool[np.ndarray, "baseline frame point"]
    """Flow that the motion of each point's part does not explain."""

    @property
    def part_ids(self) -> Int[np.ndarray, "frame point"]:
        """The likeliest part of each point, 0 for the base."""
        return np.argmax(self.probabilities, axis=-1)


class _Kept(NamedTuple):
    """Which parts are needed, by their places, and what these explain."""

    places: Int[np.ndarray, "kept"]
    shared: _Shared


def infer(
    judge: Judge, video: PointVideo, config: InferenceConfig, masks: MaskNetwork | None = None
) -> ArticulationEstimate:
    """The whole way from points to an estimate.

    Args:
        judge: Scores hypotheses.
        video: As it came, world units.
        config: Settings.
        masks: Draws the masks of final joints; without it they stay as the judge gave them.
    """
    rng = np.random.default_rng(config.seed)
    normalization = fit_normalization(video)
    normalized = normalize(video, normalization)
    found = find_parts(judge, normalized, config, rng)
    parts = found.surest(MAX_PARTS)
    if masks is not None and parts.joints:
        parts = parts.with_probabilities(predict_masks(masks, normalized, parts.joints, parts.probabilities))
    on_base = len(parts.joints)
    on_part = dataclasses.replace(config, max_rounds=config.carried.max_rounds)
    parts = add_carried(normalized, parts, lambda seen: find_parts(judge, seen, on_part, rng), config.carried)
    num_seen = len(found.joints) + len(parts.joints) - on_base
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


def find_parts(judge: Judge, video: PointVideo, config: InferenceConfig, rng: np.random.Generator) -> FoundParts:
    """The parts that move in a video, all of them on its base.

    Args:
        judge: Scores hypotheses.
        video: In normalised coordinates.
        config: Settings.
        rng: Of the points and hypotheses that are drawn.
    """
    scene = prepare(video, evidence_for(judge))
    change = measure_change(video)
    nothing = np.zeros(0)
    found = _Found([], nothing, nothing, np.zeros((0, *video.valid.shape)))
    shared = _share(scene, found, config)
    num_empty = 0
    for index in range(config.max_rounds):
        more = _find_more(judge, scene, found, shared, change if index else None, config, rng)
        kept = None if more is None else _keep_needed(scene, more.parts, config)
        # New parts come last. A round whose new parts are all given up again has found nothing.
        if more is None or kept is None or not np.any(kept.places >= len(more.parts.joints) - more.num_new):
            num_empty += 1
            if num_empty == config.max_empty:
                break
        else:
            num_empty = 0
            found, shared = more.parts.take(kept.places), kept.shared
    joints = fit_to_all_points(scene, found.joints, shared.probabilities)
    return FoundParts(
        joints=tuple(joints),
        parents=np.full(len(joints), BASE),
        scores=found.scores,
        odds=found.odds,
        probabilities=share_points(video, joints, found.logits),
    )


def _find_more(
    judge: Judge,
    scene: Scene,
    found: _Found,
    shared: _Shared,
    change: Float[np.ndarray, "frame point"] | None,
    config: InferenceConfig,
    rng: np.random.Generator,
) -> _More | None:
    """One round: the parts with new ones for what they leave unexplained, None when there are no new ones.

    A new part may take the place of one of the same motion that scores lower.

    Args:
        judge: Scores hypotheses.
        scene: The clip.
        found: Parts so far.
        shared: What they explain.
        change: How surely each point did not stand still; None for hypotheses from flow alone.
        config: Settings.
        rng: Of the points and hypotheses that are drawn.
    """
    strays = dataclasses.replace(scene.smoothed, flow_valid=shared.unexplained)
    slots = sample_moving(strays, config.num_sampled, rng)
    sample = Sample.of(scene, slots, config.num_judged)
    pools = {
        "flow": propose(strays.take(slots), config.proposals, rng, scene.directions),
        "surfaces": None
        if change is None
        else _guess_from_surfaces(sample, change * (shared.part_ids == 0), config, rng),
        "known": hypotheses_from_joints(found.joints, np.clip(found.scores, 0.2, 0.8)) if found.joints else None,
    }
    sets = {name: hypotheses for name, hypotheses in pools.items() if hypotheses is not None and len(hypotheses)}
    if not sets.keys() - {"known"}:
        return None
    pool = join_hypotheses(list(sets.values()))
    origins = np.repeat(list(sets), [len(x) for x in sets.values()])
    asked = SampleJudge(network=judge, sample=sample)
    judgement = asked.judge(pool)
    # Known parts are always compared, and come last, in their order.
    best = np.argsort(-judgement.scores[: len(pool) - len(found.joints)], kind="stable")[: config.num_compared]
    best = np.append(best, np.arange(len(pool) - len(found.joints), len(pool)))
    pool, judgement, origins = pool.take(best), judgement.take(best), origins[best]
    is_known = origins == "known"
    pool = fit_promising(asked, pool, judgement, is_known, config.promising)
    judgement = asked.judge(pool)
    ranked = dataclasses.replace(judgement, scores=judgement.scores + config.min_gain * is_known)
    chosen = select(ranked, pool, is_known, sample.video, config.min_score, config.selection)
    kept = np.sort(chosen[is_known[chosen]]) - np.argmax(is_known)
    chosen = chosen[~is_known[chosen]]
    if not len(chosen):
        return None
    joints, scores, odds = fit_types(asked, pool, judgement, chosen)
    new = _Found(joints, scores, odds, np.zeros((len(joints), 0, 0))).take(np.flatnonzero(scores >= config.min_score))
    if new.joints and len(kept) < len(found.joints):
        kept, new = _keep_better(asked, found, new, config)
    if not new.joints:
        return None
    new = new._replace(logits=judge_all_points(judge, scene, new.joints, new.scores))
    return _More(found.take(kept).joined(new), len(new.joints))


def _keep_better(
    asked: SampleJudge, found: _Found, new: _Found, config: InferenceConfig
) -> tuple[Int[np.ndarray, "kept"], _Found]:
    """Places of the known parts, and the new ones, that remain once all are fitted and judged together."""
    pool = hypotheses_from_joints([*found.joints, *new.joints], np.clip([*found.scores, *new.scores], 0.2, 0.8))
    is_known = np.arange(len(pool)) < len(found.joints)
    judgement = asked.judge(pool)
    ranked = dataclasses.replace(judgement, scores=judgement.scores + config.min_gain * is_known)
    chosen = np.sort(select(ranked, pool, is_known, asked.sample.video, config.min_score, config.selection))
    return chosen[is_known[chosen]], new.take(chosen[~is_known[chosen]] - len(found.joints))


def _guess_from_surfaces(
    sample: Sample, change: Float[np.ndarray, "frame point"], config: InferenceConfig, rng: np.random.Generator
) -> Hypotheses | None:
    """Joints for what changed and belongs to no part."""
    sampled = change[np.arange(len(sample.slots))[:, None], sample.slots]
    is_open = sampled > 0
    return guess_from_surfaces(
        sample.video, sample.normals, sampled, is_open, ~is_open, sample.scene.directions, rng, config.surfaces
    )


def _share(scene: Scene, found: _Found, config: InferenceConfig) -> _Shared:
    """Points shared among parts, and the flow that these explain."""
    video = scene.smoothed
    probabilities = share_points(scene.video, found.joints, found.logits)
    part_ids = np.argmax(probabilities, axis=-1)
    motions = np.zeros((0, video.num_frames, 4, 4))
    if found.joints:
        motions = hypotheses_from_joints(found.joints, found.scores).motions()
    residuals = flow_residuals(video, motions)
    return _Shared(probabilities, residuals, find_unexplained(video, residuals, part_ids, config.explained))


def _keep_needed(scene: Scene, found: _Found, config: InferenceConfig) -> _Kept:
    """Parts that have points, and explain flow that no other does; the lowest scored are given up first."""
    shared = _share(scene, found, config)
    part_ids = shared.part_ids
    sizes = np.bincount(part_ids[scene.video.valid], minlength=len(found.joints) + 1)[1:]
    kept = np.flatnonzero(sizes >= config.selection.min_share * scene.video.valid.sum()).tolist()
    for part in sorted(kept, key=lambda part: found.scores[part]):
        residuals = shared.residuals[:, scene.video.flow_valid & (part_ids == part + 1)]
        others = [other + 1 for other in kept if other != part]
        if others and own_shares(residuals, part + 1, others, config.explained).min() < config.min_own:
            kept.remove(part)
    places = np.array(kept, dtype=int)
    return _Kept(places, shared if len(kept) == len(found.joints) else _share(scene, found.take(places), config))
