"""The smallest clips with a known answer, as points with flow: a panel before a wall, and a drawer in a door that turns."""

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject, Link
from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.kinematics import link_motions
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.dataset.clip import Clip
from sim2art.geometry.transforms import apply
from sim2art.observation.point_video import PointVideo


def make_point_clip(
    kind: JointType,
    *,
    seed: int = 0,
    num_frames: int = 10,
    num_points: int = 512,
    noise: float = 0.004,
    baselines: tuple[int, ...] = (1, 3, 8),
) -> Clip:
    """A clip in metres, about two metres across, seen by a camera at rest; white noise on points and flow."""
    rng = np.random.default_rng(seed)
    if kind is JointType.REVOLUTE:
        joint = Joint(
            name="hinge", type=kind, parent="wall", child="panel",
            axis=np.array([0, 1.0, 0]), pivot=np.array([-0.5, 0, 3.5]),
        )  # fmt: skip
        values = np.linspace(0, -1.2, num_frames)
    else:
        joint = Joint(name="rail", type=kind, parent="wall", child="panel", axis=np.array([0, 0, -1.0]))
        values = np.linspace(0, 0.6, num_frames)
    truth = ArticulatedObject(name="panel", links=(Link(name="wall"), Link(name="panel")), joints=(joint,))
    motions = joint.transform(values)
    panel_count = num_points // 3
    part_ids = np.zeros((num_frames, num_points), dtype=np.int64)
    points = np.zeros((num_frames, num_points, 3))
    flow = np.zeros((len(baselines), num_frames, num_points, 3))
    flow_valid = np.zeros((len(baselines), num_frames, num_points), dtype=bool)
    for frame in range(num_frames):
        rest = np.c_[
            rng.uniform(-0.5, 0.3, panel_count), rng.uniform(-0.5, 0.5, panel_count), np.full(panel_count, 3.5)
        ]
        count = num_points - panel_count
        wall = np.c_[rng.uniform(-1, 1, count), rng.uniform(-1, 1, count), np.full(count, 4.0)]
        order = rng.permutation(num_points)
        part_ids[frame] = np.r_[np.ones(panel_count), np.zeros(count)][order]
        now = apply(motions[frame], rest)
        points[frame] = np.r_[now, wall][order]
        for index, baseline in enumerate(baselines):
            if frame + baseline < num_frames:
                moved = apply(motions[frame + baseline], rest) - now
                flow[index, frame] = np.r_[moved, np.zeros((count, 3))][order] + rng.normal(0, noise, (num_points, 3))
                flow_valid[index, frame] = rng.random(num_points) < 0.8
    flow[~flow_valid] = 0.0
    times = np.arange(num_frames) / 8.0
    video = PointVideo(
        times=times,
        points_world=points + rng.normal(0, noise, points.shape),
        valid=np.ones((num_frames, num_points), dtype=bool),
        baselines=baselines,
        flow_world=flow,
        flow_valid=flow_valid,
        world_from_camera=np.tile(np.eye(4), (num_frames, 1, 1)),
        pixels=np.zeros((num_frames, num_points, 2)),
        is_metric=True,
    )
    trajectory = JointTrajectory(joint_names=(joint.name,), times=times.copy(), values=values[:, None])
    return Clip(video=video, truth=truth, part_ids=part_ids, trajectory=trajectory)


def make_chain_clip(*, num_frames: int = 12, num_points: int = 600, noise: float = 0.003, swing: float = 0.35) -> Clip:
    """A door in front of a wall with a drawer in it that slides (up to `swing`, m) while the door turns."""
    rng = np.random.default_rng(0)
    truth = ArticulatedObject(
        name="chain",
        links=(Link(name="wall"), Link(name="door"), Link(name="drawer")),
        joints=(
            Joint(
                name="hinge", type=JointType.REVOLUTE, parent="wall", child="door",
                axis=np.array([0, 1.0, 0]), pivot=np.array([-0.6, 0, 3.5]),
            ),
            Joint(name="rail", type=JointType.PRISMATIC, parent="door", child="drawer", axis=np.array([0, 0, -1.0])),
        ),
    )  # fmt: skip
    values = np.stack([np.linspace(0, -1.0, num_frames), swing * np.sin(np.linspace(0, 4.0, num_frames))], axis=1)
    motions = link_motions(truth, values)
    part_ids = np.broadcast_to(np.arange(num_points) % 3, (num_frames, num_points)).copy()
    low = np.array([[-1, -1, 4.0], [-0.6, -0.6, 3.5], [-0.3, -0.3, 3.3]])
    high = np.array([[1, 1, 4.0], [0.5, 0.6, 3.5], [0.3, 0.3, 3.5]])
    rest = rng.uniform(low[part_ids], high[part_ids])
    frames = np.arange(num_frames)[:, None]
    points = apply(motions[frames, part_ids], rest[:, :, None])[:, :, 0]
    baselines = (1, 3, 8)
    flow = np.zeros((3, num_frames, num_points, 3))
    flow_valid = np.zeros((3, num_frames, num_points), dtype=bool)
    for index, baseline in enumerate(baselines):
        stop = np.arange(num_frames - baseline)[:, None] + baseline
        moved = apply(motions[stop, part_ids[:-baseline]], rest[:-baseline, :, None])[:, :, 0]
        flow[index, :-baseline] = moved - points[:-baseline] + rng.normal(0, noise, moved.shape)
        flow_valid[index, :-baseline] = True
    times = np.arange(num_frames) / 8.0
    video = PointVideo(
        times=times, points_world=points + rng.normal(0, noise, points.shape),
        valid=np.ones(part_ids.shape, dtype=bool), baselines=baselines, flow_world=flow, flow_valid=flow_valid,
        world_from_camera=np.tile(np.eye(4), (num_frames, 1, 1)), pixels=np.zeros((num_frames, num_points, 2)),
        is_metric=True,
    )  # fmt: skip
    trajectory = JointTrajectory(joint_names=("hinge", "rail"), times=times.copy(), values=values)
    return Clip(video=video, truth=truth, part_ids=part_ids, trajectory=trajectory)
