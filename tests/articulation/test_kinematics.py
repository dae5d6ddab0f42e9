"""Forward kinematics, new rest poses, and joining links that never move."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2art.articulation.articulated_object import ArticulatedObject, Link
from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.kinematics import link_motions, merge_still_links, rebased
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.geometry.meshes import make_box
from sim2art.geometry.transforms import inverse
from tests.strategies import transforms, trees

seeds = st.integers(0, 2**32 - 1)


def draw_values(tree: ArticulatedObject, seed: int, frames: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1.5, 1.5, size=(frames, len(tree.joints)))


def make_trajectory(tree: ArticulatedObject, values: np.ndarray) -> JointTrajectory:
    return JointTrajectory(
        joint_names=tuple(joint.name for joint in tree.joints), times=np.arange(len(values)) / 10.0, values=values
    )


@given(trees())
def test_nothing_moves_at_values_0(tree: ArticulatedObject) -> None:
    motions = link_motions(tree, np.zeros(len(tree.joints)))
    np.testing.assert_allclose(motions, np.broadcast_to(np.eye(4), motions.shape), atol=1e-12)


@given(trees(), seeds)
def test_order_of_joints_and_links_does_not_matter(tree: ArticulatedObject, seed: int) -> None:
    values = draw_values(tree, seed)
    shuffled = ArticulatedObject(name=tree.name, links=tree.links[::-1], joints=tree.joints[::-1])
    np.testing.assert_allclose(link_motions(shuffled, values[:, ::-1])[:, ::-1], link_motions(tree, values), atol=1e-10)


@given(trees(), seeds, transforms())
def test_moving_the_whole_object_moves_every_link_alike(
    tree: ArticulatedObject, seed: int, new_from_old: np.ndarray
) -> None:
    values = draw_values(tree, seed)
    expected = new_from_old @ link_motions(tree, values) @ inverse(new_from_old)
    np.testing.assert_allclose(link_motions(tree.moved(new_from_old), values), expected, atol=1e-7)


@given(trees(), seeds)
def test_each_joint_moves_its_child_relative_to_its_parent(tree: ArticulatedObject, seed: int) -> None:
    values = draw_values(tree, seed)
    motions = link_motions(tree, values)
    for index, joint in enumerate(tree.joints):
        parent, child = motions[:, tree.link_index(joint.parent)], motions[:, tree.link_index(joint.child)]
        np.testing.assert_allclose(inverse(parent) @ child, joint.transform(values[:, index]), atol=1e-8)


@given(trees(), seeds)
def test_rebased_object_moves_relative_to_its_new_rest_pose(tree: ArticulatedObject, seed: int) -> None:
    values = draw_values(tree, seed)
    start = link_motions(tree, values[0])
    again = link_motions(rebased(tree, values[0]), values - values[0])
    np.testing.assert_allclose(again @ start, link_motions(tree, values), atol=1e-7)


def test_rebased_meshes_stand_where_the_values_put_them() -> None:
    tree = make_chain()
    values = np.array([0.4, -0.7])
    moved = rebased(tree, values)
    for link, before, motion in zip(moved.links, tree.links, link_motions(tree, values), strict=True):
        assert link.mesh is not None and before.mesh is not None
        np.testing.assert_allclose(link.mesh.vertices, before.mesh.transformed(motion).vertices, atol=1e-12)


def test_rebased_limits_shift_along() -> None:
    moved = rebased(make_chain(), np.array([0.4, -0.7]))
    assert moved.joints[0].limits == pytest.approx((-0.4, 1.1))
    assert moved.joints[1].limits is None


def make_chain() -> ArticulatedObject:
    """Base, an arm hinged to it, a hand that slides on the arm; each with a mesh."""
    z, x = np.array([0.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0])
    return ArticulatedObject(
        name="chain",
        links=tuple(Link(name=name, mesh=make_box(np.ones(3), np.full(3, float(i)))) for i, name in enumerate("bah")),
        joints=(
            Joint(
                name="hinge",
                type=JointType.REVOLUTE,
                parent="b",
                child="a",
                axis=z,
                pivot=np.ones(3),
                limits=(0.0, 1.5),
            ),
            Joint(name="slide", type=JointType.PRISMATIC, parent="a", child="h", axis=x),
        ),
    )


@given(trees(), seeds)
def test_joining_still_links_changes_no_motion(tree: ArticulatedObject, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = draw_values(tree, seed)
    values[:, rng.uniform(size=len(tree.joints)) < 0.5] = 0.0
    values -= values[0]
    merged, trajectory, new_index = merge_still_links(tree, make_trajectory(tree, values))
    before, after = link_motions(tree, values), link_motions(merged, trajectory.values)
    np.testing.assert_allclose(after[:, new_index], before, atol=1e-8)
    assert len(merged.joints) == np.sum(np.ptp(values, axis=0) > 0)
    assert merged.links[0].name == merged.root


def test_a_still_joint_hands_its_child_to_the_parent() -> None:
    values = np.zeros((3, 2))
    values[:, 1] = [0.0, 0.1, 0.2]
    merged, trajectory, new_index = merge_still_links(make_chain(), make_trajectory(make_chain(), values))
    assert [joint.name for joint in merged.joints] == ["slide"] and merged.joints[0].parent == "b"
    np.testing.assert_array_equal(new_index, [0, 0, 1])
    assert trajectory.joint_names == ("slide",)
    assert merged.links[0].mesh is not None and len(merged.links[0].mesh.faces) == 24


def test_motion_below_the_threshold_counts_as_still() -> None:
    values = np.array([[0.0, 0.0], [np.deg2rad(0.5), 1e-3]])
    merged, trajectory, _ = merge_still_links(make_chain(), make_trajectory(make_chain(), values))
    assert merged.joints == () and trajectory.values.shape == (2, 0)


def test_nothing_is_changed_in_place() -> None:
    tree = make_chain()
    before = dataclasses.replace(tree)
    values = np.array([[0.0, 0.0], [1.0, 0.2]])
    link_motions(tree, values)
    merge_still_links(tree, make_trajectory(tree, values.copy()))
    assert tree.links == before.links and tree.joints == before.joints
