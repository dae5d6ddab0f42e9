"""Which motion every region follows, all frames together.

A Markov random field over the regions of all frames: what carrying them said of each motion (`scores`); regions that meet
along a border of little contrast go together; and what a region becomes in another frame under its motion has its label.
Solved by mean field, cooled. A motion must gain more than it takes to describe it (Delong et al., Fast approximate energy
minimization with label costs, IJCV 2012).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8
from scipy import sparse

from sim2art.observation.point_video import PointVideo
from sim2art.regions.joint_fit import PART_PRIOR, MovingPart
from sim2art.regions.kernels import HIDDEN, MIN_SHIFT
from sim2art.regions.scores import Observations, RegionPoints, Scene, advantage, carry_points, draw_points

_BORDER = 0.4
"""Nats a px of border between regions that look alike."""
_CONTRAST = 4.0
"""Difference of colour (Lab) across a border at which it says little of belonging together."""
_OVER_TIME = 1.0
"""Nats a look that is found in another frame, for having its label there."""
_ROUNDS, _COOLING, _START = 30, 0.85, 8.0
_DAMPING = 0.5


@dataclass(frozen=True, kw_only=True)
class Labelling:
    """A label for every region: 0 stands still, part k moves with the k-th joint."""

    labels: UInt8[np.ndarray, "frame height width"]
    """At the scene's size."""
    gains: Float[np.ndarray, "part"]
    """Log odds of the regions of each part against standing still, all frames."""
    areas: Float[np.ndarray, "part"]
    """Mean share of the image that each part takes."""
    agreements: Float[np.ndarray, "part"]
    """See `Field.agreement`."""

    def take(self, kept: list[int]) -> "Labelling":
        """With some of the parts, by their places from 0; the regions of others stand still."""
        numbers = np.zeros(len(self.gains) + 1, np.uint8)
        numbers[[k + 1 for k in kept]] = np.arange(1, len(kept) + 1)
        return Labelling(
            labels=numbers[self.labels],
            gains=self.gains[kept],
            areas=self.areas[kept],
            agreements=self.agreements[kept],
        )


class Field:
    """The regions of all frames in one row, what they were seen to do, and what ties them together."""

    def __init__(self, scene: Scene, parts: list[MovingPart], rng: np.random.Generator) -> None:
        self.scene = scene
        self.parts = [MovingPart(axis=np.eye(3)[0], pivot=None, values=np.zeros(scene.num_frames)), *parts]
        self.points = [draw_points(scene, frame, rng) for frame in range(scene.num_frames)]
        sizes = [len(points.areas) for points in self.points]
        self.offsets = np.concatenate([[0], np.cumsum(sizes)])
        self.observations = [self._look(points) for points in self.points]
        self.borders = self._border_links()
        self.over_time = [self._time_links(label) for label in range(len(self.parts))]

    def _others(self, frame: int) -> Int[np.ndarray, "other"]:
        return np.delete(np.arange(self.scene.num_frames), frame)

    def _look(self, points: RegionPoints) -> list[Observations]:
        """Of each motion, every region on the surface on which it is found best."""
        return [
            self._on_best_surface(points, part, part.depths(self.scene, points, self.scene.factors))
            for part in self.parts
        ]

    def _on_best_surface(self, points: RegionPoints, part: MovingPart, depths: np.ndarray) -> Observations:
        others, motions = self._others(points.frame), part.motions()
        seen = [carry_points(self.scene, points, motions, others, depth) for depth in depths]
        best = np.argmax([one.odds(points).sum(axis=0) for one in seen], axis=0)
        at_point, columns = best[points.region], np.arange(len(points.region))
        return Observations(
            found=np.array([one.found for one in seen])[at_point, :, columns].T,
            place=np.array([one.place for one in seen])[at_point, :, columns].T,
            extra=np.array([one.extra for one in seen])[best, :, np.arange(len(best))].T,
        )

    def unaries(self) -> Float[np.ndarray, "region label"]:
        """Log odds of each label against standing still."""
        result = np.zeros((self.offsets[-1], len(self.parts)))
        width = self.scene.images.shape[2]
        for frame, (points, seen) in enumerate(zip(self.points, self.observations, strict=True)):
            own = slice(self.offsets[frame], self.offsets[frame + 1])
            still = seen[0].odds(points)
            for label in range(1, len(self.parts)):
                moved = seen[label].moved(seen[0], points, width)
                result[own, label] = advantage(seen[label].odds(points), still, moved) - PART_PRIOR
        return result

    def agreement(self, labels: UInt8[np.ndarray, "frame height width"], label: int) -> float:
        """Share of a part that is found, as part of it, where its joint carries it in frames in which it has moved."""
        hits, tried = 0, 0
        width = self.scene.images.shape[2]
        for frame, points in enumerate(self.points):
            x, y = points.pixels.T.astype(int)
            own = labels[frame][y, x] == label
            seen, still = self.observations[frame][label], self.observations[frame][0]
            away = (seen.place % width - still.place % width) ** 2 + (
                seen.place // width - still.place // width
            ) ** 2 > MIN_SHIFT**2
            moved = away & own & (seen.place >= 0) & (still.place >= 0)
            there = labels[self._others(frame)].reshape(len(seen.place), -1)
            same = np.take_along_axis(there, np.maximum(seen.place, 0), axis=1) == label
            hits += int((moved & same & (seen.found > HIDDEN)).sum())
            tried += int(moved.sum())
        return hits / tried if tried else 0.0

    def _matrix(self, weights: list, rows: list, columns: list) -> sparse.csr_matrix:
        count = self.offsets[-1]
        one = sparse.csr_matrix(
            (np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns))), shape=(count, count)
        )
        return (one + one.T).tocsr()

    def _border_links(self) -> sparse.csr_matrix:
        """Neighbours in an image, by the length and the contrast of their border."""
        rows, columns, weights = [], [], []
        for frame, regions in enumerate(self.scene.regions):
            lab = self.scene.looks[frame][..., :3]
            for axis in (0, 1):
                size = regions.shape[axis]
                first, second = np.arange(size - 1), np.arange(1, size)
                a, b = np.take(regions, first, axis), np.take(regions, second, axis)
                before, after = np.maximum(first - 2, 0), np.minimum(second + 2, size - 1)
                contrast = np.linalg.norm(np.take(lab, before, axis) - np.take(lab, after, axis), axis=-1)
                met = a != b
                rows.append(self.offsets[frame] + a[met])
                columns.append(self.offsets[frame] + b[met])
                weights.append(_BORDER * np.exp(-0.5 * (contrast[met] / _CONTRAST) ** 2))
        return self._matrix(weights, rows, columns)

    def _time_links(self, label: int) -> sparse.csr_matrix:
        """What regions become in other frames under a motion, where they look alike."""
        rows, columns, weights = [], [], []
        for frame, points in enumerate(self.points):
            share = points.looks[points.region] / points.counts[points.region]
            seen = self.observations[frame][label]
            for k, other in enumerate(self._others(frame)):
                alike = (seen.place[k] >= 0) & (seen.found[k] > -1)
                rows.append(self.offsets[frame] + points.region[alike])
                columns.append(self.offsets[other] + self.scene.regions[other].ravel()[seen.place[k, alike]])
                weights.append(_OVER_TIME / (self.scene.num_frames - 1) * share[alike])
        return self._matrix(weights, rows, columns)

    def flow_unaries(
        self, points: PointVideo, odds: Float[np.ndarray, "frame point part"], size: tuple[int, int]
    ) -> Float[np.ndarray, "region label"]:
        """Log odds of each label against standing still that flow tells, counted as often as looks.

        Args:
            points: Have the flow.
            odds: Of each point, see `flow_odds`; NaN where flow tells nothing.
            size: Height and width of the images that the points are pixels of.
        """
        result = np.zeros((self.offsets[-1], len(self.parts)))
        for frame, regions in enumerate(self.scene.regions):
            scale = np.array(regions.shape[::-1]) / np.array(size[::-1])
            x, y = np.clip((points.pixels[frame] * scale).astype(int), 0, np.array(regions.shape[::-1]) - 1).T
            own, count = regions[y, x], len(self.points[frame].areas)
            for part in range(odds.shape[2]):
                told = np.isfinite(odds[frame, :, part])
                total = np.bincount(own[told], weights=odds[frame, told, part], minlength=count)
                mean = total / np.maximum(np.bincount(own[told], minlength=count), 1)
                result[self.offsets[frame] : self.offsets[frame + 1], part + 1] = mean * self.points[frame].looks
        return result

    def label(self, unary: Float[np.ndarray, "region label"]) -> Labelling:
        """The label of every region."""
        best = np.argmax(self.solve(unary), axis=1)
        labels = self.paint(best).astype(np.uint8)
        numbers = range(1, len(self.parts))
        return Labelling(
            labels=labels,
            gains=np.array([unary[best == label, label].sum() for label in numbers]),
            areas=np.array([(labels == label).mean() for label in numbers]),
            agreements=np.array([self.agreement(labels, label) for label in numbers]),
        )

    def drop_needless(self, unary: Float[np.ndarray, "region label"]) -> Float[np.ndarray, "region label"]:
        """The same without motions that gain less than it takes to describe them, taken out one by one: -inf where none has."""
        left = unary.copy()
        while True:
            whole, used = self._objective(left)
            lacks = {}
            for label in used:
                rest = left.copy()
                rest[:, label] = -np.inf
                lacks[label] = self._description_length(label) - (whole - self._objective(rest)[0])
            worst = max(lacks, key=lambda label: lacks[label], default=None)
            if worst is None or lacks[worst] <= 0:
                return left
            left[:, worst] = -np.inf

    def _objective(self, unary: Float[np.ndarray, "region label"]) -> tuple[float, list[int]]:
        """What the best labelling is worth, nats, and the motions that it needs."""
        best = np.argmax(self.solve(unary), axis=1)
        own = np.eye(len(self.parts))[best]
        tied = sum(own[:, label] @ (link @ own[:, label]) for label, link in enumerate(self.over_time))
        value = unary[np.arange(len(best)), best].sum() + 0.5 * (np.sum(own * (self.borders @ own)) + tied)
        return float(value), [int(label) for label in np.unique(best[best > 0])]

    def _description_length(self, label: int) -> float:
        """Nats of a joint's axis, pivot and values (BIC), as often as a region is told: once from each frame."""
        num = self.scene.num_frames
        unknowns = (2 if self.parts[label].pivot is None else 4) + num - 1
        return 0.5 * num * unknowns * float(np.log(self.offsets[-1]))

    def solve(self, unary: Float[np.ndarray, "region label"]) -> Float[np.ndarray, "region label"]:
        """Probability of each label of each region."""
        probabilities = _softmax(unary / _START)
        for round_ in range(_ROUNDS):
            field = unary + self.borders @ probabilities
            for label, link in enumerate(self.over_time):
                field[:, label] += link @ probabilities[:, label]
            temperature = max(1.0, _START * _COOLING**round_)
            probabilities = _DAMPING * probabilities + (1 - _DAMPING) * _softmax(field / temperature)
        return probabilities

    def paint(self, of_region: np.ndarray) -> np.ndarray:
        """Values of regions as images."""
        return np.stack(
            [of_region[offset + own] for offset, own in zip(self.offsets, self.scene.regions, strict=False)]
        )


def _softmax(field: Float[np.ndarray, "region label"]) -> Float[np.ndarray, "region label"]:
    shifted = np.exp(field - field.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)
