"""Simulators whose conventions an export may follow: the formats each reads best, and what changes in the files.

| target | formats | what differs from the plain files |
| --- | --- | --- |
| mujoco | mjcf | nothing |
| robosuite | mjcf | body `object` inside an unnamed body, sites for placing, geom groups 0 (contact) and 1 (seen); parts of the object meet others but not each other, by masks, since robosuite takes no contact rules over |
| pybullet | urdf | the root link has mass 0, so that it stands still without `useFixedBase` |
| isaaclab | usd | PhysX's own joint friction, and its switch against self-collision |
| maniskill | urdf | nothing: load with `fix_root_link = True` |
| genesis | urdf | nothing: load with `fixed=True` |
| gazebo | sdf | a model folder of its own |
| ros2 | ros2 | a package folder of its own, its URDF with `package://` paths |
"""

from dataclasses import dataclass
from enum import StrEnum


class Format(StrEnum):
    """File formats of an export."""

    URDF = "urdf"
    MJCF = "mjcf"
    USD = "usd"
    GLB = "glb"
    RRD = "rrd"
    SDF = "sdf"
    """Gazebo's model folder."""
    ROS2 = "ros2"
    """A ROS 2 package."""


class Target(StrEnum):
    """Simulators."""

    ISAACLAB = "isaaclab"
    MUJOCO = "mujoco"
    PYBULLET = "pybullet"
    ROBOSUITE = "robosuite"
    MANISKILL = "maniskill"
    GENESIS = "genesis"
    GAZEBO = "gazebo"
    ROS2 = "ros2"


FORMATS_OF: dict[Target, tuple[Format, ...]] = {
    Target.ISAACLAB: (Format.USD,),
    Target.MUJOCO: (Format.MJCF,),
    Target.PYBULLET: (Format.URDF,),
    Target.ROBOSUITE: (Format.MJCF,),
    Target.MANISKILL: (Format.URDF,),
    Target.GENESIS: (Format.URDF,),
    Target.GAZEBO: (Format.SDF,),
    Target.ROS2: (Format.ROS2,),
}
"""What each reads best."""

FILE_NAMES: dict[Format, str] = {
    Format.URDF: "object.urdf",
    Format.MJCF: "object.xml",
    Format.USD: "object.usda",
    Format.GLB: "object.glb",
    Format.RRD: "object.rrd",
    Format.SDF: "object_gazebo",
    Format.ROS2: "object_ros2",
}
"""Folders where there is no suffix."""

_DIFFERS: frozenset[tuple[Target | None, Format]] = frozenset(
    {(Target.ROBOSUITE, Format.MJCF), (Target.PYBULLET, Format.URDF), (Target.ISAACLAB, Format.USD)}
)


@dataclass(frozen=True, kw_only=True)
class Export:
    """One file of an export. A target that changes nothing in the format is dropped."""

    format: Format
    target: Target | None = None

    def __post_init__(self) -> None:
        if (self.target, self.format) not in _DIFFERS:
            object.__setattr__(self, "target", None)


def all_exports() -> list[Export]:
    """Every file that an export can write."""
    return list(dict.fromkeys(Export(format=kind, target=target) for kind in Format for target in (None, *Target)))


def file_name_for(export: Export) -> str:
    """Name of an export's file; one that differs from the plain form bears its target's name."""
    name = FILE_NAMES[export.format]
    if export.target is None:
        return name
    stem, _, suffix = name.partition(".")
    return f"{stem}_{export.target.value}.{suffix}"
