"""The URDF says the same to yourdfpy and MuJoCo as our kinematics say."""

import dataclasses
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import mujoco
import numpy as np
import pytest
import yourdfpy

from benchmarks.foreign_readers import kinematics_error, open_with_mujoco, open_with_pybullet, open_with_yourdfpy
from sim2art.articulation.articulated_object import ArticulatedObject, Link
from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.kinematics import link_motions
from sim2art.export.frames import root_from_world
from sim2art.export.model_meshes import part_mesh_paths, write_part_meshes
from sim2art.export.physics import build_physics
from sim2art.export.targets import Target
from sim2art.export.urdf import write_urdf
from sim2art.geometry.meshes import make_box
from tests.scenes import make_cabinet


def export_urdf(articulated_object: ArticulatedObject, folder: Path, *, target: Target | None = None) -> Path:
    """Write the URDF with one hull a part; returns its path."""
    model = build_physics(articulated_object, decompose=False)
    path = folder / "object.urdf"
    write_urdf(model, write_part_meshes(model, folder), path, target=target)
    return path


def make_random_chain(seed: int, *, num_joints: int = 4) -> ArticulatedObject:
    """A random tree with long branches; every other link is a box."""
    rng = np.random.default_rng(seed)
    links = [Link(name="base", mesh=make_box(np.array([0.4, 0.5, 0.3]), np.array([0.1, 0.2, 1.5])))]
    joints = []
    for index in range(1, num_joints + 1):
        mesh = make_box(rng.uniform(0.05, 0.3, 3), rng.uniform(-1, 1, 3) + np.array([0, 0, 1.5])) if index % 2 else None
        if mesh is not None:
            mesh = dataclasses.replace(mesh, colors=rng.integers(0, 255, (12, 3), dtype=np.uint8))
        links.append(Link(name=f"part_{index}", mesh=mesh))
        axis = rng.standard_normal(3)
        kind = (JointType.REVOLUTE, JointType.PRISMATIC)[rng.integers(2)]
        joints.append(
            Joint(
                name=f"joint_{index}", type=kind, parent=links[max(0, index - 1 - int(rng.integers(2)))].name,
                child=f"part_{index}", axis=axis / np.linalg.norm(axis), pivot=rng.uniform(-1, 1, 3),
                observed_range=(-0.4, 1.1),
            )
        )  # fmt: skip
    return ArticulatedObject(name="chain", links=tuple(links), joints=tuple(joints))


@pytest.mark.parametrize("open_urdf", [open_with_yourdfpy, open_with_mujoco])
@pytest.mark.parametrize("seed", range(6))
def test_other_readers_find_the_same_link_frames(tmp_path, seed: int, open_urdf) -> None:
    chain = make_random_chain(seed)
    frames = open_urdf(export_urdf(chain, tmp_path), [link.name for link in chain.links])
    values = np.random.default_rng(seed).uniform(-0.4, 1.1, (3, len(chain.joints)))
    assert kinematics_error(chain, frames, values) < 1e-6


def test_meshes_stand_where_they_were_seen(tmp_path) -> None:
    cabinet = make_cabinet()
    robot = yourdfpy.URDF.load(str(export_urdf(cabinet, tmp_path)))
    values = np.array([0.8, 0.2])
    robot.update_cfg({"joint_1": 0.8, "joint_2": 0.2})
    motions = link_motions(cabinet, values)
    for link, motion in zip(cabinet.links, motions, strict=True):
        assert link.mesh is not None
        seen = link.mesh.transformed(root_from_world(cabinet) @ motion).vertices
        nodes = [
            name for name in robot.scene.graph.nodes_geometry if robot.scene.graph.transforms.parents[name] == link.name
        ]
        placed = []
        for node in nodes:
            root_from_node, geometry = robot.scene.graph.get(node)
            mesh = robot.scene.geometry[geometry]
            placed.append(mesh.vertices @ root_from_node[:3, :3].T + root_from_node[:3, 3])
        together = np.concatenate(placed)
        np.testing.assert_allclose(together.min(axis=0), seen.min(axis=0), atol=2e-6)
        np.testing.assert_allclose(together.max(axis=0), seen.max(axis=0), atol=2e-6)


def test_root_is_z_up_and_on_the_ground(tmp_path) -> None:
    robot = yourdfpy.URDF.load(str(export_urdf(make_cabinet(), tmp_path)))
    low, high = robot.scene.bounds
    assert abs(low[2]) < 1e-5
    assert abs(high[2] - 0.82) < 1e-5
    np.testing.assert_allclose((low + high)[:2] / 2, 0, atol=1e-5)
    # The handle is on the door's front, towards the camera: at negative x.
    assert robot.get_transform("part_1", "root")[0, 3] < 0


def test_mesh_colors_survive(tmp_path) -> None:
    robot = yourdfpy.URDF.load(str(export_urdf(make_cabinet(), tmp_path)))
    seen = set()
    for mesh in robot.scene.geometry.values():
        visual = mesh.visual.to_color() if hasattr(mesh.visual, "to_color") else mesh.visual
        seen |= {tuple(int(x) for x in color[:3]) for color in np.unique(visual.vertex_colors, axis=0)}
    for wanted in ((150, 110, 70), (225, 222, 210), (90, 95, 105)):
        assert min(np.abs(np.subtract(wanted, color)).max() for color in seen) <= 4, (wanted, seen)


def test_limits_say_where_they_come_from(tmp_path) -> None:
    cabinet = make_cabinet()
    joints = (
        dataclasses.replace(cabinet.joints[0], observed_range=(0.0, 1.25)),
        dataclasses.replace(cabinet.joints[1], limits=(0.0, 0.3), observed_range=(0.0, 0.2)),
    )
    path = export_urdf(dataclasses.replace(cabinet, joints=joints), tmp_path)
    text = path.read_text()
    assert "<!-- limits: observed -->" in text
    assert "<!-- limits: user -->" in text
    tree = ElementTree.parse(path)
    limits = [(float(x.get("lower", "nan")), float(x.get("upper", "nan"))) for x in tree.iter("limit")]
    assert limits == [(0.0, 1.25), (0.0, 0.3)]
    model = mujoco.MjModel.from_xml_path(str(path))
    np.testing.assert_allclose(model.jnt_range, limits)


def test_mesh_paths_are_relative_and_exist(tmp_path) -> None:
    path = export_urdf(make_cabinet(), tmp_path / "new" / "folder")
    names = [mesh.get("filename", "") for mesh in ElementTree.parse(path).iter("mesh")]
    assert len(names) == 6
    assert all(not name.startswith("/") and (path.parent / name).is_file() for name in names)


def test_mesh_paths_are_known_without_writing(tmp_path) -> None:
    chain = make_random_chain(0)
    export_urdf(chain, tmp_path)
    paths = part_mesh_paths(chain)
    assert paths == ("meshes/base.obj", "meshes/part_1.obj", None, "meshes/part_3.obj", None)
    assert all((tmp_path / path).is_file() for path in paths if path is not None)


def test_odd_names_give_safe_files_and_keep_their_links(tmp_path) -> None:
    box = make_box(np.ones(3), np.zeros(3))
    odd = ArticulatedObject(
        name='a "b" & <c>',
        links=(Link(name="root", mesh=box), Link(name="Tür & Co/1", mesh=box), Link(name="T r & Co/1", mesh=box)),
        joints=tuple(
            Joint(name=f"j{i}", type=JointType.FIXED, parent="root", child=name, axis=np.array([0.0, 0, 1]))
            for i, name in enumerate(("Tür & Co/1", "T r & Co/1"))
        ),
    )
    robot = yourdfpy.URDF.load(str(export_urdf(odd, tmp_path)))
    assert set(robot.link_map) == {"root_", "root", "Tür & Co/1", "T r & Co/1"}
    assert sorted(path.name for path in (tmp_path / "meshes").glob("*_collision_0.obj")) == [
        "T_r_Co_1_2_collision_0.obj", "T_r_Co_1_collision_0.obj", "root_collision_0.obj",
    ]  # fmt: skip


def test_an_object_without_meshes_still_loads(tmp_path) -> None:
    cabinet = make_cabinet()
    bare = dataclasses.replace(cabinet, links=tuple(dataclasses.replace(link, mesh=None) for link in cabinet.links))
    path = export_urdf(bare, tmp_path)
    assert yourdfpy.URDF.load(str(path)).actuated_joint_names == ["joint_1", "joint_2"]
    assert mujoco.MjModel.from_xml_path(str(path)).njnt == 2


def test_mujoco_simulates_the_cabinet_without_explosion(tmp_path) -> None:
    model = mujoco.MjModel.from_xml_path(str(export_urdf(make_cabinet(), tmp_path)))
    # Filled cavities overlap the door and drawer: contacts off, the joints alone must be sound.
    model.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_CONTACT
    data = mujoco.MjData(model)
    for _ in range(500):
        mujoco.mj_step(model, data)
    assert np.all(np.isfinite(data.qpos))
    assert np.abs(data.qvel).max() < 1.0


def test_pybullet_finds_the_same_link_frames_and_its_root_stands_still(tmp_path: Path) -> None:
    pybullet = pytest.importorskip("pybullet")
    client = pybullet.connect(pybullet.DIRECT)
    try:
        for seed in range(3):
            chain = make_random_chain(seed)
            path = export_urdf(chain, tmp_path / str(seed), target=Target.PYBULLET)
            values = np.random.default_rng(seed).uniform(-0.4, 1.1, (2, len(chain.joints)))
            frames = open_with_pybullet(path, [link.name for link in chain.links])
            assert kinematics_error(chain, frames, values) < 2e-6
            body = pybullet.loadURDF(str(path), physicsClientId=client)
            pybullet.setGravity(0, 0, -9.81, physicsClientId=client)
            for _ in range(50):
                pybullet.stepSimulation(client)
            np.testing.assert_allclose(pybullet.getBasePositionAndOrientation(body, client)[0], 0, atol=1e-9)
            pybullet.removeBody(body, client)
    finally:
        pybullet.disconnect(client)
