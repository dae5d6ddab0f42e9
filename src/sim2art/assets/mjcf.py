"""MJCF files as articulated objects, read through MuJoCo's own compiler, so that whatever it accepts is read as it means it.

What is drawn: geoms of the groups 0-2, which MuJoCo's viewer shows too; collision shapes are by custom in groups 3-5.
"""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from sim2art.articulation.articulated_object import ArticulatedObject, Link
from sim2art.articulation.joint import Joint, JointType
from sim2art.assets.primitives import make_capsule, make_sphere
from sim2art.errors import InvalidFileError
from sim2art.geometry.meshes import TriangleMesh, join_meshes, make_box, make_cylinder
from sim2art.geometry.rotations import rotation_from_quaternion
from sim2art.geometry.transforms import apply, make_transform
from sim2art.optional import require

_VISIBLE_GROUPS = (0, 1, 2)
_MIN_ALPHA = 0.05  # Geoms more transparent than this are there for the physics only.


def read_mjcf(
    path: Path, *, bodies: tuple[str, ...] = (), omitted: tuple[str, ...] = (), name: str | None = None
) -> ArticulatedObject:
    """The object that a MJCF file describes, in the frame of the world at the model's initial pose.

    The root link is what is fixed to the world. A free joint of a body that the object is made of is left out: the
    object is looked at, not dropped. A body that moves against the world has an empty link as its parent.

    Args:
        bodies: Names of the bodies whose subtrees make up the object; by default the one child of the world with
            joints in or below it.
        omitted: Names of bodies below them that are left out with all that hangs on them.
        name: Name of the object; by default that of the file.

    Raises:
        InvalidFileError: When MuJoCo refuses the file, no body or more than one fits, a joint is a ball, or nothing
            is there to draw.
        MissingPackageError: When MuJoCo is not installed.
    """
    mujoco = require("mujoco", extra="assets")
    if not path.is_file():
        raise InvalidFileError(f"There is no MJCF file '{path}'; check the path.", path=path)
    try:
        model = mujoco.MjModel.from_xml_path(str(path))
    except ValueError as error:
        raise InvalidFileError(
            f"MuJoCo cannot compile '{path}': {error}. Mend the file, or check that its meshes and textures lie where "
            "it says.",
            path=path,
        ) from error
    return _Reader(model, path).read(*_find_bodies(model, bodies, omitted, path), name or path.stem)


def _find_bodies(
    model: Any, wanted: tuple[str, ...], omitted: tuple[str, ...], path: Path
) -> tuple[list[int], list[int]]:
    """The bodies at the object's top, and all of it, parents before children."""
    names = [model.body(index).name for index in range(model.nbody)]
    for name in (*wanted, *omitted):
        if name not in names:
            known = ", ".join(name for name in names[1:] if name)
            raise InvalidFileError(f"'{path}' has no body '{name}'; known: {known}.", path=path)
    tops = [names.index(name) for name in wanted] or [_only_jointed_body(model, names, path)]
    left_out = {names.index(name) for name in omitted}
    chosen: list[int] = []
    for body in range(1, model.nbody):
        if body not in left_out and (body in tops or int(model.body_parentid[body]) in chosen):
            chosen.append(body)
    return tops, chosen


def _only_jointed_body(model: Any, names: list[str], path: Path) -> int:
    """The one child of the world with joints in or below it."""
    jointed = {_top_body(model, int(body)) for body in model.jnt_bodyid}
    if len(jointed) != 1:
        found = sorted(names[index] or f"body {index}" for index in jointed)
        raise InvalidFileError(
            f"'{path}' holds {len(found)} bodies with joints {found}; name the one that is the object (`bodies`).",
            path=path,
        )
    return jointed.pop()


def _top_body(model: Any, body: int) -> int:
    """The child of the world that a body hangs on."""
    while model.body_parentid[body] != 0:
        body = int(model.body_parentid[body])
    return body


class _Reader:
    """Walks a compiled model; bodies without joints belong to the link of their parent."""

    def __init__(self, model: Any, path: Path) -> None:
        self._model = model
        self._path = path
        self._textures: dict[int, np.ndarray] = {}  # Mean colours, 0..1.

    def read(self, tops: list[int], chosen: list[int], name: str) -> ArticulatedObject:
        model = self._model
        world_from_body: dict[int, Float[np.ndarray, "4 4"]] = {0: np.eye(4)}
        for body in range(1, model.nbody):  # Parents come before children.
            place = make_transform(rotation_from_quaternion(model.body_quat[body]), model.body_pos[body])
            world_from_body[body] = world_from_body[int(model.body_parentid[body])] @ place
        meshes: dict[str, list[TriangleMesh]] = {"base": []}
        joints: list[Joint] = []
        link_of: dict[int, str] = {}
        for body in chosen:
            own = model.body(body).name or f"link_{body}"
            link_of[body] = "base" if body in tops else link_of[int(model.body_parentid[body])]
            listed = range(model.body_jntadr[body], model.body_jntadr[body] + model.body_jntnum[body])
            kept = [index for index in listed if not self._is_dropped(index, is_top=body in tops)]
            for place, index in enumerate(kept):
                # Several joints of one body are a chain of links of which only the last one has geometry.
                child = own if place == len(kept) - 1 else f"{own}_{place}"
                child = child if child not in meshes else f"{child}_{body}"
                joints.append(self._read_joint(index, world_from_body[body], link_of[body], child))
                link_of[body] = child
                meshes[child] = []
            meshes[link_of[body]] += self._read_geoms(body, world_from_body[body])
        if not any(meshes.values()):
            raise InvalidFileError(
                f"'{self._path}' has nothing to draw: no visible geom in groups {_VISIBLE_GROUPS}.", path=self._path
            )
        links = tuple(_make_link(link, parts) for link, parts in meshes.items())
        return ArticulatedObject(name=name, links=links, joints=tuple(joints))

    def _is_dropped(self, index: int, *, is_top: bool) -> bool:
        kind = int(self._model.jnt_type[index])
        if kind in (2, 3):  # mjJNT_SLIDE, mjJNT_HINGE.
            return False
        if kind == 0 and is_top:
            return True
        word = "free" if kind == 0 else "ball"
        raise InvalidFileError(
            f"'{self._path}': joint '{self._model.joint(index).name}' is a {word} joint inside the object; only hinges "
            "and slides are read. Replace it by hinges and slides, or name a body without it.",
            path=self._path,
        )

    def _read_joint(self, index: int, world_from_body: Float[np.ndarray, "4 4"], parent: str, child: str) -> Joint:
        model = self._model
        is_hinge = int(model.jnt_type[index]) == 3
        limits = None
        if model.jnt_limited[index]:
            # Values count from the pose in which the geometry is given.
            low, high = (float(value - model.qpos0[model.jnt_qposadr[index]]) for value in model.jnt_range[index])
            limits = (low, high)
        return Joint(
            name=model.joint(index).name or f"{child}_{'hinge' if is_hinge else 'slide'}",
            type=JointType.REVOLUTE if is_hinge else JointType.PRISMATIC,
            parent=parent,
            child=child,
            axis=world_from_body[:3, :3] @ model.jnt_axis[index],
            pivot=apply(world_from_body, model.jnt_pos[index][None])[0] if is_hinge else None,
            limits=limits,
        )

    def _read_geoms(self, body: int, world_from_body: Float[np.ndarray, "4 4"]) -> list[TriangleMesh]:
        model = self._model
        meshes = []
        for index in range(model.body_geomadr[body], model.body_geomadr[body] + model.body_geomnum[body]):
            if int(model.geom_group[index]) not in _VISIBLE_GROUPS:
                continue
            color, alpha = self._color(index)
            shape = self._shape(index)
            if shape is None or alpha < _MIN_ALPHA:
                continue
            rotation = rotation_from_quaternion(model.geom_quat[index])
            shape = shape.transformed(world_from_body @ make_transform(rotation, model.geom_pos[index]))
            meshes.append(shape.painted(color.tolist()))
        return meshes

    def _shape(self, index: int) -> TriangleMesh | None:
        """A geom in its own frame; None for planes, height fields and the like."""
        model = self._model
        size = np.array(model.geom_size[index], dtype=np.float64)
        match int(model.geom_type[index]):
            case 2:
                return make_sphere(np.full(3, size[0]))
            case 3:
                return make_capsule(size[0], 2 * size[1])
            case 4:
                return make_sphere(size)
            case 5:
                return make_cylinder(size[0], 2 * size[1], segments=24)
            case 6:
                return make_box(2 * size, np.zeros(3))
            case 7:
                mesh = int(model.geom_dataid[index])
                first, count = int(model.mesh_vertadr[mesh]), int(model.mesh_vertnum[mesh])
                face, faces = int(model.mesh_faceadr[mesh]), int(model.mesh_facenum[mesh])
                return TriangleMesh(
                    vertices=np.array(model.mesh_vert[first : first + count], dtype=np.float64),
                    faces=np.array(model.mesh_face[face : face + faces], dtype=np.int64),
                )
            case _:
                return None

    def _color(self, index: int) -> tuple[UInt8[np.ndarray, "3"], float]:
        """RGB and opacity of a geom: its material's, tinted by the mean of the texture."""
        model = self._model
        material = int(model.geom_matid[index])
        rgba = np.array(model.geom_rgba[index] if material < 0 else model.mat_rgba[material], dtype=np.float64)
        if material >= 0:
            for texture in np.unique(model.mat_texid[material]):
                if texture >= 0:
                    rgba[:3] *= self._mean_of_texture(int(texture))
                    break
        return np.clip(np.rint(255 * rgba[:3]), 0, 255).astype(np.uint8), float(rgba[3])

    def _mean_of_texture(self, texture: int) -> Float[np.ndarray, "3"]:
        if texture not in self._textures:
            model = self._model
            channels = int(model.tex_nchannel[texture])
            first = int(model.tex_adr[texture])
            size = int(model.tex_width[texture]) * int(model.tex_height[texture]) * channels
            texels = model.tex_data[first : first + size].reshape(-1, channels)
            mean = texels[:, :3].mean(axis=0) / 255.0
            self._textures[texture] = np.broadcast_to(mean, (3,)).astype(np.float64)
        return self._textures[texture]


def _make_link(name: str, parts: list[TriangleMesh]) -> Link:
    if not parts:
        return Link(name=name)
    mesh = join_meshes(parts)
    assert mesh.colors is not None
    # The largest piece stands for the whole where only one colour can be shown.
    largest = max(parts, key=lambda part: float(np.prod(np.ptp(part.vertices, axis=0) + 1e-3)))
    assert largest.colors is not None
    red, green, blue = (int(channel) for channel in largest.colors[0])
    return Link(name=name, mesh=mesh, color=(red, green, blue))
