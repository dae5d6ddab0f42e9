"""Joints that rest on guessed depth are believed as far as flow shows their motion."""

import dataclasses

import numpy as np
import pytest

from sim2art.articulation.assembly import part_motions
from sim2art.articulation.estimate import ArticulationEstimate
from sim2art.articulation.joint import JointType
from sim2art.geometry.cameras import intrinsics_from_fov
from sim2art.observation.point_video import PointVideo
from sim2art.regions.shown_motion import ShownMotion, doubts_of, measure_shown_motion
from tests.hand_made import truth_as_estimate
from tests.point_clips import make_point_clip

K = intrinsics_from_fov(640, 480, 1.0)


def _clip(kind: JointType = JointType.REVOLUTE) -> tuple[PointVideo, ArticulationEstimate]:
    clip = make_point_clip(kind)
    return clip.video, truth_as_estimate(clip)


def _shown(video: PointVideo, estimate: ArticulationEstimate) -> list[ShownMotion]:
    motions = np.swapaxes(part_motions(estimate), 0, 1)[1:]
    return measure_shown_motion(video, K, motions, estimate.part_ids)


@pytest.mark.parametrize("kind", [JointType.REVOLUTE, JointType.PRISMATIC])
def test_nothing_is_said_against_a_joint_that_the_images_show(kind: JointType) -> None:
    video, estimate = _clip(kind)
    (shown,) = _shown(video, estimate)
    assert shown.shift > 5 and shown.image_miss < 0.2 and shown.space_miss < 0.1
    assert shown.is_joint and not doubts_of(shown)


def test_depth_that_trembles_along_the_rays_is_no_motion() -> None:
    video, estimate = _clip()
    flow = 0.06 * video.points_world[None] * np.random.default_rng(0).normal(1.0, 0.1, (3, *video.valid.shape, 1))
    trembling = dataclasses.replace(video, flow_world=np.where(video.flow_valid[..., None], flow, 0.0))
    (shown,) = _shown(trembling, estimate)
    assert shown.shift < 1
    assert any("px only" in reason for reason in doubts_of(shown))
    assert not shown.is_joint


def test_motion_that_is_not_rigid_is_doubted() -> None:
    video, estimate = _clip()
    rng = np.random.default_rng(0)
    loose = video.flow_world + 0.25 * rng.normal(size=video.flow_world.shape) * np.linalg.norm(
        video.flow_world, axis=-1, keepdims=True
    )
    (shown,) = _shown(dataclasses.replace(video, flow_world=loose), estimate)
    assert any("one rigid piece" in reason for reason in doubts_of(shown))


def test_the_joint_of_another_motion_is_left_out() -> None:
    video, estimate = _clip()
    back = dataclasses.replace(estimate.trajectory, values=-estimate.trajectory.values)
    (shown,) = _shown(video, dataclasses.replace(estimate, trajectory=back))
    assert not shown.is_joint
