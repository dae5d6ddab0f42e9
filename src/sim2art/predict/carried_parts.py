"""Parts on moving parts: each part is looked at from itself, where only what hangs on it moves.

The back of an office chair goes round with its seat and tilts a little beside: in the world the two move nearly alike
and are taken for one part. Seen from that part the seat stands still, and the back is found as any part is.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from sim2art.articulation.matching import mask_iou
from sim2art.geometry.transforms import apply, inverse
from sim2art.observation.moving_frame import keep_points, seen_from
from sim2art.observation.normalization import Normalization, fit_normalization, normalize
from sim2art.observation.point_video import PointVideo
from sim2art.predict.fitting import refit
from sim2art.predict.found_parts import BASE, FindParts, FoundParts
from sim2art.proposals.joint_fit import FittedJoint
from sim2art.proposals.main_directions import lies_along, main_directions_of


@dataclass(frozen=True, kw_only=True)
class CarriedConfig:
    """What is believed of a part on a moving part. Lengths are in normalised units of the whole clip."""

    min_host_share: float = 0.03
    """A part with fewer of the points is not looked from."""
    min_score: float = 0.5
    """Mean score of two draws, which must be higher than that of parts on the base: errors of the host's joint look like
    motion."""
    min_score_of_one: float = 0.3
    """Score in each of the two."""
    min_share: float = 0.004
    """Share of all points that it holds at least."""
    min_left: float = 0.15
    """Share of its host's points that stay the host's: what moves as a whole against its host's joint shows a bad joint."""
    min_travel: float = 0.04
    """Its points move this far in the frame of their host."""
    min_travel_share: float = 0.15
    """And this share of how far their host carries them: errors of its motion grow with its travel, and look the same."""
    min_agreement: float = 0.5
    """A second draw must find it, too: of its type, with at least this mask IoU."""
    max_still: float = 0.3
    """What travels less than this share of its host's travel, both motions together, stands still: it leaked into the host."""


def add_carried(video: PointVideo, parts: FoundParts, finds: Sequence[FindParts], config: CarriedConfig) -> FoundParts:
    """The parts, and those that hang on them and move with them.

    Args:
        video: In normalised coordinates.
        finds: Applied to the points of each part as the part sees them: the first to find parts, the last to find them again.
    """
    hosts = list(range(len(parts.joints)))
    while hosts:
        host = hosts.pop(0)
        own = (parts.part_ids == host + 1) & video.valid
        if own.sum() < config.min_host_share * video.valid.sum():
            continue
        before = len(parts.joints)
        grown = _add_children(video, parts, host, own, finds, config)
        added = range(before, len(grown.joints))
        parts = parts if grown is parts else _fit_again(video, grown, [host, *added])
        hosts += added
    return parts


def _add_children(
    video: PointVideo, parts: FoundParts, host: int, own: np.ndarray, finds: Sequence[FindParts], config: CarriedConfig
) -> FoundParts:
    """The parts, with those among a host's points that move in the host's frame; without its points that stand still."""
    kept = keep_points(seen_from(video, parts.motions(host)), own)
    if kept is None:
        return parts
    seen, slots = kept
    normalization = fit_normalization(seen)
    normalized = normalize(seen, normalization)
    found = finds[0](normalized)
    shares = np.zeros((*own.shape, len(found.joints)))
    np.put_along_axis(shares, slots[..., None], found.probabilities[..., 1:], axis=1)
    sizes = np.bincount(found.part_ids[seen.valid], minlength=len(found.joints) + 1)[1:]
    travels = [
        _measure_travel(seen, found, child, parts.own_motions(host), normalization)
        for child in range(len(found.joints))
    ]
    believed = [
        child
        for child in range(len(found.joints))
        if found.scores[child] >= config.min_score_of_one
        and sizes[child] >= config.min_share * video.valid.sum()
        and travels[child].own >= max(config.min_travel, config.min_travel_share * travels[child].carried)
    ]
    if believed:
        again = finds[-1](normalized)
        scores = [_mean_score(found, child, again, seen.valid, config) for child in range(len(found.joints))]
        believed = [child for child in believed if scores[child] >= config.min_score]
    if not believed or sizes[believed].sum() > (1 - config.min_left) * own.sum():
        return parts
    left = np.ones(own.shape)
    for child in believed:
        # Each takes its share of what earlier ones left.
        share = np.clip(shares[..., child] / np.maximum(left, 1e-9), 0.0, 1.0)
        left -= shares[..., child]
        if travels[child].both < config.max_still * travels[child].carried:
            parts = parts.giving_back(host, share)
            continue
        joint = _undo(found.joints[child], normalization)
        parts = parts.with_child(
            joint,
            host,
            score=scores[child],
            odds=float(found.odds[child]),
            by_flow=bool(found.by_flow[child]),
            share=share,
        )
    return parts


def _mean_score(found: FoundParts, child: int, again: FoundParts, valid: np.ndarray, config: CarriedConfig) -> float:
    """Of a part in this draw and in another one; 0 if that did not find it."""
    mask = (found.part_ids == child + 1)[valid]
    part_ids = again.part_ids[valid]
    seconds = [
        float(again.scores[part])
        for part, joint in enumerate(again.joints)
        if joint.is_revolute == found.joints[child].is_revolute
        and again.scores[part] >= config.min_score_of_one
        and mask_iou(mask, part_ids == part + 1) >= config.min_agreement
    ]
    return (float(found.scores[child]) + max(seconds)) / 2 if seconds else 0.0


def _fit_again(video: PointVideo, parts: FoundParts, chosen: list[int]) -> FoundParts:
    """Joints fitted to the points that are theirs now, parents before their children; axes along main directions stay so."""
    directions = main_directions_of(video)
    for part in chosen:
        parent = int(parts.parents[part])
        seen = video if parent == BASE else seen_from(video, parts.motions(parent))
        joint, share = parts.joints[part], parts.probabilities[..., part + 1]
        held = lies_along(joint.axis, directions)
        parts = parts.with_joint(part, refit(seen, joint, share, hold_direction=held))
    return parts


class _Travel(NamedTuple):
    """How far points of a child go, normalised units of the clip."""

    own: float
    """By its joint."""
    carried: float
    """By its host's."""
    both: float
    """By both, which is what is seen."""


def _measure_travel(
    seen: PointVideo,
    found: FoundParts,
    child: int,
    host_motions: Float[np.ndarray, "frame 4 4"],
    normalization: Normalization,
) -> _Travel:
    frames, slots = np.nonzero((found.part_ids == child + 1) & seen.valid)
    if not len(frames):
        return _Travel(0.0, 0.0, 0.0)
    motions = found.motions(child)
    places = normalization.apply(seen.points_world[frames, slots])
    rest = apply(inverse(motions)[frames], places[:, None])[:, 0][:: max(1, len(frames) // 256)]
    moved = normalization.undo(apply(motions, rest[None]))
    rest = np.broadcast_to(normalization.undo(rest), moved.shape)
    return _Travel(
        own=_farthest(moved, rest),
        carried=_farthest(apply(host_motions, rest), rest),
        both=_farthest(apply(host_motions, moved), rest),
    )


def _farthest(places: Float[np.ndarray, "frame point 3"], rest: Float[np.ndarray, "frame point 3"]) -> float:
    """How far points get from their rest at most, on average over the points."""
    return float(np.linalg.norm(places - rest, axis=-1).max(axis=0).mean())


def _undo(joint: FittedJoint, normalization: Normalization) -> FittedJoint:
    """A joint in the coordinates that were normalised."""
    size = normalization.scale
    return dataclasses.replace(
        joint,
        pivot=normalization.undo(joint.pivot) if joint.is_revolute else joint.pivot,
        values=joint.values if joint.is_revolute else joint.values * size,
        axis_sigma=joint.axis_sigma,
        pivot_sigma=joint.pivot_sigma * size,
    )
