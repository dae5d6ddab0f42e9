"""The GLB reopens in trimesh, and its animation is our kinematics."""

import json
import struct

import numpy as np
import pytest
import trimesh

from benchmarks.foreign_readers import GLTF_FROM_ROOT, expected_frames, kinematics_error, open_with_trimesh
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.errors import InvalidValueError
from sim2art.export.frames import root_from_world
from sim2art.export.glb import write_glb
from sim2art.export.physics import build_physics
from sim2art.geometry.meshes import make_box
from sim2art.geometry.rotations import rotation_from_quaternion
from sim2art.geometry.transforms import apply, make_transform
from tests.export.test_urdf import make_random_chain
from tests.scenes import make_cabinet


def read_chunks(path) -> tuple[dict, bytes]:
    data = path.read_bytes()
    magic, version, length = struct.unpack_from("<4sII", data)
    assert (magic, version, length) == (b"glTF", 2, len(data))
    json_length, kind = struct.unpack_from("<I4s", data, 12)
    assert kind == b"JSON"
    assert json_length % 4 == 0
    binary_length, kind = struct.unpack_from("<I4s", data, 20 + json_length)
    assert kind == b"BIN\0"
    start = 28 + json_length
    assert start + binary_length == len(data)
    return json.loads(data[20 : 20 + json_length]), data[start:]


def read_floats(content: dict, binary: bytes, accessor: int) -> np.ndarray:
    entry = content["accessors"][accessor]
    width = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}[entry["type"]]
    offset = content["bufferViews"][entry["bufferView"]]["byteOffset"]
    return np.frombuffer(binary, "<f4", entry["count"] * width, offset).reshape(-1, width)


def node_transforms_at(content: dict, binary: bytes, key: int) -> dict[str, np.ndarray]:
    """World transform of every node at an animation key, by an independent walk over the file."""
    nodes = [dict(node) for node in content["nodes"]]
    animation = content["animations"][0]
    for channel in animation["channels"]:
        sampler = animation["samplers"][channel["sampler"]]
        nodes[channel["target"]["node"]][channel["target"]["path"]] = read_floats(content, binary, sampler["output"])[
            key
        ]
    found = {}

    def walk(index: int, above: np.ndarray) -> None:
        node = nodes[index]
        x, y, z, w = node.get("rotation", (0, 0, 0, 1))
        rotation = rotation_from_quaternion(np.array([w, x, y, z], dtype=float))
        here = above @ make_transform(rotation, np.array(node.get("translation", (0, 0, 0)), dtype=float))
        found[node["name"]] = here
        for child in node.get("children", ()):
            walk(child, here)

    walk(content["scenes"][0]["nodes"][0], np.eye(4))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_animated_nodes_follow_our_kinematics(tmp_path, seed: int) -> None:
    chain = make_random_chain(seed)
    rng = np.random.default_rng(seed)
    values = np.cumsum(rng.uniform(-0.6, 0.9, (7, 4)), axis=0)
    trajectory = JointTrajectory(
        joint_names=tuple(joint.name for joint in chain.joints), times=5.0 + np.arange(7.0), values=values
    )
    write_glb(build_physics(chain, decompose=False), trajectory, tmp_path / "object.glb")
    content, binary = read_chunks(tmp_path / "object.glb")
    clock = content["animations"][0]["samplers"][0]["input"]
    np.testing.assert_allclose(read_floats(content, binary, clock)[:, 0], np.arange(7.0))
    for key in range(7):
        expected = GLTF_FROM_ROOT @ expected_frames(chain, values[key])
        found = node_transforms_at(content, binary, key)
        for link, frame in zip(chain.links, expected, strict=True):
            np.testing.assert_allclose(found[link.name], frame, atol=2e-6)


def test_trimesh_opens_one_node_a_part_in_the_rest_pose(tmp_path) -> None:
    cabinet = make_cabinet()
    write_glb(build_physics(cabinet, decompose=False), None, tmp_path / "object.glb")
    scene = trimesh.load_scene(tmp_path / "object.glb")
    frames = open_with_trimesh(tmp_path / "object.glb", [link.name for link in cabinet.links])
    assert kinematics_error(cabinet, frames, np.zeros((1, len(cabinet.joints)))) < 1e-6
    assert set(scene.geometry) == {"base", "part_1", "part_2"}
    for link in cabinet.links:
        assert link.mesh is not None
        node_to_scene, geometry = scene.graph.get(link.name)
        mesh = scene.geometry[geometry]
        placed = mesh.vertices @ node_to_scene[:3, :3].T + node_to_scene[:3, 3]
        seen = apply(GLTF_FROM_ROOT @ root_from_world(cabinet), link.mesh.vertices)
        np.testing.assert_allclose(placed.min(axis=0), seen.min(axis=0), atol=1e-6)
        np.testing.assert_allclose(placed.max(axis=0), seen.max(axis=0), atol=1e-6)
        assert len(mesh.faces) == len(link.mesh.faces)


def test_colors_are_stored_as_linear_light(tmp_path) -> None:
    write_glb(build_physics(make_cabinet(), decompose=False), None, tmp_path / "object.glb")
    content, binary = read_chunks(tmp_path / "object.glb")
    entry = content["accessors"][content["meshes"][0]["primitives"][0]["attributes"]["COLOR_0"]]
    offset = content["bufferViews"][entry["bufferView"]]["byteOffset"]
    stored = np.frombuffer(binary, "<u2", 4, offset) / 65535
    # sRGB (150, 110, 70).
    np.testing.assert_allclose(stored, [0.3050, 0.1559, 0.0612, 1.0], atol=2e-4)


def test_a_trajectory_of_other_joints_is_refused(tmp_path) -> None:
    other = JointTrajectory(joint_names=("lid",), times=np.arange(2.0), values=np.zeros((2, 1)))
    with pytest.raises(InvalidValueError, match="matching"):
        write_glb(build_physics(make_cabinet(), decompose=False), other, tmp_path / "object.glb")


def test_invented_sides_are_a_node_of_their_own_on_their_part(tmp_path) -> None:
    box = make_box(np.ones(3), np.zeros(3))
    model = build_physics(make_cabinet(), invented=(None, box, None), decompose=False)
    write_glb(model, None, tmp_path / "object.glb")
    scene = trimesh.load_scene(tmp_path / "object.glb")
    assert scene.graph.transforms.parents["part_1 (invented)"] == "part_1"
    assert len(scene.geometry["part_1 (invented)"].faces) == 12


def test_the_object_stands_on_the_ground_with_y_up(tmp_path) -> None:
    write_glb(build_physics(make_cabinet(), decompose=False), None, tmp_path / "object.glb")
    low, high = trimesh.load_scene(tmp_path / "object.glb").bounds
    np.testing.assert_allclose([low[1], high[1]], [0.0, 0.82], atol=1e-5)
