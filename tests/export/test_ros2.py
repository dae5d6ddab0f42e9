"""The ROS 2 package is one that ROS's own tools read, and its URDF finds its meshes through the package."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from catkin_pkg.package import parse_package

from benchmarks.foreign_readers import kinematics_error, open_with_yourdfpy
from sim2art.export.physics import build_physics
from sim2art.export.ros2 import package_name, write_ros2_package
from tests.export.test_urdf import make_random_chain


def test_the_package_is_read_and_its_urdf_has_our_kinematics(tmp_path: Path) -> None:
    chain = make_random_chain(0)
    write_ros2_package(build_physics(chain, decompose=False), tmp_path)
    package = parse_package(str(tmp_path), warnings=(told := []))
    assert told == []
    assert package.name == "chain_description"
    assert package.get_build_type() == "ament_cmake"
    assert {"robot_state_publisher", "rviz2"} <= {depend.name for depend in package.exec_depends}
    urdf = tmp_path / "urdf" / "object.urdf"
    frames = open_with_yourdfpy(urdf, [link.name for link in chain.links])
    assert kinematics_error(chain, frames, np.random.default_rng(0).uniform(-0.4, 1.1, (3, 4))) < 1e-6
    meshes = [mesh.get("filename", "") for mesh in ElementTree.parse(urdf).iter("mesh")]
    assert meshes
    for mesh in meshes:
        assert mesh.startswith("package://chain_description/meshes/")
        assert (tmp_path / mesh.removeprefix("package://chain_description/")).is_file()


def test_what_the_build_installs_is_there_and_the_launch_file_is_python(tmp_path: Path) -> None:
    write_ros2_package(build_physics(make_random_chain(1), decompose=False), tmp_path)
    cmake = (tmp_path / "CMakeLists.txt").read_text()
    assert "project(chain_description)" in cmake
    assert "DESTINATION share/${PROJECT_NAME}" in cmake
    folders = cmake[cmake.index("DIRECTORY") : cmake.index("DESTINATION")].split()[1:]
    assert all((tmp_path / folder).is_dir() for folder in folders)
    launch = tmp_path / "launch" / "display.launch.py"
    code = compile(launch.read_text(), str(launch), "exec")
    assert "generate_launch_description" in code.co_names
    assert (tmp_path / "urdf" / "object.urdf").is_file()
    assert '"object.urdf"' in launch.read_text()


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("Kitchen door 2", "kitchen_door_2_description"),
        ("2nd", "object_2nd_description"),
        ("__a--b__", "a_b_description"),
        ("\u5f15\u51fa\u3057", "object_description"),
    ],
)
def test_package_names_follow_the_rules_of_ros(name: str, package: str) -> None:
    assert package_name(name) == package
