"""An articulated object: links joined into one tree. Geometry is held at joint values 0 (the rest pose)."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

from sim2art.articulation.joint import Joint
from sim2art.errors import InvalidValueError
from sim2art.geometry.meshes import TriangleMesh


@dataclass(frozen=True, kw_only=True)
class Link:
    """A rigid part placed in the tree."""

    name: str
    mesh: TriangleMesh | None = None
    """Geometry in the rest pose, object frame; None when only the kinematics are known."""
    color: tuple[int, int, int] = (160, 160, 160)
    """RGB, 0..255."""


@dataclass(frozen=True, kw_only=True)
class ArticulatedObject:
    """Links and joints with one root and no cycle; every link but the root is the child of exactly one joint."""

    name: str
    links: tuple[Link, ...]
    joints: tuple[Joint, ...]

    def __post_init__(self) -> None:
        names = [link.name for link in self.links]
        if not names:
            raise InvalidValueError(f"Object '{self.name}' has no links; at least one is needed.")
        for kind, listed in (("link", names), ("joint", [joint.name for joint in self.joints])):
            twice = sorted({name for name in listed if listed.count(name) > 1})
            if twice:
                raise InvalidValueError(f"Object '{self.name}': {kind} names {twice} are used more than once.")
        for joint in self.joints:
            for role in (joint.parent, joint.child):
                if role not in names:
                    raise InvalidValueError(
                        f"Object '{self.name}': joint '{joint.name}' names link '{role}'; known links: {names}."
                    )
        children = [joint.child for joint in self.joints]
        twice = sorted({name for name in children if children.count(name) > 1})
        if twice:
            raise InvalidValueError(f"Object '{self.name}': links {twice} have more than one parent joint.")
        roots = [name for name in names if name not in children]
        if len(roots) != 1:
            raise InvalidValueError(f"Object '{self.name}' needs exactly one root link; found {roots}.")
        if len(self.joint_order) != len(self.joints):
            raise InvalidValueError(f"Object '{self.name}': its joints form a cycle.")

    @property
    def root(self) -> str:
        """Name of the root link."""
        children = {joint.child for joint in self.joints}
        return next(link.name for link in self.links if link.name not in children)

    @cached_property
    def joint_order(self) -> tuple[int, ...]:
        """Joint indices, parents before children."""
        reached, order = {self.root}, []
        remaining = list(range(len(self.joints)))
        while ready := [i for i in remaining if self.joints[i].parent in reached]:
            order += ready
            reached |= {self.joints[i].child for i in ready}
            remaining = [i for i in remaining if i not in ready]
        return tuple(order)

    def link_index(self, name: str) -> int:
        """Position of a link in `links`."""
        for index, link in enumerate(self.links):
            if link.name == name:
                return index
        raise InvalidValueError(f"Object '{self.name}' has no link '{name}'; known: {[x.name for x in self.links]}.")

    def moved(self, new_from_old: Float[np.ndarray, "4 4"]) -> "ArticulatedObject":
        """The same object in another frame."""
        links = tuple(
            Link(name=x.name, color=x.color, mesh=None if x.mesh is None else x.mesh.transformed(new_from_old))
            for x in self.links
        )
        return ArticulatedObject(name=self.name, links=links, joints=tuple(x.moved(new_from_old) for x in self.joints))
