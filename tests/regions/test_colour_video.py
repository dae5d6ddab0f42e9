import dataclasses

import numpy as np
import pytest

from sim2art.articulation.estimate import ArticulationEstimate, JointEstimate, Status
from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.observation.point_video import PointVideo
from sim2art.observation.rgbd_video import RgbdVideo
from sim2art.regions.colour_video import NO_LABEL, RIGHT_OF_SUREST, doubted, label_by_synthesis
from sim2art.regions.joint_fit import MovingPart
from sim2art.regions.own_joints import own_joints
from tests.regions.made_scenes import HEIGHT, WIDTH, MadeScene, door_scene

ANGLES = np.linspace(0, 1.0, 8)


def video_of(made: MadeScene) -> RgbdVideo:
    count = len(made.images)
    return RgbdVideo(
        times=np.arange(count) / 10, images=made.images, depths=made.depths.astype(np.float32),
        object_masks=np.ones(made.depths.shape, bool), intrinsics=made.intrinsics, world_from_camera=made.world_from_camera,
        is_metric=False,
    )  # fmt: skip


def points_of(video: RgbdVideo) -> PointVideo:
    count = len(video.times)
    x, y = np.meshgrid(np.arange(5, WIDTH, 20), np.arange(5, HEIGHT, 20))
    pixels = np.broadcast_to(np.stack([x.ravel(), y.ravel()], axis=1).astype(float), (count, x.size, 2)).copy()
    shape = (count, x.size)
    return PointVideo(
        times=video.times.copy(), points_world=np.ones((*shape, 3)), valid=np.ones(shape, bool), baselines=(1,),
        flow_world=np.zeros((1, *shape, 3)), flow_valid=np.zeros((1, *shape), bool),
        world_from_camera=video.world_from_camera.copy(), pixels=pixels, is_metric=False,
    )  # fmt: skip


def estimate_of(video: RgbdVideo, joints: list[Joint], values: np.ndarray, num_points: int) -> ArticulationEstimate:
    count = len(video.times)
    probabilities = np.zeros((count, num_points, len(joints) + 1))
    probabilities[..., 0] = 1
    found = tuple(JointEstimate(joint=joint, type_probabilities={joint.type: 1.0}, confidence=0.9) for joint in joints)
    names = tuple(joint.name for joint in joints)
    return ArticulationEstimate(
        part_probabilities=probabilities, joints=found,
        trajectory=JointTrajectory(joint_names=names, times=video.times.copy(), values=values),
    )  # fmt: skip


HINGE = Joint(
    name="hinge", type=JointType.REVOLUTE, parent="base", child="part_1", axis=np.array([0.0, 1.0, 0.0]),
    pivot=np.array([-0.45, 0.0, 2.0]),
)  # fmt: skip
INVENTED = Joint(
    name="invented", type=JointType.PRISMATIC, parent="base", child="part_2", axis=np.array([1.0, 0.0, 0.0])
)


@pytest.fixture(scope="module")
def labelled():
    made = door_scene()
    video = video_of(made)
    points = points_of(video)
    people = np.zeros(video.depths.shape, bool)
    people[:, :20, :20] = True
    values = np.stack([ANGLES, 0.3 * ANGLES], axis=1)
    estimate = estimate_of(video, [HINGE, INVENTED], values, points.num_points)
    return made, points, label_by_synthesis(video, points, estimate, people)


def test_the_part_of_every_pixel_is_told(labelled):
    made, _, found = labelled
    truth = made.labels == 1
    own = found.labels == 1
    assert (own & truth).sum() / (own | truth).sum() > 0.8


def test_people_have_no_part(labelled):
    assert np.all(labelled[2].labels[:, :20, :20] == NO_LABEL)


def test_points_have_the_parts_of_their_pixels(labelled):
    _, points, found = labelled
    x, y = points.pixels[3].astype(int).T
    own = found.labels[3, y, x]
    np.testing.assert_array_equal(np.where(own == NO_LABEL, 0, own), found.estimate.part_ids[3])


def test_a_joint_that_no_region_follows_is_no_part(labelled):
    estimate = labelled[2].estimate
    assert [found.joint.child for found in estimate.joints] == ["part_1"]
    assert estimate.joints[0].joint.type is JointType.REVOLUTE
    assert estimate.part_probabilities.shape[2] == 2
    assert "1 more motion(s) were measured" in estimate.reasons[0]


def test_motions_that_explain_the_same_are_one_joint():
    same, other = np.array([9.0, 8.0, 0.0, 0.0]), np.array([0.0, 0.0, 0.0, 6.0])
    slides = [MovingPart(axis=axis, pivot=None, values=ANGLES) for axis in np.eye(3)]
    assert own_joints(slides, [[0.9 * same], [same], [other]], [-1, -1, -1], np.zeros(3)) == [1, 2]
    # One that hangs on another keeps it.
    assert own_joints(slides[:2], [[0.1 * same], [same]], [-1, 0], np.zeros(3)) == [0, 1]
    assert own_joints(slides[:2], [[-same], [-same]], [-1, -1], np.zeros(3)) == [0]


@pytest.mark.parametrize(("away", "kept"), [(0.05, [1]), (0.9, [0, 1])], ids=["one hinge", "two hinges"])
def test_of_turns_about_one_line_that_which_goes_farthest_is_kept(away, kept):
    near = MovingPart(axis=HINGE.axis, pivot=HINGE.pivot, values=0.5 * ANGLES)
    # Guessed depth does not tell how far away a hinge is: it may lie anywhere along the line of sight.
    far = 1.3 * (HINGE.pivot + np.array([away, 3.0, 0.0]))
    turns = [near, MovingPart(axis=HINGE.axis, pivot=far, values=ANGLES)]
    own = [[np.array([9.0, 0.0])], [np.array([0.0, 8.0])]]
    assert own_joints(turns, own, [-1, -1], np.zeros(3)) == kept


def test_a_right_joint_stays_where_it_is(labelled):
    estimate = labelled[2].estimate
    joint = estimate.joints[0].joint
    assert joint.type is JointType.REVOLUTE
    assert abs(joint.axis @ HINGE.axis) > np.cos(np.radians(5))
    assert abs(np.ptp(estimate.trajectory.values[:, 0]) - 1.0) < 0.2


def test_no_joint_of_guessed_depth_is_surer_than_the_surest_were_right(labelled):
    (found,) = labelled[2].estimate.joints
    assert found.confidence <= RIGHT_OF_SUREST * 0.9
    assert found.status is Status.AMBIGUOUS and labelled[2].estimate.status is Status.AMBIGUOUS
    # Even one that every test speaks for.
    borne_out = dataclasses.replace(
        labelled[2].labelling, gains=np.array([900.0]), areas=np.array([0.2]), agreements=np.array([0.95])
    )
    clear = doubted(dataclasses.replace(found, status=Status.OK, reasons=(), confidence=1.0), 0.5, 0, borne_out)
    assert clear.confidence == pytest.approx(RIGHT_OF_SUREST)
    assert clear.status is Status.AMBIGUOUS and "depth camera" in clear.reasons[0]
    remarked = doubted(dataclasses.replace(found, status=Status.OK, reasons=("a remark",)), 0.5, 0, borne_out)
    assert remarked.status is Status.AMBIGUOUS


def test_without_depth_nothing_is_sure():
    made = door_scene(3)
    video = dataclasses.replace(video_of(made), depths=np.zeros(made.depths.shape, np.float32))
    points = points_of(video)
    found = label_by_synthesis(
        video, points, estimate_of(video, [HINGE], np.linspace(0, 1, 3)[:, None], points.num_points)
    )
    assert found.estimate.status is Status.AMBIGUOUS and found.estimate.reasons
    assert not found.estimate.joints  # A part without a pixel is none.
    assert not np.any(found.labels == 1)
