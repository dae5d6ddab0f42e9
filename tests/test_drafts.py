"""Result folders come back as drafts, and changed drafts become result folders, whole or not at all."""

import dataclasses
import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import mujoco
import numpy as np
import pytest

from sim2art.articulation.estimate import Status
from sim2art.articulation.joint import JointType
from sim2art.articulation.verdict import Outcome, SimulationCheck, SimulationVerdict
from sim2art.cli.main import main
from sim2art.drafts import load_draft, refine_draft, rewrite_report, save_draft
from sim2art.errors import InvalidFileError, InvalidValueError, MissingPackageError
from sim2art.export.package import ExportOptions, export_result
from sim2art.export.physics import PhysicsConfig
from sim2art.export.result import read_result, write_result
from sim2art.export.saved import load_result
from sim2art.export.targets import Export, Format
from sim2art.view import edits
from sim2art.view.draft import Draft
from sim2art.view.refit import refit
from sim2art.view.report import ReportConfig
from sim2art.view.server import NUM_PORTS, choose_port
from tests.view.drafts import joint_of, make_draft


@pytest.fixture(scope="module", autouse=True)
def _small_reports() -> Iterator[None]:
    """Reports with few and small pictures: rendering them is most of a save."""
    small = ReportConfig(num_frames=2, frame_width=100, num_motion=1, num_turntable=1, render_size=(48, 36))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sim2art.view.report.ReportConfig", lambda: small)
        yield


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "cabinet"
    save_draft(make_draft(), folder, origin=folder)
    return folder


@pytest.fixture
def result(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "cabinet"))


def test_a_result_comes_back_as_the_draft_it_was(result: Path) -> None:
    before, back = make_draft(), load_draft(result)
    assert back.part_names == before.part_names
    assert back.estimate.status is Status.AMBIGUOUS
    np.testing.assert_array_equal(back.labels, before.labels)
    np.testing.assert_array_equal(back.estimate.part_ids, before.estimate.part_ids)
    np.testing.assert_allclose(back.estimate.trajectory.values, before.estimate.trajectory.values)
    np.testing.assert_allclose(back.video.depths, before.video.depths, atol=1e-4)
    for mesh, known in zip(back.meshes, before.meshes, strict=True):
        np.testing.assert_allclose(mesh.vertices, known.vertices, atol=1e-5)


def test_edits_are_saved_with_what_they_were_made_from(result: Path) -> None:
    draft = edits.rename_part(load_draft(result), 1, "left door")
    draft = edits.set_limits(refit(edits.set_type(draft, 1, JointType.PRISMATIC), 1), 1, (0.0, 0.8))
    save_draft(draft, result, origin=result, overwrite=True)
    back = load_draft(result)
    assert back.part_names == ("base", "left door", "part_2")
    assert joint_of(back, 1).type is JointType.PRISMATIC
    assert joint_of(back, 1).limits == (0.0, 0.8)
    assert back.edits == draft.edits
    provenance = json.loads((result / "provenance.json").read_text())
    assert "edited_from" in provenance
    assert "left door" in (result / "report.html").read_text()
    again = edits.rename_part(back, 2, "drawer")
    save_draft(again, result, origin=result, overwrite=True)
    assert load_draft(result).edits == again.edits
    assert json.loads((result / "provenance.json").read_text())["edited_from"] == provenance["edited_from"]


def test_merged_and_split_parts_are_saved(result: Path) -> None:
    save_draft(edits.merge_parts(load_draft(result), 1, 2), result, origin=result, overwrite=True)
    assert load_result(result).result.part_names == ("base", "part_1")
    assert sorted(path.name for path in (result / "meshes").glob("part_2*")) == []


def test_a_save_that_fails_leaves_the_result_as_it_was(result: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path: path.read_bytes() for path in result.rglob("*") if path.is_file()}

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sim2art.view.report.write_report", fail)
    draft = edits.rename_part(load_draft(result), 1, "door")
    with pytest.raises(OSError, match="No space"):
        save_draft(draft, result, origin=result, overwrite=True)
    assert {path: path.read_bytes() for path in result.rglob("*") if path.is_file()} == before


def test_without_its_video_a_result_can_be_seen_but_not_changed(result: Path) -> None:
    shutil.rmtree(result / "video")
    (result / "points.npz").unlink()
    draft = load_draft(result)
    assert draft.video is None
    with pytest.raises(InvalidValueError, match="keeps no used frames"):
        save_draft(edits.rename_part(draft, 1, "door"), result, origin=result, overwrite=True)


def test_exports_of_an_edited_result_are_written_anew_as_they_were(result: Path) -> None:
    options = ExportOptions(
        exports=(Export(format=Format.MJCF), Export(format=Format.USD)), physics=PhysicsConfig(density=111.0),
        decompose=False,
    )  # fmt: skip
    export_result(load_result(result), options)
    before = mass_of_part_1(result)
    draft = edits.set_limits(edits.rename_part(load_draft(result), 1, "left door"), 1, (0.0, 0.7))
    done = save_draft(draft, result, origin=result, overwrite=True)
    assert any("Written anew: object.urdf, object.glb, object.xml, object.usda." in note for note in done.notes)
    model = mujoco.MjModel.from_xml_path(str(result / "object.xml"))
    np.testing.assert_allclose(model.joint(joint_of(draft, 1).name).range, (0.0, 0.7))
    assert model.body("left door").mass[0] == pytest.approx(before)
    assert "left_door" in (result / "object.usda").read_text()
    saved = read_result(result / "result.json")
    assert saved.simulation is not None
    assert saved.export is not None
    assert saved.export["density"] == 111.0
    assert "Simulation" in (result / "report.html").read_text()


def mass_of_part_1(folder: Path) -> float:
    model = mujoco.MjModel.from_xml_path(str(folder / "object.xml"))
    return float(model.body("part_1").mass[0])


def test_exports_that_cannot_be_written_anew_are_removed_with_a_word(
    result: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_result(
        load_result(result), ExportOptions(exports=(Export(format=Format.USD),), decompose=False, check=False)
    )

    def fail(*_: object, **__: object) -> None:
        raise MissingPackageError("package 'pxr' is gone")

    monkeypatch.setattr("sim2art.export.package.write_usd", fail)
    done = save_draft(edits.rename_part(load_draft(result), 1, "door"), result, origin=result, overwrite=True)
    assert done.notes == ("Not written anew, so removed: object.usda. package 'pxr' is gone",)
    assert not (result / "object.usda").exists()
    assert load_draft(result).part_names[1] == "door"


def test_a_result_without_exports_is_saved_without_a_word(result: Path) -> None:
    done = save_draft(edits.rename_part(load_draft(result), 1, "door"), result, origin=result, overwrite=True)
    assert done.notes == ()
    assert not (result / "object.xml").exists()


def test_files_of_different_runs_are_told(result: Path) -> None:
    other = make_draft(num_frames=5)
    shutil.rmtree(result / "video")
    save_draft(other, result.parent / "other", origin=result)
    shutil.copytree(result.parent / "other" / "video", result / "video")
    with pytest.raises(InvalidFileError, match="different runs"):
        load_draft(result)


def test_the_viewer_says_what_is_wrong_with_folder_and_port(result: Path, tmp_path: Path, capsys) -> None:
    assert main(["view", str(tmp_path / "missing"), "--port", "auto"]) == 2
    assert "result.json" in capsys.readouterr().err
    (result / "result.json").write_text(json.dumps({"schema": "sim2art.result/0"}))
    assert main(["view", str(result), "--port", "auto"]) == 2
    assert "sim2art.result/0" in capsys.readouterr().err
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["view", str(result), "--port", str(port)]) == 2
        assert "--port auto" in capsys.readouterr().err


def test_the_next_free_port_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        first = taken.getsockname()[1]
        monkeypatch.setattr("sim2art.view.server.DEFAULT_PORT", first)
        assert first < choose_port("127.0.0.1", "auto") < first + NUM_PORTS
    for bad in ("0", "65536", "many", "-1"):
        with pytest.raises(InvalidValueError, match="--port"):
            choose_port("127.0.0.1", bad)
    with pytest.raises(InvalidValueError, match="--host"):
        choose_port("203.0.113.7", "auto")
    with pytest.raises(InvalidValueError, match="--host"):
        choose_port("no.such.host.invalid", "8123")


def test_merge_says_what_is_wrong(result: Path, tmp_path: Path, capsys) -> None:
    assert main(["merge", str(result), "-o", str(tmp_path / "out")]) == 2
    assert "two or more" in capsys.readouterr().err
    assert main(["merge", str(result), str(result), "-o", str(result)]) == 2
    assert main(["merge", str(result), str(tmp_path), "-o", str(tmp_path / "out")]) == 2


def test_two_results_are_merged_into_a_folder(result: Path, tmp_path: Path, capsys) -> None:
    second: Draft = make_draft(start=(0.5, 0.0), travel=(1.0, 0.2), eye=(0.4, -0.6, 0.1), seed=1)
    save_draft(second, tmp_path / "second", origin=tmp_path / "second")
    assert main(["merge", str(result), str(tmp_path / "second"), "-o", str(tmp_path / "out")]) == 0
    assert "2 part(s) known to both" in capsys.readouterr().out
    read = read_result(tmp_path / "out" / "result.json")
    assert len(read.frame_ids) == 16
    low, high = read.joints[0].joint.observed_range
    assert low == pytest.approx(0.0, abs=0.05)
    assert high == pytest.approx(1.5, abs=0.05)


def test_a_report_is_written_anew_with_the_verdict_of_the_simulation(result: Path) -> None:
    verdict = SimulationVerdict(
        engine="an engine", checks=(SimulationCheck(name="settle", outcome=Outcome.PASSED, words="stands still"),)
    )
    written = read_result(result / "result.json")
    write_result(result / "result.json", dataclasses.replace(written, simulation=verdict))
    rewrite_report(result)
    assert "an engine" in (result / "report.html").read_text()
    assert not (result / "report.html.part").exists()


def test_everything_is_refined_together_and_keeps_names_and_limits() -> None:
    draft = edits.rename_part(edits.set_limits(make_draft(), 1, (0.0, 1.6)), 1, "door")
    refined = refine_draft(draft)
    assert refined.part_names == draft.part_names == ("base", "door", "part_2")
    assert joint_of(refined, 1).name == joint_of(draft, 1).name
    assert joint_of(refined, 1).limits == (0.0, 1.6)
    assert refined.estimate.trajectory.values[-1, 1] == pytest.approx(0.25, abs=0.03)
