"""The MJCF compiles in MuJoCo, says the same kinematics, and simulates."""

from pathlib import Path

import mujoco
import numpy as np
import pytest

from benchmarks.foreign_readers import kinematics_error, open_with_mujoco
from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.export.mjcf import write_mjcf
from sim2art.export.model_meshes import write_part_meshes
from sim2art.export.physics import build_physics
from sim2art.export.targets import Target
from sim2art.geometry.meshes import make_box
from tests.export.test_urdf import make_random_chain
from tests.scenes import make_cabinet


def load(articulated_object: ArticulatedObject, folder: Path, **options) -> mujoco.MjModel:
    model = build_physics(articulated_object, invented=options.pop("invented", ()), decompose=False)
    write_mjcf(model, write_part_meshes(model, folder), folder / "object.xml", **options)
    return mujoco.MjModel.from_xml_path(str(folder / "object.xml"))


@pytest.mark.parametrize("seed", range(6))
def test_mujoco_finds_the_same_link_frames(tmp_path: Path, seed: int) -> None:
    chain = make_random_chain(seed, num_joints=5)
    load(chain, tmp_path)
    frames = open_with_mujoco(tmp_path / "object.xml", [link.name for link in chain.links])
    assert kinematics_error(chain, frames, np.random.default_rng(seed).uniform(-0.4, 1.1, (3, 5))) < 1e-6


def test_two_seconds_pass_without_explosion(tmp_path: Path) -> None:
    model = load(make_cabinet(), tmp_path)
    data = mujoco.MjData(model)
    while data.time < 2.0:
        mujoco.mj_step(model, data)
        assert np.all(np.isfinite(data.qpos))
        assert np.abs(data.qvel).max(initial=0.0) < 1.0
    # The hulls of door and drawer overlap those of the body that carries them: such pairs do not meet.
    pairs = {tuple(sorted(model.geom_bodyid[data.contact.geom[i]].tolist())) for i in range(data.ncon)}
    base = model.body("base").id
    assert not any(base in pair for pair in pairs)


def test_the_base_has_the_mass_that_other_formats_have(tmp_path: Path) -> None:
    cabinet = make_cabinet()
    physics = build_physics(cabinet, decompose=False)
    for target, name in ((None, "base"), (Target.ROBOSUITE, "base")):
        base = load(cabinet, tmp_path, target=target).body(name)
        assert base.mass[0] == pytest.approx(physics.inertias[0].mass, rel=1e-6)
        np.testing.assert_allclose(base.ipos, physics.inertias[0].center, atol=1e-6)


def test_mass_inertia_and_dynamics_arrive(tmp_path: Path) -> None:
    cabinet = make_cabinet()
    physics = build_physics(cabinet, decompose=False)
    model = load(cabinet, tmp_path)
    door = model.body("part_1")
    assert door.mass[0] == pytest.approx(physics.inertias[1].mass, rel=1e-6)
    moments = np.linalg.eigvalsh(physics.inertias[1].matrix)
    np.testing.assert_allclose(np.sort(door.inertia), moments, rtol=1e-5)
    np.testing.assert_allclose(door.ipos, physics.inertias[1].center - physics.origins[1], atol=1e-6)
    hinge = model.joint("joint_1")
    assert model.dof_damping[hinge.dofadr[0]] == pytest.approx(physics.joints[0].damping, rel=1e-5)
    assert model.dof_frictionloss[hinge.dofadr[0]] == pytest.approx(physics.joints[0].friction, rel=1e-5)
    np.testing.assert_allclose(hinge.range, physics.joints[0].limits)


def test_meshes_stand_where_they_were_seen(tmp_path: Path) -> None:
    cabinet = make_cabinet()
    model = load(cabinet, tmp_path)
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    low, high = [], []
    for geom in range(model.ngeom):
        mesh = model.geom_dataid[geom]
        start = model.mesh_vertadr[mesh]
        vertices = model.mesh_vert[start : start + model.mesh_vertnum[mesh]]
        placed = vertices @ data.geom_xmat[geom].reshape(3, 3).T + data.geom_xpos[geom]
        low.append(placed.min(axis=0))
        high.append(placed.max(axis=0))
    np.testing.assert_allclose(np.min(low, axis=0)[2], 0.0, atol=1e-5)
    np.testing.assert_allclose(np.max(high, axis=0)[2], 0.82, atol=1e-5)


def test_seen_meshes_have_their_colors_and_touch_nothing(tmp_path: Path) -> None:
    model = load(make_cabinet(), tmp_path, invented=(None, make_box(np.ones(3), np.zeros(3)), None))
    assert model.ntex == 3
    seen = [index for index in range(model.ngeom) if model.geom_group[index] == 2]
    assert len(seen) == 4
    assert all(model.geom_contype[index] == 0 and model.geom_conaffinity[index] == 0 for index in seen)
    assert model.geom("part_1_invented_visual").id in seen


def test_robosuite_gets_its_layout(tmp_path: Path) -> None:
    model = load(make_cabinet(), tmp_path, target=Target.ROBOSUITE)
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    assert model.body("object").parentid[0] == 1
    assert data.site("bottom_site").xpos[2] == pytest.approx(0.0, abs=1e-5)
    assert data.site("top_site").xpos[2] == pytest.approx(0.82, abs=1e-5)
    assert data.site("horizontal_radius_site").xpos[0] > 0.9
    assert set(model.geom_group) == {0, 1}
    assert data.ncon == 0  # Hulls overlap, but the object's parts do not meet each other.
    touching = model.geom_group == 0
    # A geom with MuJoCo's own masks meets them.
    assert np.all((model.geom_contype[touching] & 1) | (model.geom_conaffinity[touching] & 1))


def test_an_object_of_one_link_compiles(tmp_path: Path) -> None:
    cabinet = make_cabinet()
    alone = ArticulatedObject(name="alone", links=cabinet.links[:1], joints=())
    assert load(alone, tmp_path).njnt == 0
