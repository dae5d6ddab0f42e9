"""`result.json` keeps to its contract."""

import dataclasses
import json

import numpy as np
import pytest

from sim2art.articulation.error_law import error_radius
from sim2art.articulation.estimate import JointEstimate, Status
from sim2art.articulation.frame_states import FrameStates
from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.errors import InvalidFileError, InvalidValueError, SchemaError
from sim2art.export.result import Result, read_result, write_result


def make_result() -> Result:
    hinge = Joint(
        name="joint_1", type=JointType.REVOLUTE, parent="base", child="part_1", axis=np.array([0.0, 1.0, 0.0]),
        pivot=np.array([0.2, 5.0, 1.5]), observed_range=(-0.1, 0.9),
    )  # fmt: skip
    slide = Joint(
        name="joint_2", type=JointType.PRISMATIC, parent="part_1", child="part_2", axis=np.array([0.6, 0.0, -0.8]),
        observed_range=(0.0, 0.25),
    )  # fmt: skip
    return Result(
        status=Status.AMBIGUOUS,
        reasons=("part_2 moved little",),
        warnings=("the camera jumped at frame 12",),
        is_metric=True,
        frame_ids=(0, 4, 9),
        part_meshes=("meshes/base.obj", "meshes/part_1.obj", None),
        joints=(
            JointEstimate(
                joint=hinge, type_probabilities={JointType.REVOLUTE: 0.9, JointType.PRISMATIC: 0.1}, confidence=0.8,
                axis_sigma=0.02, pivot_sigma=0.003,
            ),
            JointEstimate(
                joint=slide, type_probabilities={JointType.PRISMATIC: 1.0}, confidence=0.4, status=Status.AMBIGUOUS,
                reasons=("little motion",),
            ),
        ),
        trajectory=JointTrajectory(
            joint_names=("joint_1", "joint_2"), times=np.array([0.0, 0.133, 0.3]),
            values=np.array([[0.0, 0.0], [-0.1, 0.25], [0.9, 0.1]]),
        ),
        provenance={"commit": "abc", "seed": 3},
    )  # fmt: skip


def test_a_result_survives_the_round_trip(tmp_path) -> None:
    result = make_result()
    write_result(tmp_path / "result.json", result)
    again = read_result(tmp_path / "result.json")
    for name in ("status", "reasons", "warnings", "is_metric", "frame_ids", "part_meshes", "provenance"):
        assert getattr(again, name) == getattr(result, name), name
    np.testing.assert_array_equal(again.trajectory.values, result.trajectory.values)
    np.testing.assert_array_equal(again.trajectory.times, result.trajectory.times)
    for joint, before in zip(again.joints, result.joints, strict=True):
        assert joint.joint.type is before.joint.type
        assert (joint.joint.parent, joint.joint.child) == (before.joint.parent, before.joint.child)
        assert joint.joint.observed_range == before.joint.observed_range
        np.testing.assert_allclose(joint.joint.transform(0.7), before.joint.transform(0.7), atol=1e-12)
        assert joint.type_probabilities == before.type_probabilities
        assert joint.confidence == before.confidence
        assert joint.axis_sigma == pytest.approx(before.axis_sigma)
        assert joint.pivot_sigma == before.pivot_sigma
        assert (joint.status, joint.reasons) == (before.status, before.reasons)


def test_the_file_holds_what_the_contract_says(tmp_path) -> None:
    write_result(tmp_path / "result.json", make_result())
    content = json.loads((tmp_path / "result.json").read_text())
    assert content["schema"] == "sim2art.result/2"
    assert content["all_frames"] is None and content["joints"][0]["all_values"] is None
    assert content["status"] == "ambiguous"
    assert content["frames"] == [0, 4, 9]
    assert content["parts"][1] == {
        "index": 1, "name": "part_1", "mesh": "meshes/part_1.obj", "completeness": None
    }  # fmt: skip
    assert content["simulation"] is None
    slide = content["joints"][1]
    assert (slide["parent"], slide["child"], slide["type"], slide["pivot"]) == (1, 2, "prismatic", None)
    assert slide["values"] == [0.0, 0.25, 0.1]
    assert slide["observed_range"] == [0.0, 0.25]
    assert slide["axis_sigma_deg"] is None
    assert slide["axis_95_deg"] is None
    assert slide["pivot_95_m"] is None
    hinge = content["joints"][0]
    assert hinge["axis_sigma_deg"] == pytest.approx(np.rad2deg(0.02))
    assert hinge["axis_95_deg"] == pytest.approx(error_radius(0.95) * np.rad2deg(0.02))
    assert hinge["pivot_95_m"] == pytest.approx(error_radius(0.95) * 0.003)
    assert content["joints"][0]["type_probabilities"] == {"revolute": 0.9, "prismatic": 0.1}
    assert {"reasons", "is_metric", "times", "world", "provenance", "warnings"} <= set(content)


def test_a_result_without_joints_survives(tmp_path) -> None:
    still = Result(
        status=Status.FAILED, reasons=("no motion seen",), is_metric=True, frame_ids=(0, 1), part_meshes=(None,),
        joints=(), trajectory=JointTrajectory(joint_names=(), times=np.arange(2.0), values=np.zeros((2, 0))),
        provenance={},
    )  # fmt: skip
    write_result(tmp_path / "result.json", still)
    assert read_result(tmp_path / "result.json").trajectory.values.shape == (2, 0)


def test_another_schema_is_refused_with_advice(tmp_path) -> None:
    path = tmp_path / "result.json"
    path.write_text('{"schema": "sim2art.result/0"}')
    with pytest.raises(SchemaError, match="Run the recording again"):
        read_result(path)


@pytest.mark.parametrize("text", ["", "[1]", '{"schema": "sim2art.result/1"}'])
def test_a_damaged_file_is_refused(tmp_path, text: str) -> None:
    path = tmp_path / "result.json"
    path.write_text(text)
    with pytest.raises(InvalidFileError):
        read_result(path)


def test_numbers_that_are_not_finite_are_named_and_nothing_is_written(tmp_path) -> None:
    result = make_result()
    bad = dataclasses.replace(result.joints[0], confidence=float("nan"))
    with pytest.raises(InvalidValueError, match=r"joints\[0\]\.confidence = nan"):
        write_result(tmp_path / "result.json", dataclasses.replace(result, joints=(bad, result.joints[1])))
    assert list(tmp_path.iterdir()) == []


def test_parts_and_joints_must_agree() -> None:
    with pytest.raises(InvalidValueError, match="one part more"):
        dataclasses.replace(make_result(), part_meshes=("meshes/base.obj",))


def with_states() -> Result:
    states = FrameStates(
        frame_ids=(0, 2, 4, 6, 9),
        times=np.array([0.0, 0.06, 0.133, 0.2, 0.3]),
        values=np.array([[0.0, 0.0], [-0.05, 0.1], [-0.1, 0.25], [1.0, 0.2], [0.9, 0.1]]),
        sigmas=np.full((5, 2), 0.01),
        visible=np.array([[True, True], [True, True], [True, True], [False, True], [True, True]]),
        followed=(True, False),
    )
    return dataclasses.replace(make_result(), states=states)


def test_states_of_every_frame_survive_the_round_trip(tmp_path) -> None:
    before = with_states()
    write_result(tmp_path / "result.json", before)
    after = read_result(tmp_path / "result.json").states
    assert after is not None and before.states is not None
    assert (after.frame_ids, after.followed) == (before.states.frame_ids, before.states.followed)
    for name in ("times", "values", "visible"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before.states, name))
    np.testing.assert_array_equal(after.sigmas[:, 0], before.states.sigmas[:, 0])


def test_the_range_is_that_of_all_frames_where_a_joint_was_followed(tmp_path) -> None:
    write_result(tmp_path / "result.json", with_states())
    followed, other = json.loads((tmp_path / "result.json").read_text())["joints"]
    assert followed["observed_range"] == pytest.approx([-0.1, 1.0])
    assert followed["observed_range_sigma"] == pytest.approx(0.01 * 2**0.5)
    assert other["observed_range"] == [0.0, 0.25] and other["observed_range_sigma"] is None
    assert other["all_sigmas"] is None and len(other["all_values"]) == 5


def test_a_result_of_the_first_schema_still_loads(tmp_path) -> None:
    path = tmp_path / "result.json"
    write_result(path, make_result())
    content = json.loads(path.read_text())
    content["schema"] = "sim2art.result/1"
    for key in ("all_frames", "all_times"):
        del content[key]
    for joint in content["joints"]:
        for key in ("all_values", "all_sigmas", "visible", "observed_range_sigma"):
            del joint[key]
    path.write_text(json.dumps(content))
    old = read_result(path)
    assert old.states is None and old.frame_ids == (0, 4, 9)
    assert old.joints[0].joint.observed_range == pytest.approx((-0.1, 0.9))


def test_states_must_speak_of_the_results_joints() -> None:
    states = with_states().states
    assert states is not None
    one = dataclasses.replace(
        states, values=states.values[:, :1].copy(), sigmas=states.sigmas[:, :1].copy(), visible=states.visible[:, :1].copy(),
        followed=(True,),
    )  # fmt: skip
    with pytest.raises(InvalidValueError, match="2 joints and states of 1"):
        dataclasses.replace(make_result(), states=one)
