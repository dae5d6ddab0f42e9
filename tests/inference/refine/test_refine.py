"""Refining: better joints from poor ones, chains, and no confident answer from nonsense."""

import dataclasses

import numpy as np
import pytest

from sim2art.articulation.estimate import ArticulationEstimate, JointEstimate, Status, part_name
from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.kinematics import link_motions
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.dataset.clip import Clip
from sim2art.errors import InvalidValueError
from sim2art.evaluate.metrics import score_clip
from sim2art.geometry.rotations import any_perpendicular, rotation_from_rotvec
from sim2art.geometry.transforms import apply
from sim2art.inference.refine.calibration import Calibration
from sim2art.inference.refine.parts import parts_from_estimate
from sim2art.inference.refine.refine import RefineConfig, refine
from sim2art.inference.refine.sight import look_at
from sim2art.inference.refine.structure import merge_same
from sim2art.observation.normalization import fit_normalization, normalize
from sim2art.observation.point_video import PointVideo
from tests.hand_made import one_hot, truth_as_estimate, with_joint
from tests.point_clips import make_chain_clip, make_point_clip


def disturbed(clip: Clip, *, degrees: float = 12.0, metres: float = 0.1) -> ArticulationEstimate:
    """The truth with a tilted axis, a shifted pivot and values that lag."""
    estimate = truth_as_estimate(clip, confidence=0.6)
    for index, answer in enumerate(estimate.joints):
        joint = answer.joint
        across = any_perpendicular(joint.axis)
        axis = rotation_from_rotvec(np.deg2rad(degrees) * across) @ joint.axis
        pivot = None if joint.pivot is None else joint.pivot + metres * across
        estimate = with_joint(estimate, index, dataclasses.replace(joint, axis=axis, pivot=pivot), sign=0.8)
    return estimate


def without_joints(clip: Clip) -> ArticulationEstimate:
    """The answer of a method that saw nothing."""
    count = clip.video.num_frames
    return ArticulationEstimate(
        part_probabilities=np.ones((*clip.video.valid.shape, 1)),
        joints=(),
        trajectory=JointTrajectory(joint_names=(), times=clip.video.times.copy(), values=np.zeros((count, 0))),
    )


def random_estimate(video: PointVideo, *, num_joints: int = 3, seed: int = 0) -> ArticulationEstimate:
    """Random labels, axes and values with full confidence."""
    rng = np.random.default_rng(seed)
    joints = []
    for index in range(num_joints):
        axis = rng.normal(size=3)
        joint = Joint(
            name=f"joint_{index + 1}", type=JointType.REVOLUTE, parent=part_name(0), child=part_name(index + 1),
            axis=axis / np.linalg.norm(axis), pivot=rng.normal(size=3),
        )  # fmt: skip
        joints.append(JointEstimate(joint=joint, type_probabilities={JointType.REVOLUTE: 1.0}, confidence=1.0))
    return ArticulationEstimate(
        part_probabilities=one_hot(rng.integers(num_joints + 1, size=video.valid.shape), num_joints + 1),
        joints=tuple(joints),
        trajectory=JointTrajectory(
            joint_names=tuple(x.joint.name for x in joints),
            times=video.times.copy(),
            values=np.cumsum(rng.normal(0, 0.2, (video.num_frames, num_joints)), axis=0),
        ),
    )


def confident(estimate: ArticulationEstimate) -> list[JointEstimate]:
    """Joints that a reader would believe."""
    return [x for x in estimate.joints if x.confidence > 0.6 and x.status is Status.OK]


@pytest.mark.parametrize("kind", [JointType.REVOLUTE, JointType.PRISMATIC])
def test_a_poor_joint_becomes_a_good_one(kind: JointType) -> None:
    clip = make_point_clip(kind)
    before = score_clip(clip, disturbed(clip)).joints[0]
    refined = refine(clip.video, disturbed(clip))
    after = score_clip(clip, refined).joints[0]
    assert before.axis_deg is not None and before.axis_deg > 10
    assert after.is_type_right and after.axis_deg is not None and after.axis_deg < 1.0
    if kind is JointType.REVOLUTE:
        assert after.position_cm is not None and after.position_cm < 1.5
        assert after.motion_deg is not None and after.motion_deg < 2.0
    assert refined.joints[0].status is Status.OK
    assert refined.joints[0].axis_sigma is not None


@pytest.mark.parametrize("kind", [JointType.REVOLUTE, JointType.PRISMATIC])
def test_the_wrong_type_is_mended(kind: JointType) -> None:
    clip = make_point_clip(kind)
    truth = truth_as_estimate(clip)
    joint = truth.joints[0].joint
    other = JointType.PRISMATIC if kind is JointType.REVOLUTE else JointType.REVOLUTE
    wrong = dataclasses.replace(joint, type=other, pivot=np.array([2.0, 0.0, 3.5]), axis=np.array([1.0, 0, 0]))
    score = score_clip(clip, refine(clip.video, with_joint(truth, 0, wrong))).joints[0]
    assert score.is_type_right and score.axis_deg is not None and score.axis_deg < 1.5


def test_a_child_of_a_moving_part_is_hung_on_it() -> None:
    clip = make_chain_clip()
    start = disturbed(clip, degrees=5.0, metres=0.03)
    answers = tuple(
        dataclasses.replace(x, joint=dataclasses.replace(x.joint, parent=part_name(0))) for x in start.joints
    )
    refined = refine(clip.video, dataclasses.replace(start, joints=answers))
    score = score_clip(clip, refined)
    assert [x.joint.parent for x in refined.joints] == [part_name(0), part_name(1)]
    for joint in score.joints:
        assert joint.is_type_right and joint.axis_deg is not None and joint.axis_deg < 1.5


@pytest.mark.parametrize("swing, parents", [(0.035, [part_name(0), part_name(1)]), (0.0, [part_name(0)])])
def test_what_moves_little_on_a_part_that_goes_far_stays_on_it(swing: float, parents: list[str]) -> None:
    """One joint on the base explains it nearly as well; but what does not move on its carrier is a piece of it."""
    clip = make_chain_clip(swing=swing, noise=0.01)
    refined = refine(clip.video, truth_as_estimate(clip, confidence=0.6))
    assert [x.joint.parent for x in refined.joints] == parents


def in_halves(clip: Clip, *, second_moves: float = 1.0) -> ArticulationEstimate:
    """The truth of a clip of one part, that part told as two; the second one's values are scaled."""
    truth = truth_as_estimate(clip)
    halves = np.where((clip.part_ids == 1) & (clip.video.points_world[..., 1] > 0), 2, clip.part_ids)
    second = dataclasses.replace(
        truth.joints[0], joint=dataclasses.replace(truth.joints[0].joint, name="joint_2", child=part_name(2))
    )
    return ArticulationEstimate(
        part_probabilities=one_hot(halves, 3),
        joints=(truth.joints[0], second),
        trajectory=JointTrajectory(
            joint_names=("joint_1", "joint_2"),
            times=clip.video.times.copy(),
            values=clip.trajectory.values * np.array([1.0, second_moves]),
        ),
    )


def test_two_halves_of_one_part_become_one() -> None:
    clip = make_point_clip(JointType.REVOLUTE)
    refined = refine(clip.video, in_halves(clip))
    assert len(refined.joints) == 1
    assert score_clip(clip, refined).mean_iou > 0.95


def test_random_labels_give_no_confident_wrong_joint() -> None:
    clip = make_point_clip(JointType.REVOLUTE)
    refined = refine(clip.video, random_estimate(clip.video))
    for answer in confident(refined):
        assert answer.joint.type is JointType.REVOLUTE
        assert abs(answer.joint.axis @ clip.truth.joints[0].axis) > np.cos(np.deg2rad(10))


@pytest.mark.slow
def test_many_random_parts_are_no_error() -> None:
    clip = make_point_clip(JointType.PRISMATIC, num_points=256)
    refined = refine(clip.video, random_estimate(clip.video, num_joints=12, seed=4))
    for answer in confident(refined):
        assert abs(answer.joint.axis @ clip.truth.joints[0].axis) > np.cos(np.deg2rad(10))


def test_a_still_clip_keeps_no_confident_joint() -> None:
    clip = make_point_clip(JointType.REVOLUTE)
    still = dataclasses.replace(
        clip.video, points_world=np.repeat(clip.video.points_world[:1], clip.video.num_frames, axis=0),
        flow_world=np.zeros_like(clip.video.flow_world),
    )  # fmt: skip
    for start in (random_estimate(still), truth_as_estimate(clip), without_joints(clip)):
        refined = refine(still, start)
        assert not confident(refined)


def test_a_joint_that_is_hardly_right_is_not_reported() -> None:
    clip = make_point_clip(JointType.REVOLUTE)
    poor = disturbed(clip)
    told = refine(clip.video, poor, RefineConfig(min_confidence=0.0))
    untold = refine(clip.video, poor, RefineConfig(min_confidence=told.joints[0].confidence + 1e-6))
    assert not untold.joints and np.all(untold.part_ids == 0)
    assert any("no motion" in reason for reason in untold.reasons)
    # Nor is it said that nothing moves for sure.
    assert untold.status is Status.AMBIGUOUS and any("1 part seems to move" in reason for reason in untold.reasons)


def test_one_frame_is_answered_without_confidence() -> None:
    clip = make_point_clip(JointType.REVOLUTE)
    first = slice(0, 1)
    video = dataclasses.replace(
        clip.video, times=clip.video.times[first].copy(), points_world=clip.video.points_world[first].copy(),
        valid=clip.video.valid[first].copy(), flow_world=np.zeros_like(clip.video.flow_world[:, first]),
        flow_valid=np.zeros_like(clip.video.flow_valid[:, first]),
        world_from_camera=clip.video.world_from_camera[first].copy(), pixels=clip.video.pixels[first].copy(),
    )  # fmt: skip
    assert not confident(refine(video, random_estimate(video)))


def test_no_points_and_tiny_parts_are_no_error() -> None:
    clip = make_point_clip(JointType.REVOLUTE)
    nothing = dataclasses.replace(
        clip.video, points_world=np.zeros_like(clip.video.points_world), valid=np.zeros_like(clip.video.valid),
        flow_valid=np.zeros_like(clip.video.flow_valid), flow_world=np.zeros_like(clip.video.flow_world),
    )  # fmt: skip
    assert not confident(refine(nothing, random_estimate(nothing)))
    few = random_estimate(clip.video, num_joints=1)
    labels = np.zeros(clip.video.valid.shape, dtype=np.int64)
    labels[:, :3] = 1
    few = dataclasses.replace(few, part_probabilities=one_hot(labels, 2))
    for answer in confident(refine(clip.video, few)):
        assert abs(answer.joint.axis @ clip.truth.joints[0].axis) > np.cos(np.deg2rad(10))


def test_values_that_are_not_finite_are_no_error() -> None:
    clip = make_point_clip(JointType.PRISMATIC)
    estimate = truth_as_estimate(clip)
    probabilities = estimate.part_probabilities.copy()
    probabilities[2] = np.nan
    values = estimate.trajectory.values.copy()
    values[3] = np.nan
    broken = dataclasses.replace(
        estimate,
        part_probabilities=probabilities,
        trajectory=dataclasses.replace(estimate.trajectory, values=values),
    )
    refined = refine(clip.video, broken)
    assert np.all(np.isfinite(refined.part_probabilities)) and np.all(np.isfinite(refined.trajectory.values))


def test_poses_that_are_not_finite_are_no_error() -> None:
    clip = make_point_clip(JointType.REVOLUTE)
    poses = clip.video.world_from_camera.copy()
    poses[4] = np.nan
    refined = refine(dataclasses.replace(clip.video, world_from_camera=poses), truth_as_estimate(clip))
    assert np.all(np.isfinite(refined.trajectory.values))


def test_flow_that_is_mere_noise_gives_no_confident_joint() -> None:
    clip = make_point_clip(JointType.REVOLUTE)
    rng = np.random.default_rng(3)
    flow = np.where(clip.video.flow_valid[..., None], rng.normal(0, 0.1, clip.video.flow_world.shape), 0.0)
    video = dataclasses.replace(clip.video, flow_world=flow, points_world=np.repeat(clip.video.points_world[:1], clip.video.num_frames, axis=0))  # fmt: skip
    for start in (random_estimate(video), without_joints(clip)):
        assert not confident(refine(video, start))


def make_neighbours_clip() -> Clip:
    """Two boxes in front of a wall that slide one after the other."""
    clip = make_chain_clip()
    rail = clip.truth.joints[1]
    first = dataclasses.replace(clip.truth.joints[0], type=JointType.PRISMATIC, pivot=None, axis=rail.axis)
    truth = dataclasses.replace(clip.truth, joints=(first, dataclasses.replace(rail, parent="wall")))
    count = clip.video.num_frames
    values = 0.3 * np.clip(np.stack([np.linspace(0, 2, count), np.linspace(-1, 1, count)], axis=1), 0, 1)
    motions = link_motions(truth, values)
    rng = np.random.default_rng(1)
    rest = clip.video.points_world[0]
    frames = np.arange(count)[:, None]
    points = apply(motions[frames, clip.part_ids], np.broadcast_to(rest[None, :, None], (count, len(rest), 1, 3)))[:, :, 0]  # fmt: skip
    flow = np.zeros_like(clip.video.flow_world)
    for index, baseline in enumerate(clip.video.baselines):
        moved = points[baseline:] - points[:-baseline]
        flow[index, :-baseline] = moved + rng.normal(0, 0.003, moved.shape)
    video = dataclasses.replace(clip.video, points_world=points + rng.normal(0, 0.003, points.shape), flow_world=flow)
    trajectory = dataclasses.replace(clip.trajectory, values=values)
    return Clip(video=video, truth=truth, part_ids=clip.part_ids, trajectory=trajectory)


def test_neighbours_that_slide_one_after_the_other_both_hang_on_the_base() -> None:
    """Each explains the other's motion as well as the base does."""
    clip = make_neighbours_clip()
    refined = refine(clip.video, disturbed(clip, degrees=4.0))
    assert [x.joint.parent for x in refined.joints] == [part_name(0)] * 2


def test_parts_that_move_apart_are_never_one_whatever_their_flow_says() -> None:
    """Flow that fits neither joint fits both equally badly."""
    clip = make_neighbours_clip()
    flow = clip.video.flow_world.copy()
    lost = np.broadcast_to(clip.part_ids == 2, flow.shape[:-1])
    flow[lost] = np.random.default_rng(2).uniform(-1, 1, (int(lost.sum()), 3))
    video = dataclasses.replace(clip.video, flow_world=flow)
    normalization = fit_normalization(video)
    normalized = normalize(video, normalization)
    parts = parts_from_estimate(normalized, normalization, truth_as_estimate(clip))
    sight = look_at(normalized, parts, RefineConfig().correspondence)
    assert merge_same(sight, parts).num_joints == 2


def test_an_estimate_of_another_clip_is_refused() -> None:
    clip, other = make_point_clip(JointType.PRISMATIC), make_point_clip(JointType.PRISMATIC, num_points=256)
    with pytest.raises(InvalidValueError, match="its own video"):
        refine(clip.video, truth_as_estimate(other))


def test_the_same_input_gives_the_same_answer_and_leaves_its_input_alone() -> None:
    clip = make_point_clip(JointType.REVOLUTE)
    start = disturbed(clip)
    kept = start.part_probabilities.copy()
    first, second = refine(clip.video, start, RefineConfig()), refine(clip.video, start, RefineConfig())
    np.testing.assert_array_equal(first.trajectory.values, second.trajectory.values)
    np.testing.assert_array_equal(start.part_probabilities, kept)


def test_a_joint_proposed_along_a_main_direction_keeps_to_it_and_others_turn_freely(monkeypatch) -> None:
    clip = make_point_clip(JointType.REVOLUTE, noise=0.02)
    straight = disturbed(clip, degrees=0.0)
    axes = []
    for directions in (np.eye(3), np.zeros((0, 3))):
        monkeypatch.setattr("sim2art.inference.refine.refine.main_directions_of", lambda _, known=directions: known)
        answer = refine(clip.video, straight).joints[0]
        axes.append(answer.joint.axis)
        assert answer.axis_sigma is not None
        is_stated = abs(answer.axis_sigma - Calibration().direction_sigma) < 1e-9
        assert is_stated == bool(len(directions))
    held, free = (np.rad2deg(np.arccos(min(abs(axis[1]), 1.0))) for axis in axes)
    assert held < 0.001 < free
    monkeypatch.setattr("sim2art.inference.refine.refine.main_directions_of", lambda _: np.eye(3))
    tilted = refine(clip.video, disturbed(clip, degrees=5.0)).joints[0].joint.axis
    np.testing.assert_allclose(tilted, axes[1] * np.sign(tilted @ axes[1]), atol=0.02)
