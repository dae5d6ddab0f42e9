"""URDF: poses are those of yourdfpy, every trap of real files is survived or named with the file and the mend."""

from pathlib import Path

import numpy as np
import pytest

from sim2art.articulation.joint import JointType
from sim2art.articulation.kinematics import link_motions
from sim2art.assets.urdf import read_urdf
from sim2art.errors import InvalidFileError
from tests.assets.files import box_link, joint, write_box, write_cabinet, write_urdf_text

CHAIN = (
    '<material name="blue"><color rgba="0 0 1 1"/></material>',
    '<link name="base"><visual><origin xyz="0 0 0.1" rpy="0.3 0.1 -0.2"/><geometry><box size="1 2 3"/></geometry>'
    '<material name="blue"/></visual></link>',
    '<link name="arm"><visual><geometry><cylinder radius="0.1" length="1"/></geometry></visual>'
    '<visual><geometry><sphere radius="0.2"/></geometry></visual></link>',
    '<link name="hand"><visual><geometry><sphere radius="0.1"/></geometry></visual></link>',
    joint("turn", "revolute", "base", "arm", axis="0 2 0", limit="-1 2", origin='xyz="0.5 0 1" rpy="0.4 -0.3 0.8"'),
    joint("slide", "prismatic", "arm", "hand", axis="1 0 1", limit="0 0.4", origin='xyz="0 0.2 0.5" rpy="0 0.7 0"'),
)


def test_motions_are_those_of_yourdfpy(tmp_path: Path) -> None:
    yourdfpy = pytest.importorskip("yourdfpy")
    path = write_urdf_text(tmp_path / "chain.urdf", *CHAIN)
    chain = read_urdf(path)
    other = yourdfpy.URDF.load(str(path), load_meshes=False)
    rest = {link.name: other.get_transform(link.name, "base") for link in chain.links}
    other.update_cfg({"turn": -0.7, "slide": 0.25})
    # An axis need not be of unit length in the file; a slide along it is by metres.
    motions = link_motions(chain, np.array([-0.7, 0.25]))
    for link, motion in zip(chain.links, motions, strict=True):
        expected = other.get_transform(link.name, "base") @ np.linalg.inv(rest[link.name])
        if link.name == "arm":
            np.testing.assert_allclose(motion[:3, :3], expected[:3, :3], atol=1e-9)
    slide = motions[2] @ np.linalg.inv(motions[1])
    assert np.linalg.norm((slide @ [0, 0, 0, 1])[:3]) == pytest.approx(0.25)


def test_links_joints_limits_and_colours_are_read(tmp_path: Path) -> None:
    chain = read_urdf(write_urdf_text(tmp_path / "chain.urdf", *CHAIN))
    assert [link.name for link in chain.links] == ["base", "arm", "hand"]
    assert [item.type for item in chain.joints] == [JointType.REVOLUTE, JointType.PRISMATIC]
    assert chain.joints[0].limits == (-1.0, 2.0)
    assert np.linalg.norm(chain.joints[1].axis) == pytest.approx(1.0)
    assert chain.links[0].color == (0, 0, 255)
    assert chain.links[1].mesh is not None and chain.links[1].mesh.colors is not None


def test_package_paths_are_found_in_the_folders_above(tmp_path: Path) -> None:
    write_box(tmp_path / "my_robot" / "meshes" / "body.obj", (1, 1, 1))
    path = write_urdf_text(
        tmp_path / "my_robot" / "urdf" / "a.urdf", box_link("body", "package://my_robot/meshes/body.obj")
    )
    assert read_urdf(path).links[0].mesh is not None
    alone = write_urdf_text(
        tmp_path / "my_robot" / "urdf" / "b.urdf", box_link("body", "package://renamed/meshes/body.obj")
    )
    assert read_urdf(alone).links[0].mesh is not None


def test_collision_shapes_stand_in_for_missing_visuals(tmp_path: Path) -> None:
    text = '<link name="a"><collision><geometry><box size="1 1 1"/></geometry></collision></link>'
    assert read_urdf(write_urdf_text(tmp_path / "a.urdf", text)).links[0].mesh is not None


def test_a_mirrored_mesh_still_faces_outwards(tmp_path: Path) -> None:
    write_box(tmp_path / "body.obj", (1, 1, 1))
    text = box_link("body", "body.obj").replace("<mesh ", '<mesh scale="-2 1 1" ')
    mesh = read_urdf(write_urdf_text(tmp_path / "a.urdf", text)).links[0].mesh
    assert mesh is not None
    a, b, c = (mesh.vertices[mesh.faces[:, i]] for i in range(3))
    assert float(np.sum(np.cross(a, b) * c) / 6) == pytest.approx(2.0)


def test_continuous_joints_have_no_limits(tmp_path: Path) -> None:
    write_cabinet(tmp_path)
    text = (tmp_path / "cabinet.urdf").read_text().replace("revolute", "continuous")
    (tmp_path / "cabinet.urdf").write_text(text)
    assert read_urdf(tmp_path / "cabinet.urdf").joints[0].limits is None


BAD = {
    "missing mesh": ((box_link("a", "gone.obj"),), r"gone\.obj' is missing; put it there"),
    "cycle": (
        (
            *(box_link(name, "body.obj") for name in "abc"),
            joint("j1", "revolute", "b", "c"),
            joint("j2", "revolute", "c", "b"),
        ),
        "joints make no tree.*cycle",
    ),
    "two parents": (
        (
            *(box_link(name, "body.obj") for name in "abc"),
            joint("j1", "revolute", "a", "c"),
            joint("j2", "revolute", "b", "c"),
        ),
        r"\['c'\] have more than one parent",
    ),
    "unknown link": ((box_link("a", "body.obj"), joint("j", "revolute", "a", "b")), "names link 'b'"),
    "zero axis": (
        (box_link("a", "body.obj"), box_link("b", "body.obj"), joint("j", "revolute", "a", "b", axis="0 0 0")),
        "axis of joint 'j' has length zero; write a direction",
    ),
    "axis of words": (
        (box_link("a", "body.obj"), box_link("b", "body.obj"), joint("j", "revolute", "a", "b", axis="0 None 0")),
        "axis of joint 'j' reads '0 None 0'; 3 finite numbers needed",
    ),
    "reversed limits": (
        (box_link("a", "body.obj"), box_link("b", "body.obj"), joint("j", "revolute", "a", "b", limit="1 -1")),
        "limits of joint 'j' are reversed: lower 1, upper -1; swap them",
    ),
    "unknown kind": (
        (box_link("a", "body.obj"), box_link("b", "body.obj"), joint("j", "planar", "a", "b")),
        "joint 'j' is of the unknown kind 'planar'; known: fixed, revolute",
    ),
    "no links": ((), "has no links"),
    "no geometry": ((box_link("a", None),), "no link has geometry"),
    "no child": (('<link name="a"/><joint name="j" type="fixed"/>',), "lacks its <parent> or <child>"),
    "unknown shape": (
        ('<link name="a"><visual><geometry><torus/></geometry></visual></link>',),
        "is a <torus>; known: mesh, box",
    ),
    "bad size": (
        ('<link name="a"><visual><geometry><box size="1 2"/></geometry></visual></link>',),
        "reads '1 2'; 3 finite numbers needed",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_read_is_named_with_its_file(tmp_path: Path, case: str) -> None:
    write_box(tmp_path / "body.obj", (1, 1, 1))
    elements, message = BAD[case]
    with pytest.raises(InvalidFileError, match=message) as caught:
        read_urdf(write_urdf_text(tmp_path / "bad.urdf", *elements))
    assert str(tmp_path) in str(caught.value)


def test_files_that_are_no_urdf_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidFileError, match="Cannot open URDF"):
        read_urdf(tmp_path / "gone.urdf")
    (tmp_path / "a.urdf").write_text("<robot>")
    with pytest.raises(InvalidFileError, match="is no XML"):
        read_urdf(tmp_path / "a.urdf")
    (tmp_path / "a.urdf").write_text("<mujoco/>")
    with pytest.raises(InvalidFileError, match="starts with <mujoco>"):
        read_urdf(tmp_path / "a.urdf")
