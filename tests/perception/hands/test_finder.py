"""Hands are found whole, in tiles and by their neighbours, with a made detector that sees red squares."""

import cv2
import numpy as np
import pytest

from sim2art.perception.people.hands.finder import Hand, find_hands
from sim2art.perception.people.hands.palms import INPUT_SIZE, make_anchors
from tests.perception.hands.drawn_hand import HAND

RED, ORANGE = (250, 0, 0), (250, 120, 0)


class RedSquares:
    """Sees palms that are red or orange and large enough, and hands only where it is red."""

    def __init__(self, *, min_pixels: int = 60) -> None:
        self.min_pixels, self.detected, self.located = min_pixels, 0, 0

    def detect(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.detected += 1
        offsets, logits = np.zeros((2016, 18), np.float32), np.full(2016, -9.0, np.float32)
        count, _, boxes, _ = cv2.connectedComponentsWithStats((image[..., 0] > 150).astype(np.uint8))
        for x, y, width, height, area in boxes[1:count]:
            if area < self.min_pixels:
                continue
            center = np.array([x + width / 2, y + height / 2])
            anchor = int(np.argmin(np.linalg.norm(make_anchors() * INPUT_SIZE - center, axis=1)))
            shift = center - make_anchors()[anchor] * INPUT_SIZE
            points = np.tile(shift, (7, 1))
            points[0, 1] += height / 2
            points[2, 1] -= height / 2
            offsets[anchor], logits[anchor] = np.concatenate([shift, [width, height], points.ravel()]), 3.0
        return offsets, logits

    def locate(self, crop: np.ndarray) -> tuple[np.ndarray, float]:
        self.located += 1
        red = (crop[..., 0] > 150) & (crop[..., 1] < 60)
        if red.sum() < 100:
            return np.zeros((21, 2), np.float32), 0.1
        rows, columns = np.nonzero(red)
        side = float(np.sqrt(red.sum()))
        around = (HAND - HAND.mean(axis=0)) / 60.0 * side / 2
        return (around + [columns.mean(), rows.mean()]).astype(np.float32), 0.9


def _image(*squares: tuple[int, int, int, tuple[int, int, int]], size: tuple[int, int] = (640, 480)) -> np.ndarray:
    image = np.full((size[1], size[0], 3), 40, np.uint8)
    for x, y, side, color in squares:
        image[y : y + side, x : x + side] = color
    return image


def _middle(hand: Hand) -> np.ndarray:
    return hand.landmarks.mean(axis=0)


def test_a_hand_is_found_where_it_is_and_what_only_looks_like_a_palm_is_not() -> None:
    (hands,) = find_hands([_image((300, 200, 60, RED), (80, 80, 60, ORANGE))], RedSquares())
    assert len(hands) == 1
    np.testing.assert_allclose(_middle(hands[0]), [330, 230], atol=6)


def test_a_small_hand_is_found_in_a_tile_only() -> None:
    image = _image((560, 400, 20, RED))
    assert find_hands([image], RedSquares(), tiles=0) == [[]]
    (hands,) = find_hands([image], RedSquares())
    assert len(hands) == 1
    np.testing.assert_allclose(_middle(hands[0]), [570, 410], atol=4)


def test_tiles_are_looked_at_only_where_the_whole_image_shows_no_hand() -> None:
    model = RedSquares()
    find_hands([_image((300, 200, 60, RED))] * 2, model)
    assert model.detected == 2


@pytest.mark.parametrize("seen_first", [True, False])
def test_a_hand_that_the_detector_misses_is_found_by_its_neighbour(seen_first: bool) -> None:
    model = RedSquares(min_pixels=200)
    clear, faint = _image((300, 200, 60, RED)), _image((310, 205, 30, RED))
    images = [clear, faint] if seen_first else [faint, clear]
    found = find_hands(images, model, tiles=0)
    assert [len(hands) for hands in found] == [1, 1]
    np.testing.assert_allclose(_middle(found[1 if seen_first else 0][0]), [325, 220], atol=6)


def test_two_hands_stay_two_and_one_seen_twice_is_one() -> None:
    (hands,) = find_hands([_image((100, 200, 60, RED), (450, 220, 60, RED))], RedSquares())
    assert sorted(round(float(_middle(hand)[0]), -1) for hand in hands) == [130, 480]


def test_an_empty_video_holds_no_hands() -> None:
    assert find_hands([], RedSquares()) == []
    assert find_hands([_image()] * 3, RedSquares()) == [[], [], []]
