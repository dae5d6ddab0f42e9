"""Two videos of one cabinet become one result: the same joint is one joint, what only one video knows is kept."""

import dataclasses

import numpy as np
import pytest

from sim2art.articulation.estimate import Status
from sim2art.articulation.joint import JointType
from sim2art.errors import InvalidValueError
from sim2art.geometry.meshes import make_box
from sim2art.geometry.rotations import line_angle
from sim2art.geometry.screws import line_distance
from sim2art.view import edits
from sim2art.view.draft import Draft
from sim2art.view.merging import MergeConfig, merge_drafts
from tests.view.drafts import joint_of, make_chain, make_draft


@pytest.fixture(scope="module")
def first() -> Draft:
    """Door 0 to 1 rad, drawer 0 to 0.25 m."""
    return make_draft(travel=(1.0, 0.25))


@pytest.fixture(scope="module")
def second() -> Draft:
    """From the other side, the door already open: 0.5 to 1.5 rad; the drawer stays shut and counts as base."""
    return edits.merge_parts(make_draft(start=(0.5, 0.0), travel=(1.0, 0.0), eye=(0.5, -0.6, 0.1), seed=1), 0, 2)


@pytest.fixture(scope="module")
def merged(first: Draft, second: Draft) -> Draft:
    return merge_drafts(first, second)


def test_the_same_door_is_one_joint_with_both_ranges(first: Draft, merged: Draft) -> None:
    assert merged.part_names == first.part_names
    truth, joint = joint_of(first, 1), joint_of(merged, 1)
    assert np.rad2deg(line_angle(joint.axis, truth.axis)) < 1.0
    assert line_distance(joint.axis, joint.pivot, truth.axis, truth.pivot) < 0.01
    values = merged.estimate.trajectory.values[:, 0]
    assert values.min() == pytest.approx(0.0, abs=0.02)
    assert values.max() == pytest.approx(1.5, abs=0.05)
    assert values[8] == pytest.approx(0.5, abs=0.05)


def test_frames_labels_and_points_are_those_of_both(first: Draft, second: Draft, merged: Draft) -> None:
    assert len(merged.video.times) == 16
    assert np.all(np.diff(merged.video.times) > 0)
    assert len(set(merged.frame_ids)) == 16
    assert merged.labels.shape == merged.video.depths.shape
    assert merged.points.num_frames == 16
    assert not merged.points.flow_valid[1, 5:8].any()
    assert (merged.estimate.part_ids[8:] == 1).sum() == (second.estimate.part_ids == 1).sum()
    assert any("merged with cabinet" in words for words in merged.edits)


def test_points_of_both_videos_lie_on_each_other_in_the_rest_pose(merged: Draft) -> None:
    from scipy.spatial import KDTree

    from sim2art.geometry.transforms import apply, inverse

    for part in (0, 1):
        rest = apply(inverse(merged.motions[:, part]), merged.points.points_world)
        member = (merged.estimate.part_ids == part) & merged.points.valid
        a, b = rest[:8][member[:8]], rest[8:][member[8:]]
        assert np.median(KDTree(a).query(b)[0]) < 0.03


def test_what_only_one_video_knows_is_kept_and_cut_out_of_the_other_base(first: Draft) -> None:
    door = edits.merge_parts(first, 0, 2)
    drawer = edits.merge_parts(make_draft(travel=(0.0, 0.25), eye=(-0.4, -0.5, 0.1), seed=2), 0, 1)
    merged = merge_drafts(door, drawer)
    assert merged.num_parts == 3
    assert [joint_of(merged, part).type for part in (1, 2)] == [JointType.REVOLUTE, JointType.PRISMATIC]
    assert np.rad2deg(line_angle(joint_of(merged, 2).axis, joint_of(first, 2).axis)) < 1.0
    np.testing.assert_allclose(merged.estimate.trajectory.values[:8, 1], 0.0, atol=1e-9)
    assert merged.estimate.trajectory.values[:, 1].max() == pytest.approx(0.25, abs=0.03)
    base, front = merged.meshes[0], first.meshes[2].vertices[:8].mean(axis=0)
    assert np.linalg.norm(base.vertices[base.faces].mean(axis=1) - front, axis=1).min() > 0.02


def test_a_place_that_only_little_speaks_for_is_doubted(first: Draft) -> None:
    door = edits.merge_parts(first, 0, 2)
    drawer = edits.merge_parts(make_draft(travel=(0.0, 0.25), eye=(-0.4, -0.5, 0.1), seed=2), 0, 1)
    sure, doubtful = merge_drafts(door, drawer), merge_drafts(door, drawer, MergeConfig(sure_overlap=1.1))
    assert not any("no moving part in common" in reason for reason in sure.estimate.reasons)
    assert any("no moving part in common" in reason for reason in doubtful.estimate.reasons)
    assert doubtful.estimate.status is Status.AMBIGUOUS


def test_merging_is_refused_where_nothing_fits(first: Draft) -> None:
    other = dataclasses.replace(
        first, meshes=(make_box(np.array([0.05, 3.0, 0.05]), np.array([0.0, 0, 2])), *first.meshes[1:])
    )
    with pytest.raises(InvalidValueError, match="could not be laid on each other"):
        merge_drafts(first, other)
    with pytest.raises(InvalidValueError, match="no mesh of its static part"):
        merge_drafts(first, dataclasses.replace(first, meshes=(None, *first.meshes[1:])))
    with pytest.raises(InvalidValueError, match="keeps no used frames"):
        merge_drafts(first, make_chain())
    with pytest.raises(InvalidValueError, match="scale"):
        merge_drafts(first, dataclasses.replace(first, is_metric=False))
    points = dataclasses.replace(first.points, baselines=(1, 2))
    with pytest.raises(InvalidValueError, match="frames ahead"):
        merge_drafts(first, dataclasses.replace(first, points=points))
