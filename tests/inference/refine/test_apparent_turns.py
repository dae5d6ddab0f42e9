"""A blank column that a camera goes around seems to turn with it; a panel that does so turns, and so does a column at its own pace."""

import numpy as np
import pytest

from sim2art.articulation.articulated_object import ArticulatedObject, Link
from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.dataset.clip import Clip
from sim2art.geometry.rotations import rotation_from_rotvec
from sim2art.geometry.transforms import apply, look_at
from sim2art.inference.refine.refine import refine
from sim2art.observation.point_video import PointVideo
from tests.hand_made import truth_as_estimate

UP = np.array([0.0, 0.0, 1.0])
AZIMUTHS = 0.6 * np.sin(np.linspace(0, 2.2, 12))  # rad; not steady, as nobody walks
NOISE = 0.002


def make_clip(*, is_round: bool, pace: float) -> Clip:
    """Something that seems to turn by `pace` times what the camera goes around it, before walls that stand still."""
    rng = np.random.default_rng(0)
    values = pace * (AZIMUTHS - AZIMUTHS[0])
    joint = Joint(name="turn", type=JointType.REVOLUTE, parent="walls", child="thing", axis=UP, pivot=np.zeros(3))
    baselines, count = (1, 3, 8), 250
    shape = (len(values), 2 * count)
    points, flow = np.zeros((*shape, 3)), np.zeros((len(baselines), *shape, 3))
    flow_valid = np.zeros(flow.shape[:-1], dtype=bool)
    part_ids = np.tile(np.repeat([1, 0], count), (len(values), 1))
    for frame, azimuth in enumerate(AZIMUTHS):
        heights = rng.uniform(0, 0.6, count)
        if is_round:  # Its shape stays where it is: the side that the camera sees.
            around = azimuth + rng.uniform(-1.2, 1.2, count)
            thing = np.c_[0.15 * np.cos(around), 0.15 * np.sin(around), heights]
        else:
            thing = np.c_[rng.uniform(0, 0.5, count), rng.uniform(-0.02, 0.02, count), heights]
            thing = apply(joint.transform(values[frame]), thing)
        walls = np.c_[np.full(count, -0.8), rng.uniform(-0.8, 0.8, count), rng.uniform(0, 1, count)]
        points[frame] = np.r_[thing, walls]
        for index, baseline in enumerate(baselines):
            if frame + baseline < len(values):
                turn = rotation_from_rotvec(UP * (values[frame + baseline] - values[frame]))
                flow[index, frame, :count] = thing @ turn.T - thing
                flow_valid[index, frame] = True
    flow[flow_valid] += rng.normal(0, NOISE, flow[flow_valid].shape)
    eyes = np.c_[2.0 * np.cos(AZIMUTHS), 2.0 * np.sin(AZIMUTHS), np.full(len(values), 0.8)]
    times = np.arange(len(values)) / 8.0
    video = PointVideo(
        times=times,
        points_world=points + rng.normal(0, NOISE, points.shape),
        valid=np.ones(shape, dtype=bool),
        baselines=baselines,
        flow_world=flow,
        flow_valid=flow_valid,
        world_from_camera=np.stack([look_at(eye, np.array([0, 0, 0.3]), UP) for eye in eyes]),
        pixels=np.zeros((*shape, 2)),
        is_metric=True,
    )
    return Clip(
        video=video,
        truth=ArticulatedObject(name="thing", links=(Link(name="walls"), Link(name="thing")), joints=(joint,)),
        part_ids=part_ids,
        trajectory=JointTrajectory(joint_names=("turn",), times=times.copy(), values=values[:, None]),
    )


@pytest.mark.parametrize(
    ("is_round", "pace", "turns"),
    [(True, 1.0, False), (True, 0.9, False), (True, 2.0, True), (True, -1.0, True), (False, 1.0, True)],
)
def test_only_what_is_round_and_turns_as_the_camera_goes_stands_still(is_round: bool, pace: float, turns: bool) -> None:
    clip = make_clip(is_round=is_round, pace=pace)
    refined = refine(clip.video, truth_as_estimate(clip))
    assert len(refined.joints) == int(turns)
    assert any("round and blank" in reason for reason in refined.reasons) != turns
