"""Joints of chosen hypotheses, fitted to flow and surfaces or to surfaces alone, and what speaks for either type."""

from dataclasses import dataclass

import numpy as np

from sim2art.observation.point_video import PointVideo
from sim2art.proposals.hypotheses import JointGuess
from sim2art.proposals.joint_fit import (
    FittedJoint,
    PartFlow,
    compare_costs,
    fit_joint,
    gather_part_flow,
    start_other_type,
)
from sim2art.proposals.surface_fit import PartSurface, fit_to_surfaces, measure_distance
from sim2art.proposals.surface_steps import measure_surface_steps

EVIDENCE_WEIGHT = 15.0
"""Half the number of independent observations that the flow of a part is worth (N / F of the evidence rule)."""
SURFACE_WEIGHT = 15.0
"""The same for its surfaces."""
EVIDENCE_BIAS = 0.45
"""What the turn's two extra parameters cost."""
OPINION_BIAS = 1.65
"""Fitted to a true turn, a slide still looks like one: the network's word on it leans that way by this much."""
FAR_PIVOT = 4.0
"""A turn about an axis farther than this from its part, in half-extents of the clip, is a slide in all but name."""
FAR_PENALTY = 4.0


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """The judge's answer as probabilities, in NumPy."""

    mask_logits: np.ndarray
    """(hypothesis, frame, point)."""
    scores: np.ndarray
    """(hypothesis), 0..1."""
    revolute_logits: np.ndarray
    """(hypothesis): log-odds of revolute against prismatic."""


def scatter_weights(weights: np.ndarray, judged: np.ndarray, video: PointVideo) -> np.ndarray:
    """Weights of judged points as weights of all slots; 0 elsewhere.

    Args:
        weights: (frame, judged point).
        judged: Slots (frame, judged point) that the weights belong to.
    """
    out = np.zeros(video.valid.shape)
    np.put_along_axis(out, judged, weights, axis=1)
    return out * video.valid


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


def refit(video: PointVideo, joint: JointGuess, weights: np.ndarray) -> FittedJoint:
    """A joint fitted again, its type kept, to better masks."""
    return _fit_with_surfaces(video, weights, gather_part_flow(video, weights), joint)


def refit_to_surfaces(
    video: PointVideo, surface: PartSurface | None, joint: FittedJoint, weights: np.ndarray
) -> FittedJoint:
    """A joint fitted to surfaces alone, its type kept; its uncertainty is that which the part's flow would leave it.

    Args:
        surface: Of the part; the joint comes back as it is when there is none.
        weights: Probability (frame, point) that a point belongs to the part.
    """
    if surface is None:
        return joint
    return fit_joint(gather_part_flow(video, weights), fit_to_surfaces(surface, joint), num_rounds=0)


def surfaces_for_turn(surface: PartSurface | None, fitted: dict[bool, FittedJoint]) -> float:
    """Log-odds of revolute from how near each type carries the part's surface to itself."""
    if surface is None:
        return 0.0
    turn, slide = measure_distance(surface, fitted[True]), measure_distance(surface, fitted[False])
    return SURFACE_WEIGHT * float(np.log((slide + 1e-10) / (turn + 1e-10)))


def evidence_for_turn(video: PointVideo, fitted: dict[bool, FittedJoint], weights: np.ndarray) -> float:
    """Log-odds of revolute from how well each type explains the part's flow."""
    part = gather_part_flow(video, weights)
    odds = EVIDENCE_WEIGHT * compare_costs(part, fitted[True], fitted[False]) - EVIDENCE_BIAS
    return odds - FAR_PENALTY if _is_far(part, fitted[True]) else odds


def opinion_of_turn(turns: Judgement, slides: Judgement, index: int) -> float:
    """Log-odds of revolute from the network: its score for the turn against the slide, and its word on the slide's type.

    Its word on the turn's type tells nothing beside these.
    """
    scored = np.log(turns.scores[index] + 1e-3) - np.log(slides.scores[index] + 1e-3)
    return 0.5 * float(scored) + 0.25 * float(slides.revolute_logits[index]) + OPINION_BIAS


def _fit_with_surfaces(video: PointVideo, weights: np.ndarray, part: PartFlow, guess: JointGuess) -> FittedJoint:
    """Fit to flow, measure the steps of that joint on surfaces, and fit to both."""
    fitted = fit_joint(part, guess, num_rounds=5)
    return fit_joint(part, fitted, steps=measure_surface_steps(video, weights, fitted))


def _is_far(part: PartFlow, turn: FittedJoint) -> bool:
    """Whether a turn's axis passes far from the part's points."""
    if part.weights.sum() <= 0:
        return False
    arm = np.average(part.midpoints, axis=0, weights=part.weights) - turn.pivot
    return bool(np.linalg.norm(np.cross(turn.axis, arm)) > FAR_PIVOT)
