"""The main job on a real recording with known truth: an office door, an ArUco marker as truth, a hand now and then.

The recording is not part of the repository: it is looked for in `../shared/data/door`, beside the checkout.
"""

from pathlib import Path

import numpy as np
import pytest

import sim2art
from sim2art.articulation.joint import JointType
from sim2art.evaluate.door import read_hinge_truth, score_hinge

DOOR = Path(__file__).resolve().parents[2] / "shared" / "data" / "door"

pytestmark = pytest.mark.shared


def test_door_is_one_hinge_in_the_right_place() -> None:
    result = sim2art.reconstruct(DOOR / "rgbd")
    truth = read_hinge_truth(DOOR / "marker_truth.json")
    # One joint: neither the hand nor anything else became a part.
    (score,) = score_hinge(result.estimate, result.points, result.frame_ids, truth)
    assert score.type is JointType.REVOLUTE
    assert score.line_cm is not None and score.swing_deg is not None
    assert score.axis_deg < 2.0
    assert score.line_cm < 2.0
    assert abs(score.swing_deg - score.true_swing_deg) < 2.0


def test_every_frame_of_the_door_has_its_angle() -> None:
    result = sim2art.reconstruct(DOOR / "rgbd")
    truth = read_hinge_truth(DOOR / "marker_truth.json")
    states = result.states
    assert states is not None and states.followed == (True,)
    known = np.array([frame in truth.angles for frame in states.frame_ids])
    angles = np.array([truth.angles.get(frame, 0.0) for frame in states.frame_ids])[known]
    sign = np.sign(result.estimate.joints[0].joint.axis @ truth.axis)
    off = np.rad2deg(sign * states.values[known, 0] - angles)
    off -= np.median(off)  # Both may have their zero elsewhere.
    assert known.sum() > 60
    visible, sigmas = states.visible[known, 0], np.rad2deg(states.sigmas[known, 0])
    assert visible.mean() > 0.85 and np.abs(off)[visible].max() < 1.5
    # In a few blurred frames the door is not made out: drawn between the others, up to 2.0 degrees off, and said so.
    assert np.all(np.abs(off)[~visible] < np.maximum(2.0 * sigmas[~visible], 1.5))
    low, high, _ = states.range_of(0)
    # As good as the joint: the swing is 0.8 degrees short, as is that of the used frames.
    assert abs(np.rad2deg(high - low) - 68.2) < 1.2
