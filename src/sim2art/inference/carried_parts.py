"""Parts on moving parts: each part is looked at in its own frame, where only what hangs on it moves.

The back of an office chair goes round with its seat and tilts a little beside: in the world the two move nearly alike
and are taken for one part. Seen from that part the seat stands still, and the back is found as any part is.
"""

import dataclasses
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from sim2art.geometry.transforms import apply, inverse
from sim2art.inference.assign.smoothing import WHOLE_RADIUS, smooth_flow
from sim2art.inference.fit.joint_fit import FittedJoint
from sim2art.inference.fitting import refit
from sim2art.inference.found_parts import BASE, FindParts, FoundParts
from sim2art.inference.propose.main_directions import lies_along, main_directions_of
from sim2art.observation.moving_frame import keep_points, seen_from
from sim2art.observation.normalization import Normalization, fit_normalization, normalize
from sim2art.observation.point_video import PointVideo


@dataclass(frozen=True, kw_only=True)
class CarriedConfig:
    """What is believed of a part on a moving part. Lengths are in normalised units of the whole clip."""

    max_rounds: int = 1
    min_travel: float = 0.03
    """Flow in the frame of a part that is shorter is noise there;"""
    min_travel_share: float = 0.2
    """so is flow shorter than this share of how far the part carries its points: errors of its joint grow with its travel."""
    min_stray: float = 0.1
    """Share of a part's measured flow (at one baseline) that moves in its frame, below which nothing is looked for on it."""
    min_share: float = 0.002
    """The same as a share of all points."""
    min_score: float = 0.5
    """Must be higher than that of parts on the base: errors of the host's joint look like motion."""


def add_carried(video: PointVideo, parts: FoundParts, find: FindParts, config: CarriedConfig) -> FoundParts:
    """The parts, and those that hang on them and move with them.

    Args:
        video: In normalised coordinates.
        parts: On the base.
        find: Applied to the points of a part as the part sees them.
        config: Settings.
    """
    smoothed = smooth_flow(video, radius=WHOLE_RADIUS) if parts.joints else video
    hosts = list(range(len(parts.joints)))
    while hosts:
        host = hosts.pop(0)
        own = (parts.part_ids == host + 1) & video.valid
        if not _holds_more(seen_from(smoothed, parts.motions(host)), own, parts.own_motions(host), config):
            continue
        before = len(parts.joints)
        parts = _add_children(video, parts, host, own, find, config)
        added = range(before, len(parts.joints))
        hosts += added
        parts = _fit_again(video, parts, [host, *added]) if added else parts
    return parts


def _holds_more(
    seen: PointVideo,
    own: Bool[np.ndarray, "frame point"],
    motions: Float[np.ndarray, "frame 4 4"],
    config: CarriedConfig,
) -> bool:
    """Whether a part's points move in its frame, by more than the errors of its joint.

    Args:
        seen: The clip in the frame of the part.
        own: The part's points.
        motions: Of the part by its own joint.
        config: Settings.
    """
    least = config.min_share * seen.valid.sum()
    lengths = np.linalg.norm(seen.flow_world, axis=-1)
    for index, baseline in enumerate(seen.baselines):
        count = seen.num_frames - baseline
        if count <= 0:
            continue
        points = seen.points_world[:count]
        step = motions[baseline:] @ inverse(motions[:-baseline])
        carried = np.linalg.norm(apply(step, points) - points, axis=-1)
        limit = np.maximum(config.min_travel, config.min_travel_share * carried)
        known = seen.flow_valid[index, :count] & own[:count]
        num_moving = int((known & (lengths[index, :count] > limit)).sum())
        if num_moving >= max(least, config.min_stray * known.sum(), 1):
            return True
    return False


def _add_children(
    video: PointVideo,
    parts: FoundParts,
    host: int,
    own: Bool[np.ndarray, "frame point"],
    find: FindParts,
    config: CarriedConfig,
) -> FoundParts:
    """The parts, with those among a host's points that move in the host's frame."""
    kept = keep_points(seen_from(video, parts.motions(host)), own)
    if kept is None:
        return parts
    seen, slots = kept
    normalization = fit_normalization(seen)
    found = find(normalize(seen, normalization))
    shares = np.zeros((*own.shape, len(found.joints)))
    np.put_along_axis(shares, slots[..., None], found.probabilities[..., 1:], axis=1)
    left = np.ones(own.shape)
    for child in np.flatnonzero(found.scores >= config.min_score):
        # Each takes its share of what earlier ones left.
        share = np.clip(shares[..., child] / np.maximum(left, 1e-9), 0.0, 1.0)
        left -= shares[..., child]
        parts = parts.with_child(
            _undo(found.joints[child], normalization),
            host,
            score=float(found.scores[child]),
            odds=float(found.odds[child]),
            share=share,
        )
    return parts


def _fit_again(video: PointVideo, parts: FoundParts, chosen: list[int]) -> FoundParts:
    """Joints fitted to the points that are theirs now, parents before their children; axes along main directions stay so."""
    directions = main_directions_of(video)
    for part in chosen:
        parent = int(parts.parents[part])
        seen = video if parent == BASE else seen_from(video, parts.motions(parent))
        joint, share = parts.joints[part], parts.probabilities[..., part + 1]
        parts = parts.with_joint(part, refit(seen, joint, share, hold_direction=lies_along(joint.axis, directions)))
    return parts


def _undo(joint: FittedJoint, normalization: Normalization) -> FittedJoint:
    """A joint in the coordinates that were normalised."""
    size = normalization.scale
    return dataclasses.replace(
        joint,
        pivot=normalization.undo(joint.pivot) if joint.is_revolute else joint.pivot,
        values=joint.values if joint.is_revolute else joint.values * size,
        pivot_sigma=joint.pivot_sigma * size,
    )
