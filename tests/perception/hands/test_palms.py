"""Anchors, boxes and what is one palm: against values worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2art.perception.people.hands.finder import letterbox, tiles_over, window_around
from sim2art.perception.people.hands.palms import INPUT_SIZE, Palms, decode_palms, join_overlapping, make_anchors


def test_anchors_go_row_by_row_first_the_fine_grid_then_the_coarse_one() -> None:
    anchors = make_anchors()
    assert anchors.shape == (2016, 2)
    np.testing.assert_allclose(
        anchors[[0, 1, 2, 48]], [[0.5 / 24] * 2, [0.5 / 24] * 2, [1.5 / 24, 0.5 / 24], [0.5 / 24, 1.5 / 24]]
    )
    np.testing.assert_allclose(
        anchors[[1152, 1157, 1158, 2015]], [[0.5 / 12] * 2, [0.5 / 12] * 2, [1.5 / 12, 0.5 / 12], [11.5 / 12] * 2]
    )


def test_offsets_are_read_from_the_anchor_in_pixels_of_the_input() -> None:
    offsets, logits = np.zeros((2016, 18), np.float32), np.full(2016, -20.0, np.float32)
    logits[1158] = 0.0
    offsets[1158, :4] = 19.2, -9.6, 38.4, 57.6
    offsets[1158, 4:8] = 1.92, 0.0, 0.0, 19.2
    palms = decode_palms(offsets, logits, min_score=0.4)
    x, y = 1.5 / 12, 0.5 / 12
    assert palms.scores == pytest.approx([0.5])
    np.testing.assert_allclose(
        palms.boxes[0], [x + 0.1 - 0.1, y - 0.05 - 0.15, x + 0.1 + 0.1, y - 0.05 + 0.15], atol=1e-7
    )
    np.testing.assert_allclose(palms.points[0, :3], [[x + 0.01, y], [x, y + 0.1], [x, y]], atol=1e-7)


def test_overlapping_boxes_are_averaged_by_score_and_others_stay() -> None:
    boxes = np.array([[0.0, 0.0, 1.0, 1.0], [0.2, 0.0, 1.2, 1.0], [5.0, 5.0, 6.0, 6.0]])
    points = np.arange(3.0)[:, None, None] * np.ones((3, 7, 2))
    joined = join_overlapping(Palms(boxes=boxes, points=points, scores=np.array([0.9, 0.3, 0.5])))
    np.testing.assert_allclose(joined.boxes, [[0.05, 0.0, 1.05, 1.0], boxes[2]])
    np.testing.assert_allclose(joined.points[0], 0.25)
    np.testing.assert_allclose(joined.scores, [0.9, 0.5])


@given(seed=st.integers(0, 10_000), count=st.integers(0, 8))
def test_what_is_joined_no_longer_overlaps_the_best_and_does_not_depend_on_the_order(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    low = rng.uniform(0, 3, (count, 2))
    boxes = np.concatenate([low, low + rng.uniform(0, 2, (count, 2))], axis=1)
    palms = Palms(boxes=boxes, points=rng.normal(size=(count, 7, 2)), scores=rng.permutation(count) * 0.1 + 0.1)
    order = rng.permutation(count)
    moved = Palms(boxes=boxes[order], points=palms.points[order], scores=palms.scores[order])
    one, other = join_overlapping(palms), join_overlapping(moved)
    np.testing.assert_allclose(one.boxes, other.boxes, atol=1e-12)
    assert len(one) <= count
    assert (len(one) > 0) == (count > 0)
    assert one.scores.max(initial=0.0) == pytest.approx(palms.scores.max(initial=0.0))


@given(height=st.integers(120, 700), width=st.integers(120, 700), seed=st.integers(0, 999))
def test_a_window_leads_back_to_the_pixel_it_shows(height: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.integers(20, width - 20), rng.integers(20, height - 20)
    image = np.zeros((height, width, 3), np.uint8)
    image[y - 4 : y + 5, x - 4 : x + 5] = 255
    shape = (height, width)
    holding = [w for w in tiles_over(shape, 2) if w[0] + 6 < x < w[0] + w[2] - 6 and w[1] + 6 < y < w[1] + w[2] - 6]
    assert holding
    for window in [*window_around(shape), *holding]:
        part, corner = letterbox(image, window)
        rows, columns = np.nonzero(part[..., 0] > 100)
        back = (np.array([columns.mean(), rows.mean()]) + 0.5) / INPUT_SIZE * window[2] + corner - 0.5
        np.testing.assert_allclose(back, [x, y], atol=1.5 * window[2] / INPUT_SIZE)
