"""A clip as a moving part sees it, for training: the judge looks for parts on moving parts through the same eyes.

When a clip is decoded, the points that were given to a part are looked at from that part. They are not only its own:
masks leak, and lose pieces. So here points leak and are lost, too, and the part's motion is a little wrong.
"""

import dataclasses

import numpy as np
from jaxtyping import Bool

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.kinematics import link_motions
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.dataset.clip import Clip
from sim2art.observation.moving_frame import keep_points, seen_from
from sim2art.observation.normalization import fit_normalization

MIN_SHARE = 0.02
"""Parts with fewer of the points are not looked from."""
FROM_SMALLER = 0.2
"""Of two parts that hang on each other a fit follows the larger one, as a rule: this often the smaller."""
MIN_STILL = 0.2
"""A piece of the world must hold this share of what stands still, or all of it would seem to move."""
AXIS_ERROR, VALUE_ERROR = 0.01, 0.02
"""Scales of the errors of the motion that the clip is seen from: rad, and share of the values."""


def view_from_part(clip: Clip, rng: np.random.Generator) -> Clip | None:
    """The clip seen from one of its moving parts, that part and all that hangs on it; None when there is no such part.

    Parts that carry moving ones are preferred. The truth has the part as its base. Of a clip without a part that carries
    another, half are seen from the world instead, a piece of it only: what moves there is found in the same way.
    """
    carried = _carried_links(clip)
    sizes = np.bincount(clip.part_ids[clip.video.valid], minlength=len(clip.truth.links)) / max(
        clip.video.valid.sum(), 1
    )
    hosts = [link for link in carried if sizes[link] >= MIN_SHARE]
    if not hosts:
        return None
    chains = [link for link in hosts if carried[link]]
    if not chains and rng.random() < 0.5:
        piece = _ball(clip, rng)
        if np.mean(clip.part_ids[piece] == 0) < MIN_STILL:
            return None
        return _narrow(clip, piece, clip.truth, clip.trajectory, np.arange(len(clip.truth.links)))
    host = int(rng.choice(chains or hosts))
    members = [host, *carried[host]]
    truth, trajectory = _seen_from_link(clip, members)
    motion_of = host
    if len(members) == 2 and (sizes[members[1]] > sizes[host]) == (rng.random() > FROM_SMALLER):
        motion_of, members = members[1], members[::-1]
        truth, trajectory = _turned_round(truth, trajectory)
    labels = np.zeros(len(clip.truth.links), dtype=np.int64)
    labels[members] = np.arange(len(members))
    motions = link_motions(clip.truth, clip.trajectory.values)[:, motion_of]
    seen = dataclasses.replace(clip, video=seen_from(clip.video, _spoilt(motions, clip, rng)))
    return _narrow(seen, _roughly(clip, np.isin(clip.part_ids, members), rng), truth, trajectory, labels)


def _carried_links(clip: Clip) -> dict[int, list[int]]:
    """Links that each moving link carries, itself not counted, parents before children."""
    carried: dict[int, list[int]] = {}
    for index in clip.truth.joint_order:
        joint = clip.truth.joints[index]
        child, parent = clip.truth.link_index(joint.child), clip.truth.link_index(joint.parent)
        for link, held in carried.items():
            if link == parent or parent in held:
                held.append(child)
        carried[child] = []
    return carried


def _seen_from_link(clip: Clip, members: list[int]) -> tuple[ArticulatedObject, JointTrajectory]:
    """The truth of some links whose first one carries the others, which stands still now."""
    names = [clip.truth.links[link].name for link in members]
    kept = [clip.truth.joints.index(joint) for name in names[1:] for joint in clip.truth.joints if joint.child == name]
    truth = ArticulatedObject(
        name=clip.truth.name,
        links=tuple(clip.truth.links[link] for link in members),
        joints=tuple(clip.truth.joints[index] for index in kept),
    )
    return truth, JointTrajectory(
        joint_names=tuple(joint.name for joint in truth.joints),
        times=clip.trajectory.times.copy(),
        values=clip.trajectory.values[:, kept].copy(),
    )


def _turned_round(truth: ArticulatedObject, trajectory: JointTrajectory) -> tuple[ArticulatedObject, JointTrajectory]:
    """The truth of two links with the child as the base: the same joint the other way."""
    (joint,) = truth.joints
    turned = Joint(
        name=joint.name, type=joint.type, parent=joint.child, child=joint.parent, axis=joint.axis, pivot=joint.pivot
    )
    return (
        dataclasses.replace(truth, links=truth.links[::-1], joints=(turned,)),
        dataclasses.replace(trajectory, values=-trajectory.values),
    )


def _spoilt(motions: np.ndarray, clip: Clip, rng: np.random.Generator) -> np.ndarray:
    """Motions (frame, 4, 4) as a fit has them: turned a little about the part's own place, more where it moved more."""
    scale = fit_normalization(clip.video).scale
    turn = Joint(
        name="error",
        type=JointType.REVOLUTE,
        parent="world",
        child="part",
        axis=_direction(rng),
        pivot=clip.video.points_world[clip.video.valid].mean(axis=0),
    )
    slide = Joint(name="error", type=JointType.PRISMATIC, parent="world", child="part", axis=_direction(rng))
    travel = np.linalg.norm(motions[:, :3, 3] - motions[:1, :3, 3], axis=-1) / scale
    turned = np.arccos(np.clip((np.trace(motions[:, :3, :3], axis1=1, axis2=2) - 1) / 2, -1.0, 1.0))
    size = travel + turned
    angles = rng.normal(0, AXIS_ERROR) * size + rng.normal(0, 0.5 * AXIS_ERROR, len(size)) * (size > 0)
    shifts = scale * VALUE_ERROR * (rng.normal() * size + 0.3 * rng.normal(size=len(size)) * (size > 0))
    return turn.transform(angles) @ slide.transform(shifts) @ motions


def _direction(rng: np.random.Generator) -> np.ndarray:
    drawn = rng.normal(size=3)
    return drawn / np.linalg.norm(drawn)


def _roughly(clip: Clip, own: Bool[np.ndarray, "frame point"], rng: np.random.Generator) -> np.ndarray:
    """Points as a mask of them might be: single ones wrong, and often a patch too many or too few."""
    valid, points = clip.video.valid, clip.video.points_world
    own = own & valid
    rough = np.where(own, rng.random(own.shape) > rng.uniform(0, 0.1), rng.random(own.shape) < rng.uniform(0, 0.02))
    scale = fit_normalization(clip.video).scale
    for adds, chance, largest in ((True, 0.5, 0.25), (False, 0.3, 0.3)):
        if rng.random() < chance and own.any():
            places = np.argwhere(own)
            frame, slot = places[rng.integers(len(places))]
            near = np.linalg.norm(points - points[frame, slot], axis=-1) < scale * rng.uniform(0.05, largest)
            rough = np.where(near, adds, rough)
    return rough & valid


def _ball(clip: Clip, rng: np.random.Generator) -> np.ndarray:
    """Points (frame, point) within a ball about a moving one, over the whole clip."""
    valid, points = clip.video.valid, clip.video.points_world
    places = np.argwhere(valid & (clip.part_ids > 0))
    frame, slot = places[rng.integers(len(places))]
    radius = fit_normalization(clip.video).scale * rng.uniform(0.3, 0.8)
    return valid & (np.linalg.norm(points - points[frame, slot], axis=-1) < radius)


def _narrow(
    clip: Clip, own: np.ndarray, truth: ArticulatedObject, trajectory: JointTrajectory, labels: np.ndarray
) -> Clip | None:
    """The clip's chosen points under another truth; `labels` gives the new part of each old one."""
    kept = keep_points(clip.video, own, min_slots=clip.video.num_points)
    if kept is None:
        return None
    video, slots = kept
    part_ids = labels[np.take_along_axis(clip.part_ids, slots, axis=1)]
    return Clip(
        video=video,
        truth=truth,
        part_ids=np.where(video.valid, part_ids, 0),
        trajectory=trajectory,
        provenance=dict(clip.provenance),
    )
