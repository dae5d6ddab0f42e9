"""A ROS 2 package: `package.xml`, `CMakeLists.txt`, `urdf/` with `package://` paths, `meshes/` and a launch file for RViz."""

import re
from pathlib import Path
from xml.sax.saxutils import escape

from sim2art.export.model_meshes import write_part_meshes
from sim2art.export.physics import PhysicsModel
from sim2art.export.urdf import write_urdf

URDF = "object.urdf"
_DEPENDENCIES = ("joint_state_publisher_gui", "robot_state_publisher", "rviz2")
_CMAKE = """cmake_minimum_required(VERSION 3.8)
project({name})
find_package(ament_cmake REQUIRED)
install(DIRECTORY launch meshes urdf DESTINATION share/${{PROJECT_NAME}})
ament_package()
"""
_LAUNCH = '''"""Shows the object in RViz with a slider for each joint: ros2 launch {name} display.launch.py"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch_ros.actions import Node


def generate_launch_description():
    share = Path(get_package_share_directory("{name}"))
    urdf = (share / "urdf" / "{urdf}").read_text()
    return LaunchDescription(
        [
            Node(
                package="robot_state_publisher",
                executable="robot_state_publisher",
                parameters=[{{"robot_description": urdf}}],
            ),
            Node(package="joint_state_publisher_gui", executable="joint_state_publisher_gui"),
            Node(package="rviz2", executable="rviz2", arguments=["--fixed-frame", "root"]),
        ]
    )
'''


def package_name(name: str) -> str:
    """A ROS package name from an object's: lower-case letters, digits and single underscores, a letter first."""
    clean = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return f"{clean if clean[:1].isalpha() else f'object_{clean}'.strip('_')}_description"


def write_ros2_package(model: PhysicsModel, folder: Path) -> None:
    """Write the package; put or link the folder into a workspace's `src` and build it with colcon."""
    name = package_name(model.articulated_object.name)
    files = write_part_meshes(model, folder)
    for place in ("urdf", "launch"):
        (folder / place).mkdir(exist_ok=True)
    write_urdf(model, files, folder / "urdf" / URDF, mesh_folder=f"package://{name}/")
    depends = "\n".join(f"  <exec_depend>{dependency}</exec_depend>" for dependency in _DEPENDENCIES)
    (folder / "package.xml").write_text(
        f"""<?xml version="1.0"?>
<package format="3">
  <name>{name}</name>
  <version>0.1.0</version>
  <description>Articulated model of {escape(model.articulated_object.name)}, made from a video by sim2art.</description>
  <maintainer email="you@example.com">you</maintainer>
  <license>as the video it was made from</license>
  <buildtool_depend>ament_cmake</buildtool_depend>
{depends}
  <export><build_type>ament_cmake</build_type></export>
</package>
""",
        encoding="utf-8",
    )
    (folder / "CMakeLists.txt").write_text(_CMAKE.format(name=name), encoding="utf-8")
    (folder / "launch" / "display.launch.py").write_text(_LAUNCH.format(name=name, urdf=URDF), encoding="utf-8")
