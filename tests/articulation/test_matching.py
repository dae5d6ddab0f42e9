"""Matching of parts: the best one-to-one assignment, invariant to renumbering."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2art.articulation.matching import PartMatch, match_parts
from sim2art.errors import InvalidValueError


def match(true_ids: list[int], part_ids: list[int], *, num_true: int = 2, num_parts: int = 2) -> PartMatch:
    ids = np.array([true_ids]), np.array([part_ids])
    return match_parts(*ids, np.ones((1, len(true_ids)), dtype=bool), num_true=num_true, num_parts=num_parts)


def test_intersection_over_union_of_known_parts() -> None:
    found = match([0, 0, 0, 1, 1], [0, 0, 1, 1, 1])
    np.testing.assert_allclose(found.ious, [[2 / 3, 1 / 5], [0, 2 / 3]])
    assert found.part_of_true == (0, 1)


@given(st.permutations(range(4)), st.integers(0, 2**32 - 1))
def test_renumbering_changes_nothing(order: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    true_ids, part_ids = rng.integers(0, 3, size=(2, 60)).tolist()
    plain = match(true_ids, part_ids, num_true=3, num_parts=4)
    renumbered = match(true_ids, [order[part] for part in part_ids], num_true=3, num_parts=4)
    assert np.sum(renumbered.matched_ious) == pytest.approx(np.sum(plain.matched_ious))


def test_sum_of_iou_is_maximised_not_each_alone() -> None:
    # Greedy would give true 0 its best part 0 (IoU 4/9) and leave true 1 with nothing.
    true_ids = [0] * 7 + [1] * 2
    part_ids = [0] * 4 + [1] * 3 + [0] * 2
    assert match(true_ids, part_ids).part_of_true == (1, 0)


def test_parts_that_share_nothing_stay_unmatched() -> None:
    found = match([0, 0, 0], [0, 0, 0], num_true=3, num_parts=3)
    assert found.part_of_true == (0, None, None) and found.true_of_part == (0, None, None)
    np.testing.assert_array_equal(found.matched_ious, [1.0, 0.0, 0.0])


def test_part_ids_out_of_range_are_named() -> None:
    with pytest.raises(InvalidValueError, match=r"estimated part ids span 0\.\.5; 0\.\.1 is needed for 2 parts"):
        match([0, 1], [0, 5])
