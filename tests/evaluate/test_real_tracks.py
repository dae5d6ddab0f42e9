"""Real tracks: files read, bodies shown to methods as points, answers counted."""

import dataclasses
import time
from pathlib import Path

import numpy as np
import pytest

from sim2art.articulation.estimate import ArticulationEstimate, JointEstimate
from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.errors import InvalidFileError
from sim2art.evaluate.real_tracks import RealTrack, read_track, read_tracks
from sim2art.evaluate.real_tracks_report import format_tracks, score_tracks, tracks_to_dict
from sim2art.evaluate.real_tracks_video import spread_over_travel, video_from_track
from sim2art.geometry.rotations import line_angle, rotation_from_rotvec
from sim2art.geometry.screws import revolute_transform
from sim2art.geometry.transforms import apply
from sim2art.observation.point_video import PointVideo

AXIS = np.array([0.0, 0.98, 0.199])
AXIS = AXIS / np.linalg.norm(AXIS)
PIVOT = np.array([0.3, 0.0, 1.0])
TRACKS = Path(__file__).resolve().parents[3] / "shared" / "data" / "tracks"


def make_hinge_track(
    *, arc_deg: float = 70.0, noise: float = 0.001, seed: int = 0, flips: float = 0.0, name: str = "kitchen/X"
) -> RealTrack:
    """A marker on a door that opens and closes again; its plane leans away from the camera."""
    rng = np.random.default_rng(seed)
    there = np.linspace(0, np.deg2rad(arc_deg), 120)
    angles = np.r_[there, there[::-1]]
    lean = rotation_from_rotvec(0.6 * AXIS)
    rotations = rotation_from_rotvec(AXIS * angles[:, None]) @ lean
    rotations = rotation_from_rotvec(rng.normal(0, 0.005, (len(angles), 3))) @ rotations
    flipped = rng.random(len(angles)) < flips
    rotations[flipped] = rotation_from_rotvec(np.array([0.9, 0.0, 0.5])) @ rotations[flipped]
    start = PIVOT + np.array([0.35, 0.1, 0.0])
    positions = apply(revolute_transform(AXIS, PIVOT, angles), start[None])[:, 0] + rng.normal(
        0, noise, (len(angles), 3)
    )
    return RealTrack(name=name, positions=positions, rotations=rotations, true_type=JointType.REVOLUTE)


def make_slide_path(*, length: float = 0.45, noise: float = 0.001, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.linspace(0, length, 150)[:, None] * AXIS + rng.normal(0, noise, (150, 3))


def say_hinge(video: PointVideo) -> ArticulationEstimate:
    """A method that says "one hinge" of everything, and is sure of it."""
    count = video.num_frames
    body = np.abs(video.flow_world).sum(axis=(0, 3)) > 1e-9
    body[-1] = body[0]
    joint = Joint(
        name="joint_1", type=JointType.REVOLUTE, parent="base", child="part_1", axis=np.array([0, 1.0, 0]),
        pivot=np.zeros(3),
    )  # fmt: skip
    return ArticulationEstimate(
        part_probabilities=np.stack([~body, body], axis=-1).astype(float),
        joints=(JointEstimate(joint=joint, type_probabilities={JointType.REVOLUTE: 1.0}, confidence=0.9),),
        trajectory=JointTrajectory(joint_names=("joint_1",), times=video.times.copy(), values=np.zeros((count, 1))),
    )


def test_the_axis_is_that_of_the_path() -> None:
    assert np.rad2deg(line_angle(make_hinge_track().axis, AXIS)) < 1.0
    slide = dataclasses.replace(
        make_hinge_track(),
        positions=make_slide_path()[np.linspace(0, 149, 240).astype(int)],
        true_type=JointType.PRISMATIC,
    )
    assert np.rad2deg(line_angle(slide.axis, AXIS)) < 0.5


def test_the_patch_moves_as_measured_and_the_wall_stands_still() -> None:
    track = make_hinge_track(noise=0.0)
    video, is_body = video_from_track(track, num_frames=8, num_points=200)
    assert is_body.sum(axis=1).tolist() == [80] * 8
    depths = np.linalg.norm(video.points_world[0], axis=-1)
    assert depths[~is_body[0]].mean() > depths[is_body[0]].mean() + 0.05
    assert np.all(video.flow_world[:, ~is_body] == 0)
    lengths = np.linalg.norm(video.flow_world[0, :-1][is_body[:-1]], axis=-1)
    assert lengths.max() > 0.03


def test_frames_are_spread_over_the_travel() -> None:
    positions = np.zeros((100, 3))
    positions[50:60, 0] = np.linspace(0.1, 1.0, 10)
    positions[60:, 0] = 1.0
    frames = spread_over_travel(positions, 6)
    assert frames[0] == 0 and len(set(frames.tolist())) == 6
    assert np.ptp(positions[frames, 0]) > 0.99


def test_sure_mistakes_are_counted_apart() -> None:
    slide = RealTrack(
        name="kitchen/S", positions=make_slide_path() + [0, 0, 1.0], rotations=np.tile(np.eye(3), (150, 1, 1)),
        true_type=JointType.PRISMATIC,
    )  # fmt: skip
    scores = score_tracks([make_hinge_track(), slide], {"hinge": say_hinge}, clock=time.perf_counter)
    assert [score.is_right("hinge") for score in scores] == [True, False]
    text = format_tracks(scores)
    assert "hinge: 1 of 2 right, 1 surely wrong; 0 not sure" in text
    assert len(tracks_to_dict(scores)["recordings"]) == 2


def test_files_are_read_and_named(tmp_path: Path) -> None:
    track = make_hinge_track()
    quaternion_last = np.tile([0.0, 0.0, 0.0, 1.0], (len(track.positions), 1))
    for folder, name, rows in (
        ("kitchen", "M2U00394", np.c_[track.positions, quaternion_last]),
        ("drawer", "001", track.positions),
    ):
        (tmp_path / folder).mkdir(exist_ok=True)
        np.savetxt(tmp_path / folder / f"{name}.log", rows)
    (kitchen,) = read_tracks(tmp_path)  # Positions alone show no body.
    assert (kitchen.name, kitchen.true_type) == ("kitchen/M2U00394", JointType.PRISMATIC)
    assert np.allclose(kitchen.rotations, np.eye(3))


@pytest.mark.parametrize(
    ("content", "message"),
    [("", "needed"), ("1 2\n3 4\n", "2 columns"), ("1 2 3\n", "1 readings"), ("a b c\n", "no table")],
)
def test_damaged_files_are_explained(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "x.log"
    path.write_text(content)
    with pytest.raises(InvalidFileError, match=message):
        read_track(path)


def test_an_empty_folder_is_explained(tmp_path: Path) -> None:
    with pytest.raises(InvalidFileError, match="holds no recordings"):
        read_tracks(tmp_path)


@pytest.mark.shared
def test_the_real_set_has_eleven_recordings_with_poses() -> None:
    tracks = read_tracks(TRACKS)
    assert len(tracks) == 11 and sum(track.true_type is JointType.PRISMATIC for track in tracks) == 2
