"""One part made two: by a plane that a person puts through it, or by the two motions that its flow shows."""

import dataclasses
from collections.abc import Iterable

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial import KDTree

from sim2art.articulation.assembly import part_motions
from sim2art.articulation.estimate import JointEstimate, part_name
from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.errors import InvalidValueError
from sim2art.geometry.transforms import apply, inverse
from sim2art.inference.assign.smoothing import smooth_flow
from sim2art.inference.fit.joint_fit import gather_part_flow, joint_residuals
from sim2art.inference.hypotheses import Hypotheses, join_hypotheses
from sim2art.inference.propose.from_flow import ProposalConfig, propose
from sim2art.observation.densify import densify_labels
from sim2art.observation.moving_frame import keep_points
from sim2art.observation.normalization import fit_normalization, normalize
from sim2art.observation.point_video import PointVideo
from sim2art.view.draft import Draft, noted, with_joint
from sim2art.view.edits import check_part
from sim2art.view.refit import LocalScene, local_video, needed_points, refit

MIN_SHARE = 0.03
"""Each half needs at least this share of the part's points."""
MIN_GAIN = 0.7
"""Two motions must leave less than this share of what one leaves unexplained."""
MIN_SCALE = 0.004
"""Residuals below this (normalised units) are as good as none: guesses are never exact."""
NUM_NEIGHBORS = 16


def split_by_plane(draft: Draft, part: int, point: Float[np.ndarray, "3"], normal: Float[np.ndarray, "3"]) -> Draft:
    """Cut a part by a plane (rest pose, world frame); what lies on the normal's side becomes the last part.

    The new part begins with the joint of the old one, to be fitted again.

    Raises:
        InvalidValueError: When one side holds next to nothing.
    """
    check_part(draft, part)
    length = float(np.linalg.norm(normal))
    if length < 1e-9:
        raise InvalidValueError("The plane's normal is zero; give a direction.")

    def beyond(places: np.ndarray) -> np.ndarray:
        return (places - point) @ (normal / length) > 0

    new_points = np.zeros(draft.estimate.part_probabilities.shape[:2], dtype=bool)
    if draft.points is not None:
        new_points = beyond(apply(inverse(draft.motions[:, part]), draft.points.points_world))
    mesh = draft.meshes[part]
    new_faces = np.zeros(0, dtype=bool) if mesh is None else beyond(mesh.vertices[mesh.faces].mean(axis=1))
    sides = _share_beyond(draft, part, new_points, new_faces)
    if not 0.002 < sides < 0.998:
        raise InvalidValueError(
            f"The plane leaves {100 * min(sides, 1 - sides):.1f} % of '{draft.part_names[part]}' on one side; move it into the part."
        )
    changed = _split(draft, part, new_points, new_faces)
    return noted(changed, f"{draft.part_names[part]}: split by a plane, new {changed.part_names[-1]}")


def split_by_motion(draft: Draft, part: int) -> Draft:
    """Cut a part along the border of two motions that its flow shows, and fit both; the smaller group is the last part.

    Raises:
        InvalidValueError: When the result keeps no points, or two motions explain the part no better than one.
    """
    check_part(draft, part)
    needed_points(draft)
    member = draft.estimate.part_ids == part
    seen = local_video(draft, part) if part else needed_points(draft)
    kept = keep_points(seen, member & seen.valid)
    if kept is None:
        raise InvalidValueError(f"'{draft.part_names[part]}' has hardly any points; split it by a plane instead.")
    video, slots = kept
    normalization = fit_normalization(needed_points(draft))
    normalized = normalize(video, normalization)
    guesses = propose(smooth_flow(normalized), ProposalConfig(num_points=video.num_points), np.random.default_rng(0))
    pool = join_hypotheses([_standing_still(video.num_frames), guesses])
    costs = _costs(normalized, pool)
    pair = _best_pair(costs, normalized.valid, firsts=range(1 if part == 0 else len(pool)))
    if pair is None:
        raise InvalidValueError(
            f"'{draft.part_names[part]}' moves as one as far as its flow tells; split it by a plane instead."
        )
    first, second = pair
    places = normalized.points_world
    if part:
        places = apply(inverse(pool.take(np.array([first])).motions()[0]), places)
    beyond = _agreed(costs[first] - costs[second], places, normalized.valid)
    if part and beyond[normalized.valid].mean() > 0.5:
        beyond, first, second = ~beyond, second, first
    new_points = np.zeros_like(member)
    frames, columns = np.nonzero(normalized.valid)
    new_points[frames, slots[frames, columns]] = beyond[frames, columns]
    mesh = draft.meshes[part]
    new_faces = np.zeros(0, dtype=bool)
    if mesh is not None and len(mesh.faces):
        rest = apply(inverse(draft.motions[:, part]), needed_points(draft).points_world)
        tree = KDTree(rest[member])
        _, nearest = tree.query(mesh.vertices[mesh.faces].mean(axis=1), k=min(5, int(member.sum())))
        new_faces = new_points[member][np.asarray(nearest).reshape(len(mesh.faces), -1)].mean(axis=1) > 0.5
    changed = _split(draft, part, new_points, new_faces)
    changed = noted(changed, f"{draft.part_names[part]}: split by motion, new {changed.part_names[-1]}")
    for piece, guess in ((part, first), (changed.num_parts - 1, second)):
        if piece:
            joint, values = LocalScene(changed, piece).joint_of(pool[guess])
            changed = refit(with_joint(changed, piece, joint, values=values), piece)
    return changed


def _standing_still(num_frames: int) -> Hypotheses:
    """One guess: no motion against the parent."""
    return Hypotheses(
        is_revolute=np.zeros(1, dtype=bool),
        axes=np.array([[0.0, 0.0, 1.0]]),
        pivots=np.zeros((1, 3)),
        values=np.zeros((1, num_frames)),
        scores=np.zeros(1),
    )


def _split(
    draft: Draft, part: int, new_points: Bool[np.ndarray, "frame point"], new_faces: Bool[np.ndarray, "face"]
) -> Draft:
    """The draft with some points and faces of a part given to a new last part."""
    old, new = draft.estimate, draft.num_parts
    probabilities = np.concatenate([old.part_probabilities, np.zeros_like(old.part_probabilities[..., :1])], axis=-1)
    probabilities[new_points, new] = probabilities[new_points, part]
    probabilities[new_points, part] = 0.0
    names = {found.joint.name for found in old.joints}
    number = next(k for k in range(new, new + len(names) + 1) if f"joint_{k}" not in names)
    found = _copied_joint(draft, part)
    found = dataclasses.replace(
        found, joint=dataclasses.replace(found.joint, name=f"joint_{number}", child=part_name(new))
    )
    joints = (*old.joints, found)
    values = old.trajectory.values[:, part - 1] if part else np.zeros(len(old.trajectory.times))
    estimate = dataclasses.replace(
        old,
        part_probabilities=probabilities,
        joints=joints,
        trajectory=JointTrajectory(
            joint_names=tuple(x.joint.name for x in joints),
            times=old.trajectory.times,
            values=np.column_stack([old.trajectory.values, values]),
        ),
    )
    mesh = draft.meshes[part]
    meshes = [*draft.meshes, None]
    if mesh is not None:
        meshes[part], meshes[new] = (mesh.with_faces(x) if x.any() else None for x in (~new_faces, new_faces))
    own = draft.part_names[part]
    numbers = range(new, new + draft.num_parts + 1)
    candidates = (
        [part_name(k) for k in numbers] if own == part_name(part) else [f"{own}_{2 + k - new}" for k in numbers]
    )
    name = next(x for x in candidates if x not in draft.part_names)
    changed = dataclasses.replace(draft, estimate=estimate, part_names=(*draft.part_names, name), meshes=tuple(meshes))
    if draft.video is None or draft.points is None:
        return changed
    labels = densify_labels(draft.video, draft.points, estimate.part_probabilities, part_motions(estimate))
    return dataclasses.replace(changed, labels=labels)


def _copied_joint(draft: Draft, part: int) -> JointEstimate:
    """The joint that a new piece of a part begins with; a piece of the base begins with a slide that stands still."""
    if part:
        found = draft.estimate.joints[part - 1]
        return dataclasses.replace(found, axis_sigma=None, pivot_sigma=None)
    still = Joint(
        name="joint", type=JointType.PRISMATIC, parent=part_name(0), child="piece", axis=np.array([0.0, 0.0, 1.0])
    )
    return JointEstimate(joint=still, type_probabilities={JointType.PRISMATIC: 1.0}, confidence=0.5)


def _share_beyond(draft: Draft, part: int, new_points: np.ndarray, new_faces: np.ndarray) -> float:
    """How much of the part lies beyond: of its points where they were kept, else of its faces."""
    member = draft.estimate.part_ids == part if draft.points is not None else np.zeros_like(new_points)
    if member.any():
        return float(new_points[member].mean())
    return float(new_faces.mean()) if len(new_faces) else 0.0


def _costs(video: PointVideo, pool: Hypotheses) -> Float[np.ndarray, "hypothesis frame point"]:
    """Robust cost of every point under every guess, its baselines summed."""
    ones = np.ones(video.valid.shape)
    costs = np.zeros((len(pool), *video.valid.shape))
    part = gather_part_flow(video, ones, max_rows=10**9)
    # Rows come baseline by baseline, frame by frame: the order of `argwhere`.
    rows = np.concatenate([np.argwhere(video.flow_valid[index]) for index in range(len(video.baselines))])
    residuals = [joint_residuals(part, pool[index]) for index in range(len(pool))]
    if not residuals:
        return costs
    scale = max(float(np.median(np.min(residuals, axis=0))) * 1.5, MIN_SCALE)
    for index, residual in enumerate(residuals):
        squared = (residual / scale) ** 2
        np.add.at(costs[index], (rows[:, 0], rows[:, 1]), squared / (1 + squared / 9.0))
    return costs


def _best_pair(costs: np.ndarray, valid: np.ndarray, firsts: Iterable[int]) -> tuple[int, int] | None:
    """The two guesses that explain the points best between them, when they do much better than one."""
    flat = costs[:, valid]
    single = float(flat.sum(axis=1).min())
    best, lowest = None, MIN_GAIN * single
    for first in firsts:
        together = np.minimum(flat[first], flat[first + 1 :])
        shares = (flat[first + 1 :] < flat[first]).mean(axis=1)
        totals = np.where((shares > MIN_SHARE) & (shares < 1 - MIN_SHARE), together.sum(axis=1), np.inf)
        if len(totals) and totals.min() < lowest:
            lowest, best = float(totals.min()), (first, first + 1 + int(np.argmin(totals)))
    return best


def _agreed(
    odds: Float[np.ndarray, "frame point"], places: Float[np.ndarray, "frame point 3"], valid: np.ndarray
) -> Bool[np.ndarray, "frame point"]:
    """Whether each point goes with the second motion, neighbours in the rest pose asked."""
    flat = places[valid]
    _, neighbors = KDTree(flat).query(flat, k=min(NUM_NEIGHBORS, len(flat)))
    votes = np.clip(odds[valid], -9.0, 9.0)
    beyond = np.zeros(valid.shape, dtype=bool)
    beyond[valid] = votes[np.asarray(neighbors).reshape(len(flat), -1)].mean(axis=1) > 0
    return beyond
