"""Hands in frames of a video: palms are detected, landmarks say whether they are hands, and neighbours lend theirs.

A palm detector misses hands that are far, cut off or blurred, and sees some that are none. So the image is looked at
whole and in tiles, everything that might be a palm is shown to the landmark network, which is far stricter, and where a
hand was seen one frame before or after it is looked for again.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from sim2art.perception.people.hands.crops import HandCrop, crop_of_landmarks, crop_of_palm
from sim2art.perception.people.hands.palms import (
    INPUT_SIZE,
    Palms,
    decode_palms,
    intersection_over_union,
    join_overlapping,
)
from sim2art.perception.tasks import HandModel

_LENGTH_OF_WIDTH = 1.3
"""Of a palm seen from its front."""
_MIN_PALM = 0.3
"""Least score of a palm for its crop to be looked at."""
MIN_PRESENCE = 0.5
"""Least presence of a hand in its crop."""
_SURE_PRESENCE = 0.75
"""Presence of a hand that is believed by itself; a fainter one must lie on a believed one of the frame before or after."""
_SAME = 0.3
"""Hands whose boxes overlap by more (IoU) are one."""

Window = tuple[float, float, float]
"""x, y of its corner and side of a square, px; it may stick out of the image."""


@dataclass(frozen=True, kw_only=True)
class Hand:
    """A hand in one image."""

    landmarks: Float[np.ndarray, "21 2"]
    """px: wrist, then four points from root to tip of thumb, index, middle, ring and little finger."""
    presence: float
    """0..1."""

    @property
    def box(self) -> Float[np.ndarray, "4"]:
        """Around the landmarks, px."""
        return np.concatenate([self.landmarks.min(axis=0), self.landmarks.max(axis=0)])

    @property
    def span(self) -> float:
        """Size of the palm: from the wrist to the middle knuckle; as wide as long where it is seen from its end, px."""
        points = self.landmarks
        length, width = np.linalg.norm(points[9] - points[0]), np.linalg.norm(points[5] - points[17])
        return float(max(length, _LENGTH_OF_WIDTH * width, 1.0))

    @property
    def direction(self) -> Float[np.ndarray, "2"]:
        """Unit vector in the image from the wrist to the knuckles."""
        return crop_of_landmarks(self.landmarks).fingers


def find_hands(
    images: list[UInt8[np.ndarray, "height width 3"]], model: HandModel, *, tiles: int = 2
) -> list[list[Hand]]:
    """The hands in each of some frames of a video, in their order.

    Where the whole image shows none, its tiles are looked at, so many along its shorter side.
    """
    found: list[list[Hand]] = [[] for _ in images]
    for whole in (True, False):
        for frame, image in enumerate(images):
            if not found[frame]:
                windows = window_around(image.shape) if whole else tiles_over(image.shape, tiles)
                found[frame] = _find_in_image(image, windows, model)
        _look_where_neighbours_saw(images, found, model)
        found = _believed(found)
    return found


def _believed(found: list[list[Hand]]) -> list[list[Hand]]:
    """Hands that are sure, or that lead to a sure one from frame to frame: many looks also see many that are none."""
    kept = [[hand for hand in hands if hand.presence >= _SURE_PRESENCE] for hands in found]
    for order in (range(1, len(found)), range(len(found) - 2, -1, -1)):
        for frame in order:
            near = kept[frame - order.step]
            kept[frame] = [
                hand
                for hand in found[frame]
                if any(hand is one for one in kept[frame]) or any(_lies_on(hand, one) for one in near)
            ]
    return kept


def _look_where_neighbours_saw(
    images: list[UInt8[np.ndarray, "height width 3"]], found: list[list[Hand]], model: HandModel
) -> None:
    """Add to each frame the hands of the one before or after that are there, too."""
    for order in (range(1, len(images)), range(len(images) - 2, -1, -1)):
        for frame in order:
            for hand in found[frame - order.step]:
                if not any(_is_same(hand, other) for other in found[frame]):
                    again = look_at(images[frame], crop_of_landmarks(hand.landmarks), model)
                    found[frame] = _with(found[frame], again)


def detect_palms(image: UInt8[np.ndarray, "height width 3"], windows: list[Window], model: HandModel) -> Palms:
    """Palms (px) in square windows of an image."""
    seen = []
    for window in windows:
        part, corner = letterbox(image, window)
        palms = decode_palms(*model.detect(part), min_score=_MIN_PALM)
        side = window[2]
        seen.append((palms.boxes * side + np.tile(corner, 2), palms.points * side + corner, palms.scores))
    boxes, points, scores = (np.concatenate(parts) for parts in zip(*seen, strict=True))
    return join_overlapping(Palms(boxes=boxes, points=points, scores=scores))


def look_at(image: UInt8[np.ndarray, "height width 3"], crop: HandCrop, model: HandModel) -> Hand:
    """The hand that a crop may hold; its presence says whether."""
    points, presence = model.locate(crop.cut(image))
    return Hand(landmarks=crop.to_image(points.astype(np.float64)), presence=presence)


def _find_in_image(image: UInt8[np.ndarray, "height width 3"], windows: list[Window], model: HandModel) -> list[Hand]:
    if not windows:
        return []
    palms = detect_palms(image, windows, model)
    hands: list[Hand] = []
    for box, points in zip(palms.boxes, palms.points, strict=True):
        hand = look_at(image, crop_of_palm(box, points), model)
        if hand.presence >= MIN_PRESENCE:
            # A palm's crop is rough; one by the landmarks sits where the network was trained to look.
            better = look_at(image, crop_of_landmarks(hand.landmarks), model)
            hand = better if better.presence >= hand.presence else hand
        hands = _with(hands, hand)
    return hands


def _with(hands: list[Hand], hand: Hand) -> list[Hand]:
    """Hands with one more, if it is one; of two that are the same the surer stays."""
    if hand.presence < MIN_PRESENCE:
        return hands
    rivals = [other for other in hands if _is_same(hand, other)]
    if any(other.presence >= hand.presence for other in rivals):
        return hands
    return [*(other for other in hands if all(other is not rival for rival in rivals)), hand]


def _lies_on(hand: Hand, other: Hand) -> bool:
    """Whether a hand is where another one was, or has moved by less than its palm."""
    return float(np.linalg.norm(hand.landmarks.mean(axis=0) - other.landmarks.mean(axis=0))) < hand.span


def _is_same(hand: Hand, other: Hand) -> bool:
    return float(intersection_over_union(hand.box, other.box[None])[0]) > _SAME


def window_around(shape: tuple[int, ...]) -> list[Window]:
    """One window around the whole image."""
    side = float(max(shape[:2]))
    return [((shape[1] - side) / 2, (shape[0] - side) / 2, side)]


def tiles_over(shape: tuple[int, ...], count: int) -> list[Window]:
    """Windows over an image, which overlap by a third: a hand on a border is whole in one of them."""
    if count < 1:
        return []
    side = 1.3 * min(shape[:2]) / count
    return [(float(x), float(y), side) for y in _starts(shape[0], side) for x in _starts(shape[1], side)]


def _starts(length: int, side: float) -> Float[np.ndarray, "tile"]:
    count = max(1, int(np.ceil((length - side) / (0.7 * side))) + 1)
    return np.linspace(0.0, max(length - side, 0.0), count)


def letterbox(
    image: UInt8[np.ndarray, "height width 3"], window: Window
) -> tuple[UInt8[np.ndarray, "192 192 3"], Float[np.ndarray, "2"]]:
    """A window of the image at the detector's size, black where it sticks out, and where its first pixel lies (px)."""
    x, y, side = window
    low = np.round(np.maximum([x, y], 0.0)).astype(int)
    high = np.round(np.minimum([x + side, y + side], [image.shape[1], image.shape[0]])).astype(int)
    scale = INPUT_SIZE / side
    part = image[low[1] : high[1], low[0] : high[0]]
    size = np.clip(np.round((high - low) * scale).astype(int), 1, INPUT_SIZE)
    corner = np.clip(np.round((low - [x, y]) * scale).astype(int), 0, INPUT_SIZE - size)
    result = np.zeros((INPUT_SIZE, INPUT_SIZE, 3), np.uint8)
    result[corner[1] : corner[1] + size[1], corner[0] : corner[0] + size[0]] = cv2.resize(
        part, (int(size[0]), int(size[1])), interpolation=cv2.INTER_AREA
    )
    return result, low - corner / scale
