"""Joints that explain the flow of many pairs of images at once: what turns or slides does so about one axis throughout.

A hand, a shadow or a network's trembling guess of depth moves from one pair of images to the next as it likes; a part that
hangs on a joint has one axis and, in each pair, one number more. So the rigid motions that single pairs show
(`image_motions`) are taken as hypotheses of joints, each is scored by the flow of all pairs (reprojection, robust), and
the best are fitted to all of it and taken one after another, as long as they explain enough that nothing else does.
"""

import dataclasses
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse

from sim2art.geometry.cameras import project, unproject
from sim2art.geometry.rotations import any_perpendicular, rotation_from_rotvec, rotvec_from_rotation
from sim2art.geometry.screws import slide_transform, turn_transform
from sim2art.geometry.transforms import apply, inverse
from sim2art.perception.image_motions import STRIDE, ImageMotions
from sim2art.perception.lifted_flow import PixelFlow
from sim2art.perception.reprojection import joint_residuals, motion_costs

_OUTLIER = 16.0
"""Squared sigmas from which on a residual costs no more."""
_MOVES = 9.0
"""Squared sigmas by which standing still must fail to explain flow, for a point to count as moving."""
_MIN_SHIFT = 1.2
_POINTS = 120
"""Of a pair that are fitted to."""
_SCREEN_POINTS = 30
_NUM_BEST = 2
"""Hypotheses of each kind that are fitted to all points."""
_MIN_PATCH = 150
"""Half-size pixels of a pair's motion, for it to be a hypothesis."""
_MIN_TURN = np.radians(1.5)
_MAX_JOINTS = 4
_MIN_SHARE = 0.06
"""Share of all moving points that a further joint must explain."""
_MAX_RELIEF = 0.5
_RELIEF_SIGMAS = np.array([0.15, 0.4, 0.4])
"""How far guessed depth may be off in the large: constant and slopes, see `ImageJoint.relief`."""
_SHARED = 5.0
"""Points that lie side by side have the same errors: so many count as one beside what is known of the relief."""
_SLIDE_BONUS = 0.95
"""A slide, which has two unknowns fewer, is preferred to a turn that explains hardly more."""
_ROUNDS = 12


@dataclass(frozen=True, kw_only=True)
class ImageJoint:
    """A joint in the world frame, with how far it moves in each pair of images."""

    axis: Float[np.ndarray, "3"]
    pivot: Float[np.ndarray, "3"]
    slides: bool
    steps: Float[np.ndarray, "pair"]
    """rad, or lengths."""
    relief: Float[np.ndarray, "frame 3"]
    """What is to be added to the logarithm of the part's guessed depth: a constant, and slopes by X/Z and Y/Z."""

    def depth_factors(self, frame: int, spots: Float[np.ndarray, "*batch 2"]) -> Float[np.ndarray, "*batch"]:
        """By what the part's guessed depth in a frame is to be multiplied, at X/Z and Y/Z."""
        constant, *slopes = self.relief[frame]
        return np.exp(np.clip(constant + spots @ np.array(slopes), -_MAX_RELIEF, _MAX_RELIEF))

    def motions(self) -> Float[np.ndarray, "pair 4 4"]:
        """Of the part, world frame."""
        if self.slides:
            return slide_transform(np.broadcast_to(self.axis, (len(self.steps), 3)), self.steps)
        count = len(self.steps)
        return turn_transform(
            np.broadcast_to(self.axis, (count, 3)), np.broadcast_to(self.pivot, (count, 3)), self.steps
        )


@dataclass(frozen=True, kw_only=True)
class _Movers:
    """Points that move, of all pairs."""

    pair: Int[np.ndarray, "point"]
    frame: Int[np.ndarray, "point"]
    """First frame of the pair."""
    spots: Float[np.ndarray, "point 2"]
    """X/Z and Y/Z there."""
    points: Float[np.ndarray, "point 3"]
    """World frame, in the first frame of the pair."""
    rays: Float[np.ndarray, "point 3"]
    """From the first camera to the point, world frame."""
    targets: Float[np.ndarray, "point 2"]
    shift: Float[np.ndarray, "point"]
    to_camera: Float[np.ndarray, "point 4 4"]
    """World frame to the second camera's."""
    intrinsics: Float[np.ndarray, "3 3"]
    num_pairs: int

    def take(self, chosen: np.ndarray) -> "_Movers":
        arrays = {
            name: getattr(self, name)[chosen]
            for name in ("pair", "frame", "spots", "points", "rays", "targets", "shift", "to_camera")
        }
        return _Movers(**arrays, intrinsics=self.intrinsics, num_pairs=self.num_pairs)

    def residuals(self, joint: ImageJoint) -> Float[np.ndarray, "point 2"]:
        """In sigmas."""
        log_depth = joint.relief[self.frame, 0] + np.sum(joint.relief[self.frame, 1:] * self.spots, axis=1)
        factor = np.exp(np.clip(log_depth, -_MAX_RELIEF, _MAX_RELIEF))[:, None]
        return joint_residuals(
            self.points + (factor - 1) * self.rays, factor * self.rays, self.targets, self.shift, self.to_camera, self.intrinsics, joint.axis, joint.pivot,
            joint.slides, joint.steps[self.pair],
        )  # fmt: skip

    def costs(self, joint: ImageJoint) -> Float[np.ndarray, "point"]:
        """Squared sigmas, at most _OUTLIER."""
        return np.minimum(np.sum(self.residuals(joint) ** 2, axis=1), _OUTLIER)


def find_image_joints(
    pairs: list[tuple[int, int]],
    flows: dict[tuple[int, int], PixelFlow],
    motions: dict[tuple[int, int], ImageMotions],
    depths: np.ndarray,
    intrinsics: Float[np.ndarray, "3 3"],
    world_from_camera: Float[np.ndarray, "frame 4 4"],
    *,
    rng: np.random.Generator,
) -> list[ImageJoint]:
    """Joints, the one that explains most first.

    Args:
        pairs: Of frames; `steps` of the joints follow their order.
        flows: Of these pairs.
        motions: What each pair shows by itself.
        depths: Of all frames, 0 where there is none.
        intrinsics: px.
        world_from_camera: Camera poses.
        rng: Draws the points that are looked at.
    """
    movers, cost = _collect(pairs, flows, depths, intrinsics, world_from_camera, rng)
    if not len(movers.pair):
        return []
    hypotheses = _hypotheses(pairs, motions, depths, intrinsics, world_from_camera)
    few = np.concatenate([np.flatnonzero(movers.pair == pair)[:_SCREEN_POINTS] for pair in range(0, len(pairs))])
    screen = movers.take(few)
    joints: list[ImageJoint] = []
    rough = [_fit_steps(screen, hypothesis) for hypothesis in hypotheses]
    while len(joints) < _MAX_JOINTS and hypotheses:
        gains = np.array([_gain(screen, joint, cost[few]) for joint in rough])
        best: tuple[float, ImageJoint] | None = None
        order = np.argsort(-gains)
        turns, slides = ([i for i in order if hypotheses[i].slides is kind][:_NUM_BEST] for kind in (False, True))
        for index in (*turns, *slides):
            joint = _fit_steps(movers, hypotheses[index])
            joint = _refine(movers, joint, cost)
            gain = _gain(movers, joint, cost) * (1.0 if joint.slides else _SLIDE_BONUS)
            if best is None or gain > best[0]:
                best = gain, joint
        assert best is not None
        if best[0] < _MIN_SHARE * len(cost) * 0.6 * _OUTLIER:
            break
        joints.append(best[1])
        cost = np.minimum(cost, movers.costs(best[1]))
    return joints


def _collect(
    pairs: list[tuple[int, int]], flows: dict[tuple[int, int], PixelFlow], depths: np.ndarray, intrinsics: np.ndarray,
    world_from_camera: np.ndarray, rng: np.random.Generator,
) -> tuple[_Movers, Float[np.ndarray, "point"]]:  # fmt: skip
    """Points whose flow standing still does not explain, equally many of each pair, and what standing still costs."""
    gathered = []
    for index, (a, b) in enumerate(pairs):
        pair = flows[a, b]
        usable = pair.confident[::STRIDE, ::STRIDE] & pair.beats_still[::STRIDE, ::STRIDE]
        usable &= depths[a, ::STRIDE, ::STRIDE] > 0
        y, x = (STRIDE * grid for grid in np.nonzero(usable))
        if not len(x):
            continue
        if len(x) > 20 * _POINTS:
            kept = rng.choice(len(x), 20 * _POINTS, replace=False)
            y, x = y[kept], x[kept]
        pixels = np.stack([x, y], axis=1).astype(np.float64)
        camera = unproject(intrinsics, pixels, depths[a][y, x].astype(np.float64))
        points = apply(world_from_camera[a], camera)
        rays = camera @ world_from_camera[a][:3, :3].T
        targets = pixels + pair.flow[y, x]
        to_camera = inverse(world_from_camera[b])
        still = to_camera @ world_from_camera[a]
        shift = np.linalg.norm(targets - project(intrinsics, apply(still, camera)), axis=1)
        shift = np.nan_to_num(shift, nan=1e3, posinf=1e3)
        cost = motion_costs(still[None], camera, targets, shift, intrinsics)[0]
        moving = np.flatnonzero((shift > _MIN_SHIFT) & (cost > _MOVES))
        if len(moving) > _POINTS:
            moving = rng.choice(moving, _POINTS, replace=False)
        spots = camera[moving, :2] / camera[moving, 2:]
        gathered.append((
            np.full(len(moving), index), np.full(len(moving), a), spots, points[moving], rays[moving], targets[moving], shift[moving],
            np.broadcast_to(to_camera, (len(moving), 4, 4)), np.minimum(cost[moving], _OUTLIER),
        ))  # fmt: skip
    if not gathered:
        gathered = [
            (
                *(np.zeros(0, int),) * 2,
                *(np.zeros((0, n)) for n in (2, 3, 3, 2)),
                np.zeros(0),
                np.zeros((0, 4, 4)),
                np.zeros(0),
            )
        ]
    pair, frame, spots, points, rays, targets, shift, to_camera, rest = (
        np.concatenate(column) for column in zip(*gathered, strict=True)
    )
    movers = _Movers(
        pair=pair, frame=frame, spots=spots, points=points, rays=rays, targets=targets, shift=shift, to_camera=to_camera, intrinsics=intrinsics,
        num_pairs=len(pairs),
    )  # fmt: skip
    return movers, rest


def _hypotheses(
    pairs: list[tuple[int, int]], motions: dict[tuple[int, int], ImageMotions], depths: np.ndarray, intrinsics: np.ndarray,
    world_from_camera: np.ndarray,
) -> list[ImageJoint]:  # fmt: skip
    """A turn and a slide from every motion that a pair shows."""
    found = []
    none, flat = np.zeros(len(pairs)), np.zeros((len(depths), 3))
    for a, b in pairs:
        if abs(b - a) < 2:
            continue  # Single steps hardly tell turns from slides.
        own = motions[a, b]
        to_world = inverse(world_from_camera[a])
        for index in range(1, len(own.motions)):
            here = own.labels == index
            if here.sum() < _MIN_PATCH:
                continue
            y, x = (STRIDE * grid for grid in np.nonzero(here))
            points = apply(
                world_from_camera[a],
                unproject(intrinsics, np.stack([x, y], axis=1).astype(float), depths[a][y, x].astype(float)),
            )
            motion = world_from_camera[b] @ own.motions[index] @ to_world
            center = np.median(points, axis=0)
            shift = apply(motion, center[None])[0] - center
            if np.linalg.norm(shift) > 1e-6:
                found.append(
                    ImageJoint(axis=shift / np.linalg.norm(shift), pivot=center, slides=True, steps=none, relief=flat)
                )
            turn = rotvec_from_rotation(motion[:3, :3])
            angle = float(np.linalg.norm(turn))
            if angle > _MIN_TURN:
                axis = turn / angle
                # The point nearest to the part that only moves along the axis.
                across = shift - (shift @ axis) * axis
                pivot = center + 0.5 * across + np.cross(axis, across) / (2 * np.tan(angle / 2))
                found.append(ImageJoint(axis=axis, pivot=pivot, slides=False, steps=none, relief=flat))
    return found


def _fit_steps(movers: _Movers, joint: ImageJoint) -> ImageJoint:
    """How far the joint moves in each pair: from the steps that single points ask for, robustly."""
    asked = _asked_steps(movers, joint)
    best = np.zeros(movers.num_pairs)
    best_cost = np.full(movers.num_pairs, np.inf)
    order = np.lexsort((asked, movers.pair))
    counts = np.bincount(movers.pair, minlength=movers.num_pairs)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    for quantile in (0.1, 0.3, 0.5, 0.7, 0.9):
        at = np.minimum(starts + (quantile * counts).astype(int), max(len(order) - 1, 0))
        steps = np.where(counts > 0, asked[order[at]], 0.0)
        tried = _with_steps(joint, np.clip(steps, -1.5, 1.5) if not joint.slides else steps)
        for _ in range(2):
            tried = _polish_steps(movers, tried)
        cost = np.bincount(movers.pair, weights=movers.costs(tried), minlength=movers.num_pairs)
        better = cost < best_cost
        best, best_cost = np.where(better, tried.steps, best), np.where(better, cost, best_cost)
    return _with_steps(joint, best)


def _asked_steps(movers: _Movers, joint: ImageJoint) -> Float[np.ndarray, "point"]:
    zero = _with_steps(joint, np.zeros(movers.num_pairs))
    small = _with_steps(joint, np.full(movers.num_pairs, 1e-3))
    residual = movers.residuals(zero)
    slope = (movers.residuals(small) - residual) / 1e-3
    return -np.sum(residual * slope, axis=1) / np.maximum(np.sum(slope**2, axis=1), 1e-9)


def _polish_steps(movers: _Movers, joint: ImageJoint) -> ImageJoint:
    residual = movers.residuals(joint)
    slope = (movers.residuals(_with_steps(joint, joint.steps + 1e-4)) - residual) / 1e-4
    weight = 1.0 / (1.0 + np.sum(residual**2, axis=1) / _MOVES) ** 2
    top = np.bincount(movers.pair, weights=weight * np.sum(residual * slope, axis=1), minlength=movers.num_pairs)
    bottom = np.bincount(movers.pair, weights=weight * np.sum(slope**2, axis=1), minlength=movers.num_pairs)
    limit = 0.3 if not joint.slides else 0.3 * float(np.median(np.linalg.norm(movers.rays, axis=1)))
    return _with_steps(joint, joint.steps - np.clip(top / np.maximum(bottom, 1e-9), -limit, limit))


def _refine(movers: _Movers, joint: ImageJoint, cost: np.ndarray) -> ImageJoint:
    """Axis, steps and relief together, robust Gauss-Newton; points that another joint explains better count less."""
    size = float(np.median(np.linalg.norm(movers.rays, axis=1)))
    num_axis = 2 if joint.slides else 4
    units = np.array([1.0, 1.0, size, size])
    num_frames = len(joint.relief)
    num_steps = movers.num_pairs
    prior = np.concatenate([np.zeros(num_axis + num_steps), np.tile(_SHARED * _RELIEF_SIGMAS**-2.0, num_frames)])
    rows = np.arange(2 * len(movers.pair)).reshape(-1, 2)
    columns = np.concatenate([
        np.broadcast_to(np.arange(num_axis), (len(rows), num_axis)), num_axis + movers.pair[:, None],
        num_axis + num_steps + 3 * movers.frame[:, None] + np.arange(3),
    ], axis=1)  # fmt: skip
    damping = 1e-3
    best, best_gain = joint, _objective(movers, joint, cost)
    for _ in range(_ROUNDS):
        residual = movers.residuals(best)
        squared = np.sum(residual**2, axis=1)
        weight = 1.0 / (1.0 + squared / _MOVES) ** 2 * np.minimum(1.0, cost / np.maximum(squared, 1e-6))
        across = any_perpendicular(best.axis)
        other = np.cross(best.axis, across)
        eps = 1e-4
        moved = [_shifted(best, np.eye(4)[i] * eps * units, across, other) for i in range(num_axis)]
        deeper = dataclasses.replace(best, relief=best.relief + np.array([eps, 0, 0]))
        *by_axis, by_step, by_depth = (
            (movers.residuals(tried) - residual) / eps
            for tried in (*moved, _with_steps(best, best.steps + eps), deeper)
        )
        by_relief = by_depth[..., None] * np.concatenate([np.ones((len(rows), 1)), movers.spots], axis=1)[:, None]
        slopes = (
            np.concatenate([np.stack([*by_axis, by_step], axis=-1), by_relief], axis=-1)
            * np.sqrt(weight)[:, None, None]
        )
        jacobian = sparse.csr_matrix(
            (slopes.ravel(), (np.broadcast_to(rows[..., None], slopes.shape).ravel(),
                              np.broadcast_to(columns[:, None], slopes.shape).ravel())),
            shape=(rows.size, len(prior)),
        )  # fmt: skip
        normal = np.asarray((jacobian.T @ jacobian).todense())
        state = np.concatenate([np.zeros(num_axis + num_steps), best.relief.ravel()])
        right = -jacobian.T @ (residual * np.sqrt(weight)[:, None]).ravel() - prior * state
        normal += np.diag(prior + damping * np.diag(normal) + 1e-9)
        change = np.linalg.solve(normal, right)
        axis = np.zeros(4)
        axis[:num_axis] = np.clip(change[:num_axis], -0.3, 0.3)
        tried = _shifted(best, axis * units, across, other)
        tried = dataclasses.replace(
            tried, steps=best.steps + np.clip(change[num_axis : num_axis + num_steps], -0.5 * size, 0.5 * size),
            relief=best.relief + np.clip(change[num_axis + num_steps :], -0.3, 0.3).reshape(-1, 3),
        )  # fmt: skip
        gain = _objective(movers, tried, cost)
        if gain > best_gain:
            done = gain < best_gain * 1.0005
            best, best_gain, damping = tried, gain, max(damping / 5, 1e-5)
            if done:
                break
        else:
            damping *= 10
            if damping > 10:
                break
    return best


def _objective(movers: _Movers, joint: ImageJoint, cost: np.ndarray) -> float:
    return _gain(movers, joint, cost) - float(_SHARED * np.sum((joint.relief / _RELIEF_SIGMAS) ** 2))


def _shifted(joint: ImageJoint, change: np.ndarray, across: np.ndarray, other: np.ndarray) -> ImageJoint:
    axis = rotation_from_rotvec(change[0] * across + change[1] * other) @ joint.axis
    return dataclasses.replace(joint, axis=axis, pivot=joint.pivot + change[2] * across + change[3] * other)


def _with_steps(joint: ImageJoint, steps: np.ndarray) -> ImageJoint:
    return dataclasses.replace(joint, steps=steps)


def _gain(movers: _Movers, joint: ImageJoint, cost: np.ndarray) -> float:
    return float(np.sum(np.maximum(cost - movers.costs(joint), 0)))
