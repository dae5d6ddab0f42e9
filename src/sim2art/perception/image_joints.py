"""A joint as many pairs of images show it, and the moving points that it is judged by."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from sim2art.geometry.cameras import unproject
from sim2art.geometry.screws import slide_transform, turn_transform
from sim2art.geometry.transforms import apply, inverse
from sim2art.perception.image_motions import STRIDE, measure_shift
from sim2art.perception.lifted_flow import PixelFlow
from sim2art.perception.reprojection import EXPLAINED, MIN_SHIFT, OUTLIER, joint_residuals, motion_costs

_MAX_RELIEF = 0.5
"""Of the logarithm of depth: more is not taken for a wrong guess."""
_POINTS = 120
"""Of a pair."""


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

    rival: float = 0.0
    """How nearly as well a joint of the other kind explains the same, 0..1."""

    def depth_factors(
        self, frame: int | Int[np.ndarray, "point"], spots: Float[np.ndarray, "*batch 2"]
    ) -> Float[np.ndarray, "*batch"]:
        """By what the part's guessed depth is to be multiplied at X/Z and Y/Z, in one frame or in one for each point."""
        log_depth = self.relief[frame, 0] + np.sum(self.relief[frame, 1:] * spots, axis=-1)
        return np.exp(np.clip(log_depth, -_MAX_RELIEF, _MAX_RELIEF))

    def motions(self) -> Float[np.ndarray, "pair 4 4"]:
        """Of the part, world frame."""
        if self.slides:
            return slide_transform(np.broadcast_to(self.axis, (len(self.steps), 3)), self.steps)
        count = len(self.steps)
        return turn_transform(
            np.broadcast_to(self.axis, (count, 3)), np.broadcast_to(self.pivot, (count, 3)), self.steps
        )


@dataclass(frozen=True, kw_only=True)
class MovingPoints:
    """Points that move, of all pairs, and where the second image of each pair shows them."""

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

    def take(self, chosen: np.ndarray) -> "MovingPoints":
        arrays = {
            name: getattr(self, name)[chosen]
            for name in ("pair", "frame", "spots", "points", "rays", "targets", "shift", "to_camera")
        }
        return MovingPoints(**arrays, intrinsics=self.intrinsics, num_pairs=self.num_pairs)

    def residuals(self, joint: ImageJoint) -> Float[np.ndarray, "point 2"]:
        """In sigmas."""
        factor = joint.depth_factors(self.frame, self.spots)[:, None]
        return joint_residuals(
            self.points + (factor - 1) * self.rays, factor * self.rays, self.targets, self.shift, self.to_camera, self.intrinsics, joint.axis, joint.pivot,
            joint.slides, joint.steps[self.pair],
        )  # fmt: skip

    def costs(self, joint: ImageJoint) -> Float[np.ndarray, "point"]:
        """Squared sigmas, at most OUTLIER."""
        return np.minimum(np.sum(self.residuals(joint) ** 2, axis=1), OUTLIER)


def collect_moving(
    pairs: list[tuple[int, int]], flows: dict[tuple[int, int], PixelFlow], depths: np.ndarray, intrinsics: np.ndarray,
    world_from_camera: np.ndarray, rng: np.random.Generator,
) -> tuple[MovingPoints, Float[np.ndarray, "point"]] | None:  # fmt: skip
    """Points whose flow standing still does not explain, about equally many of each pair, and what standing still costs.

    None when nothing moves. Arguments as in `image_joint_search.find_image_joints`.
    """
    gathered = []
    for index, (a, b) in enumerate(pairs):
        pair = flows[a, b]
        usable = pair.confident[::STRIDE, ::STRIDE] & pair.beats_still[::STRIDE, ::STRIDE]
        usable &= depths[a, ::STRIDE, ::STRIDE] > 0
        y, x = (STRIDE * grid for grid in np.nonzero(usable))
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
        shift = measure_shift(camera, targets, still, intrinsics)
        cost = motion_costs(still[None], camera, targets, shift, intrinsics)[0]
        moving = np.flatnonzero((shift > MIN_SHIFT) & (cost > EXPLAINED))
        if not len(moving):
            continue
        if len(moving) > _POINTS:
            moving = rng.choice(moving, _POINTS, replace=False)
        spots = camera[moving, :2] / camera[moving, 2:]
        gathered.append((
            np.full(len(moving), index), np.full(len(moving), a), spots, points[moving], rays[moving], targets[moving], shift[moving],
            np.broadcast_to(to_camera, (len(moving), 4, 4)), np.minimum(cost[moving], OUTLIER),
        ))  # fmt: skip
    if not gathered:
        return None
    pair, frame, spots, points, rays, targets, shift, to_camera, rest = (
        np.concatenate(column) for column in zip(*gathered, strict=True)
    )
    movers = MovingPoints(
        pair=pair, frame=frame, spots=spots, points=points, rays=rays, targets=targets, shift=shift, to_camera=to_camera, intrinsics=intrinsics,
        num_pairs=len(pairs),
    )  # fmt: skip
    return movers, rest
