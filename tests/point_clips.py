"""A panel that turns or slides in front of a wall, as points with flow: the smallest clip with a known answer."""

import numpy as np

from sim2art.articulation.articulated_object import ArticulatedObject, Link
from sim2art.articulation.joint import Joint, JointType
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
