"""Several draws of one clip made one answer: which points are drawn and where proposals begin is luck.

Two draws that agree are enough. Where they do not, more are taken, and what at least half of them found is believed.
Different judges may take turns: they agree on what is plain, and what only one of them knows is found in half of the draws.
Of several joints of one part flow chooses.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from sim2art.articulation.matching import mask_iou
from sim2art.observation.point_video import PointVideo
from sim2art.predict.found_parts import BASE, FindParts, FoundParts
from sim2art.proposals.joint_fit import FittedJoint, gather_part_flow, joint_residuals, robust_cost

FLOW_SIGMA = 0.02
"""Flow that differs by much more (normalised units) counts as wrong, whatever the joint."""
MIN_FLOW = 12
"""Vectors of flow, below which it does not choose."""


@dataclass(frozen=True, kw_only=True)
class DrawsConfig:
    """How many draws are taken and what is believed of them."""

    num_draws: int = 4
    """At most; 1 believes the first."""
    min_agreement: float = 0.7
    """Two draws agree if each part of one has a counterpart in the other, of its type, with at least this mask IoU."""
    min_overlap: float = 0.3
    """Parts of several draws are one part if their masks' IoU is higher than this, on average."""
    min_seen: float = 0.5
    """Share of the draws that found a part that is believed."""
    min_seen_by_surface: float = 0.75
    """The same for a part that surfaces alone gave in all of them: their noise gives parts, too, of objects at rest."""
    min_score: float = 0.1
    """Where draws disagree, their mean score of a part must be higher, those counted as 0 that did not find it."""


def find_in_draws(video: PointVideo, finds: Sequence[FindParts], config: DrawsConfig) -> FoundParts:
    """The parts that at least half of the draws found.

    Args:
        video: In normalised coordinates.
        finds: Make one draw each, in turn.
    """
    draws = cycle(finds)
    answers = [next(draws)(video) for _ in range(min(config.num_draws, 2))]
    groups = _group(video, answers, config)
    if not all(_is_agreed(group, len(answers), config) for group in groups):
        answers += [next(draws)(video) for _ in range(config.num_draws - 2)]
        groups = _group(video, answers, config)
    return _merge(video, [group for group in groups if _is_believed(group, len(answers), config)], len(answers))


class _Sighting(NamedTuple):
    """One part as one draw found it."""

    draw: int
    joint: FittedJoint
    score: float
    odds: float
    """Log-odds of revolute."""
    by_flow: bool
    share: Float[np.ndarray, "frame point"]
    """Probability that a point belongs to it."""
    mask: Bool[np.ndarray, "valid"]
    """The valid points that it holds."""


def _group(video: PointVideo, answers: Sequence[FoundParts], config: DrawsConfig) -> list[list[_Sighting]]:
    """Sightings of one part, at most one of each draw; best first, as their groups."""
    sightings: list[_Sighting] = []
    for draw, answer in enumerate(answers):
        part_ids = answer.part_ids[video.valid]
        for part, joint in enumerate(answer.joints):
            score, odds, by_flow = float(answer.scores[part]), float(answer.odds[part]), bool(answer.by_flow[part])
            share = answer.probabilities[..., part + 1]
            sightings.append(_Sighting(draw, joint, score, odds, by_flow, share, part_ids == part + 1))
    groups: list[list[_Sighting]] = []
    for sighting in sorted(sightings, key=lambda x: -x.score):
        free = [group for group in groups if all(other.draw != sighting.draw for other in group)]
        overlaps = [np.mean([mask_iou(sighting.mask, other.mask) for other in group]) for group in free]
        if free and max(overlaps) > config.min_overlap:
            free[int(np.argmax(overlaps))].append(sighting)
        else:
            groups.append([sighting])
    return groups


def _is_agreed(group: list[_Sighting], num_draws: int, config: DrawsConfig) -> bool:
    first = group[0]
    return len(group) == num_draws and all(
        other.joint.is_revolute == first.joint.is_revolute and mask_iou(first.mask, other.mask) >= config.min_agreement
        for other in group[1:]
    )


def _is_believed(group: list[_Sighting], num_draws: int, config: DrawsConfig) -> bool:
    if _is_agreed(group, num_draws, config):
        return True
    least = config.min_seen if any(x.by_flow for x in group) else config.min_seen_by_surface
    return len(group) >= least * num_draws and sum(x.score for x in group) > config.min_score * num_draws


def _best_joint(
    video: PointVideo, sightings: Sequence[_Sighting], share: Float[np.ndarray, "frame point"]
) -> FittedJoint:
    """The joint that leaves least of the part's flow; where surfaces alone gave the part, the one with the highest score."""
    by_score = sorted(sightings, key=lambda x: -x.score)
    flow = gather_part_flow(video, share)
    if len(flow.weights) < MIN_FLOW or not any(x.by_flow for x in sightings):
        return by_score[0].joint
    return min(by_score, key=lambda x: robust_cost(joint_residuals(flow, x.joint), flow.weights, FLOW_SIGMA)).joint


def _merge(video: PointVideo, groups: list[list[_Sighting]], num_draws: int) -> FoundParts:
    probabilities = np.zeros((*video.valid.shape, len(groups) + 1))
    joints, odds = [], np.zeros(len(groups))
    for index, group in enumerate(groups):
        probabilities[..., index + 1] = np.mean([x.share for x in group], axis=0)
        odds[index] = np.mean([x.odds for x in group])
        of_its_type = [x for x in group if (x.odds > 0) == (odds[index] > 0)]
        joints.append(_best_joint(video, of_its_type, probabilities[..., index + 1]))
    probabilities /= np.maximum(probabilities.sum(axis=-1, keepdims=True), 1.0)
    probabilities[..., 0] = 1 - probabilities[..., 1:].sum(axis=-1)
    return FoundParts(
        joints=tuple(joints),
        parents=np.full(len(groups), BASE),
        scores=np.array([sum(x.score for x in group) / num_draws for group in groups]),
        odds=odds,
        by_flow=np.array([any(x.by_flow for x in group) for group in groups], dtype=bool),
        probabilities=np.clip(probabilities, 0.0, 1.0),
    )
