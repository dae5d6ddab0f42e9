"""Baseline `single_frame`: a method that sees one frame and where its points move next, and nothing else.

Flow needs two frames, so the method is given a clip of two: the pair with the most measured motion, whose flow is the
only one. What it says of them is the whole answer: points of the other frames take the part of the nearest point of
the pair, and joint values run evenly from the one frame to the other. So parts and joints tell what many frames are
worth; joint values outside the pair are not measured, and their errors say little.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
from scipy.spatial import KDTree

from sim2art.articulation.estimate import ArticulationEstimate
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.observation.point_video import PointVideo


def answer_from_two_frames(
    method: Callable[[PointVideo], ArticulationEstimate], video: PointVideo
) -> ArticulationEstimate:
    """The answer of a method for all frames, when it sees the pair with the most motion only."""
    if video.num_frames < 2:
        return method(video)
    frame, baseline_index = choose_pair(video)
    later = frame + video.baselines[baseline_index]
    estimate = method(keep_pair(video, frame, baseline_index))
    count = len(estimate.joints) + 1
    probabilities = np.zeros((*video.valid.shape, count))
    probabilities[..., 0] = 1.0
    trees = [KDTree(video.points_world[t][video.valid[t]]) if video.valid[t].any() else None for t in (frame, later)]
    for t in range(video.num_frames):
        side = int(abs(t - later) < abs(t - frame))
        tree, seen = trees[side], video.valid[(frame, later)[side]]
        if tree is not None and video.valid[t].any():
            _, nearest = tree.query(video.points_world[t][video.valid[t]])
            probabilities[t][video.valid[t]] = estimate.part_probabilities[side][seen][nearest]
    # Even motion from the one frame to the other; nothing is known before and after.
    share = np.clip((np.arange(video.num_frames) - frame) / (later - frame), 0.0, 1.0)
    values = (share - share[0])[:, None] * (estimate.trajectory.values[1] - estimate.trajectory.values[0])
    return dataclasses.replace(
        estimate,
        part_probabilities=probabilities,
        trajectory=JointTrajectory(
            joint_names=estimate.trajectory.joint_names, times=video.times.copy(), values=values
        ),
    )


def choose_pair(video: PointVideo) -> tuple[int, int]:
    """Frame and index of the baseline with the most measured motion: length of flow, summed over the points."""
    lengths = np.linalg.norm(video.flow_world, axis=-1) * video.flow_valid
    # One wild vector must not choose: lengths are cut where all but a fiftieth of them end.
    measured = lengths[video.flow_valid]
    most = float(np.percentile(measured, 98)) if len(measured) else 0.0
    totals = np.minimum(lengths, most).sum(axis=-1)
    for index, baseline in enumerate(video.baselines):
        totals[index, max(video.num_frames - baseline, 0) :] = -1.0
    index, frame = np.unravel_index(int(np.argmax(totals)), totals.shape)
    return int(frame), int(index)


def keep_pair(video: PointVideo, frame: int, baseline_index: int) -> PointVideo:
    """The clip of two frames; the flow between them is that of baseline 1, the longer ones are not measured."""
    pair = [frame, frame + video.baselines[baseline_index]]
    flow = np.zeros((len(video.baselines), 2, video.num_points, 3))
    flow_valid = np.zeros((len(video.baselines), 2, video.num_points), dtype=bool)
    flow[0, 0] = video.flow_world[baseline_index, frame]
    flow_valid[0, 0] = video.flow_valid[baseline_index, frame]
    return dataclasses.replace(
        video,
        times=video.times[pair],
        points_world=video.points_world[pair],
        valid=video.valid[pair],
        flow_world=flow,
        flow_valid=flow_valid,
        world_from_camera=video.world_from_camera[pair],
        pixels=video.pixels[pair],
        features=None if video.features is None else video.features[pair],
    )
