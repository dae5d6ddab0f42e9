"""Objects that others made: read out of their wheels, whole, in real-life size (slow tests fetch the true wheels)."""

import hashlib
import zipfile
from pathlib import Path

import numpy as np
import pytest

from sim2art.articulation.joint import JointType
from sim2art.articulation.kinematics import link_motions
from sim2art.assets import real_mesh
from sim2art.assets.real_mesh import REAL_MESHES, RealMesh, make_real_mesh, unpack_wheel
from sim2art.errors import InvalidFileError, InvalidValueError
from sim2art.geometry.transforms import is_rigid
from sim2art.weights import WEIGHTS, Weight, WheelSource, fetch_weight
from tests.assets.test_collection import MJCF


@pytest.fixture
def small_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel with one model, in a folder of weights of its own."""
    pytest.importorskip("mujoco")
    folder = tmp_path / "weights"
    folder.mkdir()
    wheel = folder / "metaworld-0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("metaworld/assets/objects/box.xml", MJCF)
        archive.writestr("metaworld/code.py", "raise SystemExit")
    source = WheelSource(requirement="metaworld==0", member=None)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    monkeypatch.setitem(WEIGHTS, "metaworld", Weight(file=wheel.name, sha256=digest, license="MIT", source=source))
    entry = RealMesh(wheel="metaworld", model="metaworld/assets/objects/box.xml", scale=2.0)
    monkeypatch.setitem(REAL_MESHES, "real:box", entry)
    monkeypatch.setenv("SIM2ART_WEIGHTS", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    make_real_mesh.cache_clear()
    return wheel


def test_an_object_is_read_out_of_its_wheel(small_wheel: Path) -> None:
    box = make_real_mesh("real:box")
    assert box.name == "box" and [item.type for item in box.joints] == [JointType.REVOLUTE]
    body = box.links[0].mesh
    assert body is not None
    np.testing.assert_allclose(np.ptp(body.vertices, axis=0), [0.8, 0.8, 0.8])
    assert make_real_mesh("real:box") is box


def test_a_wheel_is_unpacked_once_and_without_its_code(small_wheel: Path) -> None:
    folder = unpack_wheel("metaworld")
    assert (folder / "metaworld/assets/objects/box.xml").is_file()
    assert not (folder / "metaworld/code.py").exists()
    stamp = folder.stat().st_mtime_ns
    assert unpack_wheel("metaworld") == folder and folder.stat().st_mtime_ns == stamp
    left = {path.name for path in folder.parent.iterdir()}
    assert left == {folder.name, ".metaworld.lock"}, "nothing half unpacked stays behind"


def test_another_wheel_than_expected_is_refused(small_wheel: Path) -> None:
    small_wheel.write_bytes(b"other")
    with pytest.raises(InvalidFileError, match="sha256"):
        make_real_mesh("real:box")


def test_unknown_objects_are_refused() -> None:
    with pytest.raises(InvalidValueError, match="There is no object 'real:ufo'; known: real:button_box"):
        make_real_mesh("real:ufo")


def test_the_set_is_large_enough_and_its_sources_are_known() -> None:
    assert len(REAL_MESHES) >= 18
    assert {entry.wheel for entry in REAL_MESHES.values()} <= set(WEIGHTS)
    assert all(name.startswith("real:") for name in REAL_MESHES)
    assert real_mesh.REAL_MESHES["real:microwave"].scale < 1


@pytest.mark.slow
def test_every_object_of_the_true_wheels_is_fit_for_scenarios() -> None:
    pytest.importorskip("mujoco")
    make_real_mesh.cache_clear()
    try:
        for name in ("metaworld", "gymnasium-robotics"):
            fetch_weight(name)
    except InvalidFileError as error:
        pytest.skip(f"the package index cannot be reached: {error}")
    for name in REAL_MESHES:
        made = make_real_mesh(name)
        corners = np.concatenate([link.mesh.vertices for link in made.links if link.mesh])
        assert corners[:, 2].min() == pytest.approx(0.0, abs=1e-9)
        assert 0.05 < np.ptp(corners, axis=0).max() < 1.0, name
        assert all(item.limits is not None and item.limits[0] < item.limits[1] for item in made.joints)
        assert np.all(is_rigid(link_motions(made, np.array([item.limits[1] for item in made.joints if item.limits]))))
