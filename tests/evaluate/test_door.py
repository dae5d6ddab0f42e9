"""A hinge with known truth: errors of the axis, the line and the angle, and files that are no truth."""

import json
from pathlib import Path

import numpy as np
import pytest

from sim2art.articulation.joint import JointType
from sim2art.errors import InvalidFileError, InvalidValueError
from sim2art.evaluate.door import HingeTruth, format_hinge_score, read_hinge_truth, score_hinge
from tests.hand_made import DOOR_AXIS, DOOR_PIVOT, make_clip, truth_as_estimate

CLIP = make_clip()


def make_truth(axis: np.ndarray = DOOR_AXIS, pivot: np.ndarray = DOOR_PIVOT) -> HingeTruth:
    angles = {10 * frame: float(value) + 0.3 for frame, value in enumerate(CLIP.trajectory.values[:, 0])}
    return HingeTruth(axis=axis, pivot=pivot, angles=angles)


FRAMES = tuple(range(0, 60, 10))


def test_the_truth_scores_zero_whatever_its_zero_angle() -> None:
    hinge, slide = score_hinge(truth_as_estimate(CLIP), CLIP.video, FRAMES, make_truth())
    assert hinge.type is JointType.REVOLUTE and hinge.line_cm is not None and hinge.worst_deg is not None
    assert hinge.axis_deg < 1e-6 and hinge.line_cm < 1e-6 and hinge.worst_deg < 1e-6
    assert hinge.true_swing_deg == pytest.approx(90)
    assert slide.line_cm is None and slide.motion_deg is None
    assert "axis 0.00 deg" in format_hinge_score(hinge) and "prismatic" in format_hinge_score(slide)


def test_sign_of_the_axis_is_free() -> None:
    truth = make_truth(axis=-DOOR_AXIS)
    flipped = HingeTruth(axis=truth.axis, pivot=truth.pivot, angles={f: -a for f, a in truth.angles.items()})
    hinge = score_hinge(truth_as_estimate(CLIP), CLIP.video, FRAMES, flipped)[0]
    assert hinge.worst_deg is not None and hinge.worst_deg < 1e-6


def test_a_shifted_axis_costs_its_shift() -> None:
    hinge = score_hinge(truth_as_estimate(CLIP), CLIP.video, FRAMES, make_truth(pivot=DOOR_PIVOT + [0.03, 0.04, 0]))[0]
    assert hinge.line_cm == pytest.approx(5.0) and hinge.shortest_cm == pytest.approx(5.0)


def test_frames_without_truth_are_left_out_and_too_few_are_refused() -> None:
    hinge = score_hinge(truth_as_estimate(CLIP), CLIP.video, (0, 10, 20, 30, 40, 999), make_truth())[0]
    assert hinge.worst_deg is not None and hinge.worst_deg < 1e-6
    with pytest.raises(InvalidValueError, match="knows 0 of the 6"):
        score_hinge(truth_as_estimate(CLIP), CLIP.video, (1, 2, 3, 4, 5, 6), make_truth())


def test_truth_is_read(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text(json.dumps({"axis": [0, 0, 1], "pivot": [1, 2, 3], "frames": [0, 4], "angle_rad": [0.0, 0.5]}))
    truth = read_hinge_truth(path)
    assert truth.angles == {0: 0.0, 4: 0.5} and truth.pivot.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    "content",
    ["{", "[]", '{"axis": [0, 0, 1]}', '{"axis": [0, 0, 9], "pivot": [0, 0, 0], "frames": [], "angle_rad": []}'],
)
def test_other_files_are_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "t.json"
    path.write_text(content)
    with pytest.raises(InvalidFileError):
        read_hinge_truth(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidFileError):
        read_hinge_truth(tmp_path / "none.json")
