"""Joints guessed without flow: pieces of surface that cannot have stood still, followed by ICP, and the joint behind.

A piece is carried from frame to frame onto what else has changed there. The one turn and the one slide that come
nearest to its motions are fitted to surfaces (`surface_fit`); so are joints along main directions that carry pieces well
(`surface_scan`). As with `propose` the network judges what is true.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial import KDTree

from sim2art.geometry.registration import plane_step
from sim2art.geometry.rotations import rotvec_from_rotation
from sim2art.geometry.screws import prismatic_transform, revolute_transform
from sim2art.geometry.transforms import apply
from sim2art.inference.fit.surface_fit import fit_to_surfaces, gather_part_surface
from sim2art.inference.hypotheses import Hypotheses, JointGuess
from sim2art.inference.propose.from_flow import count_in_cells
from sim2art.inference.propose.surface_scan import Scanned, SurfaceScanConfig, measure_distances, scan
from sim2art.observation.point_video import PointVideo


@dataclass(frozen=True, kw_only=True)
class SurfaceGuessConfig:
    """How many pieces are followed, and how; lengths in normalised units."""

    num_seeds: int = 12
    """Pieces that joints along main directions are tried on."""
    num_followed: int = 5
    """Of them, those that ICP follows; each gives up to two joints."""
    scan: SurfaceScanConfig = field(default_factory=SurfaceScanConfig)
    num_scanned: int = 6
    """Joints along main directions that are fitted, at most."""
    min_change: float = 0.2
    """Points that fewer of the other frames contradict start no piece (`measure_change`); half of that to be met."""
    min_seeds: int = 30
    """With fewer points to start from there is nothing to explain."""
    radii: tuple[float, ...] = (0.2, 0.35, 0.6)
    """Of a piece; one is drawn for each."""
    num_carried: int = 60
    """Points of a piece that are followed."""
    min_carried: int = 10
    reaches: tuple[float, ...] = (0.12, 0.09, 0.07, 0.05, 0.04, 0.04, 0.04, 0.04)
    """Farthest pairs of ICP, one a step."""
    max_distance: float = 0.063
    """A piece farther than this (root mean square, distances cut at 0.1) from all that has changed is lost there."""
    max_lost: int = 2
    """A piece lost in more frames in a row is not followed on."""
    min_angle: float = 0.05
    """rad; a piece that turns less gives no turning joint."""
    min_travel: float = 0.04
    """A joint that moves its piece less is no guess."""
    max_arm: float = 4.0
    """Nor is a turn about a line farther from its piece."""
    belongs: float = 0.12
    """Changed points this near to the carried piece are fitted with it."""


def guess_from_surfaces(
    video: PointVideo,
    normals: Float[np.ndarray, "frame point 3"],
    change: Float[np.ndarray, "frame point"],
    unexplained: Bool[np.ndarray, "frame point"],
    claimed: Bool[np.ndarray, "frame point"],
    directions: Float[np.ndarray, "direction 3"],
    rng: np.random.Generator,
    config: SurfaceGuessConfig | None = None,
) -> Hypotheses | None:
    """Guessed joints of what has changed; None when there is nothing to explain.

    Args:
        video: In normalised coordinates.
        normals: Unit normals of its points, of either sign; zeros where unknown.
        change: Share of the other frames that contradict that a point stood still (`measure_change`).
        unexplained: Points that pieces may grow from.
        claimed: Points of parts that are known, which are no place to come to along a direction.
        directions: That axes are likely to lie along (`find_main_directions`).
        rng: Draws the seeds.
        config: Settings.
    """
    config = config or SurfaceGuessConfig()
    has_normal = video.valid & np.any(normals != 0, axis=-1)
    starts = np.argwhere(has_normal & unexplained & (change > config.min_change))
    if len(starts) < config.min_seeds:
        return None
    crowds = count_in_cells(video.points_world[starts[:, 0], starts[:, 1]], (starts[:, 0] * 4) // video.num_frames)
    weights = change[tuple(starts.T)] / np.sqrt(crowds)
    seeds = rng.choice(
        len(starts), size=min(config.num_seeds, len(starts)), replace=False, p=weights / weights.sum()
    )  # fmt: skip
    changed = has_normal & (change > 0.5 * config.min_change)
    scenes = [_Scene.of(video.points_world[t][chosen], normals[t][chosen]) for t, chosen in enumerate(changed)]
    distances = measure_distances(video.points_world, changed & ~claimed)
    guesses: list[JointGuess] = []
    scanned: list[tuple[Scanned, int, np.ndarray]] = []
    for index, (frame, slot) in enumerate(starts[seeds]):
        radius = float(rng.choice(config.radii))
        near = np.linalg.norm(video.points_world[frame] - video.points_world[frame, slot], axis=1) < radius
        piece = video.points_world[frame][near & has_normal[frame] & (change[frame] > config.min_change)]
        if len(piece) < config.min_carried:
            continue
        piece = piece[:: max(1, len(piece) // config.num_carried)].astype(np.float64)
        normal = normals[frame, slot].astype(np.float64)
        tried = scan(distances, piece, int(frame), normal, directions, config.scan)
        scanned += [(one, int(frame), piece) for one in tried]
        if index < config.num_followed:
            track = _follow(scenes, int(frame), piece, config)
            starts_of_it = (_revolute_of(track, piece, config), _prismatic_of(track, piece, config))
            guesses += _fit_each(video, normals, changed, [(x, int(frame), piece) for x in starts_of_it if x], config)
    best = sorted(scanned, key=lambda x: -x[0].gain)[: config.num_scanned]
    guesses += _fit_each(video, normals, changed, [(one.joint, frame, piece) for one, frame, piece in best], config)
    return _as_hypotheses(guesses) if guesses else None


class _Scene(NamedTuple):
    """What has changed, as one frame shows it."""

    tree: KDTree
    points: np.ndarray
    normals: np.ndarray

    @classmethod
    def of(cls, points: np.ndarray, normals: np.ndarray) -> "_Scene | None":
        if len(points) < 8:
            return None
        return cls(KDTree(points), points.astype(np.float64), normals.astype(np.float64))


class _Track(NamedTuple):
    """Where a piece was."""

    motions: Float[np.ndarray, "frame 4 4"]
    """From the frame that it was taken from."""
    known: Bool[np.ndarray, "frame"]
    """Whether it was met there."""


def _follow(scenes: Sequence[_Scene | None], frame: int, piece: np.ndarray, config: SurfaceGuessConfig) -> _Track:
    """Carry a piece to all frames, both ways; where it is lost it stays."""
    motions = np.tile(np.eye(4), (len(scenes), 1, 1))
    known = np.zeros(len(scenes), dtype=bool)
    known[frame] = True
    for order in (range(frame + 1, len(scenes)), range(frame - 1, -1, -1)):
        motion, before = np.eye(4), np.eye(4)
        lost = 0
        for t in order:
            scene = scenes[t]
            if scene is not None and lost <= config.max_lost:
                # As if it had stopped, and as if it went on as before.
                starts = (motion, motion @ np.linalg.inv(before) @ motion)
                registered = [_register(scene, piece, start, config) for start in starts]
                distances = [_distance(scene, piece, candidate) for candidate in registered]
                best = int(np.argmin(distances))
                known[t] = distances[best] <= config.max_distance
                if known[t]:
                    before, motion = motion, registered[best]
            lost = 0 if known[t] else lost + 1
            motions[t] = motion
    return _Track(motions, known)


def _register(scene: _Scene, piece: np.ndarray, motion: np.ndarray, config: SurfaceGuessConfig) -> np.ndarray:
    """Point-to-plane ICP."""
    for reach in config.reaches:
        moved = apply(motion, piece)
        distance, nearest = scene.tree.query(moved, distance_upper_bound=reach)
        met = np.flatnonzero(np.isfinite(distance))
        if len(met) < 6:
            break
        motion = plane_step(moved[met], scene.points[nearest[met]], scene.normals[nearest[met]], reach) @ motion
    return motion


def _distance(scene: _Scene, piece: np.ndarray, motion: np.ndarray, cut: float = 0.1) -> float:
    """Root mean square distance of the carried piece from what has changed."""
    distance, _ = scene.tree.query(apply(motion, piece), distance_upper_bound=cut)
    return float(np.sqrt(np.mean(np.minimum(distance, cut) ** 2)))


def _fit_each(
    video: PointVideo,
    normals: np.ndarray,
    changed: np.ndarray,
    starts: Sequence[tuple[JointGuess, int, np.ndarray]],
    config: SurfaceGuessConfig,
) -> list[JointGuess]:
    """Joints fitted, each from a start with the frame and the piece that it carries."""
    fitted = (_fitted(video, normals, changed, frame, piece, joint, config) for joint, frame, piece in starts)
    return [joint for joint in fitted if joint is not None]


def _fitted(
    video: PointVideo,
    normals: np.ndarray,
    changed: np.ndarray,
    frame: int,
    piece: np.ndarray,
    joint: JointGuess,
    config: SurfaceGuessConfig,
) -> JointGuess | None:
    """A piece's joint fitted to the surfaces around the piece; None when it hardly moves it then."""
    for _ in range(2):
        change = joint.values - joint.values[frame]
        motions = (
            revolute_transform(joint.axis, joint.pivot, change)
            if joint.is_revolute
            else prismatic_transform(joint.axis, change)
        )
        weights = np.zeros(video.valid.shape)
        for t, carried in enumerate(apply(motions, piece[None])):
            distance, _ = KDTree(carried).query(video.points_world[t], distance_upper_bound=config.belongs)
            weights[t] = np.isfinite(distance) & changed[t]
        part = gather_part_surface(video, normals, weights)
        if part is None:
            return None
        joint = fit_to_surfaces(part, joint)
    arm = np.linalg.norm(np.cross(joint.axis, piece.mean(axis=0) - joint.pivot)) if joint.is_revolute else 1.0
    return joint if np.ptp(joint.values) * max(arm, 0.1) >= config.min_travel else None


def _revolute_of(track: _Track, piece: np.ndarray, config: SurfaceGuessConfig) -> JointGuess | None:
    """The line about which a piece turned: the main direction of its rotation vectors, and what they leave in place."""
    center = piece.mean(axis=0)
    turned = rotvec_from_rotation(track.motions[:, :3, :3])
    axis = np.linalg.svd(turned[track.known])[2][0]
    values = turned @ axis
    if np.ptp(values[track.known]) < config.min_angle:
        return None
    # (R - 1) p + t = 0 over all frames; along the axis, and where little turns, the piece's middle.
    moving = track.motions[track.known]
    left = np.eye(3) - moving[:, :3, :3]
    normal = np.einsum("tji,tjk->ik", left, left) + np.outer(axis, axis) + 1e-6 * np.eye(3)
    right = np.einsum("tji,tj->i", left, moving[:, :3, 3]) + axis * (axis @ center) + 1e-6 * center
    pivot = np.linalg.solve(normal, right)
    if np.linalg.norm(pivot - center) > config.max_arm:
        return None
    return JointGuess(is_revolute=True, axis=axis, pivot=pivot, values=values - values[0])


def _prismatic_of(track: _Track, piece: np.ndarray, config: SurfaceGuessConfig) -> JointGuess | None:
    """The main direction in which a piece's middle went."""
    center = piece.mean(axis=0)
    went = apply(track.motions, center[None])[:, 0] - center
    axis = np.linalg.svd(went[track.known])[2][0]
    values = went @ axis
    if np.ptp(values[track.known]) < config.min_travel:
        return None
    return JointGuess(is_revolute=False, axis=axis, pivot=np.zeros(3), values=values - values[0])


def _as_hypotheses(guesses: Sequence[JointGuess], score: float = 0.4) -> Hypotheses:
    """Guesses to be judged, all with the support that a middling one of `propose` has."""
    return Hypotheses(
        is_revolute=np.array([x.is_revolute for x in guesses], dtype=bool),
        axes=np.array([x.axis for x in guesses]),
        pivots=np.array([x.pivot for x in guesses]),
        values=np.array([x.values for x in guesses]),
        scores=np.full(len(guesses), score),
    )
