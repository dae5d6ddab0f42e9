"""Kinematics survive a round trip through JSON."""

import json

import numpy as np
import pytest

from sim2art.articulation.articulated_object import ArticulatedObject, Link
from sim2art.articulation.io import (
    object_from_dict,
    object_to_dict,
    read_kinematics,
    trajectory_from_dict,
    trajectory_to_dict,
    write_kinematics,
)
from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.kinematics import link_motions
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.errors import InvalidFileError, SchemaError


def make_chain() -> ArticulatedObject:
    return ArticulatedObject(
        name="chain",
        links=(Link(name="base"), Link(name="part_1", color=(1, 2, 3)), Link(name="part_2")),
        joints=(
            Joint(
                name="hinge", type=JointType.REVOLUTE, parent="base", child="part_1",
                axis=np.array([0.6, 0.0, 0.8]), pivot=np.array([0.3, 0.2, 1.1]), observed_range=(-0.2, 1.0),
            ),
            Joint(
                name="slide", type=JointType.PRISMATIC, parent="part_1", child="part_2",
                axis=np.array([0.0, 1.0, 0.0]), limits=(0.0, 0.4),
            ),
        ),
    )  # fmt: skip


def make_trajectory() -> JointTrajectory:
    return JointTrajectory(
        joint_names=("hinge", "slide"), times=np.arange(3) / 30, values=np.array([[0, 0], [0.1, 0.01], [0.2, 1 / 3]])
    )


def test_an_object_survives_json() -> None:
    chain = make_chain()
    again = object_from_dict(json.loads(json.dumps(object_to_dict(chain))))
    values = np.array([0.7, 0.2])
    assert [link.name for link in again.links] == [link.name for link in chain.links]
    assert again.links[1].color == (1, 2, 3)
    assert again.joints[0].observed_range == (-0.2, 1.0)
    assert again.joints[1].limits == (0.0, 0.4)
    np.testing.assert_array_equal(link_motions(again, values), link_motions(chain, values))


def test_a_trajectory_survives_json() -> None:
    trajectory = make_trajectory()
    again = trajectory_from_dict(json.loads(json.dumps(trajectory_to_dict(trajectory))))
    assert again.joint_names == trajectory.joint_names
    np.testing.assert_array_equal(again.times, trajectory.times)
    np.testing.assert_array_equal(again.values, trajectory.values)


def test_a_trajectory_without_joints_survives_json() -> None:
    still = JointTrajectory(joint_names=(), times=np.arange(4.0), values=np.zeros((4, 0)))
    assert trajectory_from_dict(json.loads(json.dumps(trajectory_to_dict(still)))).values.shape == (4, 0)


def test_a_file_gives_back_object_and_trajectory(tmp_path) -> None:
    write_kinematics(tmp_path / "truth.json", make_chain(), make_trajectory())
    again, trajectory = read_kinematics(tmp_path / "truth.json")
    assert again.joints[0].name == "hinge"
    assert trajectory is not None
    np.testing.assert_array_equal(trajectory.values, make_trajectory().values)


def test_another_schema_is_refused_with_advice(tmp_path) -> None:
    path = tmp_path / "truth.json"
    path.write_text('{"schema": "sim2art.kinematics/9"}')
    with pytest.raises(SchemaError, match="Write it anew"):
        read_kinematics(path)


@pytest.mark.parametrize("text", ["", "{", '{"schema": "sim2art.kinematics/1"}', '{"schema": "sim2art.kinematics/1", "object": 3, "trajectory": null}'])  # fmt: skip
def test_a_damaged_file_is_refused(tmp_path, text: str) -> None:
    path = tmp_path / "truth.json"
    path.write_text(text)
    with pytest.raises(InvalidFileError):
        read_kinematics(path)
