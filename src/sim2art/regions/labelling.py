"""Which motion every region follows, all frames together.

A Markov random field over the regions of all frames: what carrying them said of each motion (`scores`); regions that meet
along a border of little contrast go together; and what a region becomes in another frame under its motion has its label.
Solved by mean field, cooled.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse

from sim2art.regions.kernels import LOG_HIDDEN
from sim2art.regions.scores import RegionPoints, Scene, carry_points

_BORDER = 0.4
"""Nats a px of border between regions that look alike."""
_CONTRAST = 4.0
"""Difference of colour (Lab) across a border at which it says little of belonging together."""
_ROUNDS = 40
_DAMPING = 0.5


@dataclass(frozen=True, kw_only=True)
class Links:
    """What ties regions together; regions of all frames in one row."""

    borders: sparse.csr_matrix
    """Nats for having the same label."""
    over_time: list[tuple[sparse.csr_matrix, np.ndarray]]
    """Of each motion, see `time_links`."""


def border_links(scene: Scene, offsets: Int[np.ndarray, "frame"], count: int) -> sparse.csr_matrix:
    """Neighbours in an image, by the length and the contrast of their border."""
    rows, columns, weights = [], [], []
    for frame, regions in enumerate(scene.regions):
        lab = scene.looks[frame][..., :3]
        for axis in (0, 1):
            size = regions.shape[axis]
            first, second = np.arange(size - 1), np.arange(1, size)
            a, b = np.take(regions, first, axis), np.take(regions, second, axis)
            before, after = np.maximum(first - 2, 0), np.minimum(second + 2, size - 1)
            contrast = np.linalg.norm(np.take(lab, before, axis) - np.take(lab, after, axis), axis=-1)
            met = a != b
            rows.append(offsets[frame] + a[met])
            columns.append(offsets[frame] + b[met])
            weights.append(_BORDER * np.exp(-0.5 * (contrast[met] / _CONTRAST) ** 2))
    one = sparse.csr_matrix((np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns))), shape=(count, count))
    return (one + one.T).tocsr()


def time_links(
    scene: Scene, points: list[RegionPoints], motions: Float[np.ndarray, "hypothesis frame 4 4"],
    depths: list[Float[np.ndarray, "hypothesis point"]], offsets: np.ndarray, count: int,
) -> list[tuple[sparse.csr_matrix, np.ndarray]]:  # fmt: skip
    """What carrying regions says of pairs of them, for each motion: for both following it, and for the first alone."""
    result = []
    for h, hypothesis in enumerate(motions):
        rows, columns, weights, alone = [], [], [], np.zeros(count)
        for frame, own in enumerate(points):
            to_others = scene.camera_motions(hypothesis, frame)
            share = 1 / own.counts[own.region]
            for other in range(scene.num_frames):
                if other == frame:
                    continue
                found, place, extra = carry_points(scene, own, to_others[other], other, depths[frame][h])
                seen = place >= 0
                rows.append(offsets[frame] + own.region[seen])
                columns.append(offsets[other] + scene.regions[other].ravel()[place[seen]])
                both = found * own.looks[own.region] + extra[own.region]
                weights.append(((both - LOG_HIDDEN) * share)[seen])
                alone[offsets[frame] : offsets[frame] + len(own.areas)] += LOG_HIDDEN
        both = sparse.csr_matrix((np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns))), shape=(count, count))
        result.append(((both + both.T).tocsr(), alone))
    return result


def mean_field(
    unary: Float[np.ndarray, "region label"], start: Float[np.ndarray, "region label"], links: Links
) -> Float[np.ndarray, "region label"]:
    """Probability of each label of each region; the links over time are those of the first labels."""
    probabilities = _softmax(start / 8)
    for round_ in range(_ROUNDS):
        field = unary + links.borders @ probabilities
        for label, (both, alone) in enumerate(links.over_time):
            field[:, label] += both @ probabilities[:, label] + alone
        temperature = max(1.0, 8.0 * 0.85**round_)
        probabilities = _DAMPING * probabilities + (1 - _DAMPING) * _softmax(field / temperature)
    return probabilities


def _softmax(field: Float[np.ndarray, "region label"]) -> Float[np.ndarray, "region label"]:
    shifted = np.exp(field - field.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)
