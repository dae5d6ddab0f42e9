import dataclasses

import numpy as np
import pytest

from sim2art.articulation.estimate import Status
from sim2art.articulation.joint import JointType
from sim2art.geometry.cameras import unproject
from sim2art.geometry.transforms import apply, inverse
from sim2art.observation.point_video import PointVideo
from sim2art.observation.rgbd_video import RgbdVideo
from sim2art.regions.colour_video import NO_LABEL, RIGHT_OF_SUREST, doubts_of, label_by_synthesis
from sim2art.regions.flow_odds import flow_odds
from sim2art.regions.joint_fit import MovingPart
from tests.regions.made_scenes import HEIGHT, WIDTH, MadeScene, door_scene, drawer_scene

ANGLES = np.linspace(0, 1.0, 8)


def video_of(made: MadeScene) -> RgbdVideo:
    count = len(made.images)
    return RgbdVideo(
        times=np.arange(count) / 10, images=made.images, depths=made.depths.astype(np.float32),
        object_masks=np.ones(made.depths.shape, bool), intrinsics=made.intrinsics, world_from_camera=made.world_from_camera,
        is_metric=False,
    )  # fmt: skip


def points_of(made: MadeScene) -> PointVideo:
    """Every eighth pixel, with its true flow to the next frame."""
    count = len(made.images)
    x, y = (grid.ravel() for grid in np.meshgrid(np.arange(5, WIDTH, 8), np.arange(5, HEIGHT, 8)))
    pixels = np.broadcast_to(np.stack([x, y], axis=1).astype(float), (count, x.size, 2)).copy()
    depths, parts = made.depths[:, y, x], made.labels[:, y, x]
    seen = depths > 0
    world = np.array([
        apply(pose, unproject(made.intrinsics, pixels[0], depth)) for pose, depth in zip(made.world_from_camera, depths, strict=True)
    ])  # fmt: skip
    flow = np.zeros((1, *world.shape))
    for frame in range(count - 1):
        motions = made.world_from_rest[frame + 1] @ inverse(made.world_from_rest[frame])
        flow[0, frame] = apply(motions[parts[frame]], world[frame][:, None])[:, 0] - world[frame]
    valid = seen[None].copy()
    valid[:, -1] = False
    return PointVideo(
        times=np.arange(count) / 10, points_world=world, valid=seen, baselines=(1,), flow_world=flow, flow_valid=valid,
        world_from_camera=made.world_from_camera.copy(), pixels=pixels, is_metric=False,
    )  # fmt: skip


HINGE = MovingPart(axis=np.array([0.0, 1.0, 0.0]), pivot=np.array([-0.45, 0.0, 2.0]), values=ANGLES)
INVENTED = MovingPart(axis=np.array([1.0, 0.0, 0.0]), pivot=None, values=0.3 * ANGLES)


@pytest.fixture(scope="module")
def labelled():
    made = door_scene()
    video = video_of(made)
    points = points_of(made)
    people = np.zeros(video.depths.shape, bool)
    people[:, :20, :20] = True
    return made, points, label_by_synthesis(video, points, [HINGE, INVENTED], people)


def test_the_part_of_every_pixel_is_told(labelled):
    made, _, found = labelled
    truth = made.labels == 1
    own = found.labels == 1
    assert (own & truth).sum() / (own | truth).sum() > 0.8


def test_the_front_of_a_drawer_is_told_before_a_camera_that_moves():
    made = drawer_scene()
    slide = MovingPart(
        axis=np.array([0.0, 0.0, -1.0]), pivot=None, values=np.concatenate([[0, 0], np.linspace(0, 0.35, 6)])
    )
    found = label_by_synthesis(video_of(made), points_of(made), [slide])
    own, truth = found.labels == 1, made.labels == 1
    assert (own & truth).sum() / (own | truth).sum() > 0.8
    assert found.labelling.agreements[0] > 0.6


def test_blank_images_without_flow_show_no_part():
    made = door_scene(6)
    blank = dataclasses.replace(made, images=np.full_like(made.images, 127))
    points = points_of(blank)
    points = dataclasses.replace(points, flow_valid=np.zeros_like(points.flow_valid))
    found = label_by_synthesis(video_of(blank), points, [dataclasses.replace(HINGE, values=np.linspace(0, 1, 6))])
    assert not found.estimate.joints


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
    made = door_scene()
    nearly = dataclasses.replace(HINGE, values=0.97 * ANGLES)
    found = label_by_synthesis(video_of(made), points_of(made), [HINGE, nearly])
    truth = made.labels == 1
    shares = [((found.labels == k) & truth).sum() / truth.sum() for k in range(1, 1 + len(found.estimate.joints))]
    assert max(shares) > 0.8 and sum(shares) - max(shares) < 0.1


def test_a_right_joint_stays_where_it_is(labelled):
    estimate = labelled[2].estimate
    joint = estimate.joints[0].joint
    assert joint.type is JointType.REVOLUTE
    assert abs(joint.axis @ HINGE.axis) > np.cos(np.radians(5))
    assert abs(np.ptp(estimate.trajectory.values[:, 0]) - 1.0) < 0.2


def test_no_joint_of_guessed_depth_is_surer_than_the_surest_were_right(labelled):
    (found,) = labelled[2].estimate.joints
    assert found.confidence <= RIGHT_OF_SUREST
    assert found.status is Status.AMBIGUOUS and labelled[2].estimate.status is Status.AMBIGUOUS
    assert (
        sum(found.type_probabilities.values()) == pytest.approx(1.0)
        and found.type_probabilities[found.joint.type] >= 0.5
    )
    # Even one that every test speaks for.
    borne_out = dataclasses.replace(
        labelled[2].labelling, gains=np.array([900.0]), areas=np.array([0.2]), agreements=np.array([0.95])
    )
    doubts, confidence = doubts_of(JointType.REVOLUTE, 0.5, 0, borne_out)
    assert confidence == pytest.approx(RIGHT_OF_SUREST) and "depth camera" in doubts[0]
    doubts, confidence = doubts_of(
        JointType.REVOLUTE, 0.0, 0, dataclasses.replace(borne_out, agreements=np.array([0.1]))
    )
    assert confidence < 0.2 and "film it slower" in doubts[0] and "turning hardly more than for sliding" in doubts[1]


def test_without_depth_nothing_is_sure():
    made = door_scene(3)
    blind = dataclasses.replace(made, depths=np.zeros_like(made.depths))
    video = video_of(blind)
    found = label_by_synthesis(video, points_of(blind), [dataclasses.replace(HINGE, values=np.linspace(0, 1, 3))])
    assert found.estimate.status is Status.AMBIGUOUS and found.estimate.reasons
    assert not found.estimate.joints  # A part without a pixel is none.
    assert not np.any(found.labels == 1)


def test_flow_tells_points_of_a_part_from_the_rest():
    made = door_scene()
    points = points_of(made)
    odds = flow_odds(points, made.intrinsics, HINGE.motions()[None]).odds[..., 0]
    parts = made.labels[0][points.pixels[0, :, 1].astype(int), points.pixels[0, :, 0].astype(int)]
    assert np.nanmedian(odds[0, parts == 1]) > 3
    assert np.nanmedian(odds[0, parts == 0]) < -3
    assert np.isnan(odds[-1]).all()  # No flow leads on from the last frame.
    still = flow_odds(points, made.intrinsics, np.broadcast_to(np.eye(4), (1, points.num_frames, 4, 4))).odds
    assert np.isnan(still).all()
