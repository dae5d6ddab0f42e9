"""The main job on a real recording with known truth: an office door, an ArUco marker as truth, a hand now and then.

The recording is not part of the repository: it is looked for in `../shared/data/door`, beside the checkout.
"""

import json
from pathlib import Path

import numpy as np
import pytest

import sim2art
from sim2art.articulation.joint import JointType
from sim2art.geometry.rotations import line_angle
from sim2art.geometry.screws import line_distance

DOOR = Path(__file__).resolve().parents[2] / "shared" / "data" / "door"

pytestmark = pytest.mark.shared


def test_door_is_one_hinge_in_the_right_place():
    truth = json.loads((DOOR / "marker_truth.json").read_text())
    axis, pivot = np.array(truth["axis"]), np.array(truth["pivot"])
    result = sim2art.reconstruct(DOOR / "rgbd")
    # One joint: neither the hand nor anything else became a part.
    assert [found.joint.type for found in result.estimate.joints] == [JointType.REVOLUTE]
    joint = result.estimate.joints[0].joint
    assert joint.pivot is not None
    assert np.rad2deg(line_angle(joint.axis, axis)) < 6.0
    assert line_distance(joint.axis, joint.pivot, axis, pivot) < 0.06
    angle_of = dict(zip(truth["frames"], truth["angle_rad"], strict=True))
    angles = np.array([angle_of[frame] for frame in result.frame_ids])
    values = result.estimate.trajectory.values[:, 0]
    assert abs(np.rad2deg(np.ptp(values) - np.ptp(angles))) < 8.0
