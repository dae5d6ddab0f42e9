"""A method that sees two frames: the pair with the most motion, and an answer for all frames."""

import numpy as np

from sim2art.articulation.estimate import ArticulationEstimate
from sim2art.articulation.joint import JointType
from sim2art.baselines.flow_clustering import flow_clustering
from sim2art.baselines.single_frame import answer_from_two_frames, choose_pair, keep_pair
from sim2art.evaluate.metrics import score_clip
from sim2art.observation.point_video import PointVideo
from tests.point_clips import make_point_clip


def test_the_method_sees_two_frames_and_one_flow() -> None:
    clip = make_point_clip(JointType.REVOLUTE, num_frames=10)
    seen: list[PointVideo] = []

    def look(video: PointVideo) -> ArticulationEstimate:
        seen.append(video)
        return flow_clustering(video)

    answer_from_two_frames(look, clip.video)
    (pair,) = seen
    assert pair.num_frames == 2 and pair.baselines == clip.video.baselines
    assert pair.flow_valid[0, 0].any()
    assert not pair.flow_valid[1:].any() and not pair.flow_valid[0, 1].any()


def test_the_pair_is_the_longest_motion_and_its_flow_lands_in_the_later_frame() -> None:
    clip = make_point_clip(JointType.PRISMATIC, num_frames=10, noise=0.0)
    frame, index = choose_pair(clip.video)
    assert clip.video.baselines[index] == 8
    pair = keep_pair(clip.video, frame, index)
    assert np.array_equal(pair.points_world[1], clip.video.points_world[frame + 8])
    assert np.array_equal(pair.flow_world[0, 0], clip.video.flow_world[index, frame])


def test_all_frames_are_answered() -> None:
    clip = make_point_clip(JointType.PRISMATIC, num_frames=10, noise=0.002)
    estimate = answer_from_two_frames(flow_clustering, clip.video)
    (joint,) = score_clip(clip, estimate).joints
    assert joint.is_type_right and joint.axis_deg is not None and joint.axis_deg < 3
    assert np.allclose(estimate.part_probabilities.sum(axis=-1), 1.0)
    assert np.all(estimate.trajectory.values[0] == 0)


def test_one_frame_is_passed_on() -> None:
    clip = make_point_clip(JointType.PRISMATIC, num_frames=1, baselines=(1,))
    assert answer_from_two_frames(flow_clustering, clip.video).joints == ()
