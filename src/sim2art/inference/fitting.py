"""One joint fitted to a part, to flow and surfaces or to surfaces alone, and what speaks for either type."""

import numpy as np
from jaxtyping import Float

from sim2art.inference.fit.joint_fit import (
    FAR_PENALTY,
    FAR_PIVOT,
    FittedJoint,
    PartFlow,
    compare_costs,
    fit_joint,
    gather_part_flow,
    start_other_type,
)
from sim2art.inference.fit.surface_fit import PartSurface, fit_to_surfaces, measure_distance
from sim2art.inference.fit.surface_steps import measure_surface_steps
from sim2art.inference.hypotheses import JointGuess
from sim2art.inference.judging import Judgement
from sim2art.inference.propose.main_directions import align
from sim2art.observation.point_video import PointVideo

EVIDENCE_WEIGHT = 15.0
"""Half the number of independent observations that the flow of a part is worth (N / F of the evidence rule)."""
SURFACE_WEIGHT = 15.0
"""The same for its surfaces."""
EVIDENCE_BIAS = 0.45
"""What the turn's two extra parameters cost."""
OPINION_BIAS = 1.65
"""Fitted to a true turn, a slide still looks like one: the network's word on it leans that way by this much."""


def fit_both_types(video: PointVideo, guess: JointGuess, weights: np.ndarray) -> dict[bool, FittedJoint]:
    """A guess fitted to a part's flow and surfaces: the turn under True, the slide under False.

    Args:
        video: In normalised coordinates.
        weights: Probability (frame, point) that a point belongs to the part.
    """
    part = gather_part_flow(video, weights)
    own = fit_joint(part, guess)
    other = start_other_type(part, own)
    return {joint.is_revolute: _fit_with_surfaces(video, weights, part, joint) for joint in (own, other)}


def refit(video: PointVideo, joint: JointGuess, weights: np.ndarray, *, hold_direction: bool = False) -> FittedJoint:
    """A joint fitted again, its type kept, to better masks; the direction of its axis is kept where it is held."""
    part = gather_part_flow(video, weights)
    return _fit_with_surfaces(video, weights, part, joint, hold_direction=hold_direction)


def refit_to_surfaces(
    video: PointVideo,
    surface: PartSurface | None,
    joint: JointGuess,
    weights: np.ndarray,
    *,
    hold_direction: bool = False,
) -> FittedJoint:
    """A joint fitted to surfaces alone, its type kept; its uncertainty is that which the part's flow would leave it.

    Args:
        surface: Of the part; the joint stays as it is when there is none.
        weights: Probability (frame, point) that a point belongs to the part.
        hold_direction: Keep the direction of the axis.
    """
    fitted = joint if surface is None else fit_to_surfaces(surface, joint, hold_direction=hold_direction)
    return fit_joint(gather_part_flow(video, weights), fitted, num_rounds=0)


def fit_along(
    video: PointVideo,
    surface: PartSurface | None,
    by_flow: FittedJoint,
    by_surface: FittedJoint,
    weights: np.ndarray,
    directions: Float[np.ndarray, "direction 3"],
) -> list[FittedJoint]:
    """Four fits of a joint, the one to take when in doubt first: each of two along a main direction and as it is.

    Args:
        surface: Of the part.
        by_flow: The joint fitted to flow.
        by_surface: The joint fitted to surfaces alone.
        weights: Probability (frame, point) that a point belongs to the part.
        directions: That axes are likely to lie along.
    """
    own = weights > 0.5 if np.any(weights > 0.5) else video.valid
    middle = video.points_world[own].mean(axis=0).astype(np.float64)
    straight = align(by_flow, directions, middle), align(by_surface, directions, middle)
    return [
        by_flow if straight[0] is None else refit(video, straight[0], weights, hold_direction=True),
        by_flow,
        by_surface
        if straight[1] is None
        else refit_to_surfaces(video, surface, straight[1], weights, hold_direction=True),
        by_surface,
    ]


def surfaces_for_revolute(surface: PartSurface | None, fitted: dict[bool, FittedJoint]) -> float:
    """Log-odds of revolute from how near each type carries the part's surface to itself."""
    if surface is None:
        return 0.0
    turn, slide = measure_distance(surface, fitted[True]), measure_distance(surface, fitted[False])
    return SURFACE_WEIGHT * float(np.log((slide + 1e-10) / (turn + 1e-10)))


def evidence_for_revolute(video: PointVideo, fitted: dict[bool, FittedJoint], weights: np.ndarray) -> float:
    """Log-odds of revolute from how well each type explains the part's flow."""
    part = gather_part_flow(video, weights)
    odds = EVIDENCE_WEIGHT * compare_costs(part, fitted[True], fitted[False]) - EVIDENCE_BIAS
    return odds - FAR_PENALTY * max(_distance_of_axis(part, fitted[True]) - FAR_PIVOT, 0.0)


def opinion_of_revolute(turns: Judgement, slides: Judgement, index: int) -> float:
    """Log-odds of revolute from the network: its score for the turn against the slide, and its word on the slide's type.

    Its word on the turn's type tells nothing beside these.
    """
    scored = np.log(turns.scores[index] + 1e-3) - np.log(slides.scores[index] + 1e-3)
    return 0.5 * float(scored) + 0.25 * float(slides.revolute_logits[index]) + OPINION_BIAS


def _fit_with_surfaces(
    video: PointVideo, weights: np.ndarray, part: PartFlow, guess: JointGuess, *, hold_direction: bool = False
) -> FittedJoint:
    """Fit to flow, measure the steps of that joint on surfaces, and fit to both."""
    fitted = fit_joint(part, guess, num_rounds=5, hold_direction=hold_direction)
    steps = measure_surface_steps(video, weights, fitted)
    return fit_joint(part, fitted, steps=steps, hold_direction=hold_direction)


def _distance_of_axis(part: PartFlow, turn: FittedJoint) -> float:
    """How far a turn's axis passes from the middle of its part."""
    if part.weights.sum() <= 0:
        return 0.0
    arm = np.average(part.midpoints, axis=0, weights=part.weights) - turn.pivot
    return float(np.linalg.norm(np.cross(turn.axis, arm)))
