"""Exports of a saved result: together, told in result.json, all or nothing, with known limits kept."""

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import mujoco
import numpy as np
import pytest
import trimesh
import yourdfpy
from pxr import Usd, UsdPhysics

from sim2art.articulation.verdict import Outcome
from sim2art.errors import InvalidValueError
from sim2art.export.package import ExportOptions, export_result
from sim2art.export.result import read_result
from sim2art.export.saved import load_result
from sim2art.export.targets import FORMATS_OF, Export, Format, Target, file_name_for
from tests.export.test_saved import save

ALL = tuple(Export(format=kind) for kind in Format)


def test_all_formats_appear_and_reopen(tmp_path: Path) -> None:
    save(tmp_path)
    done = export_result(load_result(tmp_path), ExportOptions(exports=ALL, decompose=False))
    names = {path.name for path in done.written}
    files = {"object.urdf", "object.xml", "object.usda", "object.glb", "object.rrd", "object_gazebo", "object_ros2"}
    assert files | {"meshes", "result.json"} == names
    assert yourdfpy.URDF.load(str(tmp_path / "object.urdf")).actuated_joint_names == ["joint_1", "joint_2"]
    assert mujoco.MjModel.from_xml_path(str(tmp_path / "object.xml")).njnt == 2
    assert len(trimesh.load_scene(tmp_path / "object.glb").geometry) == 3
    assert (tmp_path / "object.rrd").read_bytes()[:4] == b"RRF2"
    assert (tmp_path / "labels").is_dir()
    assert not (tmp_path / ".partial").exists()


def test_every_format_says_the_same_masses(tmp_path: Path) -> None:
    save(tmp_path)
    export_result(load_result(tmp_path), ExportOptions(exports=ALL, decompose=False, check=False))
    mjcf = mujoco.MjModel.from_xml_path(str(tmp_path / "object.xml"))
    parts = ("base", "part_1", "part_2")
    expected = [float(mjcf.body(name).mass[0]) for name in parts]
    assert expected[0] > 10.0  # The base's hull holds the floor plate.
    for path in (tmp_path / "object.urdf", tmp_path / "object_ros2" / "urdf" / "object.urdf"):
        links = {link.get("name"): link for link in ElementTree.parse(path).iter("link")}
        masses = [float(links[name].find("inertial/mass").get("value")) for name in parts]
        np.testing.assert_allclose(masses, expected, rtol=1e-5)
    stage = Usd.Stage.Open(str(tmp_path / "object.usda"))
    masses = [UsdPhysics.MassAPI(stage.GetPrimAtPath(f"/cabinet/{name}")).GetMassAttr().Get() for name in parts]
    np.testing.assert_allclose(masses, expected, rtol=1e-5)
    sdf = ElementTree.parse(tmp_path / "object_gazebo" / "model.sdf")
    np.testing.assert_allclose([float(x.text or "") for x in sdf.iter("mass")], expected, rtol=1e-5)


def test_what_was_found_goes_into_the_result(tmp_path: Path) -> None:
    save(tmp_path)
    options = ExportOptions(complete="box", decompose=False, limits={"joint_2": (0.0, 0.4)})
    done = export_result(load_result(tmp_path), options)
    again = load_result(tmp_path)
    assert again.result.simulation == done.result.simulation
    assert again.result.simulation is not None
    assert again.result.simulation.outcome is not Outcome.NOT_CHECKED
    assert again.result.completeness == done.result.completeness
    base, door, _ = again.result.completeness
    assert base is not None
    assert (base.method, base.invented_mesh) == ("none", None)
    assert door is not None
    assert 0.0 < door.seen <= 1.0
    if door.invented_mesh is not None:
        assert (tmp_path / door.invented_mesh).name == "part_1_invented.obj"
        assert (tmp_path / door.invented_mesh).is_file()
    assert again.articulated_object.joints[1].limits == (0.0, 0.4)
    content = json.loads((tmp_path / "result.json").read_text())
    assert content["joints"][1]["limits"] == {"lower": 0.0, "upper": 0.4, "source": "user"}
    assert content["joints"][0]["limits"]["source"] == "observed"
    assert content["simulation"]["outcome"] in ("passed", "failed")
    assert not (tmp_path / "object.xml").exists()  # It was written for the check only.


def test_files_that_are_there_are_written_anew(tmp_path: Path) -> None:
    save(tmp_path)
    first = ExportOptions(exports=(Export(format=Format.MJCF, target=Target.ROBOSUITE),), decompose=False, check=False)
    export_result(load_result(tmp_path), first)
    before = (tmp_path / "object_robosuite.xml").read_text()
    limits = {"joint_1": (0.0, 1.0)}
    export_result(load_result(tmp_path), ExportOptions(decompose=False, check=False, limits=limits))
    assert (tmp_path / "object_robosuite.xml").read_text() != before


def test_a_second_export_changes_nothing(tmp_path: Path) -> None:
    save(tmp_path)
    options = ExportOptions(exports=ALL[:2], decompose=False)
    export_result(load_result(tmp_path), options)
    names = ("object.urdf", "object.xml", "meshes/part_1.obj", "meshes/part_1_collision_0.obj")
    before = [(tmp_path / name).read_text() for name in names]
    export_result(load_result(tmp_path), options)
    assert [(tmp_path / name).read_text() for name in names] == before


def test_a_failure_leaves_the_result_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def fail(*_: object, **__: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("sim2art.export.package.write_glb", fail)
    with pytest.raises(OSError, match="No space"):
        export_result(load_result(tmp_path), ExportOptions(decompose=False))
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_limits_of_an_unknown_joint_are_refused(tmp_path: Path) -> None:
    save(tmp_path)
    with pytest.raises(InvalidValueError, match=r"lid.*joint_1"):
        export_result(load_result(tmp_path), ExportOptions(limits={"lid": (0.0, 1.0)}))


def test_every_target_has_a_format_and_files_that_differ_have_their_name() -> None:
    assert set(FORMATS_OF) == set(Target)
    assert file_name_for(Export(format=Format.MJCF, target=Target.ROBOSUITE)) == "object_robosuite.xml"
    assert file_name_for(Export(format=Format.MJCF, target=Target.MUJOCO)) == "object.xml"
    assert file_name_for(Export(format=Format.URDF, target=Target.MANISKILL)) == "object.urdf"


def test_result_json_of_before_these_entries_is_read(tmp_path: Path) -> None:
    save(tmp_path)
    content = json.loads((tmp_path / "result.json").read_text())
    del content["simulation"]
    for part in content["parts"]:
        del part["completeness"]
    for joint in content["joints"]:
        del joint["limits"]
    (tmp_path / "result.json").write_text(json.dumps(content))
    result = read_result(tmp_path / "result.json")
    assert result.simulation is None
    assert result.completeness == (None, None, None)
