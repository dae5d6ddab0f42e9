"""The regions of all frames as one graph, and the motion that each follows.

A network (`networks.region_network`) reads what carrying regions and their flow said of each motion (`region_features`);
regions that meet along a border of little contrast go together, and what a region becomes in another frame under its motion
has its label.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8
from scipy import sparse

from sim2art.networks.region_inputs import RegionInputs, region_log_odds
from sim2art.regions.joint_fit import MovingPart
from sim2art.regions.kernels import HIDDEN, MIN_SHIFT
from sim2art.regions.scores import Observations, RegionPoints, Scene, carry_points, draw_points

_BORDER = 0.4
"""Weight of a px of border between regions that look alike."""
_CONTRAST = 4.0
"""Difference of colour (Lab) across a border at which it says little of belonging together."""
_OVER_TIME = 1.0
"""Weight of a look that is found in another frame."""


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


class RegionGraph:
    """The regions of all frames in one row, what they were seen to do, and what they have in common."""

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

    def label(self, inputs: RegionInputs, kept: list[int]) -> Labelling:
        """The label of every region, by the motions that are kept (their places from 0)."""
        odds = self._log_odds(inputs, kept)
        best = np.argmax(odds, axis=1)
        labels = self.paint(best).astype(np.uint8)
        numbers = range(1, len(self.parts))
        return Labelling(
            labels=labels,
            gains=np.array([odds[best == label, label].sum() for label in numbers]),
            areas=np.array([(labels == label).mean() for label in numbers]),
            agreements=np.array([self.agreement(labels, label) for label in numbers]),
        )

    def needed(self, inputs: RegionInputs, kept: list[int]) -> list[int]:
        """Of motions those without which most of what they gain is lost; others are taken out one by one, the least gain first."""
        odds = self._log_odds(inputs, kept)
        best = np.argmax(odds, axis=1) - 1
        gains = {k: odds[best == k, k + 1].sum() for k in kept}
        for k in sorted(kept, key=lambda k: gains[k]):
            rest = [other for other in kept if other != k]
            without = self._log_odds(inputs, rest)
            if without[best == k].max(axis=1).sum() > 0.5 * gains[k]:
                kept = rest
                best = np.argmax(without, axis=1) - 1
                gains = {other: without[best == other, other + 1].sum() for other in kept}
        return kept

    def _log_odds(self, inputs: RegionInputs, kept: list[int]) -> Float[np.ndarray, "region label"]:
        """Of each label against standing still; -inf of motions that are not kept."""
        odds = np.full((self.offsets[-1], len(self.parts)), -np.inf)
        odds[:, 0] = 0
        if kept:
            odds[:, np.array(kept) + 1] = region_log_odds(inputs.of_motions(kept))
        return odds

    @property
    def looks(self) -> Float[np.ndarray, "region"]:
        """Independent looks of all regions."""
        return np.concatenate([points.looks for points in self.points])

    def paint(self, of_region: np.ndarray) -> np.ndarray:
        """Values of regions as images."""
        return np.stack(
            [of_region[offset + own] for offset, own in zip(self.offsets, self.scene.regions, strict=False)]
        )
