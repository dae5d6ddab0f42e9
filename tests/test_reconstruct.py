"""The whole way: files are written together or not at all, a stopped run goes on, nothing that moves is a result."""

import dataclasses
import errno
import json
from pathlib import Path

import numpy as np
import pytest

import sim2art
from sim2art.articulation.estimate import ArticulationEstimate, JointEstimate, Status
from sim2art.articulation.estimate_io import estimate_from_arrays, estimate_to_arrays, keep_largest_parts
from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.cli.main import main
from sim2art.errors import OutputExistsError
from sim2art.export.labels import read_labels
from sim2art.export.result import read_result
from sim2art.observation.densify import densify_labels, resize_labels
from sim2art.observation.point_video import PointVideo
from sim2art.perception.observed import SeenJoints
from sim2art.perception.pipeline import ObserveOptions
from sim2art.reconstruction.estimates import estimate_by_method
from sim2art.reconstruction.options import ReconstructOptions
from sim2art.reconstruction.reconstruct import reconstruct
from sim2art.reconstruction.reconstruction import Reconstruction
from sim2art.stages import STAGES
from tests.perception.sliding_scene import BOARD, SLIDE, SlidingScene, render_scene, write_scene

OPTIONS = ReconstructOptions(observe=ObserveOptions(num_frames=6, num_points=400, baselines=(1, 3), mask="motion"))


def find_board(points: PointVideo) -> ArticulationEstimate:
    """A stand-in for a method: what lies as near as the board is a part that slides."""
    on_board = (points.points_world[..., 2] < BOARD + 0.06).astype(float)
    values = np.linspace(0, 0.18, points.num_frames)[:, None]
    joint = Joint(
        name="joint_1",
        type=JointType.PRISMATIC,
        parent="base",
        child="part_1",
        axis=SLIDE / np.linalg.norm(SLIDE),
    )
    return ArticulationEstimate(
        part_probabilities=np.stack([1 - on_board, on_board], axis=-1),
        joints=(JointEstimate(joint=joint, type_probabilities={JointType.PRISMATIC: 1.0}, confidence=0.9),),
        trajectory=JointTrajectory(joint_names=("joint_1",), times=points.times.copy(), values=values),
    )


@pytest.fixture(scope="module")
def scene() -> SlidingScene:
    return render_scene(num_frames=9, width=160, height=120)


@pytest.fixture(scope="module")
def recording(scene: SlidingScene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scene(scene, tmp_path_factory.mktemp("recording") / "clip")


@pytest.fixture(scope="module")
def result(recording: Path) -> Reconstruction:
    return reconstruct(recording, OPTIONS, predictor=find_board)


def test_labels_follow_the_board(scene: SlidingScene, result: Reconstruction) -> None:
    truth, labels = scene.on_board[result.observation.indices], result.labels
    known = labels != 255
    assert np.mean((labels == 1)[known] == truth[known]) > 0.97


def test_all_files_of_the_contract_are_written(result: Reconstruction, tmp_path: Path) -> None:
    written = {path.name for path in result.save(tmp_path / "out")}
    assert {"result.json", "labels", "object.urdf", "object.glb", "report.html", "provenance.json"} <= written
    read = read_result(tmp_path / "out" / "result.json")
    assert read.status is Status.OK
    assert read.frame_ids == result.frame_ids
    low, high = read.joints[0].joint.observed_range or (0.0, 0.0)
    # Of all frames: the board is at 0 in the first used one, and a little before that in those that come earlier.
    assert high - low == pytest.approx(0.18, abs=0.005) and -0.01 < low <= 0
    assert all(mesh is None or (tmp_path / "out" / mesh).is_file() for mesh in read.part_meshes)
    assert read.part_meshes[1] is not None
    labels = read_labels(tmp_path / "out" / "labels", result.frame_ids)
    np.testing.assert_array_equal(labels, result.labels)


def test_a_second_save_needs_overwrite_and_spares_other_files(result: Reconstruction, tmp_path: Path) -> None:
    result.save(str(tmp_path))
    with pytest.raises(OutputExistsError, match="--overwrite"):
        result.save(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    result.save(tmp_path, overwrite=True)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_full_disk_leaves_the_earlier_result_whole(
    result: Reconstruction, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result.save(tmp_path)
    before = (tmp_path / "result.json").read_text()

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("sim2art.export.package.write_glb", fail)
    with pytest.raises(OSError, match="No space"):
        result.save(tmp_path, overwrite=True)
    assert (tmp_path / "result.json").read_text() == before
    assert not (tmp_path / ".partial").exists()


def test_a_stopped_run_goes_on_where_it_stood(recording: Path, result: Reconstruction, tmp_path: Path) -> None:
    def stop(_: PointVideo) -> ArticulationEstimate:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reconstruct(recording, OPTIONS, predictor=stop, stage_folder=tmp_path)
    resumed = reconstruct(recording, OPTIONS, predictor=find_board, stage_folder=tmp_path, resume=True)
    assert resumed.timings["observation"] == 0.0
    assert "poses" not in resumed.timings
    np.testing.assert_array_equal(resumed.labels, result.labels)
    np.testing.assert_array_equal(resumed.points.flow_world, result.points.flow_world)
    again = reconstruct(recording, OPTIONS, predictor=stop, stage_folder=tmp_path, resume=True)
    assert again.timings["estimate"] == 0.0


def test_stages_of_other_options_are_not_used(recording: Path, tmp_path: Path) -> None:
    reconstruct(recording, OPTIONS, predictor=find_board, stage_folder=tmp_path)
    other = dataclasses.replace(OPTIONS, observe=dataclasses.replace(OPTIONS.observe, num_points=300))
    resumed = reconstruct(recording, other, predictor=find_board, stage_folder=tmp_path, resume=True)
    assert resumed.points.num_points == 300


def test_an_estimate_by_other_weights_is_made_again(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reconstruct(recording, OPTIONS, predictor=find_board, stage_folder=tmp_path / "stages")
    (tmp_path / "weights").mkdir()
    monkeypatch.setattr("sim2art.reconstruction.reconstruct.CHECKPOINTS", tmp_path / "weights")
    resumed = reconstruct(recording, OPTIONS, predictor=find_board, stage_folder=tmp_path / "stages", resume=True)
    assert resumed.timings["observation"] == 0.0
    assert resumed.timings["estimate"] > 0.0


def test_a_full_disk_while_stages_are_kept_ends_in_words(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", fail)
    assert main(["run", str(recording), "-o", str(tmp_path / "out"), "--frames", "4", "--mask", "motion"]) == 2
    assert "disk is full" in capsys.readouterr().err
    assert not (tmp_path / "out" / "result.json").exists()


def test_a_stopped_run_is_not_overwritten_unasked(recording: Path, tmp_path: Path) -> None:
    (tmp_path / "out" / STAGES).mkdir(parents=True)
    assert main(["run", str(recording), "-o", str(tmp_path / "out")]) == 2


def test_where_nothing_moves_the_result_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    still = write_scene(render_scene(num_frames=6, width=120, height=90, slide=0.0), tmp_path / "clip")
    assert main(["run", str(still), "-o", str(tmp_path / "out"), "--frames", "4", "--mask", "motion"]) == 0
    assert "no motion seen" in capsys.readouterr().out
    content = json.loads((tmp_path / "out" / "result.json").read_text())
    assert content["status"] == "ambiguous"
    assert content["reasons"] == ["no motion seen"]
    assert content["joints"] == []
    assert not (tmp_path / "out" / STAGES).exists()


def test_the_package_itself_offers_reconstruct() -> None:
    assert callable(sim2art.reconstruct)
    assert sim2art.Reconstruction is Reconstruction


def test_labels_can_be_brought_to_the_size_of_the_input() -> None:
    labels = np.array([[[0, 1], [2, 255]]], dtype=np.uint8)
    large = resize_labels(labels, (6, 4))
    assert large.shape == (1, 4, 6)
    np.testing.assert_array_equal(large[0, :2, :3], 0)
    np.testing.assert_array_equal(large[0, 2:, 3:], 255)


def test_an_estimate_survives_being_kept(result: Reconstruction) -> None:
    arrays, facts = estimate_to_arrays(result.estimate)
    back = estimate_from_arrays(arrays, json.loads(json.dumps(facts)))
    np.testing.assert_array_equal(back.part_probabilities, result.estimate.part_probabilities)
    assert back.joints[0].joint.name == "joint_1"
    np.testing.assert_allclose(back.joints[0].joint.axis, result.estimate.joints[0].joint.axis)


def test_of_very_many_parts_the_largest_are_kept(result: Reconstruction) -> None:
    count = 25
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.linspace(1, 3, count + 1), (6, 400))
    joints = tuple(
        JointEstimate(
            joint=Joint(
                name=f"joint_{i + 1}",
                type=JointType.PRISMATIC,
                parent="base" if i == 0 else f"part_{i}",
                child=f"part_{i + 1}",
                axis=np.array([1.0, 0, 0]),
            ),
            type_probabilities={JointType.PRISMATIC: 1.0},
            confidence=0.5,
        )
        for i in range(count)
    )
    many = ArticulationEstimate(
        part_probabilities=shares,
        joints=joints,
        trajectory=JointTrajectory(
            joint_names=tuple(found.joint.name for found in joints),
            times=np.arange(6.0),
            values=np.zeros((6, count)),
        ),
    )
    kept = keep_largest_parts(many, 20)
    assert len(kept.joints) == 20
    np.testing.assert_allclose(kept.part_probabilities.sum(axis=-1), 1.0)
    assert kept.status is Status.AMBIGUOUS
    assert "25 moving parts" in kept.reasons[0]
    children = {found.joint.child for found in kept.joints}
    assert {found.joint.parent for found in kept.joints} <= children | {"base"}


def test_one_part_labels_everything_known_as_base(result: Reconstruction) -> None:
    ones = np.ones((6, 400, 1))
    labels = densify_labels(result.video, result.points, ones)
    assert set(np.unique(labels)) <= {0, 255}


def test_where_depth_was_guessed_no_joint_of_any_method_is_ok(result: Reconstruction) -> None:
    count = len(result.observation.frame_ids)
    joints = SeenJoints(
        axes=np.zeros((0, 3)), pivots=np.zeros((0, 3)), slides=np.zeros(0, bool), values=np.zeros((count, 0))
    )
    guessed = dataclasses.replace(result.observation, joints=joints)
    sure = tuple(dataclasses.replace(found, status=Status.OK, reasons=()) for found in result.estimate.joints)
    for status in (Status.OK, Status.AMBIGUOUS):  # Of the whole: each joint is asked for itself.
        answer = dataclasses.replace(result.estimate, joints=sure, status=status)
        found = estimate_by_method(guessed, lambda _, answer=answer: answer, refine=False).estimate
        assert found.status is Status.AMBIGUOUS and found.joints
        assert all(joint.status is Status.AMBIGUOUS and "guessed" in joint.reasons[0] for joint in found.joints)
        measured = estimate_by_method(result.observation, lambda _, answer=answer: answer, refine=False).estimate
        assert all(joint.status is Status.OK for joint in measured.joints)
