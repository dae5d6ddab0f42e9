"""usd-core opens what we write, finds physics in it, and the joints say our kinematics."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from benchmarks.foreign_readers import kinematics_error, open_with_usd
from sim2art.articulation.articulated_object import ArticulatedObject, Link
from sim2art.articulation.joint import Joint, JointType
from sim2art.export.physics import build_physics
from sim2art.export.targets import Target
from sim2art.export.usd import write_usd
from sim2art.geometry.meshes import make_box
from tests.export.test_urdf import make_random_chain
from tests.scenes import make_cabinet

pytest.importorskip("pxr")
from pxr import Gf, Usd, UsdGeom, UsdPhysics


def open_stage(articulated_object: ArticulatedObject, folder: Path, *, suffix: str = "usda", **options) -> Usd.Stage:
    model = build_physics(articulated_object, invented=options.pop("invented", ()), decompose=False)
    write_usd(model, folder / f"object.{suffix}", **options)
    return Usd.Stage.Open(str(folder / f"object.{suffix}"))


@pytest.mark.parametrize("seed", range(4))
def test_the_joints_say_our_kinematics(tmp_path: Path, seed: int) -> None:
    chain = make_random_chain(seed, num_joints=5)
    open_stage(chain, tmp_path)
    frames = open_with_usd(tmp_path / "object.usda", [link.name for link in chain.links])
    assert kinematics_error(chain, frames, np.random.default_rng(seed).uniform(-0.4, 1.1, (3, 5))) < 1e-6


@pytest.mark.parametrize("suffix", ["usda", "usdc"])
def test_bodies_rest_where_the_joints_put_them(tmp_path: Path, suffix: str) -> None:
    chain = make_random_chain(1)
    stage = open_stage(chain, tmp_path, suffix=suffix)
    cache = UsdGeom.XformCache()
    rest = open_with_usd(tmp_path / f"object.{suffix}", [link.name for link in chain.links])({})
    top = stage.GetDefaultPrim().GetPath()
    for link in chain.links:
        prim = stage.GetPrimAtPath(top.AppendChild(link.name))
        np.testing.assert_allclose(np.array(cache.GetLocalToWorldTransform(prim)).T, rest[link.name], atol=1e-6)


def test_the_stage_is_z_up_in_metres_with_a_root_and_bodies(tmp_path: Path) -> None:
    stage = open_stage(make_cabinet(), tmp_path)
    assert UsdGeom.GetStageUpAxis(stage) == "Z"
    assert UsdGeom.GetStageMetersPerUnit(stage) == 1.0
    top = stage.GetDefaultPrim()
    assert top.GetName() == "cabinet"
    assert top.HasAPI(UsdPhysics.ArticulationRootAPI)
    for name in ("base", "part_1", "part_2"):
        body = stage.GetPrimAtPath(f"/cabinet/{name}")
        assert body.HasAPI(UsdPhysics.RigidBodyAPI)
        assert UsdPhysics.MassAPI(body).GetMassAttr().Get() > 0
        collider = stage.GetPrimAtPath(f"/cabinet/{name}/collision_0")
        assert collider.HasAPI(UsdPhysics.CollisionAPI)
        assert UsdPhysics.MeshCollisionAPI(collider).GetApproximationAttr().Get() == "convexHull"
        assert UsdGeom.Imageable(collider).ComputePurpose() == "guide"
    bounds = UsdGeom.BBoxCache(Usd.TimeCode.Default(), ["default"]).ComputeWorldBound(top).ComputeAlignedRange()
    assert bounds.GetMin()[2] == pytest.approx(0.0, abs=1e-5)
    assert bounds.GetMax()[2] == pytest.approx(0.82, abs=1e-5)


def test_limits_are_degrees_and_say_where_they_come_from(tmp_path: Path) -> None:
    cabinet = make_cabinet()
    joints = (
        dataclasses.replace(cabinet.joints[0], observed_range=(0.0, 1.25)),
        dataclasses.replace(cabinet.joints[1], limits=(0.0, 0.3)),
    )
    stage = open_stage(dataclasses.replace(cabinet, joints=joints), tmp_path)
    hinge = UsdPhysics.RevoluteJoint(stage.GetPrimAtPath("/cabinet/joints/joint_1"))
    assert hinge.GetUpperLimitAttr().Get() == pytest.approx(np.rad2deg(1.25))
    assert hinge.GetPrim().GetCustomDataByKey("sim2art:limits") == "observed"
    slide = UsdPhysics.PrismaticJoint(stage.GetPrimAtPath("/cabinet/joints/joint_2"))
    assert slide.GetUpperLimitAttr().Get() == pytest.approx(0.3)
    assert slide.GetPrim().GetCustomDataByKey("sim2art:limits") == "user"
    assert UsdPhysics.DriveAPI(slide.GetPrim(), "linear").GetDampingAttr().Get() > 0


def test_inertia_arrives(tmp_path: Path) -> None:
    cabinet = make_cabinet()
    physics = build_physics(cabinet, decompose=False)
    stage = open_stage(cabinet, tmp_path)
    mass = UsdPhysics.MassAPI(stage.GetPrimAtPath("/cabinet/part_1"))
    rotation = np.array(Gf.Matrix3d(Gf.Rotation(Gf.Quatd(mass.GetPrincipalAxesAttr().Get())))).T
    tensor = rotation @ np.diag(mass.GetDiagonalInertiaAttr().Get()) @ rotation.T
    np.testing.assert_allclose(tensor, physics.inertias[1].matrix, rtol=1e-4, atol=1e-6)


def test_isaac_lab_gets_physx_attributes_and_others_do_not(tmp_path: Path) -> None:
    plain = open_stage(make_cabinet(), tmp_path)
    (tmp_path / "isaac").mkdir()
    stage = open_stage(make_cabinet(), tmp_path / "isaac", target=Target.ISAACLAB)
    joint = stage.GetPrimAtPath("/cabinet/joints/joint_2")
    assert "PhysxJointAPI" in joint.GetMetadata("apiSchemas").GetAddedOrExplicitItems()
    assert joint.GetAttribute("physxJoint:jointFriction").Get() > 0
    assert stage.GetDefaultPrim().GetAttribute("physxArticulation:enabledSelfCollisions").Get() is False
    assert not plain.GetPrimAtPath("/cabinet/joints/joint_2").HasAttribute("physxJoint:jointFriction")


def test_odd_names_become_clean_and_stay_readable(tmp_path: Path) -> None:
    box = make_box(np.ones(3), np.zeros(3))
    odd = ArticulatedObject(
        name="1 ä",
        links=tuple(Link(name=name, mesh=box) for name in ("base", "Tür & Co", "T_r & Co", "joints")),
        joints=tuple(
            Joint(name=f"j {i}", type=JointType.FIXED, parent="base", child=name, axis=np.array([0.0, 0, 1]))
            for i, name in enumerate(("Tür & Co", "T_r & Co", "joints"))
        ),
    )
    stage = open_stage(odd, tmp_path, invented=(None, box, None, None))
    top = stage.GetDefaultPrim()
    bodies = [prim for prim in top.GetChildren() if prim.HasAPI(UsdPhysics.RigidBodyAPI)]
    assert [prim.GetDisplayName() for prim in bodies] == ["base", "Tür & Co", "T_r & Co", "joints"]
    assert len({prim.GetName() for prim in top.GetChildren()}) == len(top.GetChildren())
    assert bodies[1].GetChild("invented").IsA(UsdGeom.Mesh)
