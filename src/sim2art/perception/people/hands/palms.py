"""Palm boxes from the raw output of a single-shot detector: anchors, decoding, non-maximum suppression.

The detector is that of Zhang et al., "MediaPipe Hands: On-device Real-time Hand Tracking" (arXiv 2006.10214): a square
input, two grids of anchors with unit size, for each anchor a box and seven points of the palm as offsets in px. Boxes
that overlap are averaged by their scores (Bazarevsky et al., "BlazeFace", arXiv 1907.05047), which trembles less than
keeping the best one.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32

INPUT_SIZE = 192
"""Side of the detector's input, px."""
_GRIDS = ((24, 2), (12, 6))
"""Cells along a side, and anchors in each cell."""
_NUM_POINTS = 7
"""Of a palm: wrist, index, middle, ring and little finger's knuckle, two of the thumb."""
WRIST, MIDDLE_KNUCKLE = 0, 2
_MAX_OVERLAP = 0.3


@dataclass(frozen=True, kw_only=True)
class Palms:
    """Palms that were detected, in the units of the image they were detected in."""

    boxes: Float[np.ndarray, "palm 4"]
    """x, y of the lower corner, then of the upper one."""
    points: Float[np.ndarray, "palm 7 2"]
    scores: Float[np.ndarray, "palm"]
    """0..1."""

    def __len__(self) -> int:
        return len(self.scores)


def make_anchors() -> Float[np.ndarray, "anchor 2"]:
    """Centres of the anchors in shares of the input, row by row, all anchors of a cell one after another."""
    grids = []
    for cells, each in _GRIDS:
        middle = (np.arange(cells) + 0.5) / cells
        y, x = np.meshgrid(middle, middle, indexing="ij")
        grids.append(np.repeat(np.stack([x, y], axis=-1).reshape(-1, 2), each, axis=0))
    return np.concatenate(grids)


def decode_palms(
    offsets: Float32[np.ndarray, "anchor 18"], logits: Float32[np.ndarray, "anchor"], *, min_score: float
) -> Palms:
    """Palms in shares of the input, before suppression.

    Args:
        offsets: px of the input: centre from the anchor's, width and height, then the seven points from the anchor's centre.
        logits: Of the scores.
        min_score: Least score, 0..1.
    """
    scores = 1.0 / (1.0 + np.exp(-np.clip(logits.astype(np.float64), -100.0, 100.0)))
    kept = scores >= min_score
    values = offsets[kept].astype(np.float64) / INPUT_SIZE
    anchors = make_anchors()[kept]
    centers, half = values[:, :2] + anchors, values[:, 2:4] / 2
    return Palms(
        boxes=np.concatenate([centers - half, centers + half], axis=1),
        points=values[:, 4:].reshape(-1, _NUM_POINTS, 2) + anchors[:, None],
        scores=scores[kept],
    )


def join_overlapping(palms: Palms) -> Palms:
    """Non-maximum suppression that averages, by score, what overlaps the best box by more than a share (IoU)."""
    left = np.argsort(-palms.scores, kind="stable")
    boxes, points, scores = [], [], []
    while len(left):
        same = intersection_over_union(palms.boxes[left[0]], palms.boxes[left]) > _MAX_OVERLAP
        same[0] = True  # A box without area overlaps nothing, not even itself.
        joined = left[same]
        weights = palms.scores[joined] / palms.scores[joined].sum()
        boxes.append(weights @ palms.boxes[joined])
        points.append(np.tensordot(weights, palms.points[joined], axes=1))
        scores.append(palms.scores[left[0]])
        left = left[~same]
    return Palms(
        boxes=np.reshape(boxes, (-1, 4)),
        points=np.reshape(points, (-1, _NUM_POINTS, 2)),
        scores=np.asarray(scores, float),
    )


def intersection_over_union(box: Float[np.ndarray, "4"], boxes: Float[np.ndarray, "box 4"]) -> Float[np.ndarray, "box"]:
    """Of one box with each of many; 0 where both are empty."""
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    shared = np.prod(np.clip(high - low, 0.0, None), axis=1)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) + np.prod(box[2:] - box[:2])
    return shared / np.maximum(areas - shared, 1e-12)
