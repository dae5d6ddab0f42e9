"""The refiner's one door: any estimate in, the joints that the points confirm out."""

import dataclasses
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from sim2art.articulation.estimate import ArticulationEstimate
from sim2art.errors import InvalidValueError
from sim2art.geometry.rotations import line_angle
from sim2art.inference.fit.joint_fit import FAR_PENALTY, FAR_PIVOT
from sim2art.inference.propose.main_directions import lies_along, main_directions_of
from sim2art.inference.refine.apparent_turns import only_seems_to_turn
from sim2art.inference.refine.assignment import agree
from sim2art.inference.refine.calibration import Calibration, JointFacts
from sim2art.inference.refine.correspondences import CorrespondenceConfig, match_surfaces
from sim2art.inference.refine.depth_scale import measure_depth_scale, mend_depth_scale, spoil_depth_scale
from sim2art.inference.refine.doubts import Doubts
from sim2art.inference.refine.kinematic_model import BASE, KinematicModel
from sim2art.inference.refine.leftover import measure_leftover
from sim2art.inference.refine.parts import Parts, parts_from_estimate
from sim2art.inference.refine.pose_evidence import measure_turns, pose_log_odds
from sim2art.inference.refine.residuals import join_rows
from sim2art.inference.refine.sight import Sight, look_at, with_finite_poses
from sim2art.inference.refine.single_part import compare_fits, fit_part, other_start, view_part
from sim2art.inference.refine.solver import Solution, SolverConfig, solve
from sim2art.inference.refine.structure import MIN_ROWS, choose_parents, measure_support, merge_same
from sim2art.inference.refine.verdict import Conclusion, accept, conclude, gather_facts
from sim2art.observation.normalization import fit_normalization, normalize
from sim2art.observation.point_video import PointVideo


@dataclass(frozen=True, kw_only=True)
class RefineConfig:
    """All settings of the refiner; lengths in normalised units (half-extent of the clip = 1), odds in log-odds."""

    correspondence: CorrespondenceConfig = field(default_factory=CorrespondenceConfig)
    solver: SolverConfig = field(default_factory=SolverConfig)
    calibration: Calibration = field(default_factory=Calibration)
    min_existence: float = 0.2
    """A part that exists with a lower probability is dropped: to miss one weighs as much as to invent four that are told as open."""
    min_carried_existence: float = 0.8
    """The same of a part on a moving part: errors of what carries it look like motion."""
    min_confidence: float = 0.1
    """A joint that is right with a lower probability is not reported, unless it carries another: of 15 such on 216 tune clips none was."""
    reach: float = np.deg2rad(45.0)
    """A refined axis may turn this far from a proposed one of confidence 0, rad; less from surer ones, in proportion."""
    least_reach: float = np.deg2rad(8.0)
    """And this far from any."""
    min_gain: float = 3.0
    """A refined joint needs this much log-odds over the proposed one; else that one is kept."""
    min_rows: float = 20.0
    """With less trust in its rows of flow a joint is kept as proposed."""
    type_weight: float = 0.15
    """Evidence on the type counts this much: what the inflation does not see."""
    opinion_weight: float = 0.5
    """The proposal's word on the type counts this much."""
    far_pivot: float = FAR_PIVOT
    """Axes of turns pass their part's middle nearer than this."""
    far_penalty: float = FAR_PENALTY
    """Log-odds against a turn for each half-extent beyond that: it is a slide in all but name."""


def refine(
    video: PointVideo, estimate: ArticulationEstimate, config: RefineConfig | None = None
) -> ArticulationEstimate:
    """Any estimate of a video in, a better founded one out.

    Args:
        video: The points that the estimate speaks of, world units.
        estimate: From a network, a baseline, or anything else; it need not be good.
        config: Settings.

    Returns:
        Joints fitted to flow and surfaces, with sigmas, confidence, status and reasons. Parts that do not move are
        dropped, and a part may hang on another moving one.

    Raises:
        InvalidValueError: When the estimate is not about the points of this video.
    """
    return refine_with_facts(video, estimate, config).estimate


def refine_with_facts(
    video: PointVideo, estimate: ArticulationEstimate, config: RefineConfig | None = None
) -> Conclusion:
    """As `refine`, with the facts that each joint's confidence and sigmas were made from."""
    config = config or RefineConfig()
    if estimate.part_probabilities.shape[:2] != video.valid.shape:
        raise InvalidValueError(
            f"The estimate is about (frame, point) {estimate.part_probabilities.shape[:2]}; the video has "
            f"{video.valid.shape}. Refine an estimate with its own video."
        )
    video = seen = with_finite_poses(video)
    depth = measure_depth_scale(normalize(video, fit_normalization(video)))
    if depth.is_off:
        video = mend_depth_scale(video, depth.error)
    normalization = fit_normalization(video)
    normalized = normalize(video, normalization)
    parts = parts_from_estimate(normalized, normalization, estimate)
    proposed = parts.model
    sight = look_at(normalized, parts, config.correspondence)
    parts = choose_types(sight, parts, config, list(range(parts.num_joints)))
    sight, parts = drop_unseen(sight, parts)
    hung = choose_parents(sight, parts, config.solver, config.correspondence)
    changed = np.flatnonzero(hung.model.parents != parts.model.parents)
    parts = choose_types(sight, hung, config, changed.tolist())
    parts = merge_same(sight, parts)
    sight = sight.again(parts)
    parts = hold_directions(parts, proposed, main_directions_of(normalized))
    parts, solution = solve_together(sight, parts, config)
    seeming = [k for k in range(parts.num_joints) if only_seems_to_turn(sight, parts.model, k)]
    facts = gather_facts(sight, parts, solution)
    least = np.where(parts.model.parents == BASE, config.min_existence, config.min_carried_existence)
    exists = [k for k in range(parts.num_joints) if config.calibration.existence(facts[k]) >= least[k]]
    kept = [k for k in exists if k not in seeming]
    if len(kept) < parts.num_joints:
        parts = parts.take(np.array(kept, dtype=np.int64))
        sight = sight.again(parts)
        parts, solution = solve_together(sight, parts, config)
    facts = accept(sight, parts, proposed, gather_facts(sight, parts, solution))
    parts, facts = keep_proposed(parts, proposed, facts, config)
    told = [
        k
        for k, fact in enumerate(facts)
        if config.calibration.confidence(fact) >= config.min_confidence or k in parts.model.parents
    ]
    num_untold = parts.num_joints - len(told)
    parts, facts = parts.take(np.array(told, dtype=np.int64)), [facts[k] for k in told]
    parts = agree(normalized, parts)
    doubts = Doubts(
        depth=depth,
        leftover=measure_leftover(normalized, parts),
        num_joined=parts.num_joined,
        num_seeming=len(set(seeming) & set(exists)),
        num_untold=num_untold,
    )
    conclusion = conclude(video, normalization, estimate, parts, facts, doubts, config.calibration)
    if depth.is_off:
        answer = spoil_depth_scale(conclusion.estimate, seen.world_from_camera[0, :3, 3], depth.error)
        conclusion = dataclasses.replace(conclusion, estimate=answer)
    return conclusion


def choose_types(sight: Sight, parts: Parts, config: RefineConfig, chosen: list[int]) -> Parts:
    """Fit the chosen parts as a turn and as a slide in their parents, and keep the likelier."""
    model = parts.model
    odds, support = parts.type_odds.copy(), parts.support.copy()
    for k in chosen:
        view = view_part(sight.rows, sight.surfaces, model, k, int(model.parents[k]), sight.num_kinds)
        if view.num_rows < MIN_ROWS:
            continue
        own = fit_part(view, model[k], config.solver, config.correspondence)
        other = fit_part(view, other_start(view, own.guess), config.solver, config.correspondence)
        turn, slide = (own, other) if own.guess.is_revolute else (other, own)
        odds[k] = config.type_weight * compare_fits([turn, slide], 2.0) + config.opinion_weight * parts.opinions[k]
        odds[k] += pose_log_odds(measure_turns(view.rows), turn.guess)
        arm = np.linalg.norm(np.cross(turn.guess.axis, view.center - turn.guess.pivot))
        odds[k] -= config.far_penalty * max(float(arm) - config.far_pivot, 0.0)
        best = turn if odds[k] > 0 else slide
        support[k] = measure_support(view, best, config.correspondence)
        model = model.with_joint(k, best.guess)
    return dataclasses.replace(parts, model=model, type_odds=odds, support=support)


def drop_unseen(sight: Sight, parts: Parts) -> tuple[Sight, Parts]:
    """Leave out parts of which too little is seen to fit anything."""
    rows = np.bincount(sight.rows.part + 1, sight.rows.weight, minlength=parts.num_joints + 1)[1:]
    kept = np.flatnonzero(rows >= MIN_ROWS)
    if len(kept) == parts.num_joints:
        return sight, parts
    parts = parts.take(kept)
    return sight.again(parts), parts


def hold_directions(parts: Parts, proposed: KinematicModel, directions: Float[np.ndarray, "direction 3"]) -> Parts:
    """Joints that were proposed along a main direction keep to it: surfaces tell it better than their flow does."""
    model = parts.model
    for k, origin in enumerate(parts.origins):
        if proposed.is_revolute[origin] != model.is_revolute[k]:
            continue
        axis = proposed.axes[origin]
        if not lies_along(axis, directions):
            continue
        guess = dataclasses.replace(model[k], axis=axis * (np.sign(axis @ model.axes[k]) or 1.0))
        model = model.with_joint(k, guess, is_held=True)
    return dataclasses.replace(parts, model=model)


def keep_proposed(
    parts: Parts, proposed: KinematicModel, facts: list[JointFacts], config: RefineConfig
) -> tuple[Parts, list[JointFacts]]:
    """Take back joints that do not explain the points better than those proposed."""
    model, odds = parts.model, parts.type_odds.copy()
    kept = list(facts)
    for k, fact in enumerate(facts):
        origin = int(parts.origins[k])
        if fact.gain is None:
            continue
        turns = bool(proposed.is_revolute[origin])
        angle = float(line_angle(model.axes[k], proposed.axes[origin])) if turns == fact.is_revolute else 0.0
        reach = max(config.least_reach, config.reach * (1 - fact.proposed_confidence))
        if fact.gain < config.min_gain or fact.num_rows < config.min_rows or angle > reach:
            model = model.with_joint(k, proposed[origin], BASE)
            if turns != fact.is_revolute:
                odds[k] = parts.opinions[k]
            kept[k] = dataclasses.replace(
                fact,
                is_revolute=turns,
                type_odds=float(odds[k] if turns else -odds[k]),
                # What the two disagree by is not known.
                axis_sigma=float(np.hypot(fact.axis_sigma, 0.3 * angle)),
                is_kept=True,
            )
    return dataclasses.replace(parts, model=model, type_odds=odds), kept


def solve_together(sight: Sight, parts: Parts, config: RefineConfig) -> tuple[Parts, Solution]:
    """All joints of all parts, their values and the per-frame errors at once."""
    model = parts.model
    for _ in range(2):
        model = model.anchored(sight.centers)
        rows = join_rows([sight.rows, match_surfaces(sight.surfaces, model, sight.num_kinds, config.correspondence)])
        solution = solve(rows, model, config.solver.continued)
        model = solution.model
    return dataclasses.replace(parts, model=model), solution
