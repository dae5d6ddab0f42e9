"""Chosen hypotheses become joints: fitted as both types, to flow and to surfaces; the judge and the evidence decide."""

import dataclasses
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from sim2art.observation.point_video import PointVideo
from sim2art.predict.fitting import (
    Judgement,
    evidence_for_turn,
    fit_along,
    fit_both_types,
    opinion_of_turn,
    refit,
    refit_to_surfaces,
    scatter_weights,
    surfaces_for_turn,
)
from sim2art.predict.judging import Draw
from sim2art.proposals.assembly import hypotheses_from_joints
from sim2art.proposals.consensus import softmax_with_static
from sim2art.proposals.hypotheses import Hypotheses
from sim2art.proposals.joint_fit import FittedJoint
from sim2art.proposals.surface_fit import gather_part_surface

MIN_KEPT_SCORE = 0.6
"""A fit that scores lower than this share of its guess's score is not accepted."""


class Settled(NamedTuple):
    """Joints of a clip, in normalised coordinates."""

    joints: list[FittedJoint]
    scores: Float[np.ndarray, "joint"]
    odds: Float[np.ndarray, "joint"]
    """Log-odds of revolute."""


def settle(draw: Draw, chosen: Hypotheses, judgement: Judgement) -> Settled:
    """Fit each chosen hypothesis as both types, to flow and to surfaces; keep the fits and the types that are better.

    Args:
        draw: The points that were judged.
        chosen: Hypotheses that are believed.
        judgement: What was said of them.
    """
    shares = softmax_with_static(judgement.mask_logits)
    weights = [scatter_weights(share, draw.judged, draw.video) for share in shares[1:]]
    surfaces = [gather_part_surface(draw.video, draw.normals, weight) for weight in weights]
    by_flow = [fit_both_types(draw.video, chosen[i], weights[i]) for i in range(len(chosen))]
    fits: list[dict[bool, FittedJoint]] = [{} for _ in by_flow]
    verdicts: dict[bool, Judgement] = {}
    for turns in (True, False):
        all_fits = [
            fit_along(
                draw.video,
                surface,
                fit[turns],
                refit_to_surfaces(draw.video, surface, fit[turns], weight),
                weight,
                draw.directions,
            )
            for surface, fit, weight in zip(surfaces, by_flow, weights, strict=True)
        ]
        versions = list(zip(*all_fits, strict=True))
        best, verdicts[turns] = draw.prefer([hypotheses_from_joints(x, chosen.scores) for x in versions])
        for i, version in enumerate(best):
            fits[i][turns] = versions[version][i]
    odds, scores = np.zeros(len(chosen)), np.zeros(len(chosen))
    joints: list[FittedJoint] = []
    for i, fit in enumerate(fits):
        odds[i] = opinion_of_turn(verdicts[True], verdicts[False], i)
        odds[i] += evidence_for_turn(draw.video, fit, weights[i]) + surfaces_for_turn(surfaces[i], fit)
        turns = bool(odds[i] > 0)
        scores[i] = verdicts[turns].scores[i]
        joints.append(fit[turns])
        if turns == chosen.is_revolute[i] and scores[i] < MIN_KEPT_SCORE * judgement.scores[i]:
            # The fit made it worse in the eyes of the network: the guess stays, with the fit's uncertainty.
            joints[-1] = dataclasses.replace(fit[turns], **vars(chosen[i]))
            scores[i] = judgement.scores[i]
    return Settled(joints=joints, scores=scores, odds=odds)


def fit_to_all_points(
    draw: Draw,
    video: PointVideo,
    normals: np.ndarray,
    joints: list[FittedJoint],
    scores: np.ndarray,
    probabilities: np.ndarray,
) -> list[FittedJoint]:
    """Joints fitted to all points of their parts, to flow or to surfaces, or left as they are: what scores best.

    Args:
        draw: The points that fits are judged on.
        video: All points, in normalised coordinates.
        normals: Of those, (frame, point, 3).
        joints: As they are.
        scores: What they scored.
        probabilities: (frame, point, part), the base first.
    """
    all_fits = []
    for index, joint in enumerate(joints):
        share = probabilities[..., index + 1]
        surface = gather_part_surface(video, normals, share)
        by_surface = refit_to_surfaces(video, surface, joint, share)
        all_fits.append(
            [
                *fit_along(video, surface, refit(video, joint, share), by_surface, share, draw.directions),
                joint,
            ]
        )
    versions = list(zip(*all_fits, strict=True))
    best, _ = draw.prefer([hypotheses_from_joints(x, np.clip(scores, 0.2, 0.8)) for x in versions])
    return [versions[version][i] for i, version in enumerate(best)]
