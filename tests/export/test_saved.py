"""A saved result comes back as it was, and what is missing or old is said."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.articulation.assembly import assemble_object
from sim2art.articulation.estimate import Status
from sim2art.errors import InvalidFileError, SchemaError
from sim2art.export.labels import write_labels
from sim2art.export.mesh_files import read_obj, write_obj
from sim2art.export.package import write_model
from sim2art.export.physics import build_physics
from sim2art.export.result import Result, write_result
from sim2art.export.saved import load_result
from tests.scenes import make_scene

SCENE = make_scene(num_frames=4, size=(80, 60))
OBJECT = assemble_object(SCENE.estimate, [link.mesh for link in SCENE.truth.links], name="cabinet")


def save(folder: Path, articulated_object: ArticulatedObject = OBJECT) -> Result:
    """What `sim2art run` leaves in a folder, as far as a reader needs it."""
    parts = write_model(build_physics(articulated_object, decompose=False), None, folder)
    write_labels(folder / "labels", SCENE.labels, (0, 3, 5, 9))
    result = Result(
        name=articulated_object.name,
        status=Status.OK,
        is_metric=True,
        frame_ids=(0, 3, 5, 9),
        part_meshes=tuple(part.visual for part in parts),
        joints=tuple(
            dataclasses.replace(found, joint=joint)
            for found, joint in zip(SCENE.estimate.joints, articulated_object.joints, strict=True)
        ),
        trajectory=SCENE.estimate.trajectory,
        provenance={},
    )
    write_result(folder / "result.json", result)
    return result


def test_a_saved_result_comes_back(tmp_path: Path) -> None:
    result = save(tmp_path)
    saved = load_result(tmp_path)
    assert saved.folder == tmp_path
    assert saved.result.name == saved.articulated_object.name == "cabinet"
    assert saved.result.part_names == ("base", "part_1", "part_2")
    np.testing.assert_array_equal(saved.labels, SCENE.labels)
    for link, before in zip(saved.articulated_object.links, OBJECT.links, strict=True):
        assert (link.name, link.color) == (before.name, before.color)
        assert link.mesh is not None
        assert before.mesh is not None
        np.testing.assert_allclose(link.mesh.vertices, before.mesh.vertices, atol=1e-6)
        np.testing.assert_array_equal(link.mesh.faces, before.mesh.faces)
        assert link.mesh.colors is not None
        assert np.abs(link.mesh.colors.astype(int) - before.mesh.colors.astype(int)).max() <= 4
    for joint, before in zip(saved.articulated_object.joints, result.joints, strict=True):
        np.testing.assert_allclose(joint.transform(0.7), before.joint.transform(0.7), atol=1e-12)


def test_parts_may_have_names_of_their_own(tmp_path: Path) -> None:
    result = save(tmp_path)
    names = {"base": "cabinet", "part_1": "left door", "part_2": "drawer"}
    joints = tuple(
        dataclasses.replace(
            found,
            joint=dataclasses.replace(found.joint, parent=names[found.joint.parent], child=names[found.joint.child]),
        )
        for found in result.joints
    )
    renamed = dataclasses.replace(result, part_names=tuple(names.values()), joints=joints)
    write_result(tmp_path / "result.json", renamed)
    saved = load_result(tmp_path)
    assert [link.name for link in saved.articulated_object.links] == ["cabinet", "left door", "drawer"]
    assert saved.articulated_object.joints[0].child == "left door"


def test_a_folder_without_labels_has_none(tmp_path: Path) -> None:
    save(tmp_path)
    for file in (tmp_path / "labels").iterdir():
        file.unlink()
    (tmp_path / "labels").rmdir()
    assert load_result(tmp_path).labels is None


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidFileError, match="output folder of a finished sim2art run"):
        load_result(tmp_path)


def test_a_missing_mesh_is_named(tmp_path: Path) -> None:
    save(tmp_path)
    (tmp_path / "meshes" / "part_1.obj").unlink()
    with pytest.raises(InvalidFileError, match=r"part_1\.obj.*Copy the whole result folder"):
        load_result(tmp_path)


def test_meshes_in_link_frames_of_an_earlier_version_are_refused(tmp_path: Path) -> None:
    save(tmp_path)
    content = json.loads((tmp_path / "result.json").read_text())
    del content["mesh_frame"]
    (tmp_path / "result.json").write_text(json.dumps(content))
    with pytest.raises(SchemaError, match="earlier version"):
        load_result(tmp_path)


def test_joints_in_a_cycle_are_refused(tmp_path: Path) -> None:
    save(tmp_path)
    content = json.loads((tmp_path / "result.json").read_text())
    content["joints"][0]["parent"], content["joints"][1]["parent"] = 2, 1
    (tmp_path / "result.json").write_text(json.dumps(content))
    with pytest.raises(InvalidFileError, match=r"cycle.*Run the recording again"):
        load_result(tmp_path)


def test_a_mesh_from_an_editor_is_read_without_colors(tmp_path: Path) -> None:
    (tmp_path / "quad.obj").write_text(
        "# made elsewhere\nv 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nf -4//1 -3//1 -2//1 -1//1\n"
    )
    mesh = read_obj(tmp_path / "quad.obj")
    assert mesh.faces.tolist() == [[0, 1, 2], [0, 2, 3]]
    assert mesh.colors is None


@pytest.mark.parametrize("text", ["v 1 2 x\n", "v 0 0 0\nf 1 2 3\n", "v 1 2\n", "f a b c\n"])
def test_a_damaged_mesh_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.obj").write_text(text)
    with pytest.raises(InvalidFileError, match=r"bad\.obj"):
        read_obj(tmp_path / "bad.obj")


def test_a_mesh_whose_palette_is_gone_loses_its_colors_only(tmp_path: Path) -> None:
    mesh = OBJECT.links[0].mesh
    assert mesh is not None
    write_obj(tmp_path / "base.obj", mesh)
    (tmp_path / "base.png").unlink()
    assert read_obj(tmp_path / "base.obj").colors is None
