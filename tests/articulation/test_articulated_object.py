"""Objects are trees; what is no tree is refused in words."""

import numpy as np
import pytest
from hypothesis import given

from sim2art.articulation.articulated_object import ArticulatedObject, Link
from sim2art.articulation.joint import Joint, JointType
from sim2art.errors import InvalidValueError
from sim2art.geometry.meshes import make_box
from tests.strategies import assert_same_joint, transforms, trees


def slide(name: str, parent: str, child: str) -> Joint:
    return Joint(name=name, type=JointType.PRISMATIC, parent=parent, child=child, axis=np.array([1.0, 0.0, 0.0]))


def build(links: str, *joints: Joint) -> ArticulatedObject:
    return ArticulatedObject(name="thing", links=tuple(Link(name=name) for name in links), joints=joints)


@given(trees())
def test_joint_order_puts_parents_before_children(tree: ArticulatedObject) -> None:
    placed = {tree.root}
    for index in tree.joint_order:
        assert tree.joints[index].parent in placed
        placed.add(tree.joints[index].child)
    assert len(placed) == len(tree.links)


def test_root_need_not_be_listed_first() -> None:
    thing = build("abc", slide("x", "b", "a"), slide("y", "c", "b"))
    assert thing.root == "c" and thing.joint_order == (1, 0)


@pytest.mark.parametrize(
    ("links", "joints", "message"),
    [
        ("", (), "Object 'thing' has no links; at least one is needed."),
        ("aa", (), "Object 'thing': link names ['a'] are used more than once."),
        (
            "abc",
            (slide("x", "a", "b"), slide("x", "a", "c")),
            "Object 'thing': joint names ['x'] are used more than once.",
        ),
        ("ab", (slide("x", "a", "d"),), "Object 'thing': joint 'x' names link 'd'; known links: ['a', 'b']."),
        (
            "abc",
            (slide("x", "a", "c"), slide("y", "b", "c")),
            "Object 'thing': links ['c'] have more than one parent joint.",
        ),
        ("ab", (), "Object 'thing' needs exactly one root link; found ['a', 'b']."),
        ("ab", (slide("x", "a", "b"), slide("y", "b", "a")), "Object 'thing' needs exactly one root link; found []."),
        ("abc", (slide("x", "b", "c"), slide("y", "c", "b")), "Object 'thing': its joints form a cycle."),
    ],
)
def test_what_is_no_tree_is_refused(links: str, joints: tuple[Joint, ...], message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        build(links, *joints)
    assert str(caught.value) == message


def test_unknown_link_lists_the_known_ones() -> None:
    with pytest.raises(InvalidValueError, match=r"has no link 'z'; known: \['a', 'b'\]"):
        build("ab", slide("x", "a", "b")).link_index("z")


@given(trees(), transforms())
def test_moving_the_object_moves_joints_and_meshes(tree: ArticulatedObject, new_from_old: np.ndarray) -> None:
    box = make_box(np.ones(3), np.zeros(3))
    with_mesh = ArticulatedObject(name="m", links=(Link(name=tree.root, mesh=box), *tree.links[1:]), joints=tree.joints)
    moved = with_mesh.moved(new_from_old)
    for before, after in zip(tree.joints, moved.joints, strict=True):
        assert_same_joint(after, before.moved(new_from_old), tolerance=1e-6)
    assert moved.links[0].mesh is not None
    np.testing.assert_allclose(moved.links[0].mesh.vertices, box.transformed(new_from_old).vertices)
