"""Gazebo's own parser finds the model folder's links, masses and limits as we have them."""

import importlib
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

from benchmarks.foreign_readers import kinematics_error, open_with_drake
from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.export.physics import PhysicsModel, build_physics
from sim2art.export.sdf import write_gazebo_model
from tests.export.test_urdf import make_random_chain
from tests.scenes import make_cabinet


def export(articulated_object: ArticulatedObject, folder: Path) -> PhysicsModel:
    model = build_physics(articulated_object, decompose=False)
    write_gazebo_model(model, folder)
    return model


@pytest.mark.parametrize("seed", range(3))
def test_gazebos_parser_finds_the_same_link_frames(tmp_path: Path, seed: int) -> None:
    chain = make_random_chain(seed, num_joints=5)
    export(chain, tmp_path)
    frames = open_with_drake(tmp_path / "model.sdf", [link.name for link in chain.links])
    assert kinematics_error(chain, frames, np.random.default_rng(seed).uniform(-0.4, 1.1, (3, 5))) < 1e-9


def test_masses_limits_and_damping_arrive(tmp_path: Path) -> None:
    cabinet = make_cabinet()
    model = export(cabinet, tmp_path)
    plant = importlib.import_module("pydrake.multibody.plant").MultibodyPlant(0.0)
    importlib.import_module("pydrake.multibody.parsing").Parser(plant).AddModels(str(tmp_path / "model.sdf"))
    plant.Finalize()
    for link, inertia in zip(cabinet.links, model.inertias, strict=True):
        body = plant.GetBodyByName(link.name)
        assert body.default_mass() == pytest.approx(inertia.mass, rel=1e-6)
        found = body.default_spatial_inertia().Shift(body.default_com()).CopyToFullMatrix6()[:3, :3]
        np.testing.assert_allclose(found, inertia.matrix, rtol=1e-5, atol=1e-6)
    for joint, physics in zip(cabinet.joints, model.joints, strict=True):
        found = plant.GetJointByName(joint.name)
        np.testing.assert_allclose(
            [*found.position_lower_limits(), *found.position_upper_limits()], physics.limits, rtol=1e-6
        )
        np.testing.assert_allclose(found.default_damping_vector(), physics.damping, rtol=1e-5)


def test_the_folder_is_whole_and_its_config_names_the_model(tmp_path: Path) -> None:
    export(make_cabinet(), tmp_path)
    config = ElementTree.parse(tmp_path / "model.config").getroot()
    assert config.findtext("name") == "cabinet"
    assert (tmp_path / str(config.findtext("sdf"))).is_file()
    model = ElementTree.parse(tmp_path / "model.sdf").getroot()
    assert config.find("sdf").get("version") == model.get("version")  # pyright: ignore[reportOptionalMemberAccess]
    uris = [uri.text or "" for uri in model.iter("uri")]
    assert len(uris) >= 6
    assert all((tmp_path / uri).is_file() for uri in uris)
