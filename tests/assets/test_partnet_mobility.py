"""PartNet-Mobility: folders in the data set's layout, with every trap that real objects hold."""

import json
from pathlib import Path

import numpy as np
import pytest

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.articulation.joint import JointType
from sim2art.assets.partnet_mobility import SIZES, is_partnet_folder, read_partnet_mobility
from sim2art.errors import InvalidFileError
from tests.assets.files import box_link, joint, write_box, write_urdf_text

TO_BASE = joint(
    "fixed_base", "fixed", "base", "link_0", axis=None, origin='rpy="1.570796326794897 0 -1.570796326794897"'
)


def write_folder(folder: Path, *elements: str, semantics: str, category: str | None = "StorageFurniture") -> Path:
    """A folder as the data set has them: the root link `base`, then `link_0` turned z up, then the given elements."""
    # Meshes have y up and their front at +z; a unit is about the object.
    write_box(folder / "textured_objs" / "body.obj", (0.8, 1.0, 0.5))
    write_box(folder / "textured_objs" / "front.obj", (0.8, 0.3, 0.03), (0, 0, 0.27))
    write_box(folder / "textured_objs" / "knob.obj", (0.04, 0.04, 0.04), (0.2, 0, 0.3))
    write_urdf_text(folder / "mobility.urdf", box_link("base", None), mesh("link_0", "body"), TO_BASE, *elements)
    (folder / "semantics.txt").write_text(semantics)
    if category is not None:
        (folder / "meta.json").write_text(json.dumps({"model_cat": category, "anno_id": folder.name}))
    return folder


def mesh(name: str, file: str) -> str:
    return box_link(name, f"textured_objs/{file}.obj")


def moving(found: ArticulatedObject) -> list[str]:
    return [item.name for item in found.joints if item.type is not JointType.FIXED]


def test_a_drawer_is_read_in_our_terms(tmp_path: Path) -> None:
    folder = write_folder(
        tmp_path / "7128",
        mesh("link_1", "front"),
        joint("joint_1", "prismatic", "link_0", "link_1", axis="0 0 1", limit="0 0.4"),
        semantics="link_0 static cabinet_frame\nlink_1 slider drawer\n",
    )
    assert is_partnet_folder(folder)
    found = read_partnet_mobility(folder)
    assert found.name == "StorageFurniture" and moving(found) == ["joint_1"]
    slide = found.joints[-1]
    np.testing.assert_allclose(slide.axis, [0, -1, 0], atol=1e-9)  # It comes out of the front, which faces -y.
    corners = np.concatenate([link.mesh.vertices for link in found.links if link.mesh])
    assert float(np.ptp(corners, axis=0).max()) == pytest.approx(SIZES["StorageFurniture"])
    assert int(np.argmax(np.ptp(corners, axis=0))) == 2, "z is up"
    assert corners[:, 2].min() == pytest.approx(0.0)
    assert slide.limits == pytest.approx((0.0, 0.4 * SIZES["StorageFurniture"]))


def test_parts_whose_motion_is_none_of_ours_stay_still(tmp_path: Path) -> None:
    folder = write_folder(
        tmp_path / "a",
        *(mesh(f"link_{k}", "front") for k in range(1, 6)),
        joint("door", "revolute", "link_0", "link_1", axis="0 1 0", limit="0 1.5"),
        joint("loose", "floating", "link_0", "link_2"),
        joint("anything", "revolute", "link_0", "link_3", limit="0 1"),
        joint("screw", "prismatic", "link_0", "link_4", limit="0 1"),
        joint("odd", "planar", "link_0", "link_5"),
        semantics="link_1 hinge door\nlink_2 free lid\nlink_3 heavy body\nlink_4 slider+ cap\nlink_5 hinge x\n",
    )
    assert moving(read_partnet_mobility(folder)) == ["door"]


def test_a_turn_and_a_slide_coupled_through_an_empty_link_stay_still(tmp_path: Path) -> None:
    folder = write_folder(
        tmp_path / "bottle",
        box_link("link_1_virtual", None),
        mesh("link_1", "front"),
        mesh("link_2", "front"),
        joint("turn", "continuous", "link_0", "link_1_virtual", axis="0 1 0"),
        joint("lift", "prismatic", "link_1_virtual", "link_1", axis="0 1 0", limit="0 0.1"),
        joint("door", "revolute", "link_0", "link_2", axis="0 1 0", limit="0 1"),
        semantics="link_1 slider cap\nlink_2 hinge door\n",
    )
    found = read_partnet_mobility(folder)
    assert moving(found) == ["door"]
    assert found.links[[link.name for link in found.links].index("link_1")].mesh is not None, "it is still seen"


def test_an_axis_may_hold_the_word_none(tmp_path: Path) -> None:
    folder = write_folder(
        tmp_path / "a",
        *(mesh(f"link_{k}", "front") for k in (1, 2)),
        joint("door", "revolute", "link_0", "link_1", axis="None 1 None", limit="0 1"),
        joint("lost", "revolute", "link_0", "link_2", axis="None None None", limit="0 1"),
        semantics="",
    )
    found = read_partnet_mobility(folder)
    assert moving(found) == ["door"]
    np.testing.assert_allclose(np.abs(next(j for j in found.joints if j.name == "door").axis), [0, 0, 1], atol=1e-9)


def test_knobs_are_too_small_to_count(tmp_path: Path) -> None:
    folder = write_folder(
        tmp_path / "oven",
        mesh("link_1", "front"),
        *(mesh(f"link_{k}", "knob") for k in range(2, 8)),
        joint("door", "revolute", "link_0", "link_1", axis="1 0 0", limit="0 1.5"),
        *(joint(f"knob_{k}", "continuous", "link_0", f"link_{k}") for k in range(2, 8)),
        semantics="link_1 hinge door\n",
        category="Oven",
    )
    assert moving(read_partnet_mobility(folder)) == ["door"]
    assert len(moving(read_partnet_mobility(folder, min_part_share=0.0))) == 7


def test_faces_are_stored_twice_and_kept_once(tmp_path: Path) -> None:
    folder = write_folder(
        tmp_path / "a",
        mesh("link_1", "front"),
        joint("door", "revolute", "link_0", "link_1", axis="0 1 0", limit="0 1"),
        semantics="",
    )
    for path in (folder / "textured_objs").glob("*.obj"):
        lines = path.read_text().splitlines()
        back = ["f " + " ".join(reversed(line.split()[1:])) for line in lines if line.startswith("f ")]
        path.write_text("\n".join(lines + back) + "\n")
    assert [len(link.mesh.faces) for link in read_partnet_mobility(folder).links if link.mesh] == [12, 12]


def test_without_a_category_a_size_is_assumed_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = write_folder(
        tmp_path / "123",
        mesh("link_1", "front"),
        joint("door", "revolute", "link_0", "link_1", axis="0 1 0", limit="0 1"),
        semantics="",
        category=None,
    )
    assert read_partnet_mobility(folder).name == "123"
    assert "does not tell the category" in caplog.text


def test_an_object_in_which_nothing_moves_is_refused(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "a", semantics="link_0 static x\n")
    with pytest.raises(InvalidFileError, match=r"Nothing of .*/a' moves"):
        read_partnet_mobility(folder)
    with pytest.raises(InvalidFileError, match=r"has no mobility\.urdf"):
        read_partnet_mobility(tmp_path)
