"""`result.json` keeps to its contract."""

import dataclasses
import json

import numpy as np
import pytest

from sim2art.articulation.error_law import error_radius
from sim2art.articulation.estimate import JointEstimate, Status
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
    assert content["schema"] == "sim2art.result/1"
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
