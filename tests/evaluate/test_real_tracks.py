"""Real tracks: files read, arcs and lines told apart with the right certainty, and the whole set where it is there."""

import dataclasses
import time
from pathlib import Path

import numpy as np
import pytest

from sim2art.articulation.estimate import ArticulationEstimate, JointEstimate, Status
from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.errors import InvalidFileError, InvalidValueError
from sim2art.evaluate.real_tracks import RealTrack, read_track, read_tracks
from sim2art.evaluate.real_tracks_fit import fit_track, fit_turning_axis, fit_with_axis
from sim2art.evaluate.real_tracks_report import TRACK_FIT, compare_repeats, format_tracks, score_tracks, tracks_to_dict
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


def test_a_hinge_is_a_sure_circle_with_its_axis() -> None:
    track = make_hinge_track()
    fit = fit_track(track.positions)
    assert (fit.type, fit.status) == (JointType.REVOLUTE, Status.OK)
    assert np.rad2deg(line_angle(fit.curve.axis, AXIS)) < 1.0
    assert abs(fit.curve.radius - 0.35) < 0.004
    assert 64 < np.rad2deg(fit.swing) < 71
    assert fit.residual < 0.003


def test_a_slide_is_a_sure_line() -> None:
    fit = fit_track(make_slide_path(noise=0.001))
    assert (fit.type, fit.status) == (JointType.PRISMATIC, Status.OK)
    assert np.rad2deg(line_angle(fit.curve.axis, AXIS)) < 0.5
    assert 0.40 < fit.swing < 0.46


def test_a_short_arc_under_noise_is_left_open() -> None:
    track = make_hinge_track(arc_deg=9.0, noise=0.004)
    assert fit_track(track.positions).status is Status.AMBIGUOUS


def test_an_exact_line_is_a_line_and_a_path_that_goes_nowhere_is_nothing() -> None:
    fit = fit_track(make_slide_path(noise=0.0))
    assert (fit.type, fit.status) == (JointType.PRISMATIC, Status.OK)
    still = fit_track(np.random.default_rng(0).normal(0, 0.001, (60, 3)))
    assert still.status is Status.AMBIGUOUS and "moves by less" in still.reasons[0]
    assert fit_track(np.zeros((30, 3))).status is Status.AMBIGUOUS


def test_wandering_is_no_joint() -> None:
    steps = np.random.default_rng(1).normal(0, 0.02, (300, 3))
    fit = fit_track(np.cumsum(steps, axis=0))
    assert fit.status is Status.AMBIGUOUS and fit.reasons


def test_a_slip_at_the_end_does_not_bend_the_axis() -> None:
    positions = make_hinge_track().positions[:120].copy()
    positions[-12:] += np.linspace(0, 1, 12)[:, None] * np.array([0.0, 0.08, 0.05])
    fit = fit_track(positions)
    assert fit.type is JointType.REVOLUTE
    assert np.rad2deg(line_angle(fit.curve.axis, AXIS)) < 2.0


def test_orientations_give_the_axis_despite_flips() -> None:
    track = make_hinge_track(flips=0.25)
    assert track.rotations is not None
    axis = fit_turning_axis(track.rotations, track.positions)
    assert axis is not None and np.rad2deg(line_angle(axis, AXIS)) < 1.0


def test_orientations_that_hardly_turn_give_no_axis() -> None:
    track = make_hinge_track(arc_deg=4.0)
    assert track.rotations is not None
    assert fit_turning_axis(track.rotations, track.positions) is None


def test_the_patch_moves_as_measured_and_the_wall_stands_still() -> None:
    track = make_hinge_track(noise=0.0)
    video, is_body = video_from_track(track, num_frames=8, num_points=200)
    assert is_body.sum(axis=1).tolist() == [80] * 8
    depths = np.linalg.norm(video.points_world[0], axis=-1)
    assert depths[~is_body[0]].mean() > depths[is_body[0]].mean() + 0.05
    assert np.all(video.flow_world[:, ~is_body] == 0)
    lengths = np.linalg.norm(video.flow_world[0, :-1][is_body[:-1]], axis=-1)
    assert lengths.max() > 0.03
    with pytest.raises(InvalidValueError, match="positions only"):
        video_from_track(RealTrack(name="a/b", positions=track.positions, rotations=None, true_type=None))


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
    assert [score.is_surely_wrong("hinge") for score in scores] == [False, True]
    assert [score.is_right(TRACK_FIT) for score in scores] == [True, True]
    assert scores[0].passes_deg is not None and scores[0].passes_deg < 2.0
    assert scores[0].passes_cm is not None and scores[0].passes_cm < 1.5
    text = format_tracks(scores)
    assert "track_fit: 2 of 2 right, 0 surely wrong" in text and "hinge: 1 of 2 right, 1 surely wrong" in text
    assert len(tracks_to_dict(scores)["recordings"]) == 2


def test_a_sure_claim_about_an_unclean_track_is_a_mistake() -> None:
    track = make_hinge_track()
    unclean = RealTrack(name=track.name, positions=track.positions, rotations=track.rotations, true_type=None)
    (score,) = score_tracks([unclean], {}, clock=time.perf_counter)
    assert score.is_right(TRACK_FIT) is False and score.is_surely_wrong(TRACK_FIT)


def test_repeats_are_compared() -> None:
    tracks = [make_hinge_track(seed=seed, name=f"door/{seed}") for seed in range(3)]
    (group,) = compare_repeats(score_tracks(tracks, {}, clock=time.perf_counter))
    assert group.num == 3
    assert group.axis_deg is not None and group.axis_deg < 1.0
    assert group.radius_cm is not None and group.radius_cm < 0.5
    assert group.plain_deg < 1.0
    assert group.forced_mm == pytest.approx(group.own_mm, abs=0.5)


def test_repeats_about_another_axis_do_not_fit_the_common_one() -> None:
    tracks = [make_hinge_track(seed=seed, name=f"door/{seed}") for seed in range(3)]
    turned = rotation_from_rotvec(np.array([np.deg2rad(8.0), 0.0, 0.0]))
    tracks[2] = dataclasses.replace(tracks[2], positions=tracks[2].positions @ turned.T)
    (group,) = compare_repeats(score_tracks(tracks, {}, clock=time.perf_counter))
    assert group.axis_deg > 4.0 and group.plain_deg > 4.0
    assert group.forced_mm > 2 * group.own_mm


def test_a_held_axis_stays_and_the_circle_still_fits() -> None:
    track = make_hinge_track()
    held = fit_with_axis(track.positions, AXIS, fit_track(track.positions).curve)
    np.testing.assert_array_equal(held.curve.axis, AXIS)
    assert abs(held.curve.radius - 0.35) < 0.004 and held.residual < 0.003


def test_files_are_read_and_named(tmp_path: Path) -> None:
    track = make_hinge_track()
    quaternion_last = np.tile([0.0, 0.0, 0.0, 1.0], (len(track.positions), 1))
    for folder, name, rows in (
        ("kitchen", "M2U00394", np.c_[track.positions, quaternion_last]),
        ("drawer", "001", track.positions),
        ("microwave", "microwave2", track.positions),
    ):
        (tmp_path / folder).mkdir(exist_ok=True)
        np.savetxt(tmp_path / folder / f"{name}.log", rows)
    drawer, kitchen, microwave = read_tracks(tmp_path)
    assert drawer.true_type is JointType.PRISMATIC and drawer.rotations is None
    assert kitchen.true_type is JointType.PRISMATIC and kitchen.rotations is not None
    assert np.allclose(kitchen.rotations, np.eye(3))
    assert microwave.true_type is None and microwave.mechanism == "microwave"


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
@pytest.mark.slow
def test_the_real_set_is_answered_rightly() -> None:
    scores = score_tracks(read_tracks(TRACKS), {}, clock=time.perf_counter)
    assert len(scores) == 53
    assert sum(bool(score.is_right(TRACK_FIT)) for score in scores) >= 52
    assert not any(score.is_surely_wrong(TRACK_FIT) for score in scores)
    assert max(score.readings_deg for score in scores if score.readings_deg is not None) <= 3.0
    assert max(score.passes_deg for score in scores if score.passes_deg is not None) <= 2.5
