"""MJCF: what MuJoCo compiles is what is read - poses, joints, colours - and what cannot be read is named."""

from pathlib import Path

import numpy as np
import pytest

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.articulation.joint import JointType
from sim2art.articulation.kinematics import link_motions
from sim2art.assets.mjcf import read_mjcf
from sim2art.errors import InvalidFileError
from sim2art.geometry.transforms import apply, make_transform

mujoco = pytest.importorskip("mujoco")

CABINET = """
<mujoco>
  <compiler angle="radian"/>
  <asset><material name="blue" rgba="0.2 0.4 0.8 1"/></asset>
  <worldbody>
    <geom type="plane" size="5 5 0.1"/>
    <body name="table" pos="2 0 0"><geom type="box" size="0.5 0.5 0.3"/></body>
    <body name="cabinet" pos="0.3 -0.2 0.5" euler="0 0 0.4">
      <geom type="box" size="0.3 0.2 0.4" material="blue"/>
      <geom type="box" size="0.4 0.3 0.5" group="3"/>
      <geom type="sphere" size="2" rgba="1 1 1 0"/>
      <body name="door" pos="-0.3 -0.22 0" euler="0.1 0 0">
        <joint name="hinge" type="hinge" axis="0 0 1" pos="0.01 0 0" range="-1.5 0.2"/>
        <geom type="box" size="0.3 0.02 0.4" pos="0.3 0 0" rgba="1 0 0 1"/>
        <geom type="capsule" size="0.02 0.1" pos="0.5 -0.05 0"/>
        <body name="knob" pos="0.55 -0.05 0.1">
          <joint type="slide" axis="0 1 0"/>
          <geom type="cylinder" size="0.03 0.02"/>
          <geom type="ellipsoid" size="0.03 0.02 0.01"/>
        </body>
      </body>
    </body>
  </worldbody>
</mujoco>
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "model.xml"
    path.write_text(text)
    return path


def test_links_joints_and_colours_are_read(tmp_path: Path) -> None:
    cabinet = read_mjcf(write(tmp_path, CABINET), name="cabinet")
    assert [link.name for link in cabinet.links] == ["base", "door", "knob"]
    assert [(joint.name, joint.type, joint.parent) for joint in cabinet.joints] == [
        ("hinge", JointType.REVOLUTE, "base"),
        ("knob_slide", JointType.PRISMATIC, "door"),
    ]
    assert cabinet.joints[0].limits == pytest.approx((-1.5, 0.2))
    assert cabinet.joints[1].limits is None
    base, door = cabinet.links[0].mesh, cabinet.links[1].mesh
    assert base is not None and len(base.faces) == 12, "the plane, the collision box and the clear ball are not drawn"
    assert base.colors is not None and base.colors[0].tolist() == [51, 102, 204]
    assert door is not None and door.colors is not None and door.colors[0].tolist() == [255, 0, 0]
    assert cabinet.links[1].color == (255, 0, 0)


def test_motions_are_those_of_mujoco(tmp_path: Path) -> None:
    path = write(tmp_path, CABINET)
    cabinet = read_mjcf(path)
    model = mujoco.MjModel.from_xml_path(str(path))
    data, rest = mujoco.MjData(model), mujoco.MjData(model)
    mujoco.mj_forward(model, rest)
    data.qpos[:] = [-0.8, 0.07]
    mujoco.mj_forward(model, data)
    for index, body in ((1, "door"), (2, "knob")):
        world_from_rest = make_transform(rest.body(body).xmat.reshape(3, 3), rest.body(body).xpos)
        world_from_moved = make_transform(data.body(body).xmat.reshape(3, 3), data.body(body).xpos)
        motion = link_motions(cabinet, np.array([-0.8, 0.07]))[index]
        np.testing.assert_allclose(motion, world_from_moved @ np.linalg.inv(world_from_rest), atol=1e-9)


def test_shapes_lie_where_mujoco_has_them(tmp_path: Path) -> None:
    path = write(tmp_path, CABINET)
    knob = read_mjcf(path).links[2].mesh
    model = mujoco.MjModel.from_xml_path(str(path))
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    assert knob is not None
    local = apply(
        np.linalg.inv(make_transform(data.body("knob").xmat.reshape(3, 3), data.body("knob").xpos)), knob.vertices
    )
    np.testing.assert_allclose(local.min(axis=0), [-0.03, -0.03, -0.02], atol=1e-3)
    np.testing.assert_allclose(local.max(axis=0), [0.03, 0.03, 0.02], atol=1e-3)


def test_several_joints_of_a_body_are_a_chain(tmp_path: Path) -> None:
    text = """<mujoco><worldbody><body name="puck">
      <joint name="x" type="slide" axis="1 0 0"/><joint name="turn" type="hinge" axis="0 0 1"/>
      <geom type="box" size="0.1 0.1 0.1"/></body></worldbody></mujoco>"""
    puck = read_mjcf(write(tmp_path, text))
    assert [(joint.parent, joint.child) for joint in puck.joints] == [("base", "puck_0"), ("puck_0", "puck")]
    assert puck.links[0].mesh is None and puck.links[1].mesh is None and puck.links[2].mesh is not None


def test_values_count_from_the_initial_pose(tmp_path: Path) -> None:
    text = """<mujoco><worldbody><body name="lid">
      <joint type="slide" axis="1 0 0" ref="0.1" range="0 0.4"/>
      <geom type="box" size="0.1 0.1 0.1"/></body></worldbody></mujoco>"""
    assert read_mjcf(write(tmp_path, text)).joints[0].limits == pytest.approx((-0.1, 0.3))


def test_a_free_object_is_its_own_root(tmp_path: Path) -> None:
    text = """<mujoco><worldbody><body name="box"><freejoint/><geom type="box" size="0.1 0.1 0.1"/>
      <body name="lid" pos="0 0 0.1"><joint name="h" type="hinge" axis="1 0 0"/>
      <geom type="box" size="0.1 0.1 0.01"/></body></body></worldbody></mujoco>"""
    box = read_mjcf(write(tmp_path, text))
    assert [joint.name for joint in box.joints] == ["h"]
    assert box.links[0].mesh is not None


def test_bodies_can_be_chosen_and_left_out(tmp_path: Path) -> None:
    path = write(tmp_path, CABINET)
    assert [link.name for link in read_mjcf(path, bodies=("cabinet",), omitted=("knob",)).links] == ["base", "door"]
    both: ArticulatedObject = read_mjcf(path, bodies=("table", "door"))
    assert both.links[0].mesh is not None and len(both.links[0].mesh.faces) == 12
    assert [joint.name for joint in both.joints] == ["hinge", "knob_slide"]
    with pytest.raises(InvalidFileError, match=r"no body 'fridge'; known: table, cabinet, door, knob"):
        read_mjcf(path, bodies=("fridge",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<mujoco><worldbody>", "MuJoCo cannot compile"),
        (
            '<mujoco><asset><mesh name="m" file="gone.stl"/></asset><worldbody><body><joint/>'
            '<geom type="mesh" mesh="m"/></body></worldbody></mujoco>',
            r"gone\.stl",
        ),
        ('<mujoco><worldbody><geom type="box" size="1 1 1"/></worldbody></mujoco>', r"holds 0 bodies with joints"),
        (
            '<mujoco><worldbody><body name="a"><joint/><geom size="1"/></body>'
            '<body name="b"><joint/><geom size="1"/></body></worldbody></mujoco>',
            r"holds 2 bodies with joints \['a', 'b'\]; name the one",
        ),
        (
            '<mujoco><worldbody><body name="a"><joint type="ball" name="shoulder"/><geom size="1"/></body></worldbody></mujoco>',
            "joint 'shoulder' is a ball joint.*only hinges and slides",
        ),
        (
            '<mujoco><worldbody><body name="a"><joint/><geom size="1" group="4"/></body></worldbody></mujoco>',
            "nothing to draw",
        ),
        (
            '<mujoco><worldbody><body><joint axis="0 0 0"/><geom size="1"/></body></worldbody></mujoco>',
            "axis too small|axis",
        ),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidFileError, match=message) as caught:
        read_mjcf(write(tmp_path, text))
    assert "model.xml" in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidFileError, match=r"no MJCF file .*gone\.xml"):
        read_mjcf(tmp_path / "gone.xml")
