"""A measured joint fitted again to all frames by what it explains of the images: its gain over standing still.

The gain is a judge, not a search: maximised from anywhere it ends at nonsense. So it only moves a joint that was measured.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from sim2art.geometry.rotations import any_perpendicular, rotation_from_rotvec
from sim2art.geometry.screws import slide_transform, turn_transform
from sim2art.geometry.transforms import apply, inverse
from sim2art.regions.scores import RegionPoints, Scene, advantage, carry_points, draw_points
from sim2art.regions.surfaces import panel_depths, panels

_POINTS = 24
"""Of a region."""
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

    def depths(self, scene: Scene, points: RegionPoints, factors: tuple[float, ...] = (1.0,)) -> Float[np.ndarray, "surface point"]:
        """Of points of one frame: as guessed, times factors, and on the plane."""
        guessed = np.array([factor * np.exp(self.log_factor) * points.depths for factor in factors])
        if self.plane is None:
            return guessed
        camera_from_rest = inverse(scene.world_from_camera[points.frame]) @ self.motions(self.values[[points.frame]])[0]
        return np.concatenate([guessed, panel_depths(points.rays, self.plane, camera_from_rest)[None]])

    def motions(self, values: Float[np.ndarray, "value"] | None = None) -> Float[np.ndarray, "value 4 4"]:
        """Of the part from rest, world frame."""
        values = self.values if values is None else values
        axes = np.broadcast_to(self.axis, (len(values), 3))
        if self.pivot is None:
            return slide_transform(axes, values)
        return turn_transform(axes, np.broadcast_to(self.pivot, (len(values), 3)), values)


class Judge:
    """Gain of a joint over standing still, from the same points every time."""

    def __init__(self, scene: Scene, frames: Int[np.ndarray, "source"], rng: np.random.Generator) -> None:
        self.scene = scene
        self.points = [draw_points(scene, int(frame), rng, most=_POINTS) for frame in frames]
        still = MovingPart(axis=np.eye(3)[0], pivot=None, values=np.zeros(scene.num_frames))
        self.still = [carry_points(scene, own, still.motions(), self._others(own), own.depths) for own in self.points]
        self.still_odds = [seen.odds(own) for seen, own in zip(self.still, self.points, strict=True)]

    def _others(self, points: RegionPoints) -> Int[np.ndarray, "other"]:
        return np.delete(np.arange(self.scene.num_frames), points.frame)

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

    def follow(
        self, part: MovingPart, frame: int, candidates: Float[np.ndarray, "candidate"], shares: list[np.ndarray]
    ) -> Float[np.ndarray, "candidate"]:
        """Gain of each candidate value in one frame, by the regions that are the part's in the others."""
        result = np.zeros(len(candidates))
        motions, trials = part.motions(), part.motions(candidates)
        others = np.array([frame])
        for points, share in zip(self.points, shares, strict=True):
            kept = share[points.region] > 0.05
            if points.frame == frame or not kept.any():
                continue
            own = points.take(kept)
            depths = part.depths(self.scene, own)
            for c, trial in enumerate(trials):
                carried = motions.copy()
                carried[frame] = trial
                result[c] += max(carry_points(self.scene, own, carried, others, depth).odds(own)[0] @ share for depth in depths)
        return result


def choose_plane(judge: Judge, part: MovingPart, gain: float) -> tuple[MovingPart, float]:
    """The panel that explains most beside the guess."""
    best = (part, gain)
    near = np.zeros(3)
    if part.pivot is None:
        shares = [1 / (1 + np.exp(-np.clip(own, -50, 50))) for own in judge.advantages(part)]
        rest, weights = [], []
        for points, share in zip(judge.points, shares, strict=True):
            pose = inverse(part.motions(part.values[[points.frame]])[0]) @ judge.scene.world_from_camera[points.frame]
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


def fit_part(judge: Judge, part: MovingPart, *, rounds: int = 2) -> tuple[MovingPart, float]:
    """The joint moved to where its gain is highest nearby, and that gain."""
    scene = judge.scene
    size = float(np.median(scene.depths[scene.depths > 0]))
    best, best_gain = part, judge.gain(part)
    for scale in (0.6, 0.75, 0.87, 1.15, 1.35):
        tried = dataclasses.replace(part, values=scale * part.values)
        gain = judge.gain(tried)
        if gain > best_gain:
            best, best_gain = tried, gain
    best, best_gain = choose_plane(judge, best, best_gain)
    for round_ in range(rounds):
        best, best_gain = _fit_values(judge, best, best_gain, wide=round_ == 0)
        for step in (1.0, 0.5, 0.25) if round_ == 0 else (0.4, 0.15):
            best, best_gain = _fit_place(judge, best, best_gain, step, size)
    return _fit_values(judge, best, best_gain, wide=False)


def _fit_values(judge: Judge, part: MovingPart, gain: float, *, wide: bool) -> tuple[MovingPart, float]:
    """Frame after frame, each to where the others' regions are found best in it."""
    shares = [1 / (1 + np.exp(-np.clip(own, -50, 50))) for own in judge.advantages(part)]
    span = max(float(np.ptp(part.values)), 1e-6)
    tried = part
    for frame in range(1, judge.scene.num_frames):
        low, high = float(tried.values.min()), float(tried.values.max())
        reach = np.linspace(low - 0.4 * span, high + 0.4 * span, 37) if wide else tried.values[frame] + np.linspace(-0.12, 0.12, 17) * span
        found = judge.follow(tried, frame, reach, shares)
        now = judge.follow(tried, frame, tried.values[[frame]], shares)[0]
        if found.max() > now:
            values = tried.values.copy()
            values[frame] = reach[int(np.argmax(found))]
            tried = dataclasses.replace(tried, values=values)
    tried_gain = judge.gain(tried)
    return (tried, tried_gain) if tried_gain > gain else (part, gain)


def _fit_place(judge: Judge, part: MovingPart, gain: float, step: float, size: float) -> tuple[MovingPart, float]:
    """Axis, pivot, depth and plane, one after another."""
    for change in _changes(part, step, size):
        for sign in (1.0, -1.0):
            tried = change(part, sign)
            tried_gain = judge.gain(tried)
            if tried_gain > gain:
                part, gain = tried, tried_gain
                break
    return part, gain


def _changes(part: MovingPart, step: float, size: float) -> list[Callable[[MovingPart, float], MovingPart]]:
    across = any_perpendicular(part.axis)
    other = np.cross(part.axis, across)

    def tilt(direction: np.ndarray) -> Callable[[MovingPart, float], MovingPart]:
        def change(old: MovingPart, sign: float) -> MovingPart:
            turn = rotation_from_rotvec(sign * 0.1 * step * direction)
            plane = old.plane
            if plane is not None:  # The panel turns with its hinge.
                fixed = np.zeros(3) if old.pivot is None else old.pivot
                normal = turn @ plane[:3]
                plane = np.append(normal, plane[3] - plane[:3] @ fixed + normal @ fixed)
            return dataclasses.replace(old, axis=turn @ old.axis, plane=plane)

        return change

    def shift(direction: np.ndarray) -> Callable[[MovingPart, float], MovingPart]:
        def change(old: MovingPart, sign: float) -> MovingPart:
            moved = sign * 0.04 * step * size * direction
            plane = None if old.plane is None else old.plane + np.append(np.zeros(3), old.plane[:3] @ moved)
            return dataclasses.replace(old, pivot=old.pivot + moved, plane=plane)

        return change

    def lean(direction: np.ndarray) -> Callable[[MovingPart, float], MovingPart]:
        def change(old: MovingPart, sign: float) -> MovingPart:
            normal = rotation_from_rotvec(sign * 0.1 * step * direction) @ old.plane[:3]
            fixed = old.plane[3] * old.plane[:3] if old.pivot is None else old.pivot
            return dataclasses.replace(old, plane=np.append(normal, old.plane[3] - old.plane[:3] @ fixed + normal @ fixed))

        return change

    changes = [tilt(across), tilt(other)]
    if part.pivot is not None:
        changes += [shift(across), shift(other)]
    changes.append(lambda old, sign: dataclasses.replace(old, log_factor=old.log_factor + sign * 0.1 * step))
    if part.plane is not None:
        changes += [lean(direction) for direction in ((part.axis,) if part.pivot is not None else (across, other))]
        changes.append(lambda old, sign: dataclasses.replace(old, plane=old.plane + np.array([0, 0, 0, sign * 0.04 * step * size])))
    return changes
