"""Masks grow from landmarks to the whole arm, sleeve and all, and stop at its border."""

import cv2
import numpy as np
import pytest

from sim2art.perception.people.hands.finder import Hand
from sim2art.perception.people.hands.growing import grow_hands
from tests.perception.hands.drawn_hand import HAND

SKIN, SLEEVE = (205, 160, 135), (40, 60, 170)
SHAPE = (240, 320)


def _hand(shift: tuple[float, float]) -> Hand:
    return Hand(landmarks=HAND + shift, presence=0.9)


def _frame(shift: tuple[int, int], rng: np.random.Generator, *, sleeve: bool) -> tuple[np.ndarray, np.ndarray]:
    """A picture of a hand with its arm down to the lower border before grey-green furniture, and its true pixels."""
    height, width = SHAPE
    image = np.zeros((height, width, 3), np.uint8)
    image[:] = (120, 130, 120)
    image[60:200, 40:280] = (90, 110, 95)
    image[62:64, 40:280] = (20, 20, 20)
    truth = np.zeros(SHAPE, np.uint8)
    points = np.round(HAND + shift).astype(np.int32)
    cv2.fillConvexPoly(truth, cv2.convexHull(points[[0, 1, 5, 9, 13, 17]]), 1)
    for first in (1, 5, 9, 13, 17):
        cv2.polylines(truth, [points[[0, *range(first, first + 4)]]], isClosed=False, color=1, thickness=13)
    elbow = (int(points[0, 0] + 12), height + 10)
    cv2.line(truth, tuple(points[0].tolist()), elbow, 1, 30)
    image[truth > 0] = SKIN
    if sleeve:
        image[(truth > 0) & (np.arange(height)[:, None] > points[0, 1] + 35)] = SLEEVE
    noisy = image + rng.normal(0, 4, image.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8), truth > 0


def _clip(*, sleeve: bool) -> tuple[np.ndarray, np.ndarray, list[list[Hand]]]:
    rng = np.random.default_rng(0)
    shifts = [(20, -20), (60, -20), (100, -10)]
    frames, truths = zip(*(_frame(shift, rng, sleeve=sleeve) for shift in shifts), strict=True)
    return np.array(frames), np.array(truths), [[_hand(shift)] for shift in shifts]


@pytest.mark.parametrize("sleeve", [False, True])
def test_hand_and_arm_are_found_up_to_their_border(sleeve: bool) -> None:
    images, truths, hands = _clip(sleeve=sleeve)
    masks, reach = grow_hands(images, hands)
    for mask, truth in zip(masks, truths, strict=True):
        assert (mask & truth).sum() > 0.9 * (mask | truth).sum()
    assert (reach & truths).sum() > 0.99 * truths.sum()


def test_what_has_the_colour_of_skin_elsewhere_is_no_hand() -> None:
    images, truths, hands = _clip(sleeve=False)
    images[:, 10:50, 10:110] = SKIN
    masks = grow_hands(images, hands).masks
    assert not (masks & ~truths)[:, :50, :110].any()
    assert (masks & truths).sum() > 0.85 * truths.sum()


def test_a_frame_without_a_hand_has_no_mask() -> None:
    images, _, hands = _clip(sleeve=False)
    masks = grow_hands(images, [hands[0], [], hands[2]]).masks
    assert masks.any(axis=(1, 2)).tolist() == [True, False, True]
    assert not grow_hands(images, [[], [], []]).masks.any()


def test_masks_come_at_the_size_of_the_images() -> None:
    images, truths, hands = _clip(sleeve=True)
    double = np.array([cv2.resize(image, None, fx=3, fy=3) for image in images])
    large = [[Hand(landmarks=3 * hand.landmarks, presence=0.9) for hand in of_frame] for of_frame in hands]
    masks = grow_hands(double, large).masks
    assert masks.shape == double.shape[:3]
    small = np.array([cv2.resize(mask.astype(np.uint8), SHAPE[::-1]) > 0 for mask in masks])
    assert (small & truths).sum() > 0.85 * (small | truths).sum()


@pytest.mark.parametrize("scale", [0.02, 1.0, 8.0])
def test_blank_images_and_hands_of_any_size_are_borne(scale: float) -> None:
    images = np.full((2, *SHAPE, 3), 90, np.uint8)
    hand = Hand(landmarks=scale * (HAND - HAND.mean(axis=0)) + [300.0, 20.0], presence=0.9)
    assert grow_hands(images, [[hand], [hand]]).masks.shape == (2, *SHAPE)
