"""Soft parts with a rigid motion of their own in every frame, optimised together against flow and surfaces.

One energy over all points and frames: a point belongs to parts with some weights, and each part's motion should carry
its points as the measured flow says, onto surfaces that were seen. It is lowered in alternation, both steps closed-form: weights
from residuals, each frame's motion from weighted correspondences (Kabsch); robust, with a scale that is lowered in
steps. Part 0 stands still. Everything is in normalised coordinates.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial import KDTree

from sim2art.geometry.alignment import fit_rigid
from sim2art.geometry.transforms import apply, inverse
from sim2art.observation.point_video import PointVideo

Motions = Float[np.ndarray, "part frame 4 4"]
FAR = 0.2
"""Distances to surfaces are cut here."""
SMOOTHING_RADIUS = 0.1
"""Neighbours within this share their verdict."""


@dataclass(frozen=True, kw_only=True)
class PartMotionConfig:
    """How parts are optimised."""

    num_starts: int = 16
    """Moving parts at first; they merge and vanish on the way."""
    num_rounds: int = 40
    scales: tuple[float, float] = (0.05, 0.01)
    """Robust scale of residuals at first and at last."""
    min_share: float = 0.012
    """A part with a smaller share of the points vanishes."""
    same_cost: float = 0.1
    """A part whose points another part explains almost as well (mean robust cost, 0..1) is the same."""
    surface_weight: float = 0.5
    """Of the distance to seen surfaces against that of flow."""


def optimize_parts(
    video: PointVideo, config: PartMotionConfig, rng: np.random.Generator
) -> tuple[Motions, Float[np.ndarray, "frame point part"]]:
    """What carries each part from frame 0 to each frame (part 0 stands still), and the points' weights.

    Args:
        video: In normalised coordinates, its flow smoothed.
    """
    still = np.tile(np.eye(4), (1, video.num_frames, 1, 1))
    motions = np.concatenate([still, _start_motions(video, config.num_starts, rng)])
    trees = frame_trees(video)
    first, last = config.scales
    weights = np.zeros((video.num_frames, video.num_points, len(motions)))
    for round_index in range(config.num_rounds):
        share = round_index / max(config.num_rounds - 1, 1)
        scale = first * (last / first) ** share
        weights = share_points(video, motions, trees, scale=scale, surface_weight=config.surface_weight)
        for part in range(1, len(motions)):
            _update_motion(video, motions[part], weights[..., part], scale)
        if round_index % 5 == 4:
            kept = _distinct_parts(video, motions, weights, config)
            motions = motions[kept]
    return _keep_distinct_parts(video, motions, config)


def _keep_distinct_parts(
    video: PointVideo, motions: Motions, config: PartMotionConfig
) -> tuple[Float[np.ndarray, "kept frame 4 4"], Float[np.ndarray, "frame point kept"]]:
    """The parts that hold points and move like no other, and the points' weights; for motions that are final."""
    trees = frame_trees(video)
    last = config.scales[1]
    weights = share_points(video, motions, trees, scale=last, surface_weight=config.surface_weight)
    kept = _distinct_parts(video, motions, weights, config)
    if len(kept) < len(motions):
        motions = motions[kept]
        weights = share_points(video, motions, trees, scale=last, surface_weight=config.surface_weight)
    return motions, weights


def frame_trees(video: PointVideo) -> list[KDTree | None]:
    """A tree of each frame's points; None where there are none."""
    found = [points[valid] for points, valid in zip(video.points_world, video.valid, strict=True)]
    return [KDTree(points) if len(points) else None for points in found]


def share_points(
    video: PointVideo,
    motions: Motions,
    trees: list[KDTree | None],
    *,
    scale: float,
    surface_weight: float,
) -> Float[np.ndarray, "frame point part"]:
    """Weights from residuals, agreed between neighbours; points that are not valid belong to part 0."""
    costs = _flow_costs(video, motions, scale)
    if surface_weight > 0:
        costs += surface_weight * _surface_costs(video, motions, trees, scale)
    costs = np.where(video.valid[..., None], costs, 0.0)
    weights = np.zeros_like(costs)
    for t in range(video.num_frames):
        pooled = _pool(video.points_world[t], video.valid[t], costs[t])
        shares = np.exp(-4.0 * (pooled - pooled.min(axis=-1, keepdims=True)))
        weights[t] = shares / shares.sum(axis=-1, keepdims=True)
    weights[~video.valid] = np.eye(len(motions))[0]
    return weights


def _start_motions(video: PointVideo, count: int, rng: np.random.Generator) -> Motions:
    """Motions of patches that lie apart or move apart, each followed through the clip by the flow around it."""
    lengths = np.linalg.norm(video.flow_world, axis=-1) * video.flow_valid
    places = np.argwhere(lengths.max(axis=0) > max(0.015, 1.5 * float(np.median(lengths[video.flow_valid] if video.flow_valid.any() else 0))))  # fmt: skip
    if len(places) == 0:
        return np.zeros((0, video.num_frames, 4, 4))
    places = places[rng.permutation(len(places))[:4000]]
    best_baseline = np.argmax(lengths[:, places[:, 0], places[:, 1]], axis=0)
    flows = video.flow_world[best_baseline, places[:, 0], places[:, 1]]
    features = np.concatenate([video.points_world[places[:, 0], places[:, 1]], 2.0 * flows], axis=1)
    chosen = [int(rng.integers(len(places)))]
    distance = np.linalg.norm(features - features[chosen[0]], axis=1)
    while len(chosen) < min(count, len(places)):
        # Farthest first, among the nearer nine tenths: the very farthest are outliers.
        candidates = np.argsort(distance)[: max(int(0.9 * len(distance)), 1)]
        chosen.append(int(candidates[-1]))
        distance = np.minimum(distance, np.linalg.norm(features - features[chosen[-1]], axis=1))
    return np.stack([_follow(video, int(places[index, 0]), int(places[index, 1])) for index in chosen])


def _follow(video: PointVideo, frame: int, point: int, radius: float = 0.15) -> Float[np.ndarray, "frame 4 4"]:
    """Motion of the patch around a point, step by step both ways; from frame 0."""
    num_frames = video.num_frames
    center = video.points_world[frame, point]
    near = video.valid[frame] & (np.linalg.norm(video.points_world[frame] - center, axis=1) < radius)
    cloud = video.points_world[frame][near]
    from_start = np.tile(np.eye(4), (num_frames, 1, 1))
    for direction in (1, -1):
        t, moved = frame, np.eye(4)
        while 0 <= t + direction < num_frames:
            step = _step(video, t, direction, apply(moved, cloud), radius)
            moved = step @ moved
            t += direction
            from_start[t] = moved
    return from_start @ inverse(from_start[0])


def _step(video: PointVideo, t: int, direction: int, cloud: np.ndarray, radius: float) -> Float[np.ndarray, "4 4"]:
    """Rigid step of a patch from frame t to the next (or, against the flow, to the one before)."""
    source = t if direction == 1 else t - 1
    ok = video.flow_valid[0, source]
    start, stop = video.points_world[source][ok], (video.points_world[source] + video.flow_world[0, source])[ok]
    if direction == -1:
        start, stop = stop, start
    if len(start) < 4:
        return np.eye(4)
    distance, _ = KDTree(cloud).query(start)
    weights = np.exp(-0.5 * (np.asarray(distance) / (0.4 * radius)) ** 2)
    step = np.eye(4)
    for _ in range(3):
        if weights.sum() < 3.0:
            return np.eye(4)
        step = fit_rigid(start, stop, weights)
        residual = np.linalg.norm(apply(step, start) - stop, axis=1)
        weights = weights / (1 + (residual / 0.03) ** 2) ** 2
    return step


def _flow_costs(video: PointVideo, motions: Motions, scale: float) -> Float[np.ndarray, "frame point part"]:
    """Mean robust cost (0..1) of the measured flows of each point under each part's motion."""
    back = inverse(motions)
    total = np.zeros((video.num_frames, video.num_points, len(motions)))
    count = np.zeros((video.num_frames, video.num_points, 1))
    for index, baseline in enumerate(video.baselines):
        for t in range(video.num_frames - baseline):
            moved = apply(motions[:, t + baseline] @ back[:, t], video.points_world[t][None])
            residual = np.sum((moved - video.points_world[t] - video.flow_world[index, t]) ** 2, axis=-1).T
            ok = video.flow_valid[index, t][:, None]
            total[t] += ok * residual / (residual + scale**2)
            count[t] += ok
    # Without flow nothing is known: a cost that favours no part.
    return np.where(count > 0, total / np.maximum(count, 1), 0.5)


def _surface_costs(
    video: PointVideo, motions: Motions, trees: list[KDTree | None], scale: float
) -> Float[np.ndarray, "frame point part"]:
    """Mean robust cost of the distance to the surfaces of the first, middle and last frame, once carried there."""
    back = inverse(motions)
    targets = sorted({0, video.num_frames // 2, video.num_frames - 1})
    total = np.zeros((video.num_frames, video.num_points, len(motions)))
    for t in range(video.num_frames):
        for target in targets:
            tree = trees[target]
            if target == t or tree is None:
                continue
            moved = apply(motions[:, target] @ back[:, t], video.points_world[t][None])
            distance, _ = tree.query(moved.reshape(-1, 3), distance_upper_bound=FAR)
            squared = np.minimum(np.asarray(distance), FAR).reshape(len(motions), -1).T ** 2
            # Points are drawn anew in each frame: even at the right place the nearest is some way off.
            total[t] += squared / (squared + (2 * scale + 0.02) ** 2)
    return total / len(targets)


def _pool(points: np.ndarray, valid: Bool[np.ndarray, "point"], costs: np.ndarray) -> np.ndarray:
    """Costs averaged over neighbours in the frame."""
    squared = np.sum((points[:, None] - points[None]) ** 2, axis=-1)
    kernel = np.exp(-squared / (2 * (0.5 * SMOOTHING_RADIUS) ** 2)) * valid
    return (kernel @ costs) / np.maximum(kernel.sum(axis=1, keepdims=True), 1e-9)


def _update_motion(
    video: PointVideo, motion: Float[np.ndarray, "frame 4 4"], weights: Float[np.ndarray, "frame point"], scale: float
) -> None:
    """Lower the energy in each frame's motion of one part in turn; in place. Frame 0 stays: it is the rest pose."""
    for t in range(1, video.num_frames):
        rest, here, weight = [], [], []
        for index, baseline in enumerate(video.baselines):
            before, after = t - baseline, t + baseline
            if before >= 0:
                ok = video.flow_valid[index, before] & (weights[before] > 0.05)
                rest.append(apply(inverse(motion[before]), video.points_world[before][ok]))
                here.append((video.points_world[before] + video.flow_world[index, before])[ok])
                weight.append(weights[before][ok])
            if after < video.num_frames:
                ok = video.flow_valid[index, t] & (weights[t] > 0.05)
                arrived = (video.points_world[t] + video.flow_world[index, t])[ok]
                rest.append(apply(inverse(motion[after]), arrived))
                here.append(video.points_world[t][ok])
                weight.append(weights[t][ok])
        x, y, w = np.concatenate(rest), np.concatenate(here), np.concatenate(weight)
        if w.sum() < 3.0:
            motion[t] = motion[t - 1]  # Nothing is seen of it: it rests where it was.
            continue
        residual = np.linalg.norm(apply(motion[t], x) - y, axis=1)
        w = w / (1 + (residual / scale) ** 2) ** 2
        if w.sum() > 1.0:
            motion[t] = fit_rigid(x, y, w)


def _distinct_parts(
    video: PointVideo, motions: Motions, weights: Float[np.ndarray, "frame point part"], config: PartMotionConfig
) -> np.ndarray:
    """Indices of parts that hold points and move like no larger one; part 0 first.

    Parts that move alike share their points, so what a part holds is told once its doubles are counted with it.
    """
    if not video.valid.any():
        return np.array([0])
    shares = weights[video.valid].mean(axis=0)
    # On a fine scale from the start: on the coarse one slow parts would pass for still.
    costs = _flow_costs(video, motions, 2 * config.scales[1])
    held = {0: float(shares[0])}
    for part in 1 + np.argsort(-shares[1:], kind="stable"):
        mine = (weights[..., part] > 0.5 * weights.max(axis=-1)) & video.valid
        if mine.sum() < 4:
            continue
        means = costs[mine].mean(axis=0)
        double = next((other for other in held if means[other] < means[part] + config.same_cost), None)
        if double is None:
            held[int(part)] = float(shares[part])
        else:
            held[double] += float(shares[part])
    return np.array([part for part, share in held.items() if part == 0 or share >= config.min_share])
