"""Where readers that are not ours see the links of an exported object; the tests and `export_gate.py` compare them with us.

Each function opens a file and returns a function from joint values by name (rad or m) to the 4x4 frame of every link in
the file's root.
"""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.articulation.kinematics import link_motions
from sim2art.export.frames import link_origins, root_from_world
from sim2art.geometry.transforms import make_transform

Kinematics = Callable[[dict[str, float]], dict[str, np.ndarray]]

GLTF_FROM_ROOT = np.array([[0.0, -1, 0, 0], [0, 0, 1, 0], [-1, 0, 0, 0], [0, 0, 0, 1]])
"""glTF is y up, our root z up."""


def expected_frames(
    articulated_object: ArticulatedObject,
    values: Float[np.ndarray, "joint"],
    up: Float[np.ndarray, "3"] | None = None,
) -> Float[np.ndarray, "link 4 4"]:
    """What a reader should find: each link's frame in the z-up root, in the order of the links; `up` as exported with."""
    origins = make_transform(np.eye(3), link_origins(articulated_object))
    return root_from_world(articulated_object, up) @ link_motions(articulated_object, values) @ origins


def open_with_yourdfpy(path: Path, links: list[str]) -> Kinematics:
    """A URDF, alone or in a ROS package, whose `package://` paths are looked up as ROS does it."""

    def find(fname: str) -> str:
        if not fname.startswith("package://"):
            return str(path.parent / fname)
        package, _, inner = fname.removeprefix("package://").partition("/")
        found = importlib.import_module("catkin_pkg.package").parse_package(str(path.parents[1]))
        if found.name != package:
            raise ValueError(f"{fname}: the package is called '{found.name}'.")
        return str(path.parents[1] / inner)

    robot = importlib.import_module("yourdfpy").URDF.load(str(path), filename_handler=find)

    def frames(values: dict[str, float]) -> dict[str, np.ndarray]:
        robot.update_cfg(values)
        return {name: np.array(robot.get_transform(name, "root")) for name in links}

    return frames


def open_with_pybullet(path: Path, links: list[str]) -> Kinematics:
    """A URDF. PyBullet computes in double precision but places collision frames in single."""
    pybullet = importlib.import_module("pybullet")
    client = pybullet.connect(pybullet.DIRECT)
    body = pybullet.loadURDF(str(path), useFixedBase=True, physicsClientId=client)
    infos = [pybullet.getJointInfo(body, index, client) for index in range(pybullet.getNumJoints(body, client))]
    joints = {info[1].decode(): info[0] for info in infos}
    places = {info[12].decode(): info[0] for info in infos}

    def frames(values: dict[str, float]) -> dict[str, np.ndarray]:
        for name, value in values.items():
            pybullet.resetJointState(body, joints[name], value, physicsClientId=client)
        found = {}
        for name in links:
            state = pybullet.getLinkState(body, places[name], computeForwardKinematics=1, physicsClientId=client)
            rotation = np.reshape(pybullet.getMatrixFromQuaternion(state[5]), (3, 3))
            found[name] = make_transform(rotation, np.array(state[4]))
        return found

    return frames


def open_with_mujoco(path: Path, links: list[str]) -> Kinematics:
    """An MJCF file, or a URDF."""
    mujoco = importlib.import_module("mujoco")
    model = mujoco.MjModel.from_xml_path(str(path))
    data = mujoco.MjData(model)

    def frames(values: dict[str, float]) -> dict[str, np.ndarray]:
        for name, value in values.items():
            data.qpos[model.joint(name).qposadr] = value
        mujoco.mj_kinematics(model, data)
        return {
            name: make_transform(data.body(name).xmat.reshape(3, 3).copy(), data.body(name).xpos.copy())
            for name in links
        }

    return frames


def open_with_drake(path: Path, links: list[str]) -> Kinematics:
    """An SDFormat file, by Gazebo's own parser, which Drake brings along."""
    plants, geometry = (importlib.import_module(f"pydrake.{name}") for name in ("multibody.plant", "geometry"))
    plant = plants.MultibodyPlant(0.0)
    scene = geometry.SceneGraph()  # The plant keeps no hold of it.
    plant.RegisterAsSourceForSceneGraph(scene)
    importlib.import_module("pydrake.multibody.parsing").Parser(plant).AddModels(str(path))
    plant.Finalize()
    context = plant.CreateDefaultContext()

    def frames(values: dict[str, float]) -> dict[str, np.ndarray]:
        assert scene is not None
        positions = np.zeros(plant.num_positions())
        for name, value in values.items():
            joint = plant.GetJointByName(name)
            positions[joint.position_start() : joint.position_start() + joint.num_positions()] = value
        plant.SetPositions(context, positions)
        return {name: plant.GetBodyByName(name).EvalPoseInWorld(context).GetAsMatrix4() for name in links}

    return frames


def open_with_usd(path: Path, links: list[str]) -> Kinematics:
    """A USD stage, by its joints alone: the body poses of the file are not looked at."""
    stage = importlib.import_module("pxr.Usd").Stage.Open(str(path))
    physics, gf = importlib.import_module("pxr.UsdPhysics"), importlib.import_module("pxr.Gf")

    def matrix(position: Any, rotation: Any) -> np.ndarray:
        return np.array(gf.Matrix4d(gf.Rotation(gf.Quatd(rotation)), gf.Vec3d(position))).T

    def frames(values: dict[str, float]) -> dict[str, np.ndarray]:
        found: dict[str, np.ndarray] = {}
        waiting = [physics.Joint(prim) for prim in stage.Traverse() if prim.IsA(physics.Joint)]
        while waiting:
            for joint in list(waiting):
                parents = [target.name for target in joint.GetBody0Rel().GetTargets()]
                if parents and parents[0] not in found:
                    continue
                above = found[parents[0]] if parents else np.eye(4)
                prim = joint.GetPrim()
                value = values.get(prim.GetName(), 0.0)
                motion = gf.Matrix4d(1.0)
                if prim.IsA(physics.RevoluteJoint):
                    assert physics.RevoluteJoint(prim).GetAxisAttr().Get() == "X"
                    motion.SetRotate(gf.Rotation(gf.Vec3d(1, 0, 0), np.rad2deg(value)))
                elif prim.IsA(physics.PrismaticJoint):
                    assert physics.PrismaticJoint(prim).GetAxisAttr().Get() == "X"
                    motion.SetTranslate(gf.Vec3d(value, 0, 0))
                first = matrix(joint.GetLocalPos0Attr().Get(), joint.GetLocalRot0Attr().Get())
                second = matrix(joint.GetLocalPos1Attr().Get(), joint.GetLocalRot1Attr().Get())
                (child,) = joint.GetBody1Rel().GetTargets()
                found[child.name] = above @ first @ np.array(motion).T @ np.linalg.inv(second)
                waiting.remove(joint)
        return {name: found[name] for name in links}

    return frames


def open_with_trimesh(path: Path, links: list[str]) -> Kinematics:
    """A GLB file; trimesh plays no animation, so it knows the rest pose only."""
    scene = importlib.import_module("trimesh").load_scene(path)
    root_from_gltf = np.linalg.inv(GLTF_FROM_ROOT)

    def frames(values: dict[str, float]) -> dict[str, np.ndarray]:
        if any(values.values()):
            raise ValueError("trimesh shows a GLB in its rest pose; ask for joint values of 0.")
        return {name: root_from_gltf @ scene.graph.get(name)[0] for name in links}

    return frames


def kinematics_error(
    articulated_object: ArticulatedObject,
    frames: Kinematics,
    values: Float[np.ndarray, "sample joint"],
    up: Float[np.ndarray, "3"] | None = None,
) -> float:
    """Largest difference between a reader's frames and ours over some joint values (m, and entries of rotations)."""
    worst = 0.0
    for row in values:
        found = frames({joint.name: float(x) for joint, x in zip(articulated_object.joints, row, strict=True)})
        for link, frame in zip(articulated_object.links, expected_frames(articulated_object, row, up), strict=True):
            worst = max(worst, float(np.abs(found[link.name] - frame).max()))
    return worst
