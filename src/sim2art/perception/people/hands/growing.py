"""From landmarks of hands to the pixels of hands and arms.

A hand's landmarks say which pixels are surely its own, and where its arm can be at all: in a wedge from the wrist away
from the fingers. What has the colours of the clip's hands, or colours that are seen nowhere outside of all wedges (a
sleeve), is the arm's; a graph cut (Rother et al., "GrabCut", SIGGRAPH 2004) draws its border where the image has one.
Colours are learned from all frames together: what an arm hides in one frame is seen in another.
"""

from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8

from sim2art.perception.people.color_counts import color_bins, color_shares
from sim2art.perception.people.hands.finder import Hand

_AREA = 80_000
"""px that images are worked on at: outlines are as fine as a finger of a small hand."""
_PALM = (0, 1, 5, 9, 13, 17)
_FINGERS = tuple((first + bone, first + bone + 1) for first in (1, 5, 9, 13, 17) for bone in range(3))
_FINGER_WIDTH, _WRIST_WIDTH = 0.2, 0.35
"""Of the hand's span (from wrist to knuckles): what is surely inside a finger, and inside a wrist."""
_WRIST_LENGTH, _ARM_LENGTH = 0.9, 10.0
"""Of the span: what is surely forearm beyond the wrist, and how far an arm reaches before the shoulder."""
_AROUND = 0.45
"""Of the span: how far beyond the landmarks' outline a hand may go."""
_HALF_ANGLE = np.deg2rad(35.0)
"""A wrist bends sideways by less."""
_ODD = 0.25
"""Share of an arm's pixels that may have any colour at all, as sleeves do."""
_MAX_ODDS = 4.0
"""Most that the colour of one pixel says, natural logarithm of the odds."""
_SMOOTHING, _SMOOTHING_NOISE = 4, 1e-3
"""px, and variance of grey values that is no edge: of the smoothing that stops at edges."""
_ROUNDS = 2


class GrownHands(NamedTuple):
    """Where hands and arms are, and where arms can be."""

    masks: Bool[np.ndarray, "frame height width"]
    reach: Bool[np.ndarray, "frame height width"]
    """In a wedge behind each wrist; arms of other colours than hands are here, too, beside much else."""

    def take(self, frames: Int[np.ndarray, "used"]) -> "GrownHands":
        """Those of some frames."""
        return GrownHands(masks=self.masks[frames], reach=self.reach[frames])


def grow_hands(images: UInt8[np.ndarray, "frame height width 3"], hands: list[list[Hand]]) -> GrownHands:
    """Pixels of hands and arms in RGB images, by the hands of each."""
    _, height, width = images.shape[:3]
    if not any(hands):
        return GrownHands(*np.zeros((2, *images.shape[:3]), dtype=bool))
    scale = min(1.0, float(np.sqrt(_AREA / (height * width))))
    size = (round(width * scale), round(height * scale))
    # Frames without a hand say what the rest looks like.
    small = np.array([cv2.resize(image, size, interpolation=cv2.INTER_AREA) for image in images])
    seeds = [_seeds(of_frame, small.shape[1:3], scale) for of_frame in hands]
    sure, likely, possible = (np.array(masks) for masks in zip(*seeds, strict=True))
    masks = _cut(small, _color(small, sure, likely & possible, possible), sure, possible)
    enlarged = [
        cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR) > 0.5
        for mask in (*masks, *possible)
    ]
    return GrownHands(masks=np.array(enlarged[: len(masks)]), reach=np.array(enlarged[len(masks) :]))


def _seeds(hands: list[Hand], shape: tuple[int, ...], scale: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Masks of what is an arm's. Palms are sure, fingers and the beginning of the forearm likely, the wedge of the arm possible."""
    sure, likely, possible = (np.zeros(shape[:2], np.uint8) for _ in range(3))
    for hand in hands:
        landmarks = hand.landmarks * scale
        span = hand.span * scale
        cv2.fillConvexPoly(sure, cv2.convexHull(_pixels(landmarks[list(_PALM)])), 1)
        for a, b in _FINGERS:
            _draw_line(likely, landmarks[a], landmarks[b], _FINGER_WIDTH * span)
        outline = np.zeros_like(sure)
        cv2.fillConvexPoly(outline, cv2.convexHull(_pixels(landmarks)), 1)
        radius = max(1, round(_AROUND * span))
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
        possible[cv2.dilate(outline, disc) > 0] = 1
        back = -hand.direction
        _draw_line(likely, landmarks[0], landmarks[0] + _WRIST_LENGTH * span * back, _WRIST_WIDTH * span)
        cv2.fillConvexPoly(possible, cv2.convexHull(_pixels(_wedge(landmarks[0], back, span))), 1)
    return sure > 0, likely > 0, possible > 0


def _wedge(wrist: Float[np.ndarray, "2"], back: Float[np.ndarray, "2"], span: float) -> Float[np.ndarray, "corner 2"]:
    """Corners (px) of where an arm can be that ends at a wrist."""
    side = np.array([-back[1], back[0]])
    along = np.cos(_HALF_ANGLE) * back
    corners = [wrist + _ARM_LENGTH * span * back]
    for sign in (-1.0, 1.0):
        near = wrist + (0.6 * sign * side - 0.3 * back) * span
        corners += [near, near + _ARM_LENGTH * span * (along + sign * np.sin(_HALF_ANGLE) * side)]
    return np.array(corners)


def _color(
    images: UInt8[np.ndarray, "frame height width 3"], sure: Bool[np.ndarray, "frame height width"],
    likely: Bool[np.ndarray, "frame height width"], possible: Bool[np.ndarray, "frame height width"],
) -> Bool[np.ndarray, "frame height width"]:  # fmt: skip
    """What can be an arm's and has its colours rather than those seen where no arm can be."""
    labs = np.array([cv2.cvtColor(image, cv2.COLOR_RGB2LAB) for image in images])
    bins = color_bins(labs)
    rest = color_shares(bins[~possible])
    found = sure | likely
    for _ in range(_ROUNDS):
        own = color_shares(bins[found])
        own = (1.0 - _ODD) * own + _ODD / own.size
        odds = np.clip(np.log(own) - np.log(rest + 1e-7), -_MAX_ODDS, _MAX_ODDS).astype(np.float32)[bins]
        smooth = [_smooth(one, image) for one, image in zip(odds, images, strict=True)]
        found = np.array([
            _joined((one > 0) & may | seed, seed) for one, may, seed in zip(smooth, possible, sure, strict=True)
        ])  # fmt: skip
    return found


def _cut(
    images: UInt8[np.ndarray, "frame height width 3"], first: Bool[np.ndarray, "frame height width"],
    sure: Bool[np.ndarray, "frame height width"], possible: Bool[np.ndarray, "frame height width"],
) -> Bool[np.ndarray, "frame height width"]:  # fmt: skip
    """A graph cut of all frames, one below the other, so that they share their colours."""
    guess = np.where(first, cv2.GC_PR_FGD, cv2.GC_PR_BGD)
    labels = np.where(sure, cv2.GC_FGD, np.where(possible, guess, cv2.GC_BGD)).astype(np.uint8)
    if not (labels == cv2.GC_BGD).any() and not (labels == cv2.GC_PR_BGD).any():
        return first  # Hands fill every frame: there is nothing to cut them from.
    num, height, width = labels.shape
    tall = labels.reshape(num * height, width)
    cv2.setRNGSeed(0)
    stacked = np.ascontiguousarray(images.reshape(num * height, width, 3))
    cv2.grabCut(stacked, tall, (0, 0, 1, 1), np.zeros((1, 65)), np.zeros((1, 65)), 1, cv2.GC_INIT_WITH_MASK)
    found = (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)
    return np.array([_joined(mask, seed) for mask, seed in zip(found, sure, strict=True)])


def _smooth(
    odds: Float32[np.ndarray, "height width"], image: UInt8[np.ndarray, "height width 3"]
) -> Float32[np.ndarray, "height width"]:
    """Smoothed inside surfaces, not over edges of the image (He et al., "Guided Image Filtering", ECCV 2010)."""
    guide = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255.0
    mean_guide, mean_odds = _mean(guide), _mean(odds)
    slope = (_mean(guide * odds) - mean_guide * mean_odds) / (
        _mean(guide * guide) - mean_guide**2 + np.float32(_SMOOTHING_NOISE)
    )
    return _mean(slope) * guide + _mean(mean_odds - slope * mean_guide)


def _mean(values: Float32[np.ndarray, "height width"]) -> Float32[np.ndarray, "height width"]:
    return cv2.blur(values, (2 * _SMOOTHING + 1, 2 * _SMOOTHING + 1))


def _joined(mask: Bool[np.ndarray, "height width"], seed: Bool[np.ndarray, "height width"]) -> Bool[np.ndarray, "h w"]:
    """Regions of a mask that hold some of a seed."""
    _, regions = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    return mask & np.isin(regions, regions[seed & mask])


def _draw_line(mask: UInt8[np.ndarray, "height width"], a: np.ndarray, b: np.ndarray, width: float) -> None:
    first, last = (tuple(int(v) for v in _pixels(point)) for point in (a, b))
    cv2.line(mask, first, last, 1, max(1, round(width)))


def _pixels(points: Float[np.ndarray, "*point 2"]) -> np.ndarray:
    return np.round(points).astype(np.int32)
