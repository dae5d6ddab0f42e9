"""A wrong depth scale under a moving camera is measured, said, and mended; a right one and a camera at rest are not."""

import dataclasses

import numpy as np
import pytest

from sim2art.articulation.estimate import Status
from sim2art.articulation.joint import JointType
from sim2art.inference.refine.depth_scale import measure_depth_scale, mend_depth_scale
from sim2art.inference.refine.refine import refine
from sim2art.observation.normalization import fit_normalization, normalize
from sim2art.observation.point_video import PointVideo
from tests.hand_made import truth_as_estimate
from tests.point_clips import make_point_clip


def with_moving_camera(video: PointVideo, *, error: float, way: float = 0.8) -> PointVideo:
    """The clip as a camera sees it that moves sideways by `way` (m) and whose depth is too long by a share."""
    eyes = np.linspace(0, way, video.num_frames)[:, None] * np.array([0.9, 0.3, 0.3])
    seen = eyes[:, None] + (1 + error) * (video.points_world - eyes[:, None])
    flow = np.zeros_like(video.flow_world)
    for index, baseline in enumerate(video.baselines):
        stop = np.arange(baseline, video.num_frames)
        ends = video.points_world[: len(stop)] + video.flow_world[index, : len(stop)]
        flow[index, : len(stop)] = eyes[stop, None] + (1 + error) * (ends - eyes[stop, None]) - seen[: len(stop)]
    poses = video.world_from_camera.copy()
    poses[:, :3, 3] = eyes
    return dataclasses.replace(video, points_world=seen, flow_world=flow, world_from_camera=poses)


@pytest.mark.parametrize("error", [-0.1, 0.05, 0.1])
def test_a_wrong_scale_is_measured(error: float) -> None:
    video = with_moving_camera(make_point_clip(JointType.REVOLUTE).video, error=error)
    found = measure_depth_scale(normalize(video, fit_normalization(video)))
    assert found.is_off
    assert found.error == pytest.approx(error, abs=0.015)


def test_a_right_scale_or_a_camera_at_rest_says_nothing() -> None:
    clip = make_point_clip(JointType.PRISMATIC)
    for video in (with_moving_camera(clip.video, error=0.0), clip.video):
        assert not measure_depth_scale(normalize(video, fit_normalization(video))).is_off


def test_mending_undoes_the_error() -> None:
    clip = make_point_clip(JointType.REVOLUTE)
    right, wrong = (with_moving_camera(clip.video, error=error) for error in (0.0, 0.1))
    mended = mend_depth_scale(wrong, 0.1)
    np.testing.assert_allclose(mended.points_world, right.points_world, atol=1e-9)
    np.testing.assert_allclose(mended.flow_world[mended.flow_valid], right.flow_world[right.flow_valid], atol=1e-9)


@pytest.mark.parametrize("kind", [JointType.REVOLUTE, JointType.PRISMATIC])
def test_under_a_wrong_scale_the_joint_is_right_and_the_scale_is_complained_of(kind: JointType) -> None:
    clip = make_point_clip(kind)
    answer = refine(with_moving_camera(clip.video, error=0.1), truth_as_estimate(clip))
    assert answer.status is not Status.OK
    assert any("depths look 10 % too long" in reason for reason in answer.reasons)
    (found,) = answer.joints
    (truth,) = clip.truth.joints
    assert found.joint.type is kind and abs(found.joint.axis @ truth.axis) > np.cos(np.deg2rad(2))
    if truth.pivot is not None and found.joint.pivot is not None:
        # Both lines seen from the first camera, at the origin: the estimate's is a tenth farther.
        gap = 1.1 * truth.pivot - found.joint.pivot
        assert np.linalg.norm(gap - (gap @ truth.axis) * truth.axis) < 0.03
    else:
        assert np.ptp(answer.trajectory.values) == pytest.approx(1.1 * np.ptp(clip.trajectory.values), rel=0.05)
