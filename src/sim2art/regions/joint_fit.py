"""What a measured joint explains of the images: its gain over standing still, on the surface on which that is most.

The gain is a judge, not a search: maximised over joints it ends at nonsense. So only the depth of the part is fitted.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from sim2art.geometry.rotations import any_perpendicular, rotation_from_rotvec
from sim2art.geometry.screws import prismatic_transform, revolute_transform
from sim2art.geometry.transforms import apply, inverse
from sim2art.regions.scores import RegionPoints, Scene, advantage, carry_points, draw_points
from sim2art.regions.surfaces import panel_depths, panels

_POINTS = 24
"""Of a region."""
_STEPS = (1.0, 0.5)
"""Of the search, in 0.1 rad, 0.1 of the logarithm of depth and 4 % of the distance."""
PART_PRIOR = 4.0
"""Nats that a region must gain to be no longer taken to stand still."""


@dataclass(frozen=True, kw_only=True)
class MovingPart:
    """A joint in the world frame with its values, and by what the guessed depth of its part is to be multiplied."""

    axis: Float[np.ndarray, "3"]
    pivot: Float[np.ndarray, "3"] | None
    values: Float[np.ndarray, "frame"]
    log_factor: float = 0.0
    plane: Float[np.ndarray, "4"] | None = None
    """Normal and offset of the plane that much of the part lies in at rest, world frame."""

    def depths(
        self, scene: Scene, points: RegionPoints, factors: tuple[float, ...] = (1.0,)
    ) -> Float[np.ndarray, "surface point"]:
        """Of points of one frame: as guessed, times factors, and on the plane."""
        guessed = np.array([factor * np.exp(self.log_factor) * points.depths for factor in factors])
        if self.plane is None:
            return guessed
        camera_from_rest = inverse(scene.world_from_camera[points.frame]) @ self.motions()[points.frame]
        on_plane = panel_depths(points.rays, self.plane, camera_from_rest)
        # What has no depth at all, such as people, can stand still no better than move.
        return np.concatenate([guessed, np.where(points.depths > 0, on_plane, 0.0)[None]])

    def motions(self) -> Float[np.ndarray, "frame 4 4"]:
        """Of the part from rest, world frame."""
        axes = np.broadcast_to(self.axis, (len(self.values), 3))
        if self.pivot is None:
            return prismatic_transform(axes, self.values)
        return revolute_transform(axes, np.broadcast_to(self.pivot, (len(self.values), 3)), self.values)


def moving_parts(
    axes: Float[np.ndarray, "joint 3"], pivots: Float[np.ndarray, "joint 3"], slides: Bool[np.ndarray, "joint"],
    values: Float[np.ndarray, "frame joint"],
) -> list[MovingPart]:  # fmt: skip
    """Measured joints one by one; of those that slide the pivot tells nothing."""
    return [
        MovingPart(axis=axis, pivot=None if slide else pivot, values=own)
        for axis, pivot, slide, own in zip(axes, pivots, slides, values.T, strict=True)
    ]


class Judge:
    """Gain of a joint over standing still, from the same points every time."""

    def __init__(self, scene: Scene, frames: Int[np.ndarray, "source"], rng: np.random.Generator) -> None:
        self.scene = scene
        self.points = [draw_points(scene, int(frame), rng, most=_POINTS) for frame in frames]
        still = MovingPart(axis=np.eye(3)[0], pivot=None, values=np.zeros(scene.num_frames))
        self.still = [carry_points(scene, own, still.motions(), self._others(own), own.depths) for own in self.points]
        self.still_odds = [seen.odds(own) for seen, own in zip(self.still, self.points, strict=True)]

    def _others(self, points: RegionPoints) -> Int[np.ndarray, "other"]:
        others = np.delete(np.arange(self.scene.num_frames), points.frame)
        return others[points.frame % 2 :: 2] if len(others) > 8 else others

    def advantages(self, part: MovingPart) -> list[Float[np.ndarray, "region"]]:
        """Log odds of each region of each source frame for moving with the part against standing still."""
        result = []
        for points, still, still_odds in zip(self.points, self.still, self.still_odds, strict=True):
            best = np.full(len(points.areas), -np.inf)
            for depths in part.depths(self.scene, points):
                seen = carry_points(self.scene, points, part.motions(), self._others(points), depths)
                moved = seen.moved(still, points, self.scene.images.shape[2])
                best = np.maximum(best, advantage(seen.odds(points), still_odds, moved))
            result.append(best - PART_PRIOR)
        return result

    def gain(self, part: MovingPart) -> float:
        """Log odds that some regions move with the part, of all source frames."""
        return float(sum(np.logaddexp(0, own).sum() for own in self.advantages(part)))


def choose_plane(judge: Judge, part: MovingPart, gain: float) -> tuple[MovingPart, float]:
    """The panel that explains most beside the guess."""
    best = (part, gain)
    near = np.zeros(3)
    if part.pivot is None:
        shares = [1 / (1 + np.exp(-np.clip(own, -50, 50))) for own in judge.advantages(part)]
        rest, weights = [], []
        for points, share in zip(judge.points, shares, strict=True):
            pose = inverse(part.motions()[points.frame]) @ judge.scene.world_from_camera[points.frame]
            rest.append(apply(pose, points.rays * points.depths[:, None]))
            weights.append(share[points.region])
        order = np.argsort(np.concatenate(rest) @ part.axis)
        total = np.cumsum(np.concatenate(weights)[order])
        near = np.concatenate(rest)[order[np.searchsorted(total, 0.5 * total[-1])]]
    for plane in panels(part.axis, part.pivot, near):
        tried = dataclasses.replace(part, plane=plane)
        tried_gain = judge.gain(tried)
        if tried_gain > best[1]:
            best = tried, tried_gain
    return best


def fit_part(judge: Judge, part: MovingPart) -> tuple[MovingPart, float]:
    """The part on the surface on which its joint explains most, and what that is.

    Axis, pivot and values stay: they were measured by flow, and what is gained by moving them is nonsense (in a trial
    on rendered recordings slides went from 2 to 6 deg off).
    """
    known = judge.scene.depths[judge.scene.depths > 0]
    size = float(np.median(known)) if len(known) else 1.0
    best, best_gain = choose_plane(judge, part, judge.gain(part))
    for step in _STEPS:
        for change in _changes(best, step, size):
            for sign in (1.0, -1.0):
                tried = change(best, sign)
                tried_gain = judge.gain(tried)
                if tried_gain > best_gain:
                    best, best_gain = tried, tried_gain
                    break
    return best, best_gain


def _changes(part: MovingPart, step: float, size: float) -> list[Callable[[MovingPart, float], MovingPart]]:
    """By which the guessed depth, or the plane, may be off."""

    def lean(direction: np.ndarray) -> Callable[[MovingPart, float], MovingPart]:
        def change(old: MovingPart, sign: float) -> MovingPart:
            assert old.plane is not None, "Asked of parts with a plane."
            normal = rotation_from_rotvec(sign * 0.1 * step * direction) @ old.plane[:3]
            fixed = old.plane[3] * old.plane[:3] if old.pivot is None else old.pivot
            return dataclasses.replace(
                old, plane=np.append(normal, old.plane[3] - old.plane[:3] @ fixed + normal @ fixed)
            )

        return change

    def deepen(old: MovingPart, sign: float) -> MovingPart:
        return dataclasses.replace(old, log_factor=old.log_factor + sign * 0.1 * step)

    def offset(old: MovingPart, sign: float) -> MovingPart:
        assert old.plane is not None, "Asked of parts with a plane."
        return dataclasses.replace(old, plane=old.plane + np.array([0, 0, 0, sign * 0.04 * step * size]))

    if part.plane is None:
        return [deepen]
    across = any_perpendicular(part.axis)
    directions = (part.axis,) if part.pivot is not None else (across, np.cross(part.axis, across))
    return [deepen, *(lean(direction) for direction in directions), offset]
