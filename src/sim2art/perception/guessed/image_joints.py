"""A joint as many pairs of images show it, and the moving points that it is judged by."""

import dataclasses
import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from sim2art.geometry.cameras import unproject
from sim2art.geometry.screws import prismatic_transform, revolute_transform
from sim2art.geometry.transforms import apply, inverse
from sim2art.observation.flow_noise import OUTLIER
from sim2art.perception.features.vanishing_points import SceneDirections
from sim2art.perception.flow.lifted_flow import PixelFlow
from sim2art.perception.guessed.image_joint_body import near_body
from sim2art.perception.guessed.image_joint_kernels import (
    PointArrays,
    log_factors_of,
    pair_motions,
    residuals_at,
)
from sim2art.perception.guessed.image_motions import STRIDE, measure_shift
from sim2art.perception.guessed.reprojection import EXPLAINED, MIN_SHIFT, motion_costs

_POINTS = 120
"""Of a pair in which much moves: more than in three quarters of the pairs. Others give as many fewer as less moves in them."""
_MAX_POINTS = 180
_OF_POINTS = ("place", "spots", "points", "rays", "targets", "shift", "slip")


class Edges(NamedTuple):
    """What the edges in the images say of flow and of joints."""

    slips: Float32[np.ndarray, "frame half_height half_width 2"]
    """How much less sure flow is along them (`measure_slip`)."""
    directions: SceneDirections
    """Along which they run in the scene."""


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
    body: Float[np.ndarray, "sample 3"]
    """Points of the part where a pair of images showed it move, world frame: it is one piece, and no other body is of it."""

    margin: float = math.inf
    """Share by which a joint of the other kind would have to explain more to be chosen instead."""

    def depth_factors(self, frame: int, spots: Float[np.ndarray, "*batch 2"]) -> Float[np.ndarray, "*batch"]:
        """By what the part's guessed depth is to be multiplied at X/Z and Y/Z in a frame."""
        flat = np.ascontiguousarray(spots).reshape(-1, 2)
        return np.exp(log_factors_of(flat, np.full(len(flat), frame), self.relief)).reshape(spots.shape[:-1])

    def is_near(
        self, points: Float[np.ndarray, "point 3"], rays: Float[np.ndarray, "point 3"]
    ) -> Bool[np.ndarray, "point"]:
        """Whether points can be of the part, see `near_body`."""
        return near_body(self.axis, self.pivot, self.slides, self.body, points, rays)

    def motions(self) -> Float[np.ndarray, "pair 4 4"]:
        """Of the part, world frame."""
        if self.slides:
            return prismatic_transform(np.broadcast_to(self.axis, (len(self.steps), 3)), self.steps)
        count = len(self.steps)
        return revolute_transform(
            np.broadcast_to(self.axis, (count, 3)), np.broadcast_to(self.pivot, (count, 3)), self.steps
        )


@dataclass(frozen=True, kw_only=True)
class MovingPoints:
    """Points that move, of all pairs, and where the second image of each pair shows them."""

    pairs: Int[np.ndarray, "pair 2"]
    """First and second frame."""
    pair: Int[np.ndarray, "point"]
    """Row of `pairs`."""
    place: Int[np.ndarray, "point"]
    """Number of the pixel that it is of: what is seen there is of one part in all pairs."""
    spots: Float[np.ndarray, "point 2"]
    """X/Z and Y/Z there."""
    points: Float[np.ndarray, "point 3"]
    """World frame, in the first frame of the pair."""
    rays: Float[np.ndarray, "point 3"]
    """From the first camera to the point, world frame."""
    targets: Float[np.ndarray, "point 2"]
    shift: Float[np.ndarray, "point"]
    slip: Float[np.ndarray, "point 2"]
    """How much less sure targets are along edges (`measure_slip`)."""
    to_camera: Float[np.ndarray, "pair 4 4"]
    """World frame to the second camera's."""
    intrinsics: Float[np.ndarray, "3 3"]

    @property
    def num_pairs(self) -> int:
        """Of images."""
        return len(self.pairs)

    @cached_property
    def frame(self) -> Int[np.ndarray, "point"]:
        """First frame of each point's pair."""
        return self.pairs[self.pair, 0]

    @cached_property
    def size(self) -> float:
        """Median distance from the camera."""
        return float(np.median(np.linalg.norm(self.rays, axis=1)))

    def take(self, chosen: np.ndarray) -> "MovingPoints":
        arrays = {name: getattr(self, name)[chosen] for name in _OF_POINTS}
        return dataclasses.replace(self, **arrays, pair=self.pair[chosen])

    @cached_property
    def arrays(self) -> PointArrays:
        """As compiled code takes them."""
        first, second = np.ascontiguousarray(self.pairs.T)
        own = {name: np.ascontiguousarray(getattr(self, name)) for name in _OF_POINTS if name != "place"}
        return PointArrays(**own, pair=self.pair, first=first, second=second, intrinsics=self.intrinsics)

    def near(self, joint: ImageJoint) -> Bool[np.ndarray, "point"]:
        """What can be of a joint's part; its steps and its relief change nothing of that."""
        return joint.is_near(self.points, self.rays)

    def motions(self, joint: ImageJoint) -> Float[np.ndarray, "pair 3 4"]:
        """What carries points of a joint's part into the second camera of each pair."""
        return pair_motions(joint.axis, joint.pivot, joint.slides, joint.steps, self.to_camera)

    def log_factors(self, joint: ImageJoint) -> Float[np.ndarray, "point"]:
        """Logarithms by which a joint multiplies guessed depths."""
        return log_factors_of(self.arrays.spots, self.frame, joint.relief)

    def residuals(
        self, joint: ImageJoint, near: Bool[np.ndarray, "point"] | None = None
    ) -> Float[np.ndarray, "point 2"]:
        """In sigmas; `near` where it is known."""
        near = self.near(joint) if near is None else near
        return residuals_at(self.arrays, self.motions(joint), self.log_factors(joint), near)

    def costs(self, joint: ImageJoint) -> Float[np.ndarray, "point"]:
        """Squared sigmas, at most OUTLIER."""
        return costs_of(self.residuals(joint))

    def gain(self, joint: ImageJoint, cost: Float[np.ndarray, "point"]) -> float:
        """What a joint saves of a cost at the pixels whose flow it explains better, all pairs of a pixel together."""
        return self.saved(self.costs(joint), cost)

    def saved(self, new: Float[np.ndarray, "point"], cost: Float[np.ndarray, "point"]) -> float:
        """What a new cost saves of another, at the pixels where it is lower."""
        return float(np.maximum(self._lowered(new, cost), 0).sum())

    def taken(self, joint: ImageJoint, cost: Float[np.ndarray, "point"]) -> Float[np.ndarray, "point"]:
        """The cost once those pixels follow the joint."""
        new = self.costs(joint)
        return np.where((self._lowered(new, cost) > 0)[self.place], new, cost)

    def _lowered(self, new: np.ndarray, cost: np.ndarray) -> Float[np.ndarray, "place"]:
        return np.bincount(self.place, weights=cost - new)


def costs_of(residuals: Float[np.ndarray, "point 2"]) -> Float[np.ndarray, "point"]:
    """Squared sigmas, at most OUTLIER."""
    return np.minimum(np.sum(residuals**2, axis=1), OUTLIER)


def collect_moving(
    pairs: list[tuple[int, int]], flows: dict[tuple[int, int], PixelFlow], slips: np.ndarray, moving: np.ndarray,
    depths: np.ndarray, intrinsics: np.ndarray, world_from_camera: np.ndarray, rng: np.random.Generator,
) -> tuple[MovingPoints, Float[np.ndarray, "point"]] | None:  # fmt: skip
    """Points whose flow standing still explains at no depth at all, and what standing still costs.

    The pairs of a frame show the same pixels as far as they can. None when nothing moves. Arguments as in `image_joint_search.find_image_joints`.
    """
    order = rng.permuted(np.broadcast_to(np.arange(moving[0].size), (len(moving), moving[0].size)), axis=1)
    found = [_moving_of_pair(pair, flows[pair], slips, moving, depths, intrinsics, world_from_camera) for pair in pairs]
    counts = np.array([len(points.shift) for points, _ in found])
    if not counts.sum():
        return None
    much = max(float(np.quantile(counts, 0.75)), 1.0)
    drawn = np.minimum(counts, np.round(np.minimum(_POINTS * counts / much, _MAX_POINTS)).astype(int))
    kept = [
        np.argsort(order[a, points.place])[:number]
        for (a, _), (points, _), number in zip(pairs, found, drawn, strict=True)
    ]
    points = [points.take(chosen) for (points, _), chosen in zip(found, kept, strict=True)]
    joined = {name: np.concatenate([getattr(own, name) for own in points]) for name in _OF_POINTS}
    every = joined["place"] + moving[0].size * np.repeat([a for a, _ in pairs], drawn)
    joined["place"] = np.unique(every, return_inverse=True)[1]
    movers = MovingPoints(
        **joined, pairs=np.array(pairs), pair=np.repeat(np.arange(len(pairs)), drawn), intrinsics=intrinsics,
        to_camera=np.concatenate([own.to_camera for own in points]),
    )  # fmt: skip
    return movers, np.concatenate([cost[chosen] for (_, cost), chosen in zip(found, kept, strict=True)])


def _moving_of_pair(
    frames: tuple[int, int], pair: PixelFlow, slips: np.ndarray, moving: np.ndarray, depths: np.ndarray,
    intrinsics: np.ndarray, world_from_camera: np.ndarray,
) -> tuple[MovingPoints, Float[np.ndarray, "point"]]:  # fmt: skip
    """All of one pair."""
    a, b = frames
    usable = pair.confident[::STRIDE, ::STRIDE] & pair.beats_still[::STRIDE, ::STRIDE]
    usable &= moving[a] & (depths[a, ::STRIDE, ::STRIDE] > 0)
    place = np.flatnonzero(usable)
    y, x = (STRIDE * grid for grid in np.nonzero(usable))
    pixels, slip = np.stack([x, y], axis=1).astype(np.float64), slips[a][usable].astype(np.float64)
    camera = unproject(intrinsics, pixels, depths[a][y, x].astype(np.float64))
    targets = pixels + pair.flow[y, x]
    to_camera = inverse(world_from_camera[b])
    still = to_camera @ world_from_camera[a]
    shift = measure_shift(camera, targets, still, intrinsics)
    cost = motion_costs(still[None], camera, targets, shift, slip, intrinsics)[0]
    kept = (shift > MIN_SHIFT) & (cost > EXPLAINED)
    camera = camera[kept]
    points = MovingPoints(
        pairs=np.array([frames]), pair=np.zeros(len(camera), dtype=int), place=place[kept], spots=camera[:, :2] / camera[:, 2:],
        points=apply(world_from_camera[a], camera), rays=camera @ world_from_camera[a][:3, :3].T, targets=targets[kept],
        shift=shift[kept], slip=slip[kept], to_camera=to_camera[None], intrinsics=intrinsics,
    )  # fmt: skip
    return points, np.minimum(cost[kept], OUTLIER)
