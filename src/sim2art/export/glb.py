"""GLB (glTF 2.0): one node per part on its joint, coloured meshes, and the observed motion as an animation.

Written by hand, since no common writer knows node animations. glTF is y up with z towards the viewer, so the root node
takes the world of the result there by way of the exports' z-up root. A part's node sits on its joint: a turn or a slide between
two keys is then exact, and anyone can grab the node and move the part the right way.
"""

import io
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.errors import InvalidValueError
from sim2art.export.mesh_files import linear_colors
from sim2art.export.physics import PhysicsModel
from sim2art.geometry.meshes import TriangleMesh
from sim2art.geometry.rotations import quaternion_from_rotation, rotation_from_rotvec
from sim2art.geometry.transforms import make_transform

_FLOAT, _UNSIGNED_SHORT = 5126, 5123
_ARRAY_BUFFER = 34962
_GLTF_FROM_ROOT = np.array([[0.0, -1.0, 0.0], [0.0, 0.0, 1.0], [-1.0, 0.0, 0.0]])
"""The exports' z-up axes (x forward, y left) to glTF's (x right, y up, z towards the viewer); rows are the new axes."""


def write_glb(model: PhysicsModel, trajectory: JointTrajectory | None, path: Path) -> None:
    """Write the object in its rest pose, with the trajectory as animation "observed motion" when one is given.

    Geometry that no frame showed is a node of its own below its part, named "... (invented)".

    Raises:
        InvalidValueError: When the trajectory is of other joints.
    """
    articulated_object = model.articulated_object
    names = tuple(joint.name for joint in articulated_object.joints)
    if trajectory is not None and trajectory.joint_names != names:
        raise InvalidValueError(
            f"Trajectory is of joints {trajectory.joint_names}, the object has {names}; give the matching one."
        )
    buffer = _Buffer()
    nodes, meshes = _scene(model, buffer)
    content: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": "sim2art"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": nodes,
    }
    if meshes:
        content["meshes"] = meshes
        content["materials"] = [_material(), *(_material(index) for index in range(buffer.num_images))]
    if trajectory is not None and len(trajectory.times) > 1:
        animation = _animation(articulated_object, trajectory, nodes, buffer)
        if animation["channels"]:
            content["animations"] = [animation]
    path.write_bytes(buffer.pack(content))


def _scene(model: PhysicsModel, buffer: "_Buffer") -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Nodes, the root first and then one a link, and the meshes that they show."""
    articulated_object, origins = model.articulated_object, model.origins
    gltf_from_world = make_transform(_GLTF_FROM_ROOT, np.zeros(3)) @ model.root_from_world
    wxyz = quaternion_from_rotation(gltf_from_world[:3, :3])
    nodes: list[dict[str, Any]] = [
        {
            "name": articulated_object.name,
            "rotation": wxyz[[1, 2, 3, 0]].tolist(),  # glTF quaternions are xyzw.
            "translation": gltf_from_world[:3, 3].tolist(),
            "children": [],
        }
    ]
    meshes: list[dict[str, Any]] = []
    parent_of = {joint.child: joint.parent for joint in articulated_object.joints}
    for index, link in enumerate(articulated_object.links):
        node: dict[str, Any] = {"name": link.name}
        parent = parent_of.get(link.name)
        offset = origins[index] - (0.0 if parent is None else origins[articulated_object.link_index(parent)])
        node["translation"] = [float(x) for x in offset]
        if link.mesh is not None and len(link.mesh.faces):
            node["mesh"] = len(meshes)
            meshes.append(_mesh(link.name, link.mesh, link.color, origins[index], buffer))
        nodes.append(node)
    for index, link in enumerate(articulated_object.links):
        parent = parent_of.get(link.name)
        owner = nodes[0] if parent is None else nodes[1 + articulated_object.link_index(parent)]
        owner.setdefault("children", []).append(1 + index)
    for index, (link, extra) in enumerate(zip(articulated_object.links, model.invented, strict=True)):
        if extra is not None:
            name = f"{link.name} (invented)"
            nodes[1 + index].setdefault("children", []).append(len(nodes))
            nodes.append({"name": name, "mesh": len(meshes)})
            meshes.append(_mesh(name, extra, link.color, origins[index], buffer))
    return nodes, meshes


def _material(texture: int | None = None) -> dict[str, Any]:
    """Dull, and shown from both sides: scans are open shells."""
    look: dict[str, Any] = {"metallicFactor": 0.0, "roughnessFactor": 0.9}
    if texture is not None:
        look["baseColorTexture"] = {"index": texture}
    return {"doubleSided": True, "pbrMetallicRoughness": look}


class _Buffer:
    """Collects arrays as glTF accessors over one binary chunk."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._views: list[dict[str, Any]] = []
        self._accessors: list[dict[str, Any]] = []
        self._images: list[dict[str, Any]] = []

    def add_vertices(self, array: np.ndarray, kind: str, component: int, **extra: Any) -> int:
        """Append one value per vertex; returns the accessor."""
        accessor = self.add_keys(array, kind, component, **extra)
        self._views[-1]["target"] = _ARRAY_BUFFER
        return accessor

    def add_keys(self, array: np.ndarray, kind: str, component: int, **extra: Any) -> int:
        """Append one value per animation key; returns the accessor."""
        view: dict[str, Any] = {"buffer": 0, "byteOffset": len(self._bytes), "byteLength": array.nbytes}
        self._bytes += np.ascontiguousarray(array).tobytes()
        self._bytes += b"\0" * (-len(self._bytes) % 4)
        self._views.append(view)
        self._accessors.append(
            {"bufferView": len(self._views) - 1, "componentType": component, "count": len(array), "type": kind, **extra}
        )
        return len(self._accessors) - 1

    def add_image(self, image: np.ndarray) -> int:
        """Append a picture as PNG; returns its number, which is its texture's too."""
        file = io.BytesIO()
        Image.fromarray(image).save(file, "png")
        self._images.append({"bufferView": len(self._views), "mimeType": "image/png"})
        self._views.append({"buffer": 0, "byteOffset": len(self._bytes), "byteLength": file.tell()})
        self._bytes += file.getvalue()
        self._bytes += b"\0" * (-len(self._bytes) % 4)
        return len(self._images) - 1

    @property
    def num_images(self) -> int:
        return len(self._images)

    def pack(self, content: dict[str, Any]) -> bytes:
        """The whole file: header, JSON chunk, binary chunk."""
        content = dict(content)
        if self._accessors:
            content["buffers"] = [{"byteLength": len(self._bytes)}]
            content["bufferViews"] = self._views
            content["accessors"] = self._accessors
        if self._images:
            content["images"] = self._images
            content["samplers"] = [{}]
            content["textures"] = [{"source": index, "sampler": 0} for index in range(len(self._images))]
        text = json.dumps(content, separators=(",", ":"), allow_nan=False).encode()
        text += b" " * (-len(text) % 4)
        chunks = struct.pack("<I4s", len(text), b"JSON") + text
        if self._bytes:
            chunks += struct.pack("<I4s", len(self._bytes), b"BIN\0") + bytes(self._bytes)
        return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def _mesh(
    name: str, mesh: TriangleMesh, color: tuple[int, int, int], origin: np.ndarray, buffer: _Buffer
) -> dict[str, Any]:
    """One primitive whose faces share no vertices, so that each keeps its own colour or texture and flat shading."""
    corners = (mesh.vertices[mesh.faces].reshape(-1, 3) - origin).astype("<f4")
    attributes = {
        "POSITION": buffer.add_vertices(
            corners, "VEC3", _FLOAT, min=corners.min(axis=0).tolist(), max=corners.max(axis=0).tolist()
        )
    }
    if mesh.texture is None:
        linear = linear_colors(mesh, color)
        rgba = np.concatenate([linear, np.ones((len(linear), 1))], axis=1).repeat(3, axis=0)
        attributes["COLOR_0"] = buffer.add_vertices(
            np.round(rgba * 65535).astype("<u2"), "VEC4", _UNSIGNED_SHORT, normalized=True
        )
        material = 0
    else:
        places = mesh.texture.uvs.reshape(-1, 2) * [1.0, -1.0] + [0.0, 1.0]  # glTF counts v downwards.
        attributes["TEXCOORD_0"] = buffer.add_vertices(places.astype("<f4"), "VEC2", _FLOAT)
        material = 1 + buffer.add_image(mesh.texture.image)
    return {"name": name, "primitives": [{"attributes": attributes, "material": material, "mode": 4}]}


def _animation(
    articulated_object: ArticulatedObject, trajectory: JointTrajectory, nodes: list[dict[str, Any]], buffer: _Buffer
) -> dict[str, Any]:
    """One channel per moving joint, all over the same key times (s from the first frame)."""
    times = (trajectory.times - trajectory.times[0]).astype("<f4")
    clock = buffer.add_keys(times, "SCALAR", _FLOAT, min=[float(times[0])], max=[float(times[-1])])
    channels, samplers = [], []
    for index, joint in enumerate(articulated_object.joints):
        node = 1 + articulated_object.link_index(joint.child)
        keys = _keys(joint, trajectory.values[:, index], np.array(nodes[node]["translation"]))
        if keys is None:
            continue
        values, kind, target = keys
        samplers.append(
            {
                "input": clock,
                "output": buffer.add_keys(values.astype("<f4"), kind, _FLOAT),
                "interpolation": "LINEAR",
            }
        )
        channels.append({"sampler": len(samplers) - 1, "target": {"node": node, "path": target}})
    return {"name": "observed motion", "channels": channels, "samplers": samplers}


def _keys(joint: Joint, values: np.ndarray, translation: np.ndarray) -> tuple[np.ndarray, str, str] | None:
    """Key values, accessor type and animated property of a joint; None for a fixed one."""
    match joint.type:
        case JointType.REVOLUTE:
            wxyz = quaternion_from_rotation(rotation_from_rotvec(joint.axis * values[:, None]))
            # Neighbouring keys on the same half of the sphere: readers interpolate the shorter way.
            for key in range(1, len(wxyz)):
                if wxyz[key] @ wxyz[key - 1] < 0:
                    wxyz[key] = -wxyz[key]
            return wxyz[:, [1, 2, 3, 0]], "VEC4", "rotation"
        case JointType.PRISMATIC:
            return translation + joint.axis * values[:, None], "VEC3", "translation"
        case JointType.FIXED:
            return None
