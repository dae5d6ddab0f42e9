"""Which part hangs on which, whether it moves at all, and which two are one: all by the same evidence."""

import dataclasses

import numpy as np
from jaxtyping import Float

from sim2art.inference.hypotheses import JointGuess
from sim2art.inference.refine.correspondences import CorrespondenceConfig, match_surfaces
from sim2art.inference.refine.evidence import compare_lengths
from sim2art.inference.refine.kinematic_model import BASE, KinematicModel, make_model
from sim2art.inference.refine.parts import Parts
from sim2art.inference.refine.residuals import Rows, join_rows, row_residuals
from sim2art.inference.refine.sight import Sight
from sim2art.inference.refine.single_part import PartFit, PartView, compare_models, fit_part, other_start, view_part
from sim2art.inference.refine.solver import SolverConfig

TOUCHING = 0.15
"""A part farther than this from another in every frame does not hang on it, normalised units."""
PARENT_ODDS = 3.0
"""A moving parent needs this much log-odds against the static base."""
PARENT_RATIO = 1.5
"""And the base must leave this many times more: two drawers that slide side by side hang on each other as well."""
RIDING_SUPPORT = 30.0
"""A part that was proposed on a moving one stays there if its own motion has this much log-odds against standing still on it,"""
RIDING_DIFFERENCE = 0.2
"""and the best joint on the base carries it as its carrier does, up to this share: a wheel goes round with its door, and by how
much it turns on it is lost in that."""
MAX_PARENTS = 3
"""Touching parts that are tried as parents of one part, the largest first."""
SAME_ODDS = 0.0
"""Two parts are one when their joints are not worth this much log-odds over one joint."""
MAX_DIFFERENCE = 0.7
"""Two parts are not one when their joints carry the points further apart than this share of how far they go, whatever
bad flow says of neither."""
MIN_ROWS = 6.0
"""With less trust in the rows than this nothing is decided."""


def still(guess: JointGuess) -> JointGuess:
    """The same joint that never moves."""
    return dataclasses.replace(guess, values=np.zeros_like(guess.values))


def measure_support(view: PartView, fit: PartFit, correspondence: CorrespondenceConfig) -> float:
    """Log-odds that a part moves as fitted, against standing still in its parent: by its flow, and by where its surface lies."""
    guess = fit.guess
    # Values are smooth: they are worth about half of their number in parameters.
    parameters = (4 if guess.is_revolute else 2) + 0.5 * (len(guess.values) - 1)
    resting = make_model([still(guess)], [BASE], view.eyes)
    surfaces = [
        match_surfaces(view.surfaces, model, view.num_kinds, correspondence, first_group=0)
        for model in (fit.solution.model, resting)
    ]
    return compare_models(join_rows([view.rows, *surfaces]), fit.solution.model, resting, parameters)


def choose_parents(sight: Sight, parts: Parts, solver: SolverConfig, correspondence: CorrespondenceConfig) -> Parts:
    """Hang each part on the moving part in whose frame it has the clearer joint, or on the base.

    A moving parent must win by `PARENT_ODDS` and touch its child, unless it was proposed as such and carries it anyway.
    """
    model = parts.model
    sizes = np.argsort(-parts.probabilities[..., 1:].sum(axis=(0, 1)), kind="stable").tolist()
    for child in range(parts.num_joints):
        base_view = view_part(sight.rows, sight.surfaces, model, child, BASE, sight.num_kinds)
        if base_view.num_rows < MIN_ROWS:
            continue
        best_odds, best_parent, best_guess = 0.0, BASE, None
        base_fit = None
        others = [k for k in sizes if k != child and child not in model.ancestors(k)]
        for parent in [k for k in others if _touch(sight, child, k)][:MAX_PARENTS]:
            if base_fit is None:
                base_fit = _best_fit(base_view, model[child], solver, correspondence)
            view = view_part(sight.rows, sight.surfaces, model, child, parent, sight.num_kinds)
            fit = _best_fit(view, model[child], solver, correspondence)
            residuals = row_residuals(view.rows, fit.solution.model)
            others = row_residuals(base_view.rows, base_fit.solution.model)
            lengths, base_lengths = np.linalg.norm(residuals, axis=1), np.linalg.norm(others, axis=1)
            odds = compare_lengths(view.rows, residuals, base_lengths, 0.0) - PARENT_ODDS
            if odds <= best_odds or _left(view.rows, base_lengths) < PARENT_RATIO * _left(view.rows, lengths):
                continue
            if measure_support(view, fit, correspondence) > 0:
                best_odds, best_parent, best_guess = odds, parent, fit.guess
        if best_guess is not None:
            model = model.with_joint(child, best_guess, best_parent)
        elif model.parents[child] != BASE and base_fit is not None:
            if _rides(base_view, base_fit, model, child) and parts.support[child] >= RIDING_SUPPORT:
                continue
            model = model.with_joint(child, base_fit.guess, BASE)
    return dataclasses.replace(parts, model=model)


def _rides(base_view: PartView, base_fit: PartFit, model: KinematicModel, child: int) -> bool:
    """Whether a part's joint on the base carries it as the part does that it hangs on (itself on the base)."""
    parent = int(model.parents[child])
    if model.parents[parent] != BASE:
        return False
    own, carrier = (make_model([guess], [BASE], base_view.eyes) for guess in (base_fit.guess, model[parent]))
    return _differ(base_view.rows, own, carrier) < RIDING_DIFFERENCE


def _left(rows: Rows, lengths: Float[np.ndarray, "row"]) -> float:
    """Root mean square of residuals; those beyond the ninth decile, wrong flow mostly, count as that."""
    return float(np.sqrt(np.average(np.minimum(lengths, np.percentile(lengths, 90)) ** 2, weights=rows.weight)))


def merge_same(sight: Sight, parts: Parts) -> Parts:
    """Join touching parts of one parent whose rows one joint explains as well as two."""
    pairs = [(a, b) for a in range(parts.num_joints) for b in range(a + 1, parts.num_joints)]
    for first, second in pairs:
        model = parts.model
        if model.parents[first] != model.parents[second] or not _touch(sight, first, second):
            continue
        sizes = parts.probabilities[..., [first + 1, second + 1]].sum(axis=(0, 1))
        kept, absorbed = (first, second) if sizes[0] >= sizes[1] else (second, first)
        view = view_part(sight.rows, sight.surfaces, model, absorbed, int(model.parents[absorbed]), sight.num_kinds)
        own = make_model([model[absorbed]], [BASE], view.eyes)
        other = make_model([model[kept]], [BASE], view.eyes)
        # The other joint's values count as given: what two parts cost is the second one's shape and values.
        parameters = (4 if model.is_revolute[absorbed] else 2) + 0.5 * (model.num_frames - 1)
        if view.num_rows < MIN_ROWS or _differ(view.rows, own, other) > MAX_DIFFERENCE:
            continue
        if compare_models(view.rows, own, other, parameters) < SAME_ODDS:
            return merge_same(*_after_merge(sight, parts, kept, absorbed))
    return parts


def _differ(rows: Rows, own: KinematicModel, other: KinematicModel) -> float:
    """How far apart two joints carry the points of rows, over how far the first one does."""
    still_model = make_model([still(own[0])], [BASE], own.eyes)
    carried = row_residuals(rows, own)
    apart = np.sum((carried - row_residuals(rows, other)) ** 2, axis=1) @ rows.weight
    moved = np.sum((carried - row_residuals(rows, still_model)) ** 2, axis=1) @ rows.weight
    return float(np.sqrt(apart / max(moved, 1e-12)))


def _after_merge(sight: Sight, parts: Parts, kept: int, absorbed: int) -> tuple[Sight, Parts]:
    merged = parts.merged(kept, absorbed)
    return sight.again(merged), merged


def _best_fit(view: PartView, guess: JointGuess, solver: SolverConfig, correspondence: CorrespondenceConfig) -> PartFit:
    """The cheaper of a turn and a slide, from a share of the flow alone."""
    view = dataclasses.replace(view, rows=view.rows.take(np.arange(0, len(view.rows), max(1, len(view.rows) // 1000))))
    own = fit_part(view, guess, solver, correspondence, num_rounds=0)
    other = fit_part(view, other_start(view, own.guess), solver, correspondence, num_rounds=0)
    turn, slide = (own, other) if own.guess.is_revolute else (other, own)
    return turn if compare_models(view.rows, turn.solution.model, slide.solution.model, 2.0) > 0 else slide


def _touch(sight: Sight, first: int, second: int) -> bool:
    """Whether two parts come near each other in some frame."""
    for cloud, tree in zip(sight.surfaces.points[first], sight.surfaces.trees[second], strict=True):
        if tree is not None and len(cloud):
            distances, _ = tree.query(cloud[:: max(1, len(cloud) // 64)], distance_upper_bound=TOUCHING)
            if np.isfinite(distances).any():
                return True
    return False
