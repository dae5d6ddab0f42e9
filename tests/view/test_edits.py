"""What a person corrects: each edit gives a new draft, refusals leave the old one, and fits hold what was decided."""

import dataclasses

import numpy as np
import pytest

from sim2art.articulation.estimate import Status
from sim2art.articulation.joint import JointType
from sim2art.errors import InvalidValueError
from sim2art.view import edits
from sim2art.view.draft import Draft
from sim2art.view.session import EditSession
from tests.view.drafts import joint_of, make_chain, make_draft


@pytest.fixture(scope="module")
def draft() -> Draft:
    return make_draft()


@pytest.fixture(scope="module")
def chain() -> Draft:
    return make_chain()


def test_a_draft_speaks_the_names_that_people_gave(chain: Draft) -> None:
    assert chain.part_names == ("table", "arm", "hand")
    assert joint_of(chain, 2).parent == "part_1"
    assert chain.articulated_object.joints[1].parent == "arm"


def test_a_type_is_set_and_moves_the_part_much_as_before(draft: Draft) -> None:
    slide = edits.set_type(draft, 1, JointType.PRISMATIC)
    assert joint_of(slide, 1).type is JointType.PRISMATIC
    assert slide.estimate.joints[0].type_probabilities == {JointType.PRISMATIC: 1.0}
    turn = edits.set_type(slide, 1, JointType.REVOLUTE)
    assert joint_of(turn, 1).pivot is not None
    assert np.ptp(turn.estimate.trajectory.values[:, 0]) > 0.5
    assert draft.estimate.joints[0].joint.type is JointType.REVOLUTE


def test_a_type_is_set_without_points_too(chain: Draft) -> None:
    turn = edits.set_type(edits.set_type(chain, 1, JointType.PRISMATIC), 1, JointType.REVOLUTE)
    assert joint_of(turn, 1).type is JointType.REVOLUTE


def test_a_fixed_joint_stands_still_and_may_move_again(draft: Draft) -> None:
    fixed = edits.set_type(draft, 2, JointType.FIXED)
    assert np.all(fixed.estimate.trajectory.values[:, 1] == 0)
    assert joint_of(edits.set_type(fixed, 2, JointType.PRISMATIC), 2).type is JointType.PRISMATIC


def test_an_axis_keeps_its_point_beside_the_part(draft: Draft) -> None:
    before = edits.axis_center(draft, 1)
    tilted = edits.set_axis(draft, 1, joint_of(draft, 1).axis + np.array([0.1, 0, 0]))
    np.testing.assert_allclose(np.linalg.norm(joint_of(tilted, 1).axis), 1)
    joint = joint_of(tilted, 1)
    distance = np.linalg.norm(np.cross(joint.axis, before - joint.pivot))
    assert distance < 1e-9
    assert tilted.estimate.joints[0].axis_sigma is None


def test_a_pivot_goes_where_it_is_put(draft: Draft) -> None:
    joint = joint_of(edits.set_pivot(draft, 1, np.array([0.1, 0.2, 0.3])), 1)
    assert np.linalg.norm(np.cross(joint.axis, np.array([0.1, 0.2, 0.3]) - joint.pivot)) < 1e-9
    with pytest.raises(InvalidValueError, match="does not turn"):
        edits.set_pivot(draft, 2, np.zeros(3))


def test_limits_are_set_and_forgotten(draft: Draft) -> None:
    limited = edits.set_limits(draft, 1, (-0.1, 2.0))
    assert joint_of(limited, 1).limits == (-0.1, 2.0)
    assert limited.articulated_object.joints[0].limits == (-0.1, 2.0)
    assert joint_of(edits.set_limits(limited, 1, None), 1).limits is None
    for bad in ((1.0, 0.0), (0.0, 0.0), (0.0, np.inf)):
        with pytest.raises(InvalidValueError, match="low to high"):
            edits.set_limits(draft, 1, bad)


def test_names_are_checked(draft: Draft) -> None:
    renamed = edits.rename_part(draft, 1, "  left   door ")
    assert renamed.part_names == ("base", "left door", "part_2")
    assert renamed.articulated_object.joints[0].child == "left door"
    for bad in ("", "   ", "part_2", "x" * 61, "a\x00b"):
        with pytest.raises(InvalidValueError):
            edits.rename_part(draft, 1, bad)


def test_a_part_cannot_hang_on_itself_or_on_what_hangs_on_it(chain: Draft) -> None:
    for parent in (1, 2):
        with pytest.raises(InvalidValueError, match="cycle"):
            edits.set_parent(chain, 1, parent)
    assert edits.set_parent(chain, 2, 0).parent_of(2) == 0


def test_merged_parts_share_points_labels_and_meshes(draft: Draft) -> None:
    merged = edits.merge_parts(draft, 1, 2)
    assert merged.num_parts == 2
    assert set(np.unique(merged.labels)) == {0, 1, 255}
    sums = draft.estimate.part_probabilities[..., 1:].sum(axis=-1)
    np.testing.assert_allclose(merged.estimate.part_probabilities[..., 1], sums)
    assert len(merged.meshes[1].faces) == len(draft.meshes[1].faces) + len(draft.meshes[2].faces)
    np.testing.assert_array_equal(merged.estimate.trajectory.values[:, 0], draft.estimate.trajectory.values[:, 0])


def test_a_part_merged_into_the_base_stands_still(draft: Draft) -> None:
    merged = edits.merge_parts(draft, 0, 1)
    assert merged.part_names == ("base", "part_2")
    assert joint_of(merged, 1).type is JointType.PRISMATIC
    assert joint_of(merged, 1).child == "part_1"
    assert merged.labels.max() == 255


def test_parts_that_hung_on_a_merged_part_hang_on_the_kept_one(chain: Draft) -> None:
    assert edits.merge_parts(chain, 0, 1).parent_of(1) == 0
    up = edits.merge_parts(chain, 2, 1)
    assert up.part_names == ("table", "hand")
    assert up.parent_of(1) == 0
    assert up.estimate.joints[0].joint.type is JointType.PRISMATIC


def test_merging_across_a_part_between_is_refused(chain: Draft) -> None:
    from sim2art.view.splits import split_by_plane

    longer = split_by_plane(chain, 2, np.array([2.0, 0, 0]), np.array([1.0, 0, 0]))
    longer = edits.set_parent(longer, 3, 2)
    with pytest.raises(InvalidValueError, match="cycle"):
        edits.merge_parts(longer, 3, 1)
    with pytest.raises(InvalidValueError, match="itself"):
        edits.merge_parts(longer, 1, 1)


def test_the_base_and_unknown_parts_have_no_joint(draft: Draft) -> None:
    with pytest.raises(InvalidValueError, match="is the base"):
        edits.set_type(draft, 0, JointType.FIXED)
    with pytest.raises(InvalidValueError, match="no part 7"):
        edits.rename_part(draft, 7, "x")
    with pytest.raises(InvalidValueError, match="no direction"):
        edits.set_axis(draft, 1, np.zeros(3))


def test_a_checked_result_is_ok(draft: Draft) -> None:
    checked = edits.mark_checked(draft)
    assert checked.estimate.status is Status.OK
    assert checked.estimate.reasons == ()
    assert checked.edits[-1] == "checked by a person"


def test_a_session_goes_back_and_keeps_what_was_refused(draft: Draft) -> None:
    saved: list[Draft] = []
    session = EditSession(draft, lambda changed: saved.append(changed) or "Saved.")
    session.apply(lambda d: edits.rename_part(d, 1, "door"))
    with pytest.raises(InvalidValueError):
        session.apply(lambda d: edits.rename_part(d, 2, "door"))
    assert session.draft.part_names[1] == "door"
    assert session.is_changed
    assert session.save() == "Saved."
    assert saved == [session.draft]
    assert not session.is_changed
    session.undo()
    assert session.draft is draft
    assert session.is_changed
    assert not session.can_undo
    assert session.undo() is draft


def test_a_failed_save_leaves_the_draft_unsaved(draft: Draft) -> None:
    def fail(_: Draft) -> str:
        raise OSError("disk full")

    session = EditSession(draft, fail)
    session.apply(lambda d: edits.rename_part(d, 1, "door"))
    with pytest.raises(OSError, match="disk full"):
        session.save()
    assert session.is_changed


def test_a_draft_refuses_parts_that_do_not_fit(draft: Draft) -> None:
    with pytest.raises(InvalidValueError, match="one each"):
        dataclasses.replace(draft, part_names=("base", "door"))
