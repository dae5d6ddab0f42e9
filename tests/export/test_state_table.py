"""`states.csv` holds what the states say."""

import csv

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject, Link
from sim2art.articulation.frame_states import FrameStates
from sim2art.articulation.joint import Joint, JointType
from sim2art.export.state_table import write_state_table


def test_one_row_a_frame_and_no_sigma_where_a_joint_was_not_followed(tmp_path) -> None:
    whole = ArticulatedObject(
        name="box",
        links=(Link(name="base"), Link(name="part_1"), Link(name="part_2")),
        joints=tuple(
            Joint(name=f"joint_{k}", type=JointType.PRISMATIC, parent="base", child=f"part_{k}", axis=np.eye(3)[k])
            for k in (1, 2)
        ),
    )
    states = FrameStates(
        frame_ids=(7, 9), times=np.array([0.5, 0.6]), values=np.array([[0.0, 0.1], [0.25, 0.2]]),
        sigmas=np.full((2, 2), 0.002), visible=np.array([[True, True], [False, True]]), followed=(True, False),
    )  # fmt: skip
    write_state_table(tmp_path / "states.csv", states, whole)
    rows = list(csv.DictReader((tmp_path / "states.csv").open()))
    assert [row["frame"] for row in rows] == ["7", "9"]
    assert float(rows[1]["joint_1"]) == 0.25 and float(rows[1]["joint_1_sigma"]) == 0.002
    assert rows[1]["joint_1_visible"] == "0" and rows[1]["joint_2_sigma"] == ""
