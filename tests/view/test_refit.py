"""A fit after an edit holds what the user decided and finds the rest in the flow; splits find two motions."""

import dataclasses

import numpy as np
import pytest

from sim2art.articulation.joint import JointType
from sim2art.errors import InvalidValueError
from sim2art.view import edits
from sim2art.view.draft import Draft
from sim2art.view.refit import refit
from sim2art.view.splits import split_by_motion, split_by_plane
from tests.view.drafts import joint_of, make_chain, make_draft, world_motion_error


@pytest.fixture(scope="module")
def draft() -> Draft:
    return make_draft()


def error_of(changed: Draft, draft: Draft, part: int) -> float:
    return world_motion_error(changed, draft.articulated_object, draft.estimate.trajectory.values, part)


def test_a_wrong_type_set_right_is_fitted_to_the_flow(draft: Draft) -> None:
    wrong = refit(edits.set_type(draft, 1, JointType.PRISMATIC), 1)
    assert joint_of(wrong, 1).type is JointType.PRISMATIC
    assert error_of(wrong, draft, 1) > 0.2
    right = refit(edits.set_type(wrong, 1, JointType.REVOLUTE), 1)
    assert error_of(right, draft, 1) < 0.05
    assert right.estimate.joints[0].axis_sigma is not None


def test_a_straight_motion_is_not_fitted_as_a_turn_about_the_horizon(draft: Draft) -> None:
    with pytest.raises(InvalidValueError, match="straight line"):
        refit(edits.set_type(draft, 2, JointType.REVOLUTE), 2)


def test_a_held_axis_stays_and_its_motion_is_fitted(draft: Draft) -> None:
    tilted = edits.set_axis(draft, 2, joint_of(draft, 2).axis + np.array([0.2, 0, 0]))
    still = dataclasses.replace(tilted.estimate.trajectory, values=np.zeros_like(tilted.estimate.trajectory.values))
    tilted = dataclasses.replace(tilted, estimate=dataclasses.replace(tilted.estimate, trajectory=still))
    held = refit(tilted, 2, hold_axis=True)
    np.testing.assert_allclose(joint_of(held, 2).axis, joint_of(tilted, 2).axis)
    assert held.estimate.trajectory.values[-1, 1] == pytest.approx(0.25, abs=0.03)
    free = refit(tilted, 2)
    assert error_of(free, draft, 2) < 0.02


def test_a_child_is_fitted_in_the_frame_of_its_parent(draft: Draft) -> None:
    """A drawer that is said to hang on the door: seen from the door, it does not move along one line."""
    hung = refit(edits.set_parent(draft, 2, 1), 2)
    back = refit(edits.set_parent(hung, 2, 0), 2)
    assert error_of(back, draft, 2) < 0.02


def test_without_points_or_flow_a_fit_is_refused_in_words(draft: Draft) -> None:
    with pytest.raises(InvalidValueError, match="keeps no points"):
        refit(make_chain(), 1)
    few = draft.estimate.part_probabilities.copy()
    few[..., 0] += few[..., 2]
    few[..., 2] = 0
    bare = dataclasses.replace(draft, estimate=dataclasses.replace(draft.estimate, part_probabilities=few))
    with pytest.raises(InvalidValueError, match="flow at 0 points"):
        refit(bare, 2)


def test_two_parts_taken_for_one_are_split_by_their_motion(draft: Draft) -> None:
    merged = edits.merge_parts(draft, 1, 2)
    split = split_by_motion(merged, 1)
    assert split.num_parts == 3
    same = (split.estimate.part_ids == draft.estimate.part_ids)[draft.points.valid].mean()
    assert same > 0.97
    assert joint_of(split, 2).type is JointType.PRISMATIC
    assert error_of(split, draft, 1) < 0.05
    assert error_of(split, draft, 2) < 0.02
    assert np.mean(split.labels == draft.labels) > 0.97


def test_a_part_taken_for_the_base_is_found_by_its_motion(draft: Draft) -> None:
    split = split_by_motion(edits.merge_parts(draft, 0, 2), 0)
    assert joint_of(split, 2).type is JointType.PRISMATIC
    moved = draft.estimate.part_ids == 2
    assert (split.estimate.part_ids[moved] == 2).mean() > 0.8


def test_what_moves_as_one_is_not_split_by_motion(draft: Draft) -> None:
    for part in (0, 1, 2):
        with pytest.raises(InvalidValueError, match="moves as one"):
            split_by_motion(draft, part)


def test_a_plane_cuts_points_and_mesh(draft: Draft) -> None:
    middle = edits.part_center(draft, 1)
    cut = split_by_plane(draft, 1, middle, np.array([2.0, 0, 0]))
    assert cut.part_names[-1] == "part_3"
    assert joint_of(cut, 3).name == "joint_3"
    assert len(cut.meshes[1].faces) + len(cut.meshes[3].faces) == len(draft.meshes[1].faces)
    assert 0.1 < (cut.estimate.part_ids == 3).sum() / (draft.estimate.part_ids == 1).sum() < 0.9
    assert 3 in cut.labels
    for point, normal, words in ((middle + 5, np.array([1.0, 0, 0]), "on one side"), (middle, np.zeros(3), "zero")):
        with pytest.raises(InvalidValueError, match=words):
            split_by_plane(draft, 1, point, normal)


def test_pieces_of_named_parts_are_named_after_them() -> None:
    cut = split_by_plane(make_chain(), 2, np.array([2.0, 0, 0]), np.array([1.0, 0, 0]))
    assert cut.part_names == ("table", "arm", "hand", "hand_2")
    assert cut.parent_of(3) == 1
