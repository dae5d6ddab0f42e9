"""Collects the meshes and joints of one object, then stands it on the floor and freezes it."""

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject, Link
from sim2art.articulation.joint import Joint, JointType
from sim2art.assets.placement import stand_on_floor
from sim2art.assets.procedural.shapes import Point, Span
from sim2art.geometry.meshes import TriangleMesh, join_meshes

X: Point = (1.0, 0.0, 0.0)
Y: Point = (0.0, 1.0, 0.0)
Z: Point = (0.0, 0.0, 1.0)


class ObjectBuilder:
    """A growing object. The link that is added first and never hung on a joint is the root."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._meshes: dict[str, list[TriangleMesh]] = {}
        self._joints: list[Joint] = []

    def add(self, link: str, *meshes: TriangleMesh) -> None:
        """Give geometry (rest pose) to a link; the link comes into being with its first mesh."""
        self._meshes.setdefault(link, []).extend(meshes)

    def hinge(self, child: str, *, axis: Point, pivot: Point, limits: Span, parent: str = "body") -> None:
        """Let a link turn about a line; positive values (rad) open it."""
        self._join(JointType.REVOLUTE, "hinge", parent, child, axis, limits, pivot)

    def slide(self, child: str, *, axis: Point, limits: Span, parent: str = "body") -> None:
        """Let a link slide along a direction; positive values (m) open it."""
        self._join(JointType.PRISMATIC, "slide", parent, child, axis, limits, None)

    def _join(
        self, kind: JointType, word: str, parent: str, child: str, axis: Point, limits: Span, pivot: Point | None
    ) -> None:
        direction = np.array(axis, dtype=np.float64)
        joint = Joint(
            name=f"{child}_{word}",
            type=kind,
            parent=parent,
            child=child,
            axis=direction / np.linalg.norm(direction),
            pivot=None if pivot is None else np.array(pivot, dtype=np.float64),
            limits=(float(limits[0]), float(limits[1])),
        )
        self._joints.append(joint)

    def build(self) -> ArticulatedObject:
        """The finished object, standing on z = 0 and centred in x and y."""
        links = []
        for name, meshes in self._meshes.items():
            mesh = join_meshes(meshes)
            assert mesh.colors is not None
            red, green, blue = mesh.colors[0]
            links.append(Link(name=name, mesh=mesh, color=(int(red), int(green), int(blue))))
        return stand_on_floor(ArticulatedObject(name=self.name, links=tuple(links), joints=tuple(self._joints)))
