"""Folders of the user's models: what can be read is used, the rest is counted and named."""

from pathlib import Path

import numpy as np
import pytest

from sim2art.assets.collection import find_models, make_from_file, open_collection, read_model
from sim2art.assets.library import check_assets, make_asset
from sim2art.assets.placement import scaled, stand_on_floor, turned
from sim2art.errors import InvalidFileError, InvalidValueError, MissingPackageError
from sim2art.simulate.generate import ClipConfig, generate_clip
from tests.assets.files import box_link, write_cabinet, write_urdf_text
from tests.assets.test_partnet_mobility import joint, mesh, write_folder

MJCF = """<mujoco><worldbody><body name="box"><geom type="box" size="0.2 0.2 0.2"/>
<body name="lid" pos="0 0.2 0.2"><joint type="hinge" axis="1 0 0" range="-1.5 0"/>
<geom type="box" size="0.2 0.2 0.01" pos="0 -0.2 0.01"/></body></body></worldbody></mujoco>"""


def write_collection(folder: Path) -> Path:
    """A URDF, a MJCF with a piece that it includes, a PartNet folder, and three that cannot be used."""
    write_cabinet(folder / "good")
    (folder / "box.xml").write_text(MJCF)
    (folder / "piece.xml").write_text("<mujocoinclude/>")
    (folder / "notes.xml").write_text("<notes/>")
    write_folder(
        folder / "7128",
        mesh("link_1", "front"),
        joint("door", "revolute", "link_0", "link_1", axis="0 1 0", limit="0 1"),
        semantics="",
    )
    write_cabinet(folder / "reversed", limit="1 0")
    write_cabinet(folder / "hollow")
    (folder / "hollow" / "door.obj").unlink()
    write_urdf_text(folder / "still" / "a.urdf", box_link("a", str(folder / "good" / "body.obj")))
    return folder


def test_what_can_be_read_is_used_and_the_rest_is_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("mujoco")
    folder = write_collection(tmp_path)
    names = open_collection(folder)
    assert [name.removeprefix(f"file:{folder}/") for name in names] == [
        "7128/mobility.urdf",
        "good/cabinet.urdf",
        "box.xml",
    ]
    for place, reason in (("reversed", "are reversed"), ("hollow", "is missing"), ("still", "no joint that moves")):
        assert any(place in said and reason in said for said in caplog.messages)
    assert "3 of 6 models" in caplog.text
    for name in names:
        check_assets([name])
        made = make_asset(name, np.random.default_rng(0))
        corners = np.concatenate([link.mesh.vertices for link in made.links if link.mesh])
        assert corners[:, 2].min() == pytest.approx(0.0, abs=1e-9)


def test_clips_are_made_of_a_users_file(tmp_path: Path) -> None:
    write_cabinet(tmp_path)
    names = open_collection(tmp_path)
    clip = generate_clip(ClipConfig(families=names, num_frames=4, num_points=64, image_size=64, corruption="none"), 1)
    assert clip.provenance["family"] == f"file:{tmp_path}/cabinet.urdf"


def test_partnet_objects_vary_in_size(tmp_path: Path) -> None:
    folder = write_folder(
        tmp_path / "7128",
        mesh("link_1", "front"),
        joint("door", "prismatic", "link_0", "link_1", axis="0 0 1", limit="0 0.3"),
        semantics="",
    )
    name = f"file:{folder}/mobility.urdf"
    tops = []
    for seed in (0, 1):
        body = make_from_file(name, np.random.default_rng(seed)).links[1].mesh
        assert body is not None
        tops.append(body.vertices[:, 2].max())
    assert tops[0] != tops[1]


def test_folders_without_a_usable_model_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidFileError, match="There is no folder or file"):
        find_models(tmp_path / "gone")
    with pytest.raises(InvalidFileError, match=r"no \*\.urdf, no \*\.xml that is MJCF"):
        open_collection(tmp_path)
    write_cabinet(tmp_path, limit="1 0")
    with pytest.raises(InvalidFileError, match=r"None of the 1 models.*are reversed"):
        open_collection(tmp_path)
    (tmp_path / "a.usd").write_text("")
    with pytest.raises(InvalidFileError, match=r"neither \*\.urdf nor \*\.xml"):
        read_model(tmp_path / "a.usd")


def test_unknown_names_are_refused_with_the_nearest() -> None:
    with pytest.raises(InvalidValueError, match=r"Unknown families \['real:fauset'\].*Did you mean 'real:faucet'\?"):
        check_assets(["laptop", "real:fauset"])
    with pytest.raises(InvalidValueError, match=r"Unknown families \[\]"):
        check_assets([])
    with pytest.raises(InvalidValueError, match="Unknown families"):
        make_asset("spaceship", np.random.default_rng(0))


def test_synthesized_furniture_asks_for_its_package() -> None:
    try:
        import scene_synthesizer  # noqa: F401  # pyright: ignore[reportMissingImports]
    except ImportError:
        with pytest.raises(MissingPackageError, match="pip install scene-synthesizer"):
            make_asset("synth:range", np.random.default_rng(0))
    else:
        assert make_asset("synth:range", np.random.default_rng(0)).joints


def test_scaling_and_turning_carry_joints_along(tmp_path: Path) -> None:
    write_cabinet(tmp_path)
    cabinet = stand_on_floor(read_model(tmp_path / "cabinet.urdf"))
    larger = scaled(cabinet, 2.0)
    hinge, grown = cabinet.joints[0], larger.joints[0]
    assert hinge.pivot is not None and grown.pivot is not None
    np.testing.assert_allclose(grown.pivot, 2 * hinge.pivot)
    assert grown.limits == hinge.limits
    turned_hinge = turned(cabinet, np.pi / 2).joints[0]
    assert turned_hinge.pivot is not None
    np.testing.assert_allclose(turned_hinge.pivot[:2], [-hinge.pivot[1], hinge.pivot[0]], atol=1e-12)
